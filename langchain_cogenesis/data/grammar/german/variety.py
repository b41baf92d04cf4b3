"""Names and things that the German house models learn from, put together anew for each user.

From the short lists of `words.yaml` a model would learn the entries and not to copy them. Every
fifth of those is kept for evaluation.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

from langchain_cogenesis.data.grammar import names
from langchain_cogenesis.data.grammar.german.tasks import load_words, read_yaml

_KEPT = 5
_KEPT_FROM = ("women", "men", "surnames", "towns", "companies", "events", "places", "gifts",
              "mishaps", "reasons", "conflicts", "items", "shops")  # fmt: skip
_COUNT = 6
"""How many of each are put together for a user; they stand beside those of `words.yaml`."""


def vary_words(random: Random, *, made_up: float) -> dict[str, Any]:
    """The words of one user's world.

    Args:
        random: Source of all choices.
        made_up: Share of users whose people have names that nobody has.
    """
    known = dict(load_words())
    for name in _KEPT_FROM:
        known[name] = [word for n, word in enumerate(known[name]) if n % _KEPT != _KEPT - 1]
    maker = _Maker(random)
    if random.random() < made_up:
        for name in ("women", "men"):
            known[name] = maker.distinct(maker.given, 10)
        known["surnames"] = maker.distinct(maker.surname, 14)
    for name in ("towns", "companies", "shops"):
        known[name] = [*known[name], *(maker.named(name) for _ in range(_COUNT))]
    known["places"] = [*known["places"], *(maker.place() for _ in range(2 * _COUNT))]
    known["events"] = [*known["events"], *(maker.event() for _ in range(2 * _COUNT))]
    for name in ("gifts", "items"):
        known[name] = [*known[name], *(maker.thing(name) for _ in range(2 * _COUNT))]
    for name in ("mishaps", "reasons", "conflicts"):
        known[name] = [*known[name], *(maker.pair(name) for _ in range(2 * _COUNT))]
    known["others"] = [*known["others"], *(maker.pair("others") for _ in range(_COUNT))]
    return known


class _Maker:
    """Puts names and phrases together.

    Args:
        random: Source of all choices.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._family = names.random_family(random)

    def given(self) -> str:
        """A given name."""
        return names.given_name(self._random, self._family)

    def surname(self) -> str:
        """A surname."""
        return names.surname(self._random, self._family)

    def distinct(self, make: Any, count: int) -> list[str]:
        """So many different names."""
        found: dict[str, None] = {}
        while len(found) < count:
            # A spelling that was made up may have too few names to choose from.
            name = make() if len(found) < count // 2 else make() + self._random.choice("aeinors")
            found.setdefault(name)
        return list(found)

    def named(self, kind: str) -> str:
        """A town, a firm or a shop."""
        pattern: str = self._random.choice(_variety()[kind])
        return pattern.format(self._root())

    def place(self) -> tuple[str, str]:
        """Preposition and name of a place."""
        preposition, pattern = self._random.choice(_variety()["places"])
        return preposition, pattern.format(self._root())

    def event(self) -> tuple[str, str]:
        """Noun and gender of an event."""
        end, gender = self._random.choice(_variety()["event_ends"])
        return f"{self._random.choice(_variety()['event_starts'])}{end}", gender

    def thing(self, kind: str) -> tuple[str, str]:
        """A thing with its article, and without it."""
        article, pattern = self._random.choice(_variety()[kind])
        noun = self._filled(pattern)[0]
        return f"{article} {noun}", noun

    def pair(self, kind: str) -> tuple[str, str]:
        """A phrase and the fact in it."""
        phrase, fact = self._filled(*self._random.choice(_variety()[kind]))
        return phrase, fact

    def _filled(self, *templates: str) -> Sequence[str]:
        values: dict[str, str] = {}
        for template in templates:
            for _, slot, _, _ in string.Formatter().parse(template):
                if slot and slot not in values:
                    values[slot] = self._value(slot)
        return [template.format_map(values) for template in templates]

    def _value(self, slot: str) -> str:
        if slot == "town":
            return self.named("towns")
        if slot == "name":
            return self._root()
        if slot == "price":
            return f"{self._random.randint(3, 400)},{self._random.choice(('00', '50', '90', '99'))}"
        value: str = self._random.choice(_variety()[slot])
        return value

    def _root(self) -> str:
        if self._random.random() < 0.5:
            return names.root(self._random, self._family)
        root: str = self._random.choice(load_words()["surnames"])
        return root


@cache
def _variety() -> dict[str, Any]:
    return read_yaml("variety.yaml")
