"""Invented values, and the ways in which somebody may write them: what a lexicon must find.

It shares nothing with the code under test: values are put together from syllables, variants come
from tables of its own.
"""

from __future__ import annotations

import base64
import codecs
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

Variant = Callable[[str, random.Random], str]

_GIVEN = ("Nor", "Tam", "Bel", "Osr", "Qui", "Fenn", "Zel", "Mar", "Ild", "Ves", "Orl", "Kam")
_GIVEN_ENDS = ("ava", "iko", "wen", "ick", "olo", "isse", "una", "eth", "ard", "inka")
_FAMILY = ("Vex", "Lund", "Quar", "Thro", "Brix", "Sorn", "Halv", "Dray", "Okon", "Wyst", "Pell")
_FAMILY_ENDS = ("moor", "grave", "enko", "holt", "wick", "asund", "berle", "ovan", "strom", "iado")
_SHORT_GIVEN = ("Una", "Ivo", "Nia", "Bea", "Lev", "Mio", "Ada", "Tove", "Juna", "Omar")
_SHORT_FAMILY = ("Ost", "Rehm", "Okely", "Brü", "Vanč", "Sørn", "Kehl", "Zubi", "Quo", "Ibe")
_PLACE = ("Gull", "Marl", "Tarn", "Ester", "Brack", "Owl", "Lorn", "Skel", "Ravel", "Hurst")
_PLACE_ENDS = ("marrow", "haven", "sund", "combe", "fjell", "dale", "brae", "quay")
_KINDS_OF_PLACE = ("Hall", "Street", "Court", "Gardens", "Pier")
_FIRM_ENDS = ("Studio", "Partners", "Works", "Logistics")


@dataclass(frozen=True)
class Canary:
    """An invented private value."""

    kind: str
    text: str


def canaries(count: int, seed: int = 20) -> list[Canary]:
    """Makes names, places, firms and mail addresses in turn."""
    rng = random.Random(seed)
    pick = rng.choice
    made: list[Canary] = []
    while len(made) < count:
        name = f"{pick(_GIVEN)}{pick(_GIVEN_ENDS)} {pick(_FAMILY)}{pick(_FAMILY_ENDS)}"
        if len(made) % 12 == 0:
            name = f"{pick(_SHORT_GIVEN)} {pick(_SHORT_FAMILY)}"
        place = f"{pick(_PLACE)}{pick(_PLACE_ENDS)} {pick(_KINDS_OF_PLACE)}"
        firm = f"{pick(_FAMILY)}{pick(_PLACE_ENDS)} {pick(_FIRM_ENDS)}"
        mail = f"{name.replace(' ', '.').lower()}@{pick(_PLACE).lower()}{pick(_PLACE_ENDS)}.example"
        made += [Canary("NAME", name), Canary("PLACE", place)]
        made += [Canary("ORG", firm), Canary("EMAIL", mail)]
    return made[:count]


def _case(text: str, rng: random.Random) -> str:
    change = rng.choice((str.upper, str.lower, str.swapcase, str.title, None))
    return change(text) if change else "".join(rng.choice((c.upper(), c.lower())) for c in text)


_ACCENTS = {"a": "àáâãäåā", "e": "èéêëēė", "i": "ìíîïī", "o": "òóôõöōø", "u": "ùúûüū", "n": "ñń"}


def _accents(text: str, rng: random.Random) -> str:
    def accented(c: str) -> str:
        if c.lower() not in _ACCENTS or rng.random() < 0.2:
            return c
        if rng.random() < 0.3:
            return c + rng.choice("\u0301\u0308\u0303\u0327")
        found = rng.choice(_ACCENTS[c.lower()])
        return found.upper() if c.isupper() else found

    return "".join(map(accented, text))


def _spacing(text: str, rng: random.Random) -> str:
    if rng.random() < 0.4:
        return (rng.choice((" ", "  ", "\t", "\u00a0", "."))).join(c for c in text if c.isalnum())
    wide = rng.choice(("  ", "\t", "\u00a0", "\u2003", " \n", "   "))
    return text.replace(" ", wide).replace(".", rng.choice((" . ", ". ", " .")))


def _hyphens(text: str, rng: random.Random) -> str:
    at = rng.choice([n for n in range(2, len(text) - 1) if text[n - 1 : n + 1].isalpha()])
    broken = rng.choice(("-\n", "\u00ad", "-", "\u2010\n", "\n", "-\r\n"))
    return (text[:at] + broken + text[at:]).replace(" ", rng.choice((" ", "-", "\u2013", "\n")))


