"""A next-token model behind HTTP: what all kinds of servers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langchain_cogenesis.exceptions import ConfigurationError, ContextLengthError
from langchain_cogenesis.models.base import Capabilities, Draft
from langchain_cogenesis.models.endpoints.client import EndpointClient
from langchain_cogenesis.models.endpoints.rows import Speller, top_row
from langchain_cogenesis.models.endpoints.texts import AWKWARD
from langchain_cogenesis.models.logprobs import Distribution, TopLogprobs
from langchain_cogenesis.models.vocabulary import Vocabulary, require_same
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.metering import count_tokens
from langchain_cogenesis.privacy.restore import Conversation

ASSUMED_N_CTX = 8192
"""Longest sequence where the server doesn't tell, tokens."""

MOST_PADDING = 1024
"""Rows that a matrix may have behind the last token of its vocabulary. Those that were looked at
have 0 to 399 (Qwen2.5-72B); widths are rounded up to multiples of 64 to 512."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server tells of its model.

    Attributes:
        n_ctx: Longest sequence, tokens; None if it doesn't tell.
        n_vocab: Size of its vocabulary; None if it doesn't tell.
        digest: `Vocabulary.digest` of its vocabulary; None if it doesn't tell.
    """

    n_ctx: int | None = None
    n_vocab: int | None = None
    digest: str | None = None


