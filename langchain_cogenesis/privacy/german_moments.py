"""The ways to write a date and a time of day in German."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MONTHS = (
    ("januar", "jan", "janner", "jaenner"), ("februar", "feb", "febr"),
    ("marz", "mar", "mrz", "maerz"), ("april", "apr"), ("mai",), ("juni", "jun"),
    ("juli", "jul"), ("august", "aug"), ("september", "sep", "sept"), ("oktober", "okt"),
    ("november", "nov"), ("dezember", "dez"),
)  # fmt: skip
_WEEKDAYS = (
    ("montag", "mo"), ("dienstag", "di"), ("mittwoch", "mi"), ("donnerstag", "do"),
    ("freitag", "fr"), ("samstag", "sa", "sonnabend"), ("sonntag", "so"),
)  # fmt: skip
_ONES = (
    "null", "ein", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun", "zehn",
    "elf", "zwolf", "dreizehn", "vierzehn", "funfzehn", "sechzehn", "siebzehn", "achtzehn",
    "neunzehn",
)  # fmt: skip
_TENS = {20: "zwanzig", 30: "dreissig", 40: "vierzig", 50: "funfzig"}
_ORDINALS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
_NUMBERS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_PLAIN = str.maketrans({"ä": "a", "Ä": "a"})
_SPELLED = re.compile(
    r"(?<![\w.])(?P<day>\d{1,2})\.?\s?(?P<month>Jan(?:uar)?|Jänner|Feb(?:r|ruar)?|März|Maerz|Mrz"
    r"|Mär|Apr(?:il)?|Mai|Juni?|Juli?|Aug(?:ust)?|Sept?(?:ember)?|Okt(?:ober)?|Nov(?:ember)?"
    r"|Dez(?:ember)?)\b\.?(?:\s(?P<year>\d{4})\b)?",
    re.IGNORECASE,
)
_DOTTED = re.compile(
    r"(?<![\w.,])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?![\w.]\d)"
)
_CUED_DAY = re.compile(r"(?:\b(?:am|vom|bis|den|dem|zum|ab|der|seit|und|oder)|[-–(,])\s?\Z", re.I)


class GermanDate(NamedTuple):
    """A date in a text, from `start` to `end`."""

    start: int
    end: int
    year: int | None
    month: int
    day: int


def find_german_dates(text: str) -> Iterator[GermanDate]:
    """Yields the dates with day and month in a text: "12. Juni", "12.6.2027"."""
    for pattern in (_SPELLED, _DOTTED):
        for match in pattern.finditer(text):
            month = match["month"].lower().translate(_PLAIN)
            number = int(month) if month.isdigit() else _NUMBERS[month]
            if 1 <= number <= 12 and 1 <= int(match["day"]) <= 31:
                year = int(match["year"]) if match["year"] else None
                yield GermanDate(match.start(), match.end(), year, number, int(match["day"]))


def german_date_forms(day: int, month: int, year: int | None, weekday: int | None) -> Iterator[str]:
    """Yields the canonical characters of a date with its month spelled out.

    Args:
        day: 1 to 31.
        month: 1 to 12.
        year: Or None.
        weekday: 0 for Monday, or None.
    """
    names = _MONTHS[month - 1]
    years = ("", str(year)) if year else ("",)
    before = [""]
    for name in _WEEKDAYS[weekday] if weekday is not None else ():
        before += [name] if len(name) == 2 else [name, f"{name}den", f"{name}dem"]
    numbered = [f"{d}{m}" for d in dict.fromkeys((str(day), f"{day:02d}")) for m in names]
    yield from (f"{b}{form}{y}" for b in before for form in numbered for y in years)
    nth = _ordinal(day)
    for d in (f"{day}te", f"{day}ten", f"{nth}e", f"{nth}en", f"{nth}er"):
        yield from (f"{d}{names[0]}{y}" for y in years)


def german_numbered_forms(
    day: int, month: int, year: int | None, weekday: int | None
) -> Iterator[str]:
    """Yields a weekday with a date in numbers, whose numbers must stand apart."""
    for name in _WEEKDAYS[weekday] if weekday is not None else ():
        for d, m in dict.fromkeys(((f"{day:02d}", f"{month:02d}"), (str(day), str(month)))):
            for y in ("", str(year), f"{(year or 0) % 100:02d}"):
                yield from (f"{name}{article}{d}{m}{y}" for article in ("", "den", "dem"))


def is_cued_day(text: str, start: int, end: int) -> bool:
    """Whether numbers that stand apart are a day: "am 12.6." is, "Kapitel 12.6" isn't."""
    after = text[end : end + 2]
    if after[:1] != "." or after[1:].isdigit():
        return False
    return _CUED_DAY.search(text, max(0, start - 8), start) is not None


def german_clock_forms(hour: int, minute: int) -> Iterator[str]:
    """Yields the canonical characters of a time of day."""
    twelve, then = hour % 12 or 12, (hour + 1) % 12 or 12
    for h in dict.fromkeys((hour, twelve)):
        for written in dict.fromkeys((str(h), f"{h:02d}")):
            yield f"{written}{minute:02d}uhr"
            yield f"{written}uhr{minute:02d}"
        if minute:
            yield f"{_number(h)}uhr{_number(minute)}"
            continue
        for written in (str(h), _number(h)):
            yield f"{written}uhr"
            yield from (f"{written}uhr{part}" for part in _parts_of_day(hour))
    if minute == 15:
        yield from (f"viertelnach{_named(twelve)}", f"viertel{_named(then)}")
    elif minute == 30:
        yield f"halb{_named(then)}"
    elif minute == 45:
        yield from (f"viertelvor{_named(then)}", f"dreiviertel{_named(then)}")
    if (hour, minute) == (0, 0):
        yield "mitternacht"


def _parts_of_day(hour: int) -> tuple[str, ...]:
    if hour < 5:
        return ("nachts", "fruh", "morgens")
    if hour < 12:
        return ("morgens", "fruh", "vormittags")
    return ("mittags", "nachmittags") if hour < 18 else ("abends", "nachts")


def _number(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = _TENS[number // 10 * 10], number % 10
    return f"{_ONES[ones]}und{tens}" if ones else tens


def _named(hour: int) -> str:
    """An hour as it is counted: "halb eins", but "ein Uhr"."""
    return "eins" if hour == 1 else _ONES[hour]


def _ordinal(day: int) -> str:
    return _ORDINALS.get(day) or _number(day) + ("t" if day < 20 else "st")
