"""Phone numbers by the way they are grouped.

A library that knows every country's numbers (`phonenumbers`) finds what is written with its `+`, as
this does; what is written without one it finds only if it is told the country, which nobody knows
here, and it takes ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_DATE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    r"|(?:1[89]|20|21)\d\d\s?[-/\u2013]\s?(?:(?:1[89]|20|21)\d\d|\d\d))(?!\d|[-/.]\d)"
)
_GAP = re.compile(r"|[ \u00a0\u202f./\u2010-\u2013-]|[ ]?\(|\)[ -]?| - | / ")
_ONE_RUN = re.compile(r"(?!\d+000$)(?:[02-9]\d{9}|(?:0[1-9]|1[2-9]|[78]9)\d{9})")
_ABROAD = re.compile(r"00[1-9]\d")
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d")
_CUE = re.compile(
    r"\b(?:(?:tele|smart|cell)?phones?|telefono?|tel|call(?:ed|ing)?|mobile|cell|fax|whatsapp|handy"
    r"|contact|dial|sms|ring|ph|reach|handynummer|telefon(?:nummer)?|mobil(?:nummer)?|durchwahl"
    r"|(?:an)?rufe?n?|rückruf|erreich(?:e|en|bar|st)?)\b[^\n\d]{0,18}\Z"
)
_NEAR = 28


@dataclass(frozen=True, slots=True)
class Group:
    """A group of digits `text[start:end]` and the gap before it; `part` if it belongs elsewhere."""

    start: int
    end: int
    gap: str
    part: bool

    def opening(self, *, closed: bool) -> int:
        """Where the number begins that starts here, with its `+`, and its `(` if it is closed."""
        signs = "+(" if closed else "+"
        return self.start - (len(self.gap) - len(self.gap.rstrip(signs)))

    @property
    def size(self) -> int:
        """How many digits."""
        return self.end - self.start

    def cut(self) -> Group:
        """The same as a part of a word or a sum."""
        return replace(self, part=True)


def date_end(text: str, start: int) -> int:
    """Where a date or a span of years ends that starts here; 0 if there is none."""
    match = _DATE.match(text, start)
    return match.end() if match else 0


def is_phone(text: str, lower: str, groups: Sequence[Group], *, alone: bool, begin: int) -> bool:
    """Whether groups of digits are a phone number.

    Args:
        text: Where they stand.
        lower: The same in small letters, character by character.
        groups: The groups, one after the other.
        alone: Whether no more digits stand near.
        begin: Where the digits near begin.
    """
    if any(not _GAP.fullmatch(group.gap) for group in groups[1:]):
        return False
    first = groups[0]
    if first.size < 3 and any(group.gap == " / " for group in groups):
        return False
    sizes = tuple(group.size for group in groups)
    digits = sum(sizes)
    if first.gap.endswith(("+", "+(")) or _ABROAD.match(text, first.start):
        return (7 if "+" in first.gap else 10) <= digits <= 16
    if not 6 <= digits <= 12:
        return False
    if len(groups) > 1 and all(_YEAR.fullmatch(text, g.start, g.end) for g in groups):
        return False
    near = lower[max(0, first.start - _NEAR) : first.start]
    if _CUE.search(near) and not _is_thousands(text, groups):
        return True
    if first.gap.endswith("(") and 2 <= first.size <= 5:
        return digits >= 7 and len(groups) > 1 and groups[1].gap.startswith(")")
    return _is_grouped(text, groups, sizes, alone=alone and first.start - begin <= 1)


def _is_grouped(text: str, groups: Sequence[Group], sizes: tuple[int, ...], *, alone: bool) -> bool:
    """Whether the groups have a usual form of numbers without a country's code."""
    digits, lead = sum(sizes), text[groups[0].start]
    if len(sizes) == 1:
        # Ten digits that begin with 1 are seconds since 1970.
        return bool(_ONE_RUN.fullmatch(text, groups[0].start, groups[0].end))
    gaps = {group.gap.strip() for group in groups[1:]}
    if "." in gaps and (gaps != {"."} or len(sizes) == 2):
        return False  # Sums with their fractions.
    if all(text.startswith("00", group.end - 2) for group in groups):
        return False
    if lead == "0" and sizes[0] >= 2:
        return digits >= 8
    if sizes[-2:] == (3, 4) and digits in (10, 11) and sizes[0] <= 3:
        return True
    if sizes == (3, 4) and gaps == {"-"}:
        return True
    if not alone or _is_thousands(text, groups) or "/" in gaps:
        return False
    if sizes == (3, 3, 3):
        return lead in "456789"
    return 8 <= digits <= 11 and min(sizes) >= 2 and (gaps <= {"-"} or len(gaps) == 1)


def _is_thousands(text: str, groups: Sequence[Group]) -> bool:
    """Whether it is one large number, its digits in threes."""
    sizes = [group.size for group in groups]
    if len(groups) < 2 or text[groups[0].start] == "0":
        return False
    return (
        sizes[0] < 3
        and set(sizes[1:]) == {3}
        and {g.gap for g in groups[1:]} <= {" ", ".", "\u00a0"}
    )
