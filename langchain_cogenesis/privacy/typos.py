"""Finds values that are misspelled by one letter: changed, left out, put in, or two exchanged.

Words with one letter left out are the meeting point: two words are one edit apart only if one of
them, or what is left of it without one letter, is the other or what is left of that. So a look
into a dictionary per letter finds the candidates, and only they are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from langchain_cogenesis.privacy import german
from langchain_cogenesis.privacy.forms import Form
from langchain_cogenesis.privacy.german_endings import is_ending
from langchain_cogenesis.privacy.normalize import CanonicalText, canonical_form
from langchain_cogenesis.privacy.rarity import familiar_words

_SHORTEST_WORD = 3
_LONGEST_WORD = 40
_REMEMBERED = 8192
"""Words whose neighbours are kept: a text that grows is looked through again and again."""


class TypoIndex:
    """Values by their words, and these by what is left of them without any one letter.

    Words that everybody knows are never taken for a misspelled value, nor is one with an ending.

    Args:
        forms: The forms to find.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._places: dict[str, list[tuple[str, int, Form]]] = {}
        self._words: dict[str, list[str]] = {}
        self._met: dict[str, set[str]] = {}
        seen: set[str] = set()
        for form in forms:
            if form.canonical not in seen:
                seen.add(form.canonical)
                for begin, word in _words_of(form):
                    self._places.setdefault(word, []).append((form.canonical, begin, form))
        for word in self._places:
            for key in _keys(word):
                self._words.setdefault(key, []).append(word)

    def __repr__(self) -> str:
        return f"TypoIndex(<withheld: {len(self._places)} words>)"

    def _near(self, word: str) -> set[str]:
        """The values' words that are one edit from a word, and some that aren't."""
        found: set[str] = set()
        if _SHORTEST_WORD <= len(word) <= _LONGEST_WORD:
            found.update(o for key in _keys(word) for o in self._words.get(key, ()))
        if len(self._met) >= _REMEMBERED:
            self._met.clear()
        self._met[word] = found
        return found

    def find(self, text: CanonicalText) -> Iterator[tuple[int, int, Form]]:
        """Yields canonical spans that are one edit from a value, and the value's form."""
        if not self._places:
            return
        met = self._met
        near = {
            word: others
            for word in text.words() - familiar_words()
            if (others := found if (found := met.get(word)) is not None else self._near(word))
        }
        if near and text.is_german:
            near = {word: others for word, others in near.items() if not german.is_familiar(word)}
        if not near:
            return
        for begin, end in pairwise(text.word_places()):
            word = text.text[begin:end]
            for other in near.get(word, ()):
                if not within_one_edit(word, other):
                    continue
                for value, at, form in self._places[other]:
                    if word[:-1] == other and is_ending(form.kind, other, word[-1]):
                        continue
                    parts = value[:at], other, value[at + len(other) :]
                    span = _compare(text, begin, end, parts)
                    if span is not None:
                        yield (*span, form)


def _words_of(form: Form) -> Iterator[tuple[int, str]]:
    """The words of a form, each with its place among the canonical characters."""
    if form.canonical.isalpha() and form.spelled.isalpha():
        yield 0, form.canonical
        return
    at = 0
    for spelled in re.split(r"[\W_]+", form.spelled):
        word = canonical_form(spelled)
        if len(word) >= _SHORTEST_WORD and not word.isdigit():
            if form.canonical[at : at + len(word)] != word:
                return
            yield at, word
        at += len(word)


def _keys(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _compare(
    text: CanonicalText, begin: int, end: int, value: tuple[str, str, str]
) -> tuple[int, int] | None:
    """The span around a word of the text that is a value but for one edit.

    Args:
        text: The text.
        begin: Where the word begins, in canonical characters.
        end: Where it ends.
        value: What stands before the word in the value, the word, and what stands after it.
    """
    before, word, after = value
    found = text.text[begin:end]
    spare = 1 if found == word else 0
    for left in _lengths(len(before), spare):
        start = begin - left
        if start < 0 or not text.starts[start]:
            continue
        front = text.text[start:begin]
        if not within_one_edit(front, before):
            continue
        rest = spare if front == before else 0
        for right in _lengths(len(after), rest):
            stop = end + right
            if stop > len(text.text) or not (stop == len(text.text) or text.starts[stop]):
                continue
            back = text.text[end:stop]
            if back == after or (rest and within_one_edit(back, after)):
                return start, stop
    return None


def _lengths(length: int, spare: int) -> tuple[int, ...]:
    return (length, length - 1, length + 1) if length and spare else (length,)


def within_one_edit(one: str, other: str) -> bool:
    """Whether two words are the same but for one letter, or two neighbours exchanged."""
    if one == other:
        return True
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or swapped
