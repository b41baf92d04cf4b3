"""Text reduced to what identifies a value: its letters and digits, without case or accents.

Spacing, punctuation, zero-width characters, accents, full-width forms, look-alike letters and
capitals make no difference to a canonical text; the positions of the original characters are kept,
so that what is found there can be replaced in the original.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.privacy import german
from langchain_cogenesis.privacy.confusables import fold, is_currency, is_invisible
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN

Reading = Literal["l", "i", "1"]
"""What a 1 among letters is read as."""

_BARRIER, _HIDDEN, _GAP = "\x01", "\x02", "\x03"
"""Stand for a placeholder, for a character that shows nothing, and for any other separator."""
_SEPARATOR, _DIGIT, _SMALL, _CAPITAL, _LETTER, _NOTHING, _WALL = range(7)
# A digit that stands for a letter: inside a word of letters, or at the end of a longer one.
_DIGIT_AS_LETTER = re.compile(
    r"[01](?:(?<=[A-Za-z].)[01]?(?=[A-Za-z])"
    r"|(?<![A-Za-z0-9].)(?=[A-Za-z]{3,}(?![A-Za-z0-9]))"
    r"|(?<=[A-Za-z]{3}.)(?![A-Za-z0-9]))"
)
_AS_L, _AS_I = str.maketrans("01", "ol"), str.maketrans("01", "oi")


def _classes() -> NDArray[np.uint8]:
    table = np.zeros(129, dtype=np.uint8)
    for code in range(128):
        character = chr(code)
        if character.isdigit():
            table[code] = _DIGIT
        elif character.isalpha():
            table[code] = _CAPITAL if character.isupper() else _SMALL
    table[ord(_HIDDEN)], table[ord(_BARRIER)], table[128] = _NOTHING, _WALL, _LETTER
    return table


_CLASSES = _classes()
_MAY_BEGIN = np.zeros((7, 7), dtype=bool)
"""By the classes of two neighbours, whether a word may begin between them."""
_MAY_BEGIN[_SMALL, _CAPITAL] = True
_MAY_BEGIN[_DIGIT, :] = _MAY_BEGIN[:, _DIGIT] = True
_MAY_BEGIN[_DIGIT, _DIGIT] = False
_MAY_BEGIN[_WALL, :] = _MAY_BEGIN[:, _WALL] = True
_NOT_KEPT = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != _BARRIER)
_LOWER = bytes(range(256)).lower()
_WORD = re.compile("[a-z0-9]+")


_SPECIAL = re.compile(r"[$\x01\x02]|\[[A-Z]|(?<=[A-Za-z])[01]|[01](?=[A-Za-z])")
"""What an ASCII text may hold that can't be read letter by letter."""
_READ_OTHERWISE = re.compile(r"[^\x00-\x7f]|[$\x01\x02]")
_MOSTLY_ASCII = 1.1
"""Bytes a character; up to here, only the characters that aren't themselves are looked up."""
_MARKS = re.compile(r"[$\x01\x02]|\[[A-Z]")


class _Readings(dict[int, str]):
    """What each character is read as, made when it is first met; at least one character each."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in (_BARRIER, _HIDDEN):
            read = _GAP
        elif is_invisible(character):
            read = _HIDDEN
        elif is_currency(character):
            read = _GAP + fold(character) + _GAP
        elif character.isascii():
            read = character
        else:
            read = fold(character) or _GAP
        if len(self) < 1 << 16:
            self[code] = read
        return read


_READINGS = _Readings()


class CanonicalText:
    """A text's letters and digits, and where each came from.

    The letters are there at once; places and edges of words are worked out when they are asked
    for, since most texts hold nothing that needs them.

    Attributes:
        text: The canonical characters; a placeholder is some characters that no value holds.
        original: The text it was made from.
    """

    __slots__ = ("_edges", "_german", "_read", "original", "text")

    def __init__(self, original: str, one: Reading = "l") -> None:
        self.original = original
        self._edges: _Edges | None = None
        self._german: bool | None = None
        self._read = original
        special = _SPECIAL if one != "1" else _MARKS
        if not original.isascii() or special.search(original):
            self._read = _read(_plain(original))
            if one != "1" and ("0" in self._read or "1" in self._read):
                self._read = _letters_for_digits(self._read, _AS_I if one == "i" else _AS_L)
        if self._read.isascii():
            self.text = self._read.encode("ascii").translate(_LOWER, _NOT_KEPT).decode("ascii")
        else:
            self.text = self._found_edges().text

    def __repr__(self) -> str:
        return f"CanonicalText(<withheld: {len(self.text)} characters>)"

    @property
    def starts(self) -> bytes:
        """For each canonical character, whether a word may begin there (0 or 1)."""
        return self._found_edges().starts

    @property
    def positions(self) -> NDArray[np.intp]:
        """For each canonical character, the index of its original character."""
        return self._found_edges().positions

    def begins_word(self, at: int) -> bool:
        """Whether a word may begin at a canonical character, or the text ends before it."""
        starts = self.starts
        return at == len(starts) or bool(starts[at])

    def is_word(self, begin: int, end: int) -> bool:
        """Whether canonical characters `begin:end` begin and end at the edges of words."""
        return self.begins_word(begin) and self.begins_word(end)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The original span of canonical characters `begin:end`, combining marks included."""
        positions = self.positions
        first, last = int(positions[begin]), int(positions[end - 1]) + 1
        while last < len(self.original) and is_invisible(self.original[last]):
            last += 1
        return first, last

    def has_digit_as_letter(self) -> bool:
        """Whether it holds a 0 or 1 that can be read as a letter."""
        return _DIGIT_AS_LETTER.search(self._read) is not None

    def words(self) -> set[str]:
        """The words that stand between separators; those beside a placeholder may come cut."""
        if self._read.isascii():
            return set(_WORD.findall(self._read.replace(_HIDDEN, "").lower()))
        places = self.word_places()
        return {self.text[begin:end] for begin, end in pairwise(places)}

    @property
    def is_german(self) -> bool:
        """Whether the text is German, or holds German."""
        if self._german is None:
            self._german = german.is_german(self.words())
        return self._german

    def word_places(self) -> list[int]:
        """Where words begin that stand between separators, and at last the text's length."""
        gaps = np.frombuffer(self._found_edges().gaps, dtype=np.uint8)
        return [*np.flatnonzero(gaps).tolist(), len(self.text)]

    def _found_edges(self) -> _Edges:
        if self._edges is None:
            self._edges = _edges(self._read, _origin(self.original, self._read))
        return self._edges


