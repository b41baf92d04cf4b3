"""Letters that look like Latin ones, and the Latin letters that they are read as.

Full-width, mathematical, enclosed and accented letters are decomposed by Unicode itself; what is
listed here are letters of their own that only look alike (compare Unicode's UTS #39).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LATIN_EXTENDED = {
    # Letters that Unicode doesn't decompose, as they are spelled without stroke or ligature.
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss",
    "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ŀ": "l", "ƒ": "f", "ɵ": "o",
    "ɑ": "a", "ɡ": "g", "ɩ": "i", "ɪ": "i", "ʟ": "l", "ɴ": "n", "ʀ": "r", "ʏ": "y", "ʜ": "h",
    "ɢ": "g", "ʙ": "b", "ᴀ": "a", "ᴄ": "c", "ᴅ": "d", "ᴇ": "e", "ᴊ": "j", "ᴋ": "k", "ᴍ": "m",
    "ᴏ": "o", "ᴘ": "p", "ᴛ": "t", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ᴢ": "z", "ꜱ": "s", "ꜰ": "f",
    "ƅ": "b", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƨ": "s", "ʋ": "v", "ƿ": "p", "ǃ": "i",
}  # fmt: skip
_CYRILLIC = {
    "а": "a", "в": "b", "г": "r", "е": "e", "з": "3", "и": "u", "к": "k", "м": "m", "н": "h",
    "о": "o", "п": "n", "р": "p", "с": "c", "т": "t", "у": "y", "х": "x", "ь": "b", "ѕ": "s",
    "і": "i", "ј": "j", "ԁ": "d", "ԛ": "q", "ԝ": "w", "һ": "h", "ӏ": "l", "ү": "y", "ұ": "y",
    "ѵ": "v", "ғ": "f", "ԍ": "g", "ԃ": "d", "ѡ": "w", "ϳ": "j",
}  # fmt: skip
_GREEK = {
    "α": "a", "β": "b", "γ": "y", "ε": "e", "η": "n", "ι": "i", "κ": "k", "μ": "u", "ν": "v",
    "ο": "o", "π": "n", "ρ": "p", "σ": "o", "ς": "c", "τ": "t", "υ": "u", "χ": "x", "ω": "w",
    "ζ": "z", "ϲ": "c", "ϱ": "p", "ϵ": "e",
}  # fmt: skip
# Capitals that look like another letter than their small form does.
_CAPITALS = {"Η": "H", "Μ": "M", "Ν": "N", "Υ": "Y", "Ζ": "Z", "Ι": "I", "Σ": "S", "ı": "i"}
_OTHER = {
    "օ": "o", "ո": "n", "ս": "u", "ց": "g", "հ": "h", "զ": "q", "ѻ": "o", "ե": "t", "լ": "l",
    "Ꭼ": "e", "Ꮋ": "h", "Ꭺ": "a", "Ᏼ": "b", "Ꮯ": "c", "Ꭰ": "d", "Ꮐ": "g",
    "Ꭵ": "i", "Ꮖ": "i", "Ꭻ": "j", "Ꮶ": "k", "Ꮮ": "l", "Ꮇ": "m", "Ꮲ": "p", "Ꮢ": "r", "Ꮪ": "s",
    "Ꭲ": "t", "Ꮩ": "v", "Ꮃ": "w", "Ꮓ": "z", "ⲟ": "o", "ⲣ": "p", "ⲥ": "c", "ⲓ": "i", "ꓐ": "b",
    "ꓑ": "p", "ꓓ": "d", "ꓔ": "t", "ꓖ": "g", "ꓗ": "k", "ꓙ": "j", "ꓚ": "c", "ꓜ": "z", "ꓝ": "f",
    "ꓟ": "m", "ꓠ": "n", "ꓡ": "l", "ꓢ": "s", "ꓣ": "r", "ꓦ": "v", "ꓧ": "h", "ꓪ": "w", "ꓫ": "x",
    "ꓬ": "y", "ꓮ": "a", "ꓰ": "e", "ꓲ": "i", "ꓳ": "o", "ꓴ": "u",
}  # fmt: skip
_SMALL = {**_LATIN_EXTENDED, **_CYRILLIC, **_GREEK, **_OTHER}
_CURRENCIES = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
"""Spelled out, so that an amount keeps its currency among letters and digits."""
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800")
"""Letters that show nothing; for Unicode they aren't format characters."""


@lru_cache(maxsize=1 << 16)
def fold(character: str) -> str:
    """The letters and digits that a character is read as: none, one or several; keeps capitals."""
    if character in _CURRENCIES:
        return _CURRENCIES[character]
    if character.isascii():
        return character if character.isalnum() else ""
    if character in _CAPITALS:
        return _CAPITALS[character]
    if character in _SMALL:
        # Before Unicode decomposes it: its lunate sigma becomes a plain one.
        return _SMALL[character]
    read = "".join(_plain(c) for c in unicodedata.normalize("NFKD", character) if c.isalnum())
    capital = character.isupper() or _is_mathematical_capital(character)
    return read.upper() if capital and read.isascii() else read


def _plain(character: str) -> str:
    if character in _CAPITALS:
        return _CAPITALS[character].lower()
    if character in _OTHER:
        return _OTHER[character]
    if character.isdigit():
        return str(unicodedata.digit(character))
    small = character.casefold()
    read = "".join(_SMALL.get(c, c) for c in small)
    return "".join(c for c in read if c.isalnum())


def _is_mathematical_capital(character: str) -> bool:
    decomposed = unicodedata.normalize("NFKD", character)
    return len(decomposed) == 1 and decomposed.isupper()


@lru_cache(maxsize=1 << 16)
def is_invisible(character: str) -> bool:
    """Whether a character shows nothing, or belongs to the letter before it."""
    if character.isascii():
        return False
    return unicodedata.category(character) in ("Mn", "Me", "Cf") or character in _BLANK


def is_currency(character: str) -> bool:
    """Whether a character is a sign of money that is spelled out."""
    return character in _CURRENCIES
