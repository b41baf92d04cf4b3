"""Numbers of people and things, by their shape: cards, IBANs, phones, national ids, accounts.

A text is cut into zones of digits and what may separate them, a zone into groups of digits. At each
group, the longest sequence of the next few that is a number of a known kind is taken. So time is
linear in the text, and a card with its expiry date behind it is found like one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.national_ids import is_national_id
from langchain_cogenesis.privacy.phone_patterns import Group, date_end, is_phone
from langchain_cogenesis.privacy.shape import places

_ZONE = re.compile(rb"0[0 ()+./?-]{5,}0")
_GROUP = re.compile(r"\d+")
_WINDOW = 8
"""So many groups of digits are looked at together, at most."""

_IBAN_START = re.compile(rb"aa00[ -]?[0a]{4}")
_IBAN = re.compile(r"[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]{4}){2}[ -]?[A-Za-z0-9]{3}")
_IBAN_SHORTEST = 15
_CODE_DIGITS = re.compile(rb"0{6,18}")
_LETTERED_CODE = re.compile(
    rb"aaaaaa00a00a000a"  # Italian codice fiscale
    rb"|aa ?00 ?00 ?00 ?a"  # British national insurance
)
_CODE = re.compile(
    r"(?<![\w.#@/-])(?:\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y]|[A-Z]{0,3}\d{6,12}[A-Z]?|\d{17}X)(?![\w-])"
)
_UNIQUE_MIDDLE = re.compile(rb"-[0a]{4}-[0a]{4}-[0a]{4}-")
_UNIQUE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])", re.IGNORECASE)

_CUES = (
    "order", "invoice", "booking", "ref", "customer", "account", "tracking", "ticket",
    "policy", "reserv", "confirm", "member", "passport", "licen", "patient", "case",
    "employee", "student", "serial", "imei", "ssn", "social security", "insurance",
    "national id", "tax", "nhs", "bsn", "aadhaar", "contract", "parcel", "shipment",
    "routing", "registr", "record", "user", "login",
)  # fmt: skip
_CUED = re.compile(
    r"[a-z]{0,6}(?P<said>[\s_]{1,2}(?:no|nr|num|number|id|code|card)\b)?\.?[\"'\u201c\u201d]{0,2}"
    r"(?P<sign>\s{0,2}(?:[:#=]|is\s|was\s|-\s))?\s{0,2}[\"'\u201c\u201d]{0,2}#?"
    r"(?P<value>\d{2,12}(?: \d{2,12}){1,5}|[A-Za-z0-9][A-Za-z0-9-]{3,24})(?![\w@])"
)


def find_numbers(text: str, lower: str, shape: bytes) -> Iterator[Match]:
    """Finds numbers of people and things: phones, and what is of the kind `NUMBER`.

    Args:
        text: Where to look; digits are those of ASCII.
        lower: The same in small letters, character by character.
        shape: Its shape.
    """
    for zone in _ZONE.finditer(shape):
        start = zone.start()
        while start and shape[start - 1 : start] in (b"+", b"("):
            start -= 1
        yield from _find_in_zone(text, lower, start, zone.end())
    yield from _find_codes(text, shape)
    for cue in _CUES:
        if cue in lower:
            yield from _find_cued(text, lower, cue)


def _find_codes(text: str, shape: bytes) -> Iterator[Match]:
    """IBANs, national ids with letters, and codes such as those of passports."""
    small = shape.lower()
    for begin in _IBAN_START.finditer(small):
        start = begin.start()
        long = _IBAN.match(text, start) and not text[max(0, start - 1) : start].isalnum()
        end = _iban_end(text, start) if long else 0
        if end:
            yield Match(start, end, "NUMBER")
    for middle in _UNIQUE_MIDDLE.finditer(small):
        unique = _UNIQUE.match(text, max(0, middle.start() - 8))
        if unique:
            yield Match(unique.start(), unique.end(), "NUMBER")
    for digits in _CODE_DIGITS.finditer(shape):
        letters = len(shape[max(0, digits.start() - 3) : digits.start()].rpartition(b" ")[2])
        match = next(
            (m for n in range(letters, -1, -1) if (m := _CODE.match(text, digits.start() - n))),
            None,
        )
        if match and (_is_serial(match.group()) or is_national_id(match.group())):
            yield Match(match.start(), match.end(), "NUMBER")
    if b"00a00a000a" in small or b"aa 00 00" in small or b"000000a" in small:
        for lettered in _LETTERED_CODE.finditer(small):
            start, end = lettered.span()
            joined = text[max(0, start - 1) : start].isalnum() or text[end : end + 1].isalnum()
            if not joined and is_national_id(text[start:end]):
                yield Match(start, end, "NUMBER")


def _find_in_zone(text: str, lower: str, start: int, end: int) -> Iterator[Match]:
    groups = _groups(text, start, end)
    index = 0
    while index < len(groups):
        first = groups[index]
        dated = date_end(text, first.start)
        if first.part or dated or first.gap == ".":
            index += 1
            while index < len(groups) and groups[index].start < dated:
                index += 1
            continue
        window = groups[index : index + _WINDOW]
        size, kind = _longest(text, lower, window, start)
        if kind:
            end = window[size - 1].end
            closed = ")" in text[first.start : end]
            yield Match(first.opening(closed=closed), end, kind)
        index += max(1, size)


def _groups(text: str, start: int, end: int) -> list[Group]:
    """The groups of digits of a zone; parts of words, sums and fractions are marked."""
    groups: list[Group] = []
    reached = start
    for match in _GROUP.finditer(text, start, end):
        groups.append(Group(match.start(), match.end(), text[reached : match.start()], False))
        reached = match.end()
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if before and (before.isalnum() or before in "_$\u20ac\u00a3,/.-"):
        groups[0] = groups[0].cut()
    fraction = after[:1] == "," and after[1:].isdigit()
    if after and (fraction or after[0].isalnum() or after[0] in "_%"):
        groups[-1] = groups[-1].cut()
    return groups


def _longest(text: str, lower: str, window: list[Group], begin: int) -> tuple[int, str]:
    """How many groups of a window make one number, and its kind; 0 and nothing if none do."""
    usable = next((n for n, group in enumerate(window) if group.part), len(window))
    for size in range(usable, 0, -1):
        taken = window[:size]
        number = text[taken[0].start : taken[-1].end]
        if size == 4 and _is_internet_address(text, number, taken, window[size:]):
            return size, "URL"
        digits = sum(group.size for group in taken)
        # Single digits in a row are a table's or a list's.
        if not 6 <= digits <= 19 or 2 * digits < 3 * size:
            continue
        if 13 <= digits <= 19 and _is_card(number, taken):
            return size, "NUMBER"
        if 8 <= digits <= 18 and is_national_id(number):
            return size, "NUMBER"
        if is_phone(text, lower, taken, alone=size == len(window), begin=begin):
            return size, "PHONE"
    return 0, ""


def _is_card(number: str, groups: list[Group]) -> bool:
    if number[0] not in "23456" or any(group.gap not in ("", " ", "-") for group in groups[1:]):
        return False
    if any(not 3 <= group.end - group.start <= 6 for group in groups) and len(groups) > 1:
        return False
    digits = [int(c) for c in number if c.isdigit()]
    doubled = sum(sum(divmod(2 * d, 10)) for d in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + doubled) % 10 == 0


def _is_internet_address(text: str, number: str, groups: list[Group], rest: list[Group]) -> bool:
    """Whether groups are an IPv4 address that is somebody's, and not the number of a version."""
    if any(group.gap != "." for group in groups[1:]):
        return False
    parts = number.split(".")
    if any(len(part) > 3 or int(part) > 255 or re.match("0.", part) for part in parts):
        return False
    before = text[max(0, groups[0].start - 10) : groups[0].start].lower()
    if (rest and rest[0].gap == ".") or before.rstrip(" :=").endswith("version"):
        return False
    return not (parts[0] == "127" or set(parts) == {"0"} or parts[0] == "255")


