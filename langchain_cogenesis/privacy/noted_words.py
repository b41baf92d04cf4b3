"""What a context tells that stays in a text as it is, and is shown to the user there.

A noun of a fact, an age without a unit, a day that a mail names: each of them stands in texts of
many people, so that masking it would be noise. Who looks at what leaves should see it all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from langchain_cogenesis.privacy import german, rarity
from langchain_cogenesis.privacy.automata import automaton_of
from langchain_cogenesis.privacy.forms import Form, Rule, forms_of
from langchain_cogenesis.privacy.normalize import canonical_form, canonicalize

_WORD = re.compile(r"(?<![\w@/.'’-])[^\W\d_]{3,}(?:-[^\W\d_]+)*(?![\w@/]|['’.]\w)")
_DAYS = (
    "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
    "|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag"
)
_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember"
)
_NO_NOUN = frozenset(f"{_DAYS}|{_MONTHS}".lower().split("|"))
_NO_NAME = _NO_NOUN | {"i'm", "i'll", "i'd", "i've", "i’m", "i’ll", "i’d", "i’ve", "of", "the"}
_DAY_BEFORE = re.compile(
    rf"\b(?:{_DAYS}|Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:the |den )?\Z", re.IGNORECASE
)
_DAY_REACH = 20
# A capital comes first, and what is before it after: so is it looked for quickly.
_RUN = re.compile(
    r"[A-Z](?<=[a-z,] [A-Z])[\w'’-]+(?: (?:(?:of|the|de|del|la|da|di|and) )?[A-Z][\w'’-]+)+"
)
_WHERE = re.compile(r"\b(?:at|in|near|from) \Z")
_POSSESSIVE = re.compile(r"(?:['’]s?)\Z")
_NEVER_ALONE = frozenset((Rule.APART, Rule.DAY))
_GERMAN_NOUN = 4


class NotedWords:
    """Finds words, runs of words and days wherever they stand by themselves.

    A noun is found in its singular and its plural, a day in the ways to spell it, with the day of
    the week before it; a day in numbers is anybody's.

    Args:
        values: Kinds and texts, as those of private values.
    """

    def __init__(self, values: Iterable[tuple[str, str]] = ()) -> None:
        self._forms: dict[str, Form] = {}
        for kind, text in dict.fromkeys(values):
            for form in _forms(kind, text):
                self._forms.setdefault(form.canonical, form)
        self._automaton = automaton_of(self._forms) if self._forms else None

    def __repr__(self) -> str:
        return f"NotedWords(<withheld: {len(self._forms)} forms>)"

    def find(self, text: str) -> Iterator[tuple[int, int, Form]]:
        """Yields start, end and form of what stands in a text; they may overlap."""
        if self._automaton is None:
            return
        canonical = canonicalize(text, "1")
        for last, form in self._automaton.iter(canonical.text):
            begin, end = last + 1 - len(form.canonical), last + 1
            if not canonical.is_word(begin, end):
                continue
            start, stop = canonical.span(begin, end)
            if form.kind == "DATE":
                day = _DAY_BEFORE.search(text, max(0, start - _DAY_REACH), start)
                start = day.start() if day is not None else start
            yield start, stop, form


def telling_nouns(text: str, *, in_german: bool = False) -> Iterator[str]:
    """The nouns and adjectives of a text that aren't among the few hundred commonest words."""
    for word in dict.fromkeys(_WORD.findall(text)):
        lower = word.lower()
        if lower in _NO_NOUN:
            continue
        if in_german:
            canonical = canonical_form(word)
            told = word[0].isupper() and len(word) >= _GERMAN_NOUN
            told = told and not german.is_frequent(canonical)
        else:
            told = not rarity.is_commonplace(lower) and rarity.is_noun_like(lower)
        if told:
            yield word


class NamedRun(NamedTuple):
    """Words with capitals side by side.

    Attributes:
        kind: `PLACE` if something is said to be there, else `ITEM`.
        text: The words.
        is_rare: Whether one of them is rare, and English doesn't often put them together.
    """

    kind: str
    text: str
    is_rare: bool

    def __repr__(self) -> str:
        return f"NamedRun(kind={self.kind!r}, <withheld>)"


def named_runs(text: str) -> Iterator[NamedRun]:
    """Words with capitals side by side within a sentence of English.

    Days and months don't count: "at Casa Lume Friday" names one place.
    """
    runs = list(_RUN.finditer(text))
    # Every noun of German has a capital. Most texts have no such run, and needn't be looked at.
    if not runs or canonicalize(text).is_german:
        return
    for run in runs:
        words = _POSSESSIVE.sub("", run[0]).split()
        while words and words[0].lower() in _NO_NAME:
            del words[0]
        while words and words[-1].lower() in _NO_NAME:
            del words[-1]
        if len(words) > 1:
            place = _WHERE.search(text, max(0, run.start() - _DAY_REACH), run.start())
            is_rare = _is_rare_run([word.lower() for word in words])
            yield NamedRun("PLACE" if place else "ITEM", " ".join(words), is_rare)


def _is_rare_run(words: Sequence[str]) -> bool:
    """Whether one of the words is rare, and English doesn't often put them all together."""
    return any(map(rarity.is_rare, words)) and not all(
        rarity.is_common_pair(*pair) for pair in pairwise(words)
    )


def _forms(kind: str, text: str) -> Iterator[Form]:
    if kind == "DATE":
        yield from (form for form in forms_of(kind, text) if form.rule not in _NEVER_ALONE)
        return
    canonical = canonical_form(text)
    for written in dict.fromkeys((canonical, *_numbers(canonical))):
        yield Form(kind, written, text, Rule.NEVER)


def _numbers(word: str) -> Iterator[str]:
    """A noun in its other number: "nurse" and "nurses", "allergy" and "allergies"."""
    if not word.isalpha():
        return
    if word.endswith("ies"):
        yield word[:-3] + "y"
    elif word.endswith("s"):
        if len(word) > 3 and not word.endswith("ss"):
            yield word[:-1]
        return
    if word.endswith("y"):
        yield word[:-1] + "ies"
    yield word + "s"
