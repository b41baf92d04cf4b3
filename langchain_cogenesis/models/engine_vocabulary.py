"""What an engine knows of its tokens."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.decoder import Decoder
from langchain_cogenesis.models.vocabulary import Vocabulary


class EngineVocabulary(ABC):
    """The tokens of a model that is loaded when they are first asked for."""

    name: str

    @abstractmethod
    def _loaded(self) -> Decoder:
        """The loaded model."""

    @property
    def n_ctx(self) -> int:
        """Tokens that fit in the context, prompt and answer together."""
        return self._loaded().n_ctx

    @property
    def n_vocab(self) -> int:
        """Size of the vocabulary, without the padding that some models have at its end."""
        return self._loaded().n_vocab

    @property
    def eog_ids(self) -> frozenset[int]:
        """Ids of the tokens that end a generation."""
        return self._loaded().eog_ids

    @property
    def bos_ids(self) -> tuple[int, ...]:
        """The ids that the model wants before any text: none or one."""
        decoder = self._loaded()
        return (decoder.bos_id,) if decoder.add_bos else ()

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """Its tokens; their digest takes a while at a large vocabulary, so it is kept here."""
        return Vocabulary(self.n_vocab, self.token_bytes, self.tokenize, self.eog_ids)

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of a text, without BOS.

        Args:
            text: The text.
            special: Whether control tokens are recognised; placeholders of the house models always
                are.
        """
        return self._loaded().tokenize(text, special=special)

    def detokenize(self, ids: Sequence[int]) -> bytes:
        """Bytes of a sequence of tokens; control tokens add none."""
        return b"".join(map(self.token_bytes, ids))

    def token_bytes(self, token_id: int) -> bytes:
        """Bytes of one token; none for a control token.

        Raises:
            ConfigurationError: If there is no such token.
        """
        decoder = self._loaded()
        if not 0 <= token_id < decoder.n_vocab:
            raise bad_ids(self.name, decoder.n_vocab)
        return decoder.token_bytes(token_id)

    def token_spelling(self, token_id: int) -> bytes:
        """How a token is spelled, control tokens included."""
        return self.token_bytes(token_id) or self._loaded().token_text(token_id).encode()

    def count_tokens(self, text: str) -> int:
        """How many tokens a text is."""
        return len(self.tokenize(text))


def bad_ids(name: str, n_vocab: int) -> ConfigurationError:
    """The error for ids that are none of a vocabulary."""
    return ConfigurationError(
        f"A token id is not in the vocabulary of {name}.",
        hint=f"Ids run from 0 to {n_vocab - 1}.",
    )
