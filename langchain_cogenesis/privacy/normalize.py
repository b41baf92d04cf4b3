"""Text reduced to what identifies a value: its letters and digits, without case or accents.

Spacing, punctuation, zero-width characters, accents, full-width forms and capitals make no
difference to a canonical text; the positions of the original characters are kept, so that what is
found there can be replaced in the original.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN

_RUNS = re.compile(
    rf"(?P<mark>{PLACEHOLDER_PATTERN.pattern})"
    r"|(?P<word>[A-Za-z0-9]+)|(?P<other>[^\x00-\x7f]+)"
)
# Letters that Unicode doesn't decompose, as they are spelled without their stroke or ligature.
_UNSTROKED = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe",
        "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ŀ": "l",
    }
)  # fmt: skip
_INNER_EDGES = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=\d)(?=\D)|(?<=\D)(?=\d)")


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
    builder = _Builder()
    # Most text is ASCII: whole words at a time there, character by character elsewhere.
    reached = 0
    for match in _RUNS.finditer(text):
        if match.start() > reached:
            builder.separate()
        reached = match.end()
        if match.lastgroup == "word":
            builder.add_word(match.group(), match.start())
        elif match.lastgroup == "other":
            for index, character in enumerate(match.group(), start=match.start()):
                builder.add_character(character, index)
        else:
            builder.separate()
    return CanonicalText(
        "".join(builder.characters), tuple(builder.positions), tuple(builder.starts), text
    )


class _Builder:
    """Collects canonical characters, where they came from, and where words may begin."""

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.positions: list[int] = []
        self.starts: list[bool] = []
        self._separated = True
        self._previous = ""

    def separate(self) -> None:
        """Notes that what comes next begins a word."""
        self._separated = True

    def add_word(self, word: str, index: int) -> None:
        """Adds a run of ASCII letters and digits."""
        begin = len(self.starts)
        self.characters.append(word.lower())
        self.positions.extend(range(index, index + len(word)))
        self.starts.extend([False] * len(word))
        self.starts[begin] = self._separated or _is_edge(self._previous, word[0])
        if not (word.isalpha() and (word.islower() or word[1:].islower())):
            for edge in _INNER_EDGES.finditer(word):
                self.starts[begin + edge.start()] = True
        self._separated, self._previous = False, word[-1]

    def add_character(self, character: str, index: int) -> None:
        """Adds a character outside ASCII."""
        if _is_invisible(character):
            return
        folded = _fold(character)
        if not folded:
            self._separated = True
            return
        edge = self._separated or _is_edge(self._previous, character)
        self.characters.append(folded)
        self.positions.extend([index] * len(folded))
        self.starts.extend([edge] + [False] * (len(folded) - 1))
        self._separated, self._previous = False, character


def canonical_form(text: str) -> str:
    """The canonical characters of a value alone."""
    return "".join(_fold(character) for character in text if not _is_invisible(character))


def _fold(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    decomposed = unicodedata.normalize("NFKD", character.casefold())
    return "".join(c for c in decomposed.casefold().translate(_UNSTROKED) if c.isalnum())


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
