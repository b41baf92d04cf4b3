"""The ways to write a private value, and when each of them counts as that value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from langchain_cogenesis.privacy import moments, rarity
from langchain_cogenesis.privacy.german_endings import place_adjectives
from langchain_cogenesis.privacy.german_names import ADJECTIVES, NOUNS
from langchain_cogenesis.privacy.german_spelling import with_umlauts
from langchain_cogenesis.privacy.normalize import (
    canonical_form,
    canonicalize,
)
from langchain_cogenesis.privacy.value_parts import parts_of, pieces_of, rare_parts

_JOINED_LENGTH = 6
JOINED_ANYWHERE = 8
"""From so many letters on, a value counts in the middle of a word; a shorter one at its edge."""
_FUZZY_LENGTH = 6
_PARTICLES = frozenset(
    (
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le",
        "el", "al", "bin", "ibn", "and", "the", "zu", "zum", "zur", "vom", "und",
    )
)  # fmt: skip
TITLES = frozenset(
    (
        "mr", "mrs", "ms", "mx", "miss", "dr", "prof", "sir", "dame", "herr", "herrn", "frau",
        "fraulein", "familie", "jr", "sr",
    )
)  # fmt: skip
_DIGRAPHS = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe",
        "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe",
    }
)  # fmt: skip

_SEVERAL_WORDS = re.compile(r"\w\W+\w")
_WORDS = re.compile(r"\w+")
_AGED = re.compile(r"aged (\d{1,3})")


class Rule(Enum):
    """When a form counts as the private value: for certain, perhaps, or not at all."""

    ALWAYS = auto()
    EXACT = auto()
    """In this very case: two letters in small type are a common word far more often."""
    CAPITAL = auto()
    """A common word: certain with a capital within a sentence, else perhaps."""
    CASED = auto()
    """Common words that often stand together: certain with a capital, else perhaps."""
    INITIAL = auto()
    """Its single letter must be a capital."""
    POSSESSIVE = auto()
    """A common word whose `'s` shows that it is a name; the ending isn't part of the value."""
    APART = auto()
    """Numbers with a sign between them, as in a date."""
    HANDLE = auto()
    """After an @."""
    DAY = auto()
    """Day and month in numbers without zeros: certain where a German day would stand."""
    CLOCK = auto()
    """A time of day: certain near the day of the same event, else perhaps."""
    CLOCK_APART = auto()
    """A time of day in numbers with a sign between them."""
    AGE = auto()
    """A number: certain where it is said of somebody, "I am 41"."""
    NEVER = auto()
    """Perhaps, whatever stands around it."""
    NOUN = auto()
    """In German text, a noun too: perhaps where something makes it one."""
    ADJECTIVE = auto()
    """In German text, a word in small letters too."""
    DICTIONARY = auto()
    """In German text, perhaps if German has the word and doesn't have it seldom."""


IN_GERMAN = frozenset((Rule.NOUN, Rule.ADJECTIVE))
"""A name that German has as a word: it counts alone, and in no compound."""


_FUZZY_RULES = frozenset((Rule.ALWAYS, Rule.CASED))


class Form(NamedTuple):
    """One way to write a value.

    Attributes:
        kind: The kind of value.
        canonical: Its canonical characters.
        spelled: As it is written, with its spaces.
        rule: When it counts.
        joined: Whether it also counts within a longer word.
        fuzzy: Whether it also counts with one typing error.
        link: Month and day of a date.
        german: When it counts in German text, if otherwise.
    """

    kind: str
    canonical: str
    spelled: str
    rule: Rule = Rule.ALWAYS
    joined: bool = False
    fuzzy: bool = False
    link: tuple[int, int] | None = None
    german: Rule | None = None

    def __repr__(self) -> str:
        return f"Form(kind={self.kind!r}, <withheld>)"


def forms_of(kind: str, text: str) -> Iterator[Form]:
    """Yields the forms of a value; none if it has no letter or digit."""
    text = text.strip()
    if text.startswith("@"):
        yield from _handle_forms(kind, text[1:])
    elif kind == "DATE" and (moment := moments.parse_moment(text)):
        link = (moment.month, moment.day)
        for canonical, apart in moments.date_forms(moment):
            yield Form(kind, canonical, text, Rule.APART if apart else Rule.ALWAYS, link=link)
        yield Form(kind, f"{moment.day}{moment.month}", text, Rule.DAY, link=link)
    elif kind == "TIME" and (clock := moments.parse_clock(text)):
        for canonical, apart in moments.clock_forms(*clock):
            yield Form(kind, canonical, text, Rule.CLOCK_APART if apart else Rule.CLOCK)
    elif kind == "NUMBER" and (age := _AGED.fullmatch(text)):
        yield Form(kind, age[1], age[1], Rule.AGE)
    elif kind == "AMOUNT" and (amounts := list(moments.amount_forms(text))):
        yield from (Form(kind, canonical, text) for canonical in amounts)
    elif kind == "NAME":
        yield from _name_forms(text)
    else:
        derived = rare_parts(text) if kind in ("PLACE", "ORG") else ()
        for spelled in dict.fromkeys(parts_of(kind, text)):
            known = Rule.DICTIONARY if spelled in derived or kind == "ITEM" else None
            yield from _spelled_forms(kind, spelled, german=known)
        if kind == "PLACE":
            parts = {canonical_form(spelled) for p in pieces_of(text) for spelled in _written(p)}
            for adjective in dict.fromkeys(
                a for part in sorted(parts) for a in place_adjectives(part)
            ):
                yield Form(kind, adjective, adjective, Rule.CASED)


