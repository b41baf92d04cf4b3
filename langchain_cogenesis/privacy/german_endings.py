"""What may follow a private value in the same German word: endings, and the rest of a compound."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_cogenesis.privacy import german, rarity

_OF_A_NAME = re.compile(r"s|sch(?:e[nrsm]?)?")
_OF_A_PLACE = re.compile(r"s|e?r(?:[sn]|in|innen)?|isch(?:e[nrsm]?)?|sch(?:e[nrsm]?)?")
_OF_A_THING = re.compile(r"e?[sn]|e")
_LIKE_S = ("s", "x", "z")
_SHORTEST = 3
_SHORTEST_IN_COMPOUND = 4
_SHORTEST_REST = 4


def is_ending(kind: str, value: str, rest: str, *, german_text: bool = False) -> bool:
    """Whether a German ending follows a value: "Ninas", "Hamburger", "hamburgisch".

    "Tomass" isn't one: such a name takes an apostrophe. Nor is what makes a commoner word of a
    short name ("Hals" of "Hal"), or one that English has.

    Args:
        kind: The value's kind.
        value: Its canonical characters.
        rest: The canonical characters up to the end of the word.
        german_text: Whether it stands in a German text, where "Hamburger" is no food.
    """
    if len(value) < _SHORTEST or (rarity.is_known(value + rest) and not german_text):
        return False
    if kind in ("NAME", "ORG"):
        if not _OF_A_NAME.fullmatch(rest) or (rest == "s" and value.endswith(_LIKE_S)):
            return False
    elif kind == "PLACE":
        if not _OF_A_PLACE.fullmatch(rest) or not _is_place_ending(value, rest):
            return False
    elif kind != "ITEM" or not _OF_A_THING.fullmatch(rest):
        return False
    return len(value) > _SHORTEST + 1 or not german.is_commoner(value + rest, value)


def _is_place_ending(value: str, rest: str) -> bool:
    # "Karlsruher" but "Kieler": an -e isn't doubled.
    if rest.startswith(("e", "r")):
        return value.endswith("e") != rest.startswith("e")
    return not (rest == "s" and value.endswith(_LIKE_S))


def is_compound(value: str, rest: str) -> bool:
    """Whether the rest of a word makes a compound that German doesn't have as such: "Reylfamilie".

    Args:
        value: The value's canonical characters.
        rest: Those up to the end of the word.
    """
    if len(value) < _SHORTEST_IN_COMPOUND or len(rest) < _SHORTEST_REST:
        return False
    if rarity.is_known(value + rest) or german.is_known(value + rest):
        return False
    return german.is_familiar(rest) or (rest[0] == "s" and german.is_familiar(rest[1:]))


def place_adjectives(place: str) -> Iterator[str]:
    """The adjectives of a place whose end changes: "Bremer", "Münchner", "Zürcher", "Basler"."""
    for ending, changed in (
        ("en", ("er", "ner")),
        ("ich", ("cher",)),
        ("el", ("ler",)),
        ("er", ("eraner",)),
        ("e", ("enser",)),
    ):
        if place.endswith(ending) and len(place) > len(ending) + 2:
            yield from (place[: -len(ending)] + other for other in changed)
