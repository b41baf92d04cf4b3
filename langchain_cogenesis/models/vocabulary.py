"""Are two vocabularies the same? Decided by their pieces, padding left out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property

from langchain_cogenesis.exceptions import VocabularyMismatchError


class Vocabulary:
    """The tokens of a model, in id order.

    Args:
        size: Number of tokens.
        piece: Bytes of a token; none for a control token.
        tokenize: Token ids of a text.
        eog_ids: Ids that end a text.
        digest: The digest, where somebody else computed it; see `digest`.
    """

    def __init__(
        self,
        size: int,
        piece: Callable[[int], bytes],
        tokenize: Callable[[str], list[int]],
        eog_ids: frozenset[int],
        *,
        digest: str | None = None,
    ) -> None:
        self.size = size
        self.piece = piece
        self.tokenize = tokenize
        self.eog_ids = eog_ids
        self._digest = digest

    def __repr__(self) -> str:
        return f"Vocabulary(size={self.size})"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all pieces in id order and the ids that end a text, hexadecimal."""
        if self._digest is not None:
            return self._digest
        hashed = hashlib.sha256()
        for token in range(self.size):
            piece = self.piece(token)
            hashed.update(len(piece).to_bytes(4, "big") + piece)
        hashed.update(repr(sorted(self.eog_ids)).encode())
        return hashed.hexdigest()

    def text(self, ids: Sequence[int]) -> bytes:
        """Bytes of a sequence of tokens."""
        return b"".join(map(self.piece, ids))

    @cached_property
    def by_piece(self) -> dict[bytes, int]:
        """Ids by bytes; of several tokens with the same bytes the first. Control tokens lack."""
        found: dict[bytes, int] = {}
        for token in range(self.size):
            if piece := self.piece(token):
                found.setdefault(piece, token)
        return found


def require_same(first: Vocabulary, name: str, other: Vocabulary, other_name: str) -> None:
    """Checks that two models have the same tokens at the same ids.

    Raises:
        VocabularyMismatchError: They don't.
    """
    if first.size != other.size or first.digest != other.digest:
        raise VocabularyMismatchError(
            f"{name} and {other_name} have different vocabularies ({first.size} and {other.size} "
            "tokens), so their distributions can't be fused.",
            hint="Use two models of one family, or mode='sketch', which works with any remote.",
        )
