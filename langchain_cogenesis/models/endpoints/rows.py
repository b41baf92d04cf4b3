"""Rows of log-probabilities out of the answers of servers, and ids out of their spellings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain_cogenesis.exceptions import RemoteResponseError
from langchain_cogenesis.models.logprobs import TopLogprobs
from langchain_cogenesis.models.vocabulary import Vocabulary

Unusable = Callable[[str], RemoteResponseError]
"""Makes the error for an unusable answer; see `EndpointClient.unusable`."""

_BY_ID = "token_id:"


class Speller:
    """Reads ids as text, control tokens as the server's template spells them.

    Args:
        vocabulary: The remote's tokens.
        control: Spellings of control tokens that are known already, with their ids.
    """

    def __init__(self, vocabulary: Vocabulary, control: Mapping[str, int] | None = None) -> None:
        self.vocabulary = vocabulary
        self.control = {token: text for text, token in (control or {}).items()}

    def text(self, ids: Sequence[int]) -> str:
        """The text of ids; a cut character at the end becomes U+FFFD.

        An id that nobody could spell gets a stand-in, so that the text is never shorter than what
        the ids say.
        """
        return b"".join(map(self._bytes, ids)).decode("utf-8", "replace")

    def unknown(self, ids: Iterable[int]) -> list[int]:
        """Control tokens among ids whose spelling isn't known yet, each once."""
        return sorted({i for i in ids if i not in self.control and not self._piece(i)})

    @staticmethod
    def stand_in(token: int) -> str:
        """What stands for a token that nobody could spell."""
        return f"<|token {token}|>"

    def _bytes(self, token: int) -> bytes:
        piece = self._piece(token)
        return piece or self.control.get(token, self.stand_in(token)).encode()

    def _piece(self, token: int) -> bytes:
        return self.vocabulary.piece(token) if 0 <= token < self.vocabulary.size else b""


def top_row(
    pairs: Iterable[tuple[int, Any]],
    n_vocab: int,
    top_k: int,
    unusable: Unusable,
    *,
    unmapped: float = 0.0,
    padding: int = 0,
) -> TopLogprobs:
    """Makes a row of at most `top_k` tokens, the most probable ones.

    Servers add the token that was in fact there, whatever its rank; it is dropped.

    Args:
        pairs: Ids and natural-log probabilities.
        n_vocab: Size of the vocabulary.
        top_k: Tokens that were asked for.
        unusable: Makes the error.
        unmapped: Probability of tokens whose ids could not be told.
        padding: Rows of the server's matrix behind the last token; their probability is unmapped.

    Raises:
        RemoteResponseError: A value is no number.
    """
    listed: list[tuple[int, float]] = []
    for token, value in pairs:
        if not is_number(value):
            raise unusable("a log-probability that is no number")
        if n_vocab <= token < n_vocab + padding:
            if not value <= 0.0:
                raise unusable("a log-probability above zero")
            unmapped += math.exp(value)
            continue
        # An id beyond any vocabulary stays wrong, and fits in an array.
        listed.append((min(token, n_vocab), float(value)))
    # NaN comes first: it must not be dropped before it is found.
    listed.sort(key=lambda pair: -math.inf if math.isnan(pair[1]) else -pair[1])
    return TopLogprobs.of(listed[:top_k], n_vocab, unmapped)


def is_number(value: Any) -> bool:
    """Whether a decoded JSON value is a number. NaN is one, which `checked()` refuses."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**53
    return isinstance(value, float)


def read_id(spelled: Any, unusable: Unusable) -> int:
    """Reads the id out of `token_id:17`.

    Raises:
        RemoteResponseError: The token isn't spelled so.
    """
    digits = spelled.removeprefix(_BY_ID) if isinstance(spelled, str) else ""
    if not digits.isdecimal() or digits == spelled:
        raise unusable("tokens without ids")
    return int(digits)


def by_ids(top: Any, unusable: Unusable) -> list[tuple[int, Any]]:
    """Pairs out of `{"token_id:17": logprob, …}`."""
    if not isinstance(top, Mapping):
        raise unusable("no log-probabilities for a position")
    return [(read_id(name, unusable), value) for name, value in top.items()]


def only(value: Any, name: str, kind: Any, unusable: Unusable) -> Any:
    """A field of an object, of the type that the protocol says.

    Raises:
        RemoteResponseError: There is none, or it is of another type.
    """
    found = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(found, kind):
        raise unusable(f"no {name!r}")
    return found


def id_list(value: Any, name: str, unusable: Unusable) -> list[int]:
    """A field of token ids."""
    found = only(value, name, list, unusable)
    if not all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in found):
        raise unusable(f"no ids under {name!r}")
    return list(found)


def choices_of(answer: Any, count: int, unusable: Unusable) -> list[Any]:
    """The choices of a completion, in the order of the prompts.

    Raises:
        RemoteResponseError: There are more or fewer than prompts.
    """
    choices = only(answer, "choices", list, unusable)
    if len(choices) != count or not all(isinstance(choice, Mapping) for choice in choices):
        raise unusable(f"{len(choices)} choices for {count} prompts")
    indices = [choice.get("index", number) for number, choice in enumerate(choices)]
    if not all(isinstance(index, int) for index in indices) or sorted(indices) != [*range(count)]:
        raise unusable("choices that are numbered otherwise")
    return [choice for _, choice in sorted(zip(indices, choices, strict=True), key=lambda p: p[0])]