def _spelled_forms(
    kind: str,
    spelled: str,
    rule: Rule | None = None,
    *,
    fuzzy: bool = True,
    german: Rule | None = None,
) -> Iterator[Form]:
    for written in _written(spelled):
        canonical = canonical_form(written)
        if not canonical:
            continue
        found = rule or _rule(kind, written, canonical)
        joined = _joins(written, canonical)
        misspelled = fuzzy and found in _FUZZY_RULES and _is_distinctive(canonical)
        known = _german_rule(kind, canonical) if rule is None else None
        yield Form(kind, canonical, written, found, joined, misspelled, german=known or german)
        if found is Rule.CAPITAL and kind == "NAME":
            yield Form(kind, canonical + "s", written, Rule.POSSESSIVE)
        if ("0" in written or "1" in written) and canonicalize(written, "1").has_digit_as_letter():
            for reading in (canonicalize(written, "l"), canonicalize(written, "i")):
                read = reading.text
                yield Form(kind, read, written, found, joined)


def _german_rule(kind: str, canonical: str) -> Rule | None:
    if kind in ("NAME", "PLACE", "ORG"):
        if canonical in ADJECTIVES:
            return Rule.ADJECTIVE
        if canonical in NOUNS:
            return Rule.NOUN
    return None


def _is_distinctive(canonical: str) -> bool:
    """Whether a value is long enough, and letters enough, to be known by all but one of them."""
    letters = len(canonical) if canonical.isalpha() else sum(map(str.isalpha, canonical))
    return letters >= _FUZZY_LENGTH


def _written(spelled: str) -> Iterable[str]:
    if spelled.isascii():
        return (spelled,)
    # Without umlauts, and in both cases: a Greek capital may look like another letter.
    digraphs = spelled.translate(_DIGRAPHS)
    return dict.fromkeys((spelled, digraphs, spelled.upper(), spelled.lower()))


def _rule(kind: str, spelled: str, canonical: str) -> Rule:
    if kind == "ITEM" and len(canonical) <= 3 and spelled.isalpha() and spelled.isupper():
        return Rule.NEVER  # "AI" and "CEO" are everybody's.
    if len(canonical) <= 2 and canonical.isascii():
        common = canonical in rarity.plain_words() and kind == "NAME"
        return Rule.CAPITAL if common else Rule.EXACT
    if canonical in rarity.plain_words():
        return Rule.NEVER if kind == "ITEM" else Rule.CAPITAL
    if spelled.isalpha() or not canonical.isalpha():
        return Rule.ALWAYS
    # "Main Street" and "will young" are everybody's; "Quay Lane" isn't.
    words = _WORDS.findall(spelled.lower())
    return Rule.CASED if rarity.is_common_phrase(words) else Rule.ALWAYS


def _joins(spelled: str, canonical: str) -> bool:
    if len(canonical) < _JOINED_LENGTH:
        return False
    if not spelled.isalpha() and _SEVERAL_WORDS.search(spelled):
        return True
    long = len(canonical) >= JOINED_ANYWHERE
    return long and canonical.isalpha() and canonical.isascii() and not rarity.is_known(canonical)


def _name_forms(text: str) -> Iterator[Form]:
    words = [w for w in text.replace(",", " ").split() if canonical_form(w)]
    named = [w for w in words if canonical_form(w) not in TITLES]
    whole = [text, " ".join(named)]
    if len(named) > 2:
        whole.append(f"{named[0]} {named[-1]}")
    # Where every part is found by itself, so is any order of them.
    if not all(_stands_alone(word) for word in named):
        whole += (" ".join(named[n:] + named[:n]) for n in range(1, len(named)))
    # Longer parts are found by themselves, misspelled or not, in any order.
    short = any(len(word) < _FUZZY_LENGTH for word in named)
    for spelled in dict.fromkeys(whole):
        yield from _spelled_forms("NAME", spelled, fuzzy=short)
    for part in dict.fromkeys(p for word in named for p in (word, *word.split("-"))):
        canonical = canonical_form(part)
        if len(canonical) > 1 and canonical not in _PARTICLES:
            yield from _spelled_forms("NAME", part)
            if part.isascii() and (spelled := with_umlauts(part)) != part:
                yield from _spelled_forms("NAME", spelled)
    if len(named) > 1:
        for spelled in _initialled(named):
            yield from _spelled_forms("NAME", spelled, Rule.INITIAL)


def _stands_alone(word: str) -> bool:
    canonical = canonical_form(word)
    if canonical in _PARTICLES:
        return False
    return len(canonical) > 2 and canonical not in rarity.plain_words()


def _initialled(named: Sequence[str]) -> Iterator[str]:
    """`N. Vexmoor`, `Nora V`, `Nora Q Vexmoor`, `N Q Vexmoor`."""
    given, family = named[0], named[-1]
    if not (given[0].isalpha() and family[0].isalpha()):
        return
    yield from (f"{given[0]}. {family}", f"{given} {family[0]}")
    if len(named) > 2:
        middle = " ".join(word[0] for word in named[1:-1])
        yield from (f"{given} {middle} {family}", f"{given[0]} {middle} {family}")


def _handle_forms(kind: str, name: str) -> Iterator[Form]:
    canonical = canonical_form(name)
    if canonical:
        rare = len(canonical) >= 5 and not rarity.is_known(canonical)
        yield Form(kind, canonical, name, Rule.ALWAYS if rare else Rule.HANDLE)
