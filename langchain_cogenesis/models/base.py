"""The protocol of a model that gives next-token log-probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from langchain_cogenesis.models.logprobs import Distribution
from langchain_cogenesis.models.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can be asked for.

    Attributes:
        top_k: Tokens a row holds at most; None for the whole vocabulary.
        ids: Whether prompts may be token ids. If not, text is sent and tokenised there.
        scores_prompt: Whether many positions of a given sequence come in one request.
        drafts: Whether a continuation comes with a row for each of its positions.
    """

    top_k: int | None = None
    ids: bool = True
    scores_prompt: bool = True
    drafts: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A greedy continuation, and what the model expected at each of its positions.

    Attributes:
        ids: Token ids of the continuation; shorter than asked for if it ended.
        rows: One distribution for each id, and one more where the text ended: what was expected
            there instead of a further token.
    """

    ids: tuple[int, ...]
    rows: tuple[Distribution, ...]


@runtime_checkable
class NextTokenModel(Protocol):
    """A model that gives natural-log probabilities of the next token.

    Sequences are whole: the prompt's ids, then those written so far. What a model keeps of earlier
    calls is its own affair.
    """

    @property
    def name(self) -> str:
        """Its name, for messages and records."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Its tokens."""

    @property
    def n_ctx(self) -> int:
        """Longest sequence, tokens."""

    @property
    def eog_ids(self) -> frozenset[int]:
        """Ids that end a text."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the model's own template, with the assistant's turn opened.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`.
        """

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """What is expected at the positions `first` to `len(ids)`, the one after the last included.

        Args:
            ids: The sequence.
            first: First position of interest, 1 or later.

        Returns:
            `len(ids) - first + 1` rows: row `i` is for position `first + i`, given what is before.
        """

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        """Continues a sequence greedily.

        Args:
            ids: The sequence.
            count: Tokens at most.
        """
