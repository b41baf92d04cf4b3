"""Finds what was copied out of private texts, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.normalize import canonical_form

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_RUN = 8
_SHORTEST_LINE = 3


class EchoDetector:
    """Finds whole lines (three words or more) and runs of eight words of known private texts.

    It is for text that got into a message by way of a program: retrieved documents that an app
    pasted into a prompt, a mail that was quoted. Case, accents and punctuation make no difference.
    Texts themselves are not kept, only hashes of their words.

    Args:
        texts: The private texts.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._known: set[int] = set()
        self._lengths: set[int] = set()
        for text in texts:
            for line in text.splitlines():
                words = [word for _, _, word in _words(line)]
                if _SHORTEST_LINE <= len(words) < _RUN:
                    self._learn(words, len(words))
            self._learn([word for _, _, word in _words(text)], _RUN)

    def __repr__(self) -> str:
        return f"EchoDetector(<withheld: {len(self._known)} runs of words>)"

    def find(self, text: str) -> Iterator[Match]:
        """Yields a match of kind `ITEM` for each run that is found; they may overlap."""
        if not self._known:
            return
        words = list(_words(text))
        spelled = [word for _, _, word in words]
        for length in sorted(self._lengths, reverse=True):
            for first in range(len(words) - length + 1):
                if hash(tuple(spelled[first : first + length])) in self._known:
                    yield Match(words[first][0], words[first + length - 1][1], "ITEM")

    def _learn(self, words: Sequence[str], length: int) -> None:
        runs = range(len(words) - length + 1)
        self._known.update(hash(tuple(words[first : first + length])) for first in runs)
        if runs:
            self._lengths.add(length)


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _WORD.finditer(text):
        canonical = canonical_form(match.group())
        if canonical:
            yield match.start(), match.end(), canonical
