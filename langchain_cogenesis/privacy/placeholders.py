"""The placeholders that stand for private values in what leaves the device.

`[NAME_1]` is a special token of the house models and plain text for all others.
"""

from __future__ import annotations

import re

PLACEHOLDER_KINDS: tuple[str, ...] = (
    "NAME",
    "PLACE",
    "ORG",
    "EMAIL",
    "PHONE",
    "ADDRESS",
    "NUMBER",
    "URL",
    "DATE",
    "TIME",
    "AMOUNT",
    "ITEM",
)
"""Kinds of private values, in the order of their ids in the house vocabulary."""

PLACEHOLDERS_PER_KIND = 8
"""How many placeholders of a kind are single tokens of the house vocabulary."""

PLACEHOLDER_PATTERN = re.compile(r"\[(" + "|".join(PLACEHOLDER_KINDS) + r")_([1-9]\d{0,3})\]")


def placeholder(kind: str, number: int) -> str:
    """Spells a placeholder: `placeholder("NAME", 1) == "[NAME_1]"`."""
    return f"[{kind}_{number}]"


def kind_of(mark: str) -> str:
    """The kind that a placeholder stands for: `kind_of("[NAME_1]") == "NAME"`."""
    return mark[1:].rpartition("_")[0]


def house_placeholders() -> tuple[str, ...]:
    """All placeholders that are single tokens of the house vocabulary, in id order."""
    numbers = range(1, PLACEHOLDERS_PER_KIND + 1)
    return tuple(placeholder(kind, n) for kind in PLACEHOLDER_KINDS for n in numbers)
