"""Detectors of private values that no context names: they know a value by its shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from langchain_cogenesis.privacy.address_patterns import find_addresses
from langchain_cogenesis.privacy.german_patterns import find_german, find_german_streets
from langchain_cogenesis.privacy.growing import may_grow
from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.number_patterns import find_numbers
from langchain_cogenesis.privacy.person_patterns import find_people, find_streets
from langchain_cogenesis.privacy.secret_patterns import find_secrets
from langchain_cogenesis.privacy.shape import plain_digits, shape_of, small_letters


@runtime_checkable
class Detector(Protocol):
    """Finds private values in a text.

    One that also has `grows(text) -> bool`, as `PatternDetector` has, says whether the end of a
    text may be the beginning of what it finds. In logit mode such an end is held back.
    """

    def find(self, text: str) -> Iterable[Match]:
        """Yields what it found, in any order; matches may overlap."""
        ...


class PatternDetector:
    """Finds what has a shape: addresses of the net, numbers of people and things, secrets.

    | Kind | What |
    | --- | --- |
    | EMAIL | e-mail addresses, also as `jo (at) mail (dot) example` |
    | PHONE | phone numbers: with `+`, with a usual grouping, or after a word such as 'call' |
    | URL | URLs that point to more than a host; IP addresses but for loopback |
    | NAME | what follows a title or 'my name is'; the user's part of a path such as `/home/…` |
    | ADDRESS | a street with its number; a German town with its code |
    | DATE | a day of birth that is called so |
    | NUMBER | payment cards, IBANs and national ids by their checksums; keys and tokens |
    | NUMBER | passwords, and numbers of orders, accounts and passports, after such a word |

    Words before a value are known in English and German. The time it takes is linear in the text.
    Other names, places and firms have no shape: those are for the lexicon, or for a detector with a
    model (`PresidioDetector`).
    """

    def grows(self, text: str) -> bool:
        """Whether the end of a text may be the beginning of a match that isn't there yet."""
        return may_grow(text)

    def find(self, text: str) -> Iterable[Match]:
        """Finds matches of all patterns; numbers with a checksum are checked."""
        plain = plain_digits(text)
        lower, shape = small_letters(plain), shape_of(plain)
        found = [*find_addresses(plain, lower, shape), *find_secrets(plain, lower, shape)]
        found += find_people(plain, lower)
        found += find_german(plain)
        if b"0" in shape:
            found += find_numbers(plain, lower, shape)
            found += find_streets(plain, shape)
            found += find_german_streets(plain, shape)
        return found


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