def _joined(text: str, rng: random.Random) -> str:
    bare = text.replace(" ", rng.choice(("", "_", ".", "/", "+")))
    return rng.choice(("{}", "@{}", "#{}", "my{}list", "{}79", "to_{}", "{}s")).format(bare)


def _zero_width(text: str, rng: random.Random) -> str:
    marks = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u200e\u034f\ufe0f\u3164"
    spread = "".join(c + (rng.choice(marks) if rng.random() < 0.5 else "") for c in text)
    return spread[0] + rng.choice(marks) + spread[1:]


def _full_width(text: str, rng: random.Random) -> str:
    share = rng.choice((1.0, 0.5))
    return "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and rng.random() < share else c for c in text
    )


_STYLES = (0x1D400, 0x1D468, 0x1D5A0, 0x1D5D4, 0x1D670, 0x1D4D0, 0x1D63C)


def _mathematical(text: str, rng: random.Random) -> str:
    style = rng.choice(_STYLES)

    def styled(c: str) -> str:
        if "A" <= c <= "Z":
            return chr(style + ord(c) - ord("A"))
        return chr(style + 26 + ord(c) - ord("a")) if "a" <= c <= "z" else c

    return "".join(map(styled, text))


_ALIKE = {
    "A": "АΑ", "B": "ВΒ", "C": "С", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "J": "Ј", "K": "КΚ", "M": "МΜ",
    "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "X": "ХΧ", "Y": "УΥ", "Z": "Ζ",
    "a": "аα", "c": "сϲ", "d": "ԁ", "e": "е", "h": "һ", "i": "іι", "j": "ј", "k": "кκ", "l": "ӏ",
    "n": "п", "o": "оο", "p": "рρ", "q": "ԛ", "s": "ѕ", "t": "т", "u": "υ", "v": "ѵν", "w": "ԝ",
    "x": "хχ", "y": "уγ",
}  # fmt: skip


def _look_alikes(text: str, rng: random.Random) -> str:
    share = rng.choice((1.0, 0.5, 0.2))
    at = rng.choice([n for n, c in enumerate(text) if c in _ALIKE])
    return "".join(
        rng.choice(_ALIKE[c]) if c in _ALIKE and (n == at or rng.random() < share) else c
        for n, c in enumerate(text)
    )


def _digits(text: str, rng: random.Random) -> str:
    table = {"o": "0", "O": "0", "l": "1", "i": "1"}
    places = [
        n
        for n in range(1, len(text) - 1)
        if text[n] in table and text[n - 1].isalpha() and text[n + 1].isalpha()
    ]
    if not places:
        return text.lower()
    if rng.random() < 0.5:
        at = rng.choice(places)
        return text[:at] + table[text[at]] + text[at + 1 :]
    letter = text[rng.choice(places)]
    return "".join(table[c] if n in places and c == letter else c for n, c in enumerate(text))


def _html(text: str, rng: random.Random) -> str:
    share = rng.choice((1.0, 0.3))
    style = rng.choice(("&#{};", "&#x{:x};", "&#X{:X};", "&#0{};"))
    some = "".join(style.format(ord(c)) if rng.random() < share else c for c in text)
    some = some.replace(" ", rng.choice((" ", "&nbsp;", "&#32;")))
    named = "".join(f"&{c}acute;" if c in "aeiou" and rng.random() < 0.5 else c for c in text)
    return rng.choice((some, named))


def _url(text: str, rng: random.Random) -> str:
    if rng.random() < 0.4:
        return quote(text, safe="")
    every = "".join(f"%{b:02{rng.choice('xX')}}" for b in text.encode())
    some = "".join(f"%{ord(c):02X}" if rng.random() < 0.5 else c for c in text)
    return rng.choice((every, some.replace(" ", "+"), quote(every)))


def _json(text: str, rng: random.Random) -> str:
    share = rng.choice((1.0, 0.5))
    style = rng.choice(("\\u{:04x}", "\\u{:04X}", "\\x{:02x}", "\\u{{{:x}}}"))
    some = "".join(style.format(ord(c)) if rng.random() < share else c for c in text)
    return some.replace(" ", rng.choice((" ", "\\n", "\\t", " ")))


def _base64(text: str, rng: random.Random) -> str:
    said = rng.choice(("{}", "{} ", "to {}", "a: {}", "Hi, {}!", "ask {} now")).format(text)
    encode = rng.choice((base64.b64encode, base64.urlsafe_b64encode))
    token = encode(said.encode()).decode()
    return rng.choice((token, token.rstrip("="), "id=" + token, base64_lines(said)))


