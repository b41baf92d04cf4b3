"""Text reduced to what identifies a value: its letters and digits, without case or accents.

Spacing, punctuation, zero-width characters, accents, full-width forms and capitals make no
difference to a canonical text; the positions of the original characters are kept, so that what is
found there can be replaced in the original.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN


@dataclass(frozen=True, slots=True, repr=False)
class CanonicalText:
    """A text's letters and digits, and where each came from.

    Attributes:
        text: The canonical characters.
        positions: For each canonical character, the index of its original character.
        starts: For each canonical character, whether a word may begin there.
        original: The text it was made from.
    """

    text: str
    positions: tuple[int, ...]
    starts: tuple[bool, ...]
    original: str

    def __repr__(self) -> str:
        return f"CanonicalText(<withheld: {len(self.text)} characters>)"

    def is_word(self, begin: int, end: int) -> bool:
        """Whether canonical characters `begin:end` begin and end at the edges of words."""
        return self.starts[begin] and (end == len(self.text) or self.starts[end])

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The original span of canonical characters `begin:end`, combining marks included."""
        first, last = self.positions[begin], self.positions[end - 1] + 1
        while last < len(self.original) and _is_invisible(self.original[last]):
            last += 1
        return first, last


def canonicalize(text: str) -> CanonicalText:
    """Reduces a text to its canonical characters; placeholders in it count as separators."""
    skipped = _placeholder_positions(text)
    characters: list[str] = []
    positions: list[int] = []
    starts: list[bool] = []
    separated, previous = True, ""
    for index, original in enumerate(text):
        if index in skipped:
            separated = True
            continue
        if _is_invisible(original):
            continue
        folded = _fold(original)
        if not folded:
            separated = True
            continue
        edge = separated or _is_edge(previous, original)
        for number, character in enumerate(folded):
            characters.append(character)
            positions.append(index)
            starts.append(edge and number == 0)
        separated, previous = False, original
    return CanonicalText("".join(characters), tuple(positions), tuple(starts), text)


def canonical_form(text: str) -> str:
    """The canonical characters of a value alone."""
    return "".join(_fold(character) for character in text if not _is_invisible(character))


def _fold(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    decomposed = unicodedata.normalize("NFKD", character.casefold())
    return "".join(c for c in decomposed.casefold() if c.isalnum())


def _is_invisible(character: str) -> bool:
    # Combining marks belong to the letter before them; format characters show nothing.
    return not character.isascii() and unicodedata.category(character) in ("Mn", "Me", "Cf")


def _is_edge(previous: str, current: str) -> bool:
    """Whether a word may begin at `current` though no separator stands before it."""
    if previous.islower() and current.isupper():
        return True
    if previous.isdigit() != current.isdigit():
        return True
    # Scripts without spaces between words: any character may begin a value.
    return _is_unspaced(previous) or _is_unspaced(current)


def _is_unspaced(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\u0e00" <= character <= "\u0eff"


def _placeholder_positions(text: str) -> frozenset[int]:
    if "[" not in text:
        return frozenset()
    found = PLACEHOLDER_PATTERN.finditer(text)
    return frozenset(index for match in found for index in range(match.start(), match.end()))
