"""Detectors of private values that no context names: they know a value by its shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from langchain_cogenesis.privacy.lexicon import Match


@runtime_checkable
class Detector(Protocol):
    """Finds private values in a text."""

    def find(self, text: str) -> Iterable[Match]:
        """Yields what it found, in any order; matches may overlap."""
        ...


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+\w{2,63}", re.UNICODE)
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ ./-]?\d{2,5}){1,4}(?![\w-])"  # noqa: E501
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_ORDER = re.compile(
    r"\b(?:order|invoice|booking|reference|ref|customer|account|tracking|ticket|policy|reservation)"
    r"(?:\s+(?:no|nr|number|id|code))?\.?\s*[:#]?\s*#?((?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{3,24})",
    re.IGNORECASE,
)
_DATE_LIKE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}\s?[-–]\s?\d{2,4}"
)


class PatternDetector:
    """Finds e-mail addresses, phone numbers, IBANs, payment cards and order numbers."""

    def find(self, text: str) -> Iterable[Match]:
        """Yields matches of all patterns; numbers with a checksum are checked."""
        for match in _EMAIL.finditer(text):
            yield Match(match.start(), match.end(), "EMAIL")
        for match in _IBAN.finditer(text):
            if _iban_holds(match.group()):
                yield Match(match.start(), match.end(), "NUMBER")
        for match in _CARD.finditer(text):
            if _luhn_holds(match.group()):
                yield Match(match.start(), match.end(), "NUMBER")
        for match in _ORDER.finditer(text):
            yield Match(match.start(1), match.end(1), "NUMBER")
        for match in _PHONE.finditer(text):
            if _is_phone(match.group()):
                yield Match(match.start(), match.end(), "PHONE")


def merge_overlaps(matches: Iterable[Match]) -> list[Match]:
    """Joins overlapping matches, so that every character found stays covered.

    Returns:
        Matches from left to right; each has the kind of the longest that went into it.
    """
    merged: list[Match] = []
    longest = 0
    for match in sorted(matches, key=lambda m: (m.start, -m.end)):
        length = match.end - match.start
        if not merged or match.start >= merged[-1].end:
            merged.append(match)
            longest = length
            continue
        last = merged[-1]
        kind = match.kind if length > longest else last.kind
        longest = max(longest, length)
        merged[-1] = Match(last.start, max(last.end, match.end), kind)
    return merged


def _is_phone(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return 7 <= len(digits) <= 15 and not _DATE_LIKE.fullmatch(number.strip())


def _luhn_holds(number: str) -> bool:
    digits = [int(c) for c in re.sub(r"\D", "", number)]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban_holds(number: str) -> bool:
    compact = number.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