def base64_lines(text: str) -> str:
    """Base64 in lines, as mail has it."""
    return (
        base64.encodebytes((text + ", who lives there and has lived there for long. " * 2).encode())
        .decode()
        .strip()
    )


def _possessive(text: str, rng: random.Random) -> str:
    return text + rng.choice(("'s", "’s", "'", "s"))


def _typo(text: str, rng: random.Random) -> str:
    # The end of a mail address is the same for everybody.
    end = text.find(".example") if "@" in text else len(text)
    at = rng.choice([n for n in range(end - 1) if text[n : n + 2].isalpha()])
    letter = rng.choice("abcdefghijklmnopqrstuvwxyz".replace(text[at].lower(), ""))
    return rng.choice(
        (
            text[:at] + letter + text[at + 1 :],
            text[:at] + text[at + 1 :],
            text[: at + 1] + letter + text[at + 1 :],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def _reordered(text: str, rng: random.Random) -> str:
    given, _, family = text.partition(" ")
    style = rng.choice(
        ("{f}, {g}", "{f} {g}", "{f},{g}", "{F}, {g}", "{f}; {g}", "{f}/{g}", "{f}_{g}")
    )
    return style.format(g=given, f=family, F=family.upper())


FAMILIES: dict[str, Variant] = {
    "case": _case,
    "accents": _accents,
    "spacing": _spacing,
    "hyphens and line breaks": _hyphens,
    "joined": _joined,
    "zero-width": _zero_width,
    "full width": _full_width,
    "mathematical letters": _mathematical,
    "look-alikes": _look_alikes,
    "0 for o, 1 for l": _digits,
    "HTML escapes": _html,
    "URL escapes": _url,
    "JSON escapes": _json,
    "base64": _base64,
    "possessive": _possessive,
    "one typo": _typo,
    "reordered": _reordered,
}
"""Named families of variants, all of which the lexicon is to find."""

NEARLY = ("one typo", "reordered")
"""Families of which a few may get through."""


def _leet(text: str, rng: random.Random) -> str:
    return text.translate(str.maketrans("aeostAEOST", "4305743057"))


def _two_typos(text: str, rng: random.Random) -> str:
    return _typo(_typo(text, rng), rng)


def _no_vowels(text: str, rng: random.Random) -> str:
    return "".join(c for n, c in enumerate(text) if n == 0 or c not in "aeiou")


def _spelled(text: str, rng: random.Random) -> str:
    return " ".join(f"{c.upper()} as in {c}-word," for c in text if c.isalpha())


def _squared(text: str, rng: random.Random) -> str:
    return "".join(chr(0x1F170 + ord(c) - ord("A")) if "A" <= c <= "Z" else c for c in text.upper())


def _html_tags(text: str, rng: random.Random) -> str:
    return text[:2] + "<b></b>" + text[2:]


TRIED: dict[str, Variant] = {
    "reversed": lambda text, rng: text[::-1],
    "rot13": lambda text, rng: codecs.encode(text, "rot13"),
    "leet": _leet,
    "two typos": _two_typos,
    "without vowels": _no_vowels,
    "base32": lambda text, rng: base64.b32encode(text.encode()).decode(),
    "base85": lambda text, rng: base64.b85encode(text.encode()).decode(),
    "hexadecimal": lambda text, rng: text.encode().hex(),
    "base64 twice": lambda text, rng: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "character codes": lambda text, rng: " ".join(str(ord(c)) for c in text),
    "spelled out": _spelled,
    "squared letters": _squared,
    "tags inside": _html_tags,
    "first letters only": lambda text, rng: ". ".join(word[0] for word in text.split()) + ".",
    "double letters": lambda text, rng: "".join(c * 2 for c in text),
}
"""What else was tried, with no promise."""

_SENTENCES = (
    "please tell {} that we are late",
    "{} will not come",
    "the letter ({}) came back",
    'she said "{}" twice',
    "write to {}",
    "about {}: see below.\nThanks",
)


def variants(
    family: str, values: Sequence[Canary], count: int, seed: int = 7
) -> Iterator[tuple[str, int, int]]:
    """Yields texts that hold a variant, and where it stands: start and end."""
    rng = random.Random(f"{family}/{seed}")
    vary = (FAMILIES | TRIED)[family]
    fitting = [v for v in values if family != "reordered" or v.kind == "NAME"]
    for number in range(count):
        written = vary(fitting[number % len(fitting)].text, rng)
        before, after = rng.choice(_SENTENCES).split("{}")
        yield before + written + after, len(before), len(before) + len(written)
