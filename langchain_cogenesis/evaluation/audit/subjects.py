"""Who is audited: a user, what is known of them, what they ask for, and what is private in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from langchain_cogenesis.context.schema import PrivateContext

_NAMES = frozenset({"name", "place", "firm", "employer"})
AGE_BANDS = ((30, "below 30"), (45, "30 to 44"), (60, "45 to 59"))


@dataclass(frozen=True, slots=True, repr=False)
class Unit:
    """A piece of private information, as the data has it.

    Attributes:
        kind: What it is: `name`, `place`, `date` …
        text: The value.
        promised: Whether the README promises that it doesn't leave, if the context holds it.
    """

    kind: str
    text: str
    promised: bool = False

    def __repr__(self) -> str:
        return f"Unit(kind={self.kind!r}, text=<withheld>)"


@dataclass(frozen=True, slots=True, repr=False)
class Canary:
    """A value that was planted.

    Attributes:
        kind: What it is.
        text: The value.
        typed: Whether the instruction holds it too.
    """

    kind: str
    text: str
    typed: bool

    def __repr__(self) -> str:
        return f"Canary(kind={self.kind!r}, text=<withheld>)"


@dataclass(frozen=True, slots=True, repr=False)
class Subject:
    """One user with one instruction.

    Attributes:
        number: Which one; names the recording.
        instruction: What the user types.
        context: What is known of the user and put into the store.
        units: Private information as the data has it, from the data and not from our lexicon.
        attributes: What an attacker would like to guess: `{"occupation": "nurse"}`.
        canaries: What was planted in context and instruction.
    """

    number: int
    instruction: str
    context: PrivateContext
    units: tuple[Unit, ...]
    attributes: Mapping[str, str]
    canaries: tuple[Canary, ...] = ()

    def __repr__(self) -> str:
        return f"Subject({self.number}, <withheld: {len(self.units)} units>)"

    def history(self) -> str:
        """All that is known of the user, as text, planted values included."""
        return "\n".join(item.text for item in self.context.items())


def age_band(age: int) -> str:
    """The band that an age is in.

    >>> age_band(29), age_band(30), age_band(71)
    ('below 30', '30 to 44', '60 and above')
    """
    return next((name for below, name in AGE_BANDS if age < below), "60 and above")


def known_units(units: Iterable[Unit], context: PrivateContext) -> tuple[Unit, ...]:
    """The units that tell something, each once, and promised only if the context holds them.

    What a user types and nobody was told before, no lexicon can know; and names are promised where
    a field of the context holds them, not where some text mentions them. A value of two kinds
    keeps the one that is promised, else the first.

    Args:
        units: Units of one user.
        context: What is known of the user.
    """
    anywhere = _folded("\n".join(item.text for item in context.items()))
    in_fields = _folded("\n".join(_fields(context)))
    kept: dict[str, Unit] = {}
    for unit in units:
        key = _folded(unit.text)
        if sum(map(str.isalnum, key)) < 2:
            continue
        known = in_fields if unit.kind in _NAMES else anywhere
        found = replace(unit, promised=unit.promised and key in known)
        if key not in kept or (found.promised and not kept[key].promised):
            kept[key] = found
    return tuple(kept.values())


def _fields(context: PrivateContext) -> Iterator[str]:
    """What stands in fields of names, places and employers."""
    profile = context.profile
    if profile is not None:
        own = (profile.name, profile.company, profile.location, profile.address, profile.occupation)
        yield from (field for field in own if field)
        yield from (contact.name for contact in profile.contacts)
    for activity in context.activities:
        yield from (*activity.people, activity.place or "")
    yield from (sample.recipient or "" for sample in context.writings)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def without_values(text: str, values: Iterable[str]) -> str:
    """A text without any of the values, as one who knows them all would remove them.

    Case and spacing don't matter; within a longer word a value stays.
    """
    for value in sorted(set(values), key=len, reverse=True):
        words = value.split()
        if words:
            pattern = r"\s+".join(map(re.escape, words))
            text = re.sub(rf"(?<!\w){pattern}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text


def name_parts(name: str) -> Iterator[str]:
    """The parts of a name that tell who it is; titles don't.

    >>> list(name_parts("Dr. Ada Lund"))
    ['Ada', 'Lund']
    """
    titles = {"Dr", "Mr", "Mrs", "Ms", "Prof"}
    parts = (part for part in name.split() if part.rstrip(".") not in titles)
    return (part for part in parts if len(part) > 2)
