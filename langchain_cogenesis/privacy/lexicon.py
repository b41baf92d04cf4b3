"""The values that are known to be private, and where a text holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langchain_cogenesis.privacy.normalize import CanonicalText, canonical_form, canonicalize
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_KINDS

_JOINED_LENGTH = 8
_PARTICLES = frozenset(
    (
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le",
        "el", "al", "bin", "ibn", "and", "the",
    )
)  # fmt: skip
_DIGRAPHS = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe",
        "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe",
    }
)  # fmt: skip
_TITLES = frozenset(
    (
        "mr", "mrs", "ms", "mx", "miss", "dr", "prof", "sir", "dame", "herr", "frau", "jr", "sr",
    )
)  # fmt: skip
_LEGAL_FORMS = frozenset(
    (
        "inc", "ltd", "llc", "llp", "plc", "gmbh", "ag", "kg", "se", "sa", "sas", "bv", "nv",
        "ab", "oy", "co", "corp", "company",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class PrivateValue:
    """A value that is known to be private, and its kind (one of `PLACEHOLDER_KINDS`)."""

    kind: str
    text: str

    def __post_init__(self) -> None:
        if self.kind not in PLACEHOLDER_KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; known: {', '.join(PLACEHOLDER_KINDS)}")

    def __repr__(self) -> str:
        return f"PrivateValue(kind={self.kind!r}, text=<withheld>)"


@dataclass(frozen=True, slots=True)
class Match:
    """A private value found in a text: `text[start:end]` in characters, and its kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, repr=False)
class _Form:
    """One way to write a value: its canonical characters and when they count as found."""

    kind: str
    spelled: str
    canonical: str
    exact_case: bool
    joined: bool


class PrivateLexicon:
    """Finds known private values whatever their case, accents, spacing or punctuation.

    A value of one word is found where it stands as a word; one of several words (eight letters or
    more) also where it is run together with others, as in an address or a handle. Names are found
    by their parts too, places by the parts between commas, organisations without their legal form.

    Args:
        values: What is private. Values without a letter or digit are left out.
    """

    def __init__(self, values: Iterable[PrivateValue] = ()) -> None:
        self._forms: dict[str, list[_Form]] = {}
        for value in values:
            for form in _forms(value):
                known = self._forms.setdefault(form.canonical, [])
                if form not in known:
                    known.append(form)

    def __len__(self) -> int:
        return len(self._forms)

    def __repr__(self) -> str:
        return f"PrivateLexicon(<withheld: {len(self)} forms>)"

    def find(self, text: str) -> list[Match]:
        """Finds the private values in a text: leftmost first, longest first, not overlapping."""
        if not self._forms or not text:
            return []
        canonical = canonicalize(text)
        candidates = [
            (begin, end, form)
            for end, forms in self._automaton.iter(canonical.text)
            for form in forms
            for begin, end in [(end + 1 - len(form.canonical), end + 1)]
            if _counts(form, canonical, begin, end)
        ]
        candidates.sort(key=lambda found: (found[0], -found[1]))
        matches: list[Match] = []
        reached = 0
        for begin, end, form in candidates:
            if begin >= reached:
                matches.append(Match(*canonical.span(begin, end), form.kind))
                reached = end
        return matches

    def begins(self, canonical: str) -> bool:
        """Whether a value that is longer begins with these canonical characters."""
        return canonical in self._beginnings

    @cached_property
    def longest(self) -> int:
        """Length of the longest beginning that isn't a whole value, in canonical characters."""
        return max((len(form) - 1 for form in self._forms), default=0)

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        return frozenset(form[:end] for form in self._forms for end in range(1, len(form)))

    @cached_property
    def _automaton(self) -> Any:
        import ahocorasick

        automaton = ahocorasick.Automaton()
        for canonical, forms in self._forms.items():
            automaton.add_word(canonical, forms)
        automaton.make_automaton()
        return automaton


def _counts(form: _Form, canonical: CanonicalText, begin: int, end: int) -> bool:
    if not (form.joined or canonical.is_word(begin, end)):
        return False
    if not form.exact_case:
        return True
    start, stop = canonical.span(begin, end)
    return canonical.original[start:stop] == form.spelled


def _forms(value: PrivateValue) -> Iterable[_Form]:
    spellings = _spellings(value)
    for spelled in dict.fromkeys([*spellings, *map(_digraphs, spellings)]):
        canonical = canonical_form(spelled)
        if not canonical:
            continue
        # Two letters in small type are a common word far more often than a name.
        short = len(canonical) <= 2 and canonical.isascii()
        joined = len(canonical) >= _JOINED_LENGTH and bool(re.search(r"\w\W+\w", spelled))
        yield _Form(value.kind, spelled, canonical, exact_case=short, joined=joined)


def _spellings(value: PrivateValue) -> Sequence[str]:
    text = value.text.strip()
    words = text.split()
    if value.kind == "NAME":
        return [text, *_name_parts(words)]
    if value.kind == "PLACE":
        parts = [part.strip() for part in re.split(r"[,;/()]", text)]
        return [text, *(part for part in parts if len(part) > 1)]
    if value.kind == "ORG":
        kept = [word for word in words if canonical_form(word) not in _LEGAL_FORMS]
        return [text, *([" ".join(kept)] if kept else [])]
    if value.kind == "ADDRESS":
        return [text, *_address_parts(text)]
    return [text]


def _address_parts(text: str) -> list[str]:
    """The parts of an address between commas or lines, and a street without its number."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text)]
    streets = [" ".join(re.sub(r"\b\d+\w?\b", " ", part).split()) for part in parts]
    # A number alone ("12", "24103") is too common to be a part.
    return [part for part in (*parts, *streets) if re.search(r"[^\W\d]{2}", part)]


def _digraphs(spelled: str) -> str:
    """A value as it is typed without umlauts: `Müller` as `Mueller`, `Søren` as `Soeren`."""
    return spelled.translate(_DIGRAPHS)


def _name_parts(words: Sequence[str]) -> list[str]:
    parts = [part for word in words for part in (word, *word.split("-"))]
    return [part for part in parts if _is_distinct(canonical_form(part))]


def _is_distinct(canonical: str) -> bool:
    return len(canonical) > 1 and canonical not in _PARTICLES | _TITLES
