"""Finds what was copied out of private texts, word for word, and their distinctive phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from langchain_cogenesis.privacy import german, rarity
from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.normalize import canonical_form

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_SENTENCE_END = re.compile(r"[.;:!?]\s|\n")
_RUN = 8
_SHORTEST_LINE = 3
_PHRASE = 3
_HELD = 4
"""So many words in a row of a private text, and a run of eight may be beginning."""
_LOOKED_AT = 160


class EchoDetector:
    """Finds whole lines (three words or more), runs of eight words, and distinctive phrases.

    Lines and runs are for text that got into a message by way of a program: retrieved documents
    that an app pasted into a prompt, a mail that was quoted. Phrases are for private facts in the
    user's own words: three words in a row that English seldom puts together. Case, accents and
    punctuation make no difference. Texts themselves are not kept, only hashes of their words.

    Args:
        texts: The private texts: their lines and runs are found.
        facts: Private facts: their distinctive phrases are found too.
        in_german: Whether the facts are German; so is judged what is distinctive.
    """

    def __init__(
        self, texts: Iterable[str] = (), facts: Iterable[str] = (), *, in_german: bool = False
    ) -> None:
        self._known: set[int] = set()
        # Lengths of the runs that begin with two words, so that most places need one look.
        self._lengths: dict[int, set[int]] = {}
        # Beginnings of short runs, letter by letter; of long ones, some words in a row.
        self._begun: set[int] = set()
        self._fours: set[int] = set()
        for text in texts:
            for line in text.splitlines():
                words = [word for _, _, word in _words(line)]
                if _SHORTEST_LINE <= len(words) < _RUN and not german.is_formula(words):
                    self._learn(words)
                    self._learn_beginnings(words)
            self._learn_runs([word for _, _, word in _words(text)], _RUN)
        distinctive = german.is_distinctive if in_german else is_distinctive
        for fact in facts:
            for sentence in _SENTENCE_END.split(fact):
                words = [word for _, _, word in _words(sentence)]
                for first in range(len(words) - _PHRASE + 1):
                    if distinctive(words[first : first + _PHRASE]):
                        self._learn(words[first : first + _PHRASE])
                        self._learn_beginnings(words[first : first + _PHRASE])

    def __repr__(self) -> str:
        return f"EchoDetector(<withheld: {len(self._known)} runs of words>)"

    def find(self, text: str) -> Iterator[Match]:
        """Yields a match of kind `ITEM` for each run that is found; they may overlap."""
        if not self._known:
            return
        words = list(_words(text))
        spelled = [word for _, _, word in words]
        for first, pair in enumerate(pairwise(spelled)):
            for length in self._lengths.get(hash(pair), ()):
                run = spelled[first : first + length]
                if len(run) == length and hash(tuple(run)) in self._known:
                    yield Match(words[first][0], words[first + length - 1][1], "ITEM")

    def grows(self, text: str) -> bool:
        """Whether the end of a text may be the beginning of a run that isn't there yet.

        A phrase or a line is one from its first letters on that say something; a run of eight
        words from its fourth word on.
        """
        if not self._known:
            return False
        cut = len(text) - _LOOKED_AT
        tail = text[text.find(" ", cut) + 1 :] if cut > 0 else text
        words = list(_words(tail))[-_RUN:]
        if not words:
            return False
        spelled = [word for _, _, word in words]
        unfinished = words[-1][1] == len(tail)
        whole = spelled[:-1] if unfinished else spelled
        if len(whole) >= _HELD and hash(tuple(whole[-_HELD:])) in self._fours:
            return True
        begun, telling = "" if unfinished else " ", False
        for at in range(len(spelled) - 1, -1, -1):
            word = spelled[at]
            begun = word + begun if at == len(spelled) - 1 else f"{word} {begun}"
            partly = unfinished and at == len(spelled) - 1
            telling = telling or partly or not rarity.is_frequent(word)
            if telling and hash(begun) in self._begun:
                return True
        return False

    def _learn_beginnings(self, words: Sequence[str]) -> None:
        run = " ".join(words)
        self._begun.update(hash(run[:end]) for end in range(1, len(run) + 1))

    def _learn_runs(self, words: Sequence[str], length: int) -> None:
        for first in range(len(words) - length + 1):
            self._learn(words[first : first + length])
        if len(words) >= length:
            self._fours.update(
                hash(tuple(words[at : at + _HELD])) for at in range(len(words) - _HELD)
            )

    def _learn(self, words: Sequence[str]) -> None:
        self._known.add(hash(tuple(words)))
        self._lengths.setdefault(hash(tuple(words[:2])), set()).add(len(words))


def is_distinctive(words: Sequence[str]) -> bool:
    """Whether English seldom puts these words (in lower case) together.

    Two of them say something (they aren't among the most frequent), and they don't all stand side
    by side as a matter of course.
    """
    telling = sum(not rarity.is_frequent(word) for word in words)
    return telling >= 2 and not all(rarity.is_common_pair(*pair) for pair in pairwise(words))


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isascii() and word.isalnum():
            yield match.start(), match.end(), word.lower()
        elif canonical := canonical_form(word):
            yield match.start(), match.end(), canonical
