"""How strongly a gate masks: from known values alone to all that looks like a name or a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args

from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.privacy.detectors import Detector, PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import Match, PrivateLexicon
from langchain_cogenesis.privacy.normalize import canonicalize
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN
from langchain_cogenesis.privacy.rarity import is_known
from langchain_cogenesis.private_values import build_echoes, build_lexicon

Mask = Literal["values", "standard", "ambiguous", "names"]
"""What is masked, each with all before it: values that are known for certain; what is found by its
shape or copied from the context, as a session does; known values that are common words too; what
looks like a name or a number."""
MASKS: tuple[Mask, ...] = get_args(Mask)

_NAME = re.compile(r"(?<![\w'’-])[A-Z][\w'’-]*")
_NUMBER = re.compile(r"(?<!\w)\d[\w.,:/-]*\w|(?<!\w)\d")
_NO_NAME = frozenset({"I", "I'm", "I'd", "I'll", "I've", "I’m", "I’d", "I’ll", "I’ve"})
_GROWING = re.compile(r"(?<![\w'’-])[A-Z\d][\w'’.,:/-]*\Z")
_WORD = re.compile(r"(?<!\w)\w+")
_LONGEST = 40
"""Characters at the end of a text in which a value may have begun."""
_OPENING = " (\"'“‘"
_WITHIN = re.compile(r"[\w,;)\]]")


class AmbiguousDetector:
    """Finds known private values that are common words too, wherever they stand.

    Args:
        lexicon: Knows them.
    """

    def __init__(self, lexicon: PrivateLexicon) -> None:
        self._lexicon = lexicon

    def find(self, text: str) -> Iterator[Match]:
        """Yields what the lexicon would only note."""
        yield from _outside_marks(text, self._lexicon.noted(text))

    def grows(self, text: str) -> bool:
        """Whether the last words of a text may become such a value."""
        tail = text[-_LONGEST:]
        return any(
            self._lexicon.begins_noted(canonicalize(tail[match.start() :]).text)
            for match in _WORD.finditer(tail)
        )


class NameLikeDetector:
    """Finds whatever looks like a name or a number; it knows nothing of the user.

    A name is a word with a capital within a sentence, and at the beginning of one if English
    doesn't have it; a number is whatever begins with a digit. A text that is a number and nothing
    else is left: it is an option of a request.
    """

    def find(self, text: str) -> Iterator[Match]:
        """Yields names and numbers."""
        if text.isdecimal():
            return
        names = (
            Match(match.start(), match.end(), "NAME")
            for match in _NAME.finditer(text)
            if match[0] not in _NO_NAME
            and (_stands_within(text, match.start()) or not is_known(match[0].lower()))
        )
        numbers = (Match(m.start(), m.end(), "NUMBER") for m in _NUMBER.finditer(text))
        yield from _outside_marks(text, [*names, *numbers])

    def grows(self, text: str) -> bool:
        """Whether the text ends within a word that began with a capital, or within a number."""
        return _GROWING.search(text) is not None


def teach(gate: EgressGate, context: PrivateContext, mask: Mask = "standard") -> None:
    """Has a gate know the values of one context, and of no other.

    Args:
        gate: The gate.
        context: The context.
        mask: What the gate masks.
    """
    lexicon = build_lexicon(context)
    found: list[Detector] = []
    if mask != "values":
        found += [PatternDetector(), build_echoes(context)]
    if mask in ("ambiguous", "names"):
        found.append(AmbiguousDetector(lexicon))
    if mask == "names":
        found.append(NameLikeDetector())
    gate.lexicon, gate.detectors = lexicon, tuple(found)


def _stands_within(text: str, start: int) -> bool:
    """Whether something before a word on its line says that its sentence began earlier."""
    before = text[:start].rstrip(_OPENING)
    return bool(before) and _WITHIN.match(before[-1]) is not None


def _outside_marks(text: str, matches: list[Match]) -> Iterator[Match]:
    marks = [match.span() for match in PLACEHOLDER_PATTERN.finditer(text)] if "[" in text else []
    for match in matches:
        if all(match.end <= start or end <= match.start for start, end in marks):
            yield match
