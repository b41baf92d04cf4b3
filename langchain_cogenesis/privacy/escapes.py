r"""Text behind an escape: `%4E`, `&#78;`, `\u004E`, `=4E`, base64, hexadecimal.

What is decoded keeps the places where it came from, so that a value found in it can be replaced in
the original, escapes and all.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ROUNDS = 3
"""So many layers are undone: a URL within JSON within a form."""
_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<quoted>(?:=[0-9A-Fa-f]{2})+|=\r?\n)"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?)"
    r"|(?P<unicode>(?:\\u[0-9A-Fa-f]{4})+|\\u\{[0-9A-Fa-f]{1,6}\}|\\U[0-9A-Fa-f]{8})"
    r"|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<control>\\[nrtbfv/\"'\\])"
)
_SIGN = re.compile(r"[%&\\=]")
# Left out by their beginnings: words, capitalised or not, that aren't hexadecimal; placeholders.
# A pattern that begins with a class, and looks back afterwards, is searched for several times as
# fast as one that begins by looking back.
_TOKEN = re.compile(
    r"[A-Za-z0-9+/_-](?<![A-Za-z0-9+/_-].)"
    r"(?!(?<=[A-Za-z])[a-f]*[g-z][a-z]*(?![A-Za-z0-9+/_-]))"
    r"(?!(?<=\[.)[A-Z]+_\d+\])"
    r"(?:[A-Za-z0-9+/_-]{39,}(?:\r?\n[A-Za-z0-9+/_-]+)*|[A-Za-z0-9+/_-]{5,})={0,2}"
)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}")
_WORDS = re.compile(rb"[A-Za-z .'@-]{4,}")
_READABLE = 0.9
"""A decoded token is text if such a share of it can be printed."""


@dataclass(frozen=True, slots=True, repr=False)
class Decoded:
    """A text without its escapes.

    Attributes:
        text: The decoded text.
        starts: For each of its characters, where it begins in the original.
        ends: For each of its characters, where it ends in the original.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def __repr__(self) -> str:
        return f"Decoded(<withheld: {len(self.text)} characters>)"

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of `text[start:end]`."""
        return self.starts[start], self.ends[end - 1]


def unescape(text: str) -> Decoded | None:
    """Undoes the escapes in a text; None if it has none."""
    if not _SIGN.search(text) or not _ESCAPE.search(text):
        return None
    decoded = Decoded(text, list(range(len(text))), list(range(1, len(text) + 1)))
    for _ in range(_ROUNDS):
        undone = _undo(decoded)
        if undone is None:
            break
        decoded = undone
    return decoded if decoded.text != text else None


def encoded_tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields what reads as text in base64 or hexadecimal: start, end, and the decoded text."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        # Words, and capitalised words, are most of what has this shape.
        if token.islower() or token[1:].islower():
            if not _HEXADECIMAL.fullmatch(token):
                continue
        elif token.isupper() and token.isalpha():
            continue
        for decoded in _readings(token):
            yield match.start(), match.end(), decoded


def _undo(source: Decoded) -> Decoded | None:
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    reached = 0
    for match in _ESCAPE.finditer(source.text):
        pieces = list(_decode(match))
        if not pieces:
            continue
        first = match.start()
        parts.append(source.text[reached:first])
        starts += source.starts[reached:first]
        ends += source.ends[reached:first]
        for character, length in pieces:
            parts.append(character)
            starts += [source.starts[first]] * len(character)
            ends += [source.ends[first + length - 1]] * len(character)
            first += length
        reached = match.end()
    if not reached:
        return None
    parts.append(source.text[reached:])
    starts += source.starts[reached:]
    ends += source.ends[reached:]
    return Decoded("".join(parts), starts, ends)


def _decode(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """The characters behind an escape, each with the length of its escape."""
    escape = match.group()
    match match.lastgroup:
        case "percent":
            yield from _decode_bytes(escape, 3)
        case "quoted":
            if escape[1:].isspace():
                yield "\u00ad", len(escape)
            else:
                yield from _decode_bytes(escape, 3)
        case "bytes":
            yield from _decode_bytes(escape, 4)
        case "entity":
            plain = html.unescape(escape)
            if plain != escape:
                yield plain, len(escape)
        case "unicode":
            yield from _decode_unicode(escape)
        case _:
            # A quote or a slash is itself; the others are breaks, and so is a lone backslash.
            yield escape[1] if escape[1] in "/\"'" else " ", len(escape)


def _decode_bytes(escape: str, width: int) -> Iterator[tuple[str, int]]:
    raw = bytes.fromhex(re.sub(r"[%=]|\\x", "", escape))
    try:
        text = raw.decode("utf-8")
        sizes = [len(character.encode("utf-8")) for character in text]
    except UnicodeDecodeError:
        text, sizes = raw.decode("latin-1"), [1] * len(raw)
    for character, size in zip(text, sizes, strict=True):
        yield character, size * width


def _decode_unicode(escape: str) -> Iterator[tuple[str, int]]:
    if escape[2] == "{" or escape[1] == "U":
        code = int(escape[2:].strip("{}"), 16)
        yield (chr(code) if code <= 0x10FFFF else " "), len(escape)
        return
    units = b"".join(int(unit, 16).to_bytes(2, "big") for unit in escape[2:].split("\\u"))
    for character in units.decode("utf-16-be", "replace"):
        yield character, 12 if ord(character) > 0xFFFF else 6


def _readings(token: str) -> Iterator[str]:
    """What a token says in hexadecimal, or in base64 wherever its letters begin."""
    if _HEXADECIMAL.fullmatch(token):
        text = _text_of(bytes.fromhex(token))
        if text:
            yield text
    letters = re.sub(r"\s", "", token.rstrip("=")).replace("-", "+").replace("_", "/")
    for skipped in range(4):
        shifted = letters[skipped:]
        # One letter over a multiple of four carries no whole byte.
        shifted = shifted[: len(shifted) - (len(shifted) % 4 == 1)]
        try:
            raw = base64.b64decode(shifted + "=" * (-len(shifted) % 4))
        except (binascii.Error, ValueError):
            continue
        text = _text_of(raw)
        if text:
            yield text


def _text_of(raw: bytes) -> str:
    """Bytes as text if nearly all of it can be printed or some of it reads as words, else none."""
    raw = raw.replace(b"\x00", b"")
    text = raw.decode("utf-8", "replace")
    readable = sum(c.isprintable() or c.isspace() for c in text) - 2 * text.count("\ufffd")
    if len(text) >= 3 and readable >= _READABLE * len(text):
        return text
    return " ".join(words.decode("ascii") for words in _WORDS.findall(raw))
