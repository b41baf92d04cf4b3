"""The local engine as a model that gives next-token log-probabilities, whole rows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_cogenesis.exceptions import ContextLengthError
from langchain_cogenesis.models.base import Capabilities, Draft
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.models.vocabulary import Vocabulary


class LocalNextTokenModel:
    """A `NextTokenModel` over a local engine. Constructing it loads nothing.

    All rows are dense: natural-log probabilities, `(n_vocab,)` float32. The engine keeps what a
    sequence has in common with the one before, so that asking for the next row of a text that grew
    by one token is one decode of one token.

    Args:
        engine: The engine; it stays the caller's to close.
    """

    def __init__(self, engine: LlamaCppEngine) -> None:
        self._engine = engine

    def __repr__(self) -> str:
        return f"LocalNextTokenModel({self.name!r})"

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._engine.name

    @property
    def vocabulary(self) -> Vocabulary:
        """The engine's tokens."""
        return self._engine.vocabulary

    @property
    def n_ctx(self) -> int:
        """Longest sequence, tokens."""
        return self._engine.n_ctx

    @property
    def eog_ids(self) -> frozenset[int]:
        """Ids that end a text."""
        return self._engine.eog_ids

    @property
    def capabilities(self) -> Capabilities:
        """Everything, with whole rows."""
        return Capabilities()

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the model's own template, with the assistant's turn opened.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`.
        """
        return self._engine.apply_template(messages)

    def next_row(self, ids: Sequence[int]) -> Logprobs:
        """What is expected after a sequence.

        Args:
            ids: The sequence; at most `n_ctx` tokens.

        Returns:
            Natural-log probabilities, `(n_vocab,)`.
        """
        (row,) = self._engine.score(ids, first=len(ids))
        return Logprobs(row)

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """What is expected at the positions `first` to `len(ids)`, the one after the last included.

        Args:
            ids: The sequence; at most `n_ctx` tokens.
            first: First position of interest, 1 or later.

        Returns:
            `len(ids) - first + 1` dense rows.
        """
        return [Logprobs(row) for row in self._engine.score(ids, first=first)]

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        """Continues a sequence greedily.

        Args:
            ids: The sequence.
            count: Tokens at most; fewer where the text ends or the context is full.

        Returns:
            The continuation with one row for each of its tokens, and one more where the text ended;
            none more where the context was full.

        Raises:
            ContextLengthError: There is no room for a single token.
        """
        sequence, room = list(ids), self.n_ctx - len(ids)
        if count > 0 and room < 1:
            raise ContextLengthError(
                f"The sequence is {len(sequence)} tokens long and the context of {self.name} holds "
                f"{self.n_ctx}, answer included.",
                hint="Shorten the prompt, retrieve less, or set a larger n_ctx.",
            )
        rows: list[Distribution] = []
        for _ in range(min(count, room)):
            row = self.next_row(sequence)
            rows.append(row)
            token = int(row.values.argmax())
            if token in self.eog_ids:
                break
            sequence.append(token)
        return Draft(tuple(sequence[len(ids) :]), tuple(rows))