class _Edges(NamedTuple):
    """Canonical characters with their places, where words may begin, and where a gap is before."""

    text: str
    positions: NDArray[np.intp]
    starts: bytes
    gaps: bytes


def _edges(read: str, origin: NDArray[np.intp] | None) -> _Edges:
    codes = np.frombuffer(read.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = _CLASSES[np.minimum(codes, 128)]
    kept = np.flatnonzero((classes != _SEPARATOR) & (classes != _NOTHING))
    kinds, letters = classes[kept], codes[kept]
    gaps = np.ones(len(kept), dtype=bool)
    starts = gaps.copy()
    if len(kept) > 1:
        separators = np.cumsum(classes == _SEPARATOR)[kept]
        before, after = kinds[:-1], kinds[1:]
        gaps[1:] = separators[1:] != separators[:-1]
        starts[1:] = gaps[1:] | _MAY_BEGIN[before, after]
        if codes.max() > 127:
            unspaced = _unspaced(letters)
            starts[1:] |= unspaced[1:] | unspaced[:-1]
    letters = np.where(kinds == _CAPITAL, letters + 32, letters)
    return _Edges(
        letters.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass"),
        kept if origin is None else origin[kept],
        starts.tobytes(),
        gaps.tobytes(),
    )


def canonicalize(text: str, one: Reading = "l") -> CanonicalText:
    """Reduces a text to its canonical characters; nothing reaches across a placeholder in it.

    Args:
        text: Any text.
        one: What a 1 inside a word of letters is read as (and a 0 as `o`), or `1` to read digits
            as digits.
    """
    return CanonicalText(text, one)


def canonical_form(text: str) -> str:
    """The canonical characters of a value alone, its digits as they are."""
    if text.isascii() and "$" not in text:
        return "".join(filter(str.isalnum, text)).lower()
    read = text.translate(_READINGS).replace(_HIDDEN, "")
    return "".join(filter(str.isalnum, read)).lower()


def _read(plain: str) -> str:
    """Every character as it is read; most are themselves."""
    if len(plain.encode("utf-8", "surrogatepass")) > _MOSTLY_ASCII * len(plain):
        return plain.translate(_READINGS)
    # In the order of their codes: what a character is read as is never read again.
    for character in sorted(set(_READ_OTHERWISE.findall(plain))):
        plain = plain.replace(character, _READINGS[ord(character)])
    return plain


def _origin(text: str, read: str) -> NDArray[np.intp] | None:
    """The index that each character read came from; None if these are the same."""
    if len(read) == len(text):
        return None
    plain = _plain(text)
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.ones(len(plain), dtype=np.intp)
    # Few different characters are read as several.
    for code in map(ord, set(plain)):
        if len(_READINGS[code]) != 1:
            lengths[codes == code] = len(_READINGS[code])
    return np.repeat(np.arange(len(text)), lengths)


def _plain(text: str) -> str:
    """A text with one and the same character all through its placeholders."""
    plain = text.replace("\ufff0", "\ufff1")
    if "[" in text:
        plain = PLACEHOLDER_PATTERN.sub(lambda m: "\ufff0" * len(m.group()), plain)
    return plain


# A placeholder's characters all become the same wall; a noncharacter stands for it until then.
_READINGS[0xFFF0] = _BARRIER


def _letters_for_digits(read: str, table: dict[int, int]) -> str:
    def letters(match: re.Match[str]) -> str:
        found = match.group().translate(table)
        beside = read[match.start() - 1 : match.start()] + read[match.end() : match.end() + 1]
        return found.upper() if beside.isupper() else found

    return _DIGIT_AS_LETTER.sub(letters, read)


def _unspaced(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    # Scripts without spaces between words: any character may begin a value.
    chinese = (codes >= 0x2E80) & (codes <= 0x9FFF)
    thai = (codes >= 0x0E00) & (codes <= 0x0EFF)
    return chinese | thai
