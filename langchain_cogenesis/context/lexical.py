"""The lexical half of the search: BM25 over one user's texts, in memory only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Scripts written without spaces: runs of them are cut into overlapping pairs.
_UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+|[\u2600-\u27bf\U0001f300-\U0001faff]")
# Accents and vowel points; not the marks that make other letters, as in Japanese.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")


def fold(text: str) -> str:
    """Folds case, accents and compatibility forms, so that `ISABÉL` and `Isabel` are one word."""
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def words(text: str) -> tuple[str, ...]:
    """The folded words of a text in their order; emoji are words, unspaced scripts give pairs."""
    return tuple(_words(unicodedata.normalize("NFC", fold(text))))


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = match.group()
        if len(word) > 2 and _UNSPACED_RUN.fullmatch(word):
            yield from (word[i : i + 2] for i in range(len(word) - 1))
        else:
            yield word


class LexicalIndex:
    """BM25 scores of texts for a query.

    Args:
        texts: The texts, kept as term statistics only.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        tokens = [list(words(text)) for text in texts]
        self._terms = {term for line in tokens for term in line}
        self._bm25 = None
        if self._terms:
            import bm25s

            self._bm25 = bm25s.BM25()
            self._bm25.index(tokens, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float32]:
        """BM25 scores, shape `(texts,)`; 0 where no word is shared."""
        import numpy as np

        terms = [term for term in words(query) if term in self._terms]
        if self._bm25 is None or not terms:
            return np.zeros(self._size, dtype=np.float32)
        scores: NDArray[np.float32] = np.asarray(self._bm25.get_scores(terms), dtype=np.float32)
        return scores