class RemoteNextTokenModel(ABC):
    """A `NextTokenModel` behind HTTP. Made by `connect()`.

    Nothing is sent but what the gate cleared: before a call, its texts must be cleared for the
    endpoint. Those of `prompt_ids` are the contents of the messages; those of `score` are
    `request_texts(ids, first)`; that of `draft` is `prompt_text(ids)`.

    Args:
        client: Sends.
        speller: Reads ids as text; the client's guard reads them with the same.
        card: What the server's list of models says of this one.
        top_k: Tokens to ask for at each position.
        n_ctx: Longest sequence, tokens; what the server tells by default.
    """

    kind: ClassVar[str]
    takes_ids: ClassVar[bool] = True
    echoes: ClassVar[bool] = False

    def __init__(
        self,
        client: EndpointClient,
        speller: Speller,
        card: Mapping[str, Any],
        *,
        top_k: int,
        n_ctx: int | None = None,
    ) -> None:
        self.client = client
        self.speller = speller
        self.card = card
        self.top_k = top_k
        self._n_ctx = n_ctx or ASSUMED_N_CTX
        self._asked_n_ctx = n_ctx
        self._padding = 0
        self._capabilities = Capabilities(top_k=top_k, ids=self.takes_ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.client.origin!r})"

    @property
    def name(self) -> str:
        """The model's name at the endpoint."""
        return self.client.model

    @property
    def endpoint(self) -> str:
        """The address of the endpoint."""
        return self.client.base_url

    @property
    def gate(self) -> EgressGate:
        """The gate whose clearances this model's requests need."""
        return self.client.gate

    @property
    def vocabulary(self) -> Vocabulary:
        """Its tokens, which are the local model's."""
        return self.speller.vocabulary

    @property
    def n_ctx(self) -> int:
        """Longest sequence, tokens; a guess where neither server nor caller tells."""
        return self._n_ctx

    @property
    def eog_ids(self) -> frozenset[int]:
        """Ids that end a text."""
        return self.vocabulary.eog_ids

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for, as it was found out at start-up."""
        return self._capabilities

    @capabilities.setter
    def capabilities(self, found: Capabilities) -> None:
        self._capabilities = found

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()

    def prompt_text(self, ids: Sequence[int]) -> str:
        """The text of ids, whose clearance the guard looks up when they are sent.

        Args:
            ids: A whole sequence, control tokens included.
        """
        return self.speller.text(ids)

    def request_texts(self, ids: Sequence[int], first: int) -> list[str]:
        """The texts whose clearance the guard looks up when positions are scored.

        Args:
            ids: The sequence.
            first: First position of interest, 1 or later.
        """
        if self.echoes and self._capabilities.scores_prompt:
            return [self.prompt_text(ids)]
        return [self.prompt_text(ids[:end]) for end in range(first, len(ids) + 1)]

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """What is expected at the positions `first` to `len(ids)`, the one after the last included.

        Args:
            ids: The sequence; there must be room for one token more.
            first: First position of interest, 1 or later.

        Returns:
            `len(ids) - first + 1` rows of at most `capabilities.top_k` natural-log probabilities.

        Raises:
            DistributionError: A row is no distribution.
            RemoteError: The endpoint failed, or gave fewer rows.
            UnclearedRequestError: One of `request_texts` was not cleared.
        """
        asked = self._checked(ids)
        if not 1 <= first <= len(asked):
            raise ConfigurationError(
                f"first={first} is out of range.", hint=f"It must be between 1 and {len(asked)}."
            )
        # A single position is a continuation by one token: the server has read what is before.
        if self._capabilities.scores_prompt and first < len(asked):
            rows = self._rows(asked, first)
            count_tokens(len(asked), len(asked) - first + 1)
        else:
            ends = range(first, len(asked) + 1)
            rows = [row for end in ends for row in self._continued(asked[:end], 1)[1][:1]]
        if len(rows) != len(asked) - first + 1:
            raise self.client.unusable(f"{len(rows)} rows for {len(asked) - first + 1} positions")
        return [row.checked(self.client.source) for row in rows]

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        """Continues a sequence greedily, in one request.

        Args:
            ids: The sequence.
            count: Tokens at most; an endpoint that can't draft gives one.

        Returns:
            The continuation, shorter where the text ended or the context is full. Where it ended,
            one row more says what was expected there, if the server tells.

        Raises:
            DistributionError: A row is no distribution.
            RemoteError: The endpoint failed, or gave fewer rows than tokens.
            UnclearedRequestError: `prompt_text(ids)` was not cleared.
        """
        if count < 1:
            return Draft((), ())
        asked = self._checked(ids)
        count = min(count if self._capabilities.drafts else 1, self.n_ctx - len(asked))
        found, rows = self._continued(asked, count)
        ended = next((at for at, i in enumerate(found) if i in self.eog_ids), None)
        kept = found[:count] if ended is None else found[:ended]
        if len(rows) < len(kept) + (ended is not None):
            raise self.client.unusable(f"{len(rows)} rows for {len(kept)} tokens")
        rows = rows[: len(kept) + 1] if len(kept) < count else rows[: len(kept)]
        return Draft(tuple(kept), tuple(row.checked(self.client.source) for row in rows))

    def _continued(self, ids: list[int], count: int) -> tuple[list[int], list[TopLogprobs]]:
        answer = self._continue(ids, count)
        count_tokens(len(ids), count)
        return answer

    @abstractmethod
    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the model's own template, with the assistant's turn opened.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`, cleared.
        """

    @abstractmethod
    def learn(self) -> ServerFacts:
        """Asks the server for what can be known without a prompt."""

    @abstractmethod
    def _rows(self, ids: list[int], first: int) -> list[TopLogprobs]:
        """The rows of `score`, in one request."""

    @abstractmethod
    def _continue(self, ids: list[int], count: int) -> tuple[list[int], list[TopLogprobs]]:
        """Greedy ids and their rows, in one request; an id that ends the text is among them."""

    def _row_of(self, pairs: Iterable[tuple[int, Any]]) -> TopLogprobs:
        size, unusable = self.vocabulary.size, self.client.unusable
        return top_row(pairs, size, self.top_k, unusable, padding=self._padding)

    def _tokenize(self, text: str) -> list[int] | None:
        """The server's own ids of a plain text of ours; None where it can't be asked."""
        return None

    def prepare(self) -> None:
        """Learns about the server, and makes sure that its tokens are the local model's.

        Raises:
            VocabularyMismatchError: They aren't.
            RemoteError: The endpoint failed.
        """
        facts = self.learn()
        self._n_ctx = self._asked_n_ctx or facts.n_ctx or ASSUMED_N_CTX
        own = self.vocabulary
        digest = facts.digest
        if digest is None:
            # Vocabularies that agree on many texts, and in size, are taken for the same.
            digest = own.digest if self._spells_alike() else "other"
        size = own.size if facts.n_vocab is None else facts.n_vocab
        if facts.digest is None and 0 <= size - own.size <= MOST_PADDING:
            # Servers that tell no digest tell the width of the matrix, padding included.
            self._padding = MOST_PADDING if facts.n_vocab is None else size - own.size
            size = own.size
        told = Vocabulary(size, own.piece, own.tokenize, own.eog_ids, digest=digest)
        require_same(own, "The local model", told, f"{self.name} at {self.client.origin}")

    def _spells_alike(self) -> bool:
        whole = "\n".join(text for text in AWKWARD if self._may_leave(text))
        found = self._tokenize(whole)
        if found is None or found == self.vocabulary.tokenize(whole):
            return True
        # Two tokenizers of one vocabulary may cut a text otherwise: what counts is that the ids
        # spell it. Some put a space before the first word.
        known = bool(found) and max(found) < self.vocabulary.size
        return known and self.vocabulary.text(found).lstrip() == whole.encode()

    def harmless(self, texts: Sequence[str]) -> str:
        """The first of several texts of ours in which the gate sees nothing private."""
        return next(filter(self._may_leave, texts), texts[0])

    def _may_leave(self, text: str) -> bool:
        seen = self.gate.preview(
            text, endpoint=self.client.base_url, conversation=Conversation(), may_ask=False
        )
        return seen.masked == text

    def _checked(self, ids: Sequence[int]) -> list[int]:
        checked = [int(i) for i in ids]
        if not checked or min(checked) < 0 or max(checked) >= self.vocabulary.size:
            raise ConfigurationError(
                f"A sequence for {self.name} is empty, or holds an id that it doesn't have.",
                hint=f"Ids run from 0 to {self.vocabulary.size - 1}.",
            )
        if len(checked) >= self.n_ctx:
            raise ContextLengthError(
                f"The sequence is {len(checked)} tokens long and the context of {self.name} holds "
                f"{self.n_ctx}, answer included.",
                hint="Shorten the prompt, retrieve less, or take an endpoint with a larger one.",
            )
        return checked

    def _bias_against_end(self) -> tuple[dict[str, int], tuple[str, ...]]:
        """A `logit_bias` that keeps a text from ending, and the names in it.

        Servers that give no row where a text ends give one then; rows are those before the bias.
        """
        names = tuple(str(i) for i in sorted(self.eog_ids))
        if not all(map(self._may_leave, names)):
            # A number that is private is not sent, not even as an id; that row is lacking then.
            return {}, ("logit_bias",)
        return dict.fromkeys(names, -100), ("logit_bias", *names)
