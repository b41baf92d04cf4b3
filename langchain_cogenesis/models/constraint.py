"""Keeps a generation to a grammar: which tokens may come next."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import SchemaError
from langchain_cogenesis.models.sampling import Sampler, SamplingParams


class TokenSource(Protocol):
    """What is needed of a loaded model."""

    n_vocab: int
    eos_id: int
    eog_ids: frozenset[int]

    def token_bytes(self, token: int) -> bytes:
        """Bytes of a token; none for a control token."""
        ...

    def token_text(self, token: int) -> str:
        """How the vocabulary spells a token, control tokens included."""
        ...

    def is_control(self, token: int) -> bool:
        """Whether a token is markup."""
        ...

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text."""
        ...


class GrammarTokens:
    """A vocabulary as grammars see it. Making one takes a while at a large vocabulary: keep it.

    Args:
        source: The loaded model.
    """

    def __init__(self, source: TokenSource) -> None:
        self.size = source.n_vocab
        self.end_ids = sorted(source.eog_ids) or [source.eos_id]
        self.control = {
            source.token_text(token): token
            for token in range(source.n_vocab)
            if source.is_control(token)
        }
        names = {token: text for text, token in self.control.items()}
        # A byte that no text holds sets control tokens apart: they are never part of a text.
        self._pieces = [
            b"\xff" + names[token].encode() if token in names else source.token_bytes(token)
            for token in range(source.n_vocab)
        ]
        self._source = source

    @cached_property
    def _tokenizer(self) -> Any:
        from llguidance import LLTokenizer, TokenizerWrapper

        return LLTokenizer(TokenizerWrapper(_Vocabulary(self)), eos_token=self.end_ids)

    def literal(self, text: str) -> str:
        """A fixed text as a terminal of a grammar; control tokens in it count as such."""
        names = sorted(filter(None, self.control), key=len, reverse=True)
        pieces = re.split(f"({'|'.join(map(re.escape, names))})", text) if names else [text]
        made = (
            f"<[{self.control[piece]}]>"
            if piece in self.control
            else json.dumps(piece, ensure_ascii=False)
            for piece in pieces
            if piece
        )
        return " ".join(made)

    def constraint(self, grammar: str) -> Constraint:
        """A fresh constraint for one generation.

        Raises:
            SchemaError: The grammar makes no sense, or is too large.
        """
        from llguidance import LLMatcher, LLParserLimits

        # Messages with details would show the schema.
        limits = LLParserLimits(verbose_errors=False)
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=limits)
        if matcher.is_error():
            raise SchemaError(
                "the tools or the schema are too large, or make no grammar together.",
                hint="Bind fewer tools, or use simpler schemas.",
            )
        return Constraint(matcher, self)


class _Vocabulary:
    """The shape in which llguidance takes a vocabulary."""

    bos_token_id = None

    def __init__(self, tokens: GrammarTokens) -> None:
        self.eos_token_id = tokens.end_ids[0]
        self.tokens = tokens._pieces
        self.special_token_ids = list(tokens.control.values())
        self._source = tokens._source

    def __call__(self, text: str | bytes) -> list[int]:
        decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return self._source.tokenize(decoded, special=False)


class Constraint:
    """Where in a grammar one generation is. Not for several threads at once.

    Args:
        matcher: llguidance's.
        tokens: The vocabulary.
    """

    def __init__(self, matcher: Any, tokens: GrammarTokens) -> None:
        self._matcher = matcher
        self._tokens = tokens

    @property
    def finished(self) -> bool:
        """Whether nothing but the end can come."""
        return bool(self._matcher.is_stopped())

    @property
    def end_ids(self) -> list[int]:
        """Ids that end an answer."""
        return self._tokens.end_ids

    @property
    def complete(self) -> bool:
        """Whether what was accepted so far is a whole answer."""
        return bool(self._matcher.is_accepting())

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rules out tokens that can't come next.

        Args:
            logits: `(n_vocab,)` logits; left unchanged.

        Returns:
            `(n_vocab,)` logits, minus infinity where the grammar forbids the token.

        Raises:
            SchemaError: The vocabulary can't spell what has to come.
        """
        packed = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.unpackbits(packed, bitorder="little")[: len(logits)].astype(bool)
        if self.complete:
            allowed[self._tokens.end_ids] = True
        if self._matcher.is_error() or not allowed.any():
            raise _cannot_spell()
        masked: NDArray[np.float32] = np.where(allowed, logits, np.float32(-np.inf))
        return masked

    def accept(self, token: int) -> None:
        """Notes which token was picked.

        Raises:
            SchemaError: The grammar forbids it, or the vocabulary can't spell what has to come.
        """
        # Where one text alone can follow, it is tokenised to tell the next token. A tokenizer that
        # leaves out what it can't spell then names a wrong one, which is refused here.
        if not self._matcher.consume_token(token):
            raise _cannot_spell()


def _cannot_spell() -> SchemaError:
    return SchemaError(
        "the model's vocabulary can't spell what the schema asks for.",
        hint="Use values that the model can write, or another model.",
    )


class ConstrainedSampler(Sampler):
    """Picks tokens of those that a grammar allows.

    Args:
        params: How to sample.
        constraint: The grammar of this generation.
    """

    def __init__(self, params: SamplingParams, constraint: Constraint) -> None:
        super().__init__(params)
        self._constraint = constraint

    @property
    def finished(self) -> bool:
        """Whether nothing but the end can come."""
        return self._constraint.finished

    def pick(self, logits: NDArray[np.float32]) -> int:
        """Picks the next token.

        Args:
            logits: `(n_vocab,)` logits; left unchanged.

        Returns:
            A token id that the grammar allows.

        Raises:
            SchemaError: The vocabulary can't spell what has to come.
        """
        token = super().pick(self._constraint.apply(logits))
        if token not in self._constraint.end_ids:
            self._constraint.accept(token)
        return token