def _iban_end(text: str, start: int) -> int:
    """Where the IBAN ends that starts here, by its checksum; 0 if there is none."""
    compact = ""
    best = 0
    previous = ""
    for index in range(start, min(len(text), start + 48)):
        character = text[index]
        if character.isascii() and character.isalnum():
            compact += character
            ends = not text[index + 1 : index + 2].isalnum()
            if ends and _IBAN_SHORTEST <= len(compact) <= 34 and _iban_holds(compact):
                best = index + 1
        elif character not in " -" or previous in (" ", "-"):
            break
        previous = character
    return best


def _iban_holds(compact: str) -> bool:
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _is_serial(code: str) -> bool:
    """Capitals and at least six digits in a row, as passports and customers are numbered."""
    letters = len(code) - sum(c.isdigit() for c in code)
    return code.isupper() and letters <= 3 and code[0].isalpha() and " " not in code


def _find_cued(text: str, lower: str, cue: str) -> Iterator[Match]:
    for at in places(lower, cue):
        after = at + len(cue)
        match = _CUED.match(text, after)
        if match and not text[max(0, at - 1) : at].isalnum():
            sure = bool(match["said"] or match["sign"] or "#" in text[after : match.start("value")])
            apart = match.start("value") > after
            if apart and _is_reference(match["value"], sure):
                yield Match(match.start("value"), match.end("value"), "NUMBER")


def _is_reference(value: str, sure: bool) -> bool:
    digits = sum(c.isdigit() for c in value)
    if digits == len(value.replace(" ", "")):
        return sure if " " in value else sure or digits >= 5
    # "order 2nd-hand", "case a-1": words with a digit are no references.
    return digits >= 2 and (sure or digits >= 3 or value.isupper()) and not date_end(value, 0)
