"""A text's shape, one byte a character: what patterns look at before they look at the text.

Searching bytes for a literal takes a few microseconds for 4 KB, a pattern of character classes over
the text fifty. Most of a text holds no numbers, so that most patterns never have to run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHAPES = bytes(
    ord("A") if chr(code).isupper() else
    ord("a") if chr(code).islower() else
    ord("0") if chr(code).isdigit() else
    ord(" ") if chr(code).isspace() else code
    for code in range(128)
) + bytes([ord("?")] * 128)  # fmt: skip
_OTHER_DIGIT = re.compile(r"[^\D0-9]")


def shape_of(text: str) -> bytes:
    """The shape of a text: `A`, `a`, `0`, a space, or the sign itself; `?` outside ASCII."""
    return text.encode("ascii", "replace").translate(_SHAPES)


def plain_digits(text: str) -> str:
    """A text with the digits of other scripts, and full-width ones, as those of ASCII."""
    if text.isascii() or not _OTHER_DIGIT.search(text):
        return text
    return _OTHER_DIGIT.sub(lambda match: str(int(match.group())), text)


def small_letters(text: str) -> str:
    """A text in small letters, character by character; `?` outside ASCII."""
    return (text if text.isascii() else text.encode("ascii", "replace").decode("ascii")).lower()


def places(text: str, part: str) -> Iterator[int]:
    """Where a part stands in a text, from left to right."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))
