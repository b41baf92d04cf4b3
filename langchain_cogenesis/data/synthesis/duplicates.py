"""Texts that are nearly another text."""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from typing import Any

_SHINGLE = 3
_PERMUTATIONS = 64
_WORD = re.compile(r"\w+")


def near_search() -> bool:
    """Whether near-duplicates are looked for; without `datasketch` only copies are found."""
    return find_spec("datasketch") is not None


class NearDuplicates:
    """Remembers texts, and says of a new one whether it nearly is an earlier one.

    Two texts are near-duplicates if about the given share of their runs of three words are common
    (Jaccard similarity, estimated by MinHash). What is a duplicate is nobody's original.

    Args:
        threshold: From 0 to 1.
    """

    def __init__(self, threshold: float = 0.8) -> None:
        self._copies: dict[bytes, str] = {}
        self._index = _Index(threshold) if near_search() else None

    def original_of(self, key: str, text: str) -> str | None:
        """The key of the first earlier text that this one nearly is; None takes the text in."""
        words = _WORD.findall(text.casefold())
        digest = hashlib.blake2b(" ".join(words).encode("utf-8", "replace")).digest()
        original = self._copies.get(digest)
        if original is None and self._index is not None:
            original = self._index.first_or_add(key, words)
        if original is None:
            self._copies[digest] = key
        return original


class _Index:
    """MinHash signatures, found by their bands."""

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHashLSH

        self._threshold = threshold
        self._found = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
        self._signatures: dict[str, Any] = {}
        self._order: dict[str, int] = {}

    def first_or_add(self, key: str, words: list[str]) -> str | None:
        """The earliest text that is nearly this one; where there is none, this one is added."""
        signature = _signature(words)
        near: list[str] = [
            other
            for other in self._found.query(signature)
            # The bands let some pass that are less alike.
            if signature.jaccard(self._signatures[other]) >= self._threshold
        ]
        if near:
            return min(near, key=self._order.__getitem__)
        self._found.insert(key, signature)
        self._signatures[key] = signature
        self._order[key] = len(self._order)
        return None


def _signature(words: list[str]) -> Any:
    from datasketch import MinHash

    runs = {" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))}
    made = MinHash(num_perm=_PERMUTATIONS)
    made.update_batch([run.encode("utf-8", "replace") for run in sorted(runs)])
    return made
