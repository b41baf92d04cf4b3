"""What says itself that it is a person's: a name after a title, a day of birth, a street address.

Without a title or a word before it, a name has no shape: that is for the lexicon, or for a detector
with a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.shape import places

_CAPITALISED = r"[A-Z\u00c0-\u00de][\w'\u2019-]{1,24}"
_NAME = rf"({_CAPITALISED}(?:\s{_CAPITALISED}){{0,2}})"
_TITLED = re.compile(rf"(?<!\w)(?:Mrs?|Ms|Dr|Prof|Miss)\.?\s{{1,2}}{_NAME}")
_TITLES = ("Mr", "Ms", "Dr", "Prof", "Miss")
_CALLS = ("my name is ", "my name's ", " named ")
_CALLED = re.compile(rf"\s?{_NAME}")
_BIRTHS = ("born", "birth", "dob")
_BORN = re.compile(
    r"(?:day|date)?(?: is| was| on)?[\"'\u201c\u201d:= ]{0,6}"
    r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}(?:st|nd|rd|th)?\s[A-Za-z]{3,9},?\s\d{4}"
    r"|[A-Za-z]{3,9}\s\d{1,2}(?:st|nd|rd|th)?,?\s\d{4})"
)
_HOUSE_NUMBER = re.compile(rb"0{1,5}[Aa]? [A0]")
_STREET = re.compile(
    r"(?<![\w.,$-])\d{1,5}[A-Za-z]?\s(?:[A-Z0-9][\w'\u2019.-]{0,20}\s){1,4}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Way|Wy|Court|Ct|Boulevard|Blvd|Square|Sq"
    r"|Terrace|Close|Crescent|Place|Pl|Parkway|Pkwy)\b\.?"
    r"(?:,?\s(?:Apt|Apartment|Suite|Unit|Flat|#)\.?\s?\w{1,6})?"
    r"(?:,\s[A-Z][\w'-]{1,20}(?:\s[A-Z][a-z'-]{1,20})?)?(?:,?\s[A-Z]{2}(?:,?\s\d{5}(?:-\d{4})?)?\b)?"
)


def find_people(text: str, lower: str) -> Iterator[Match]:
    """Finds names after titles, days of birth, and street addresses with their numbers.

    Args:
        text: Where to look.
        lower: The same in small letters, character by character.
    """
    for title in _TITLES:
        for at in places(text, title):
            match = _TITLED.match(text, at)
            if match:
                yield Match(match.start(1), _name_end(match), "NAME")
    for word in _CALLS:
        for at in places(lower, word):
            match = _CALLED.match(text, at + len(word))
            if match:
                yield Match(match.start(1), _name_end(match), "NAME")
    for word in _BIRTHS:
        for at in places(lower, word):
            match = _BORN.match(text, at + len(word))
            if match:
                yield Match(match.start(1), match.end(1), "DATE")


def find_streets(text: str, shape: bytes) -> Iterator[Match]:
    """Finds street addresses in a text of this shape."""
    for number in _HOUSE_NUMBER.finditer(shape):
        match = _STREET.match(text, number.start())
        if match:
            yield Match(match.start(), match.end(), "ADDRESS")


def _name_end(match: re.Match[str]) -> int:
    """The end of a name, without a possessive ending."""
    name = match[1].rstrip("'\u2019-")
    owner = name[:-2] if name.endswith(("'s", "\u2019s")) else name
    return match.start(1) + len(owner)
