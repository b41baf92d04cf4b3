"""The ways to write a date, a time of day and a sum of money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from langchain_cogenesis.privacy.german_moments import (
    find_german_dates,
    german_clock_forms,
    german_date_forms,
    german_numbered_forms,
)

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>\d{4})\b)?"
_SPELLED = (
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+{_DAY}\b{_YEAR}", re.IGNORECASE),
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"),
)
_ISO = re.compile(
    r"(?:(?P<year>\d{4})|-)-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2}).*)?"
)
_CLOCK = re.compile(r"(?P<hour>\d{2}):(?P<minute>\d{2})")
_CURRENCIES = {
    "usd": ("dollars", "dollar", "bucks"),
    "eur": ("euros", "euro"),
    "gbp": ("pounds", "pound", "quid"),
    "jpy": ("yen",),
    "chf": ("francs", "franc"),
}
_SIGNS = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
_NAMES = {name: code for code, names in _CURRENCIES.items() for name in (code, *names)} | _SIGNS
_SUM = r"(?P<sum>\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{2})?|\d+(?:[.,]\d{2})?)"
_UNIT = rf"(?P<unit>[$€£¥]|\b(?:{'|'.join(name for name in _NAMES if name.isalpha())})\b)"
_AMOUNTS = (
    re.compile(rf"{_UNIT}\s?{_SUM}(?![\d.,]*\d)", re.IGNORECASE),
    re.compile(rf"(?<![\d.,]){_SUM}\s?{_UNIT}", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True, repr=False)
class Moment:
    """A day, perhaps with its year and a time of day.

    Attributes:
        month: 1 to 12.
        day: 1 to 31.
        year: Or None.
        hour: 0 to 23, or None.
        minute: 0 to 59.
    """

    month: int
    day: int
    year: int | None = None
    hour: int | None = None
    minute: int = 0

    def __repr__(self) -> str:
        return "Moment(<withheld>)"


def parse_moment(text: str) -> Moment | None:
    """Reads `2026-06-12`, `2026-06-12T19:00` or `--06-12`; anything else gives None."""
    match = _ISO.fullmatch(text.strip())
    return _moment(match) if match else None


def parse_clock(text: str) -> tuple[int, int] | None:
    """Reads a time of day, `19:00`, as hour and minute; anything else gives None."""
    match = _CLOCK.fullmatch(text.strip())
    return (int(match["hour"]), int(match["minute"])) if match else None


def find_dates(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields the dates with day and month in a text: start, end, and the date for a lexicon."""
    for pattern in _SPELLED:
        for match in pattern.finditer(text):
            moment = _moment(match)
            if moment is not None:
                year = f"{moment.year:04d}-" if moment.year else "--"
                yield match.start(), match.end(), f"{year}{moment.month:02d}-{moment.day:02d}"
    for found in find_german_dates(text):
        year = f"{found.year:04d}-" if found.year else "--"
        yield found.start, found.end, f"{year}{found.month:02d}-{found.day:02d}"


def find_amounts(text: str) -> Iterator[tuple[int, int]]:
    """Yields where a text names a sum of money with its currency: start and end."""
    for pattern in _AMOUNTS:
        for match in pattern.finditer(text):
            yield match.start(), match.end()


def date_forms(moment: Moment) -> Iterator[tuple[str, bool]]:
    """Yields the canonical characters of a date, in English and German.

    The other half of each pair says whether its numbers must stand apart.

    With and without weekday and year, the day before or after the month, the month spelled out or
    short, or numbers in the order of any country. Without a year, numbers count in two digits only
    ("3/4" is a fraction far more often than a day).
    """
    day, month, year = moment.day, moment.month, moment.year
    name = _MONTHS[month - 1]
    names = dict.fromkeys((name, name[:3], *(("sept",) if month == 9 else ())))
    nth = f"{day}{_ordinal(day)}"
    spelled = [
        form
        for m in names
        for d in dict.fromkeys((str(day), f"{day:02d}", nth))
        for form in (f"{d}{m}", f"{m}{d}")
    ]
    spelled += [f"{nth}of{name}", f"{day}of{name}", f"the{nth}of{name}", f"{name}the{nth}"]
    years = ("", str(year)) if year else ("",)
    for weekday in _weekdays(moment):
        for form in spelled:
            for ending in years:
                yield weekday + form + ending, False
    day_of_week = _weekday(moment)
    yield from ((form, False) for form in german_date_forms(day, month, year, day_of_week))
    yield from ((form, False) for form in german_numbered_forms(day, month, year, day_of_week))
    yield f"{day:02d}{month:02d}", True
    yield f"{month:02d}{day:02d}", True
    if year:
        yield f"{year}{month:02d}{day:02d}", False
        for d, m in ((f"{day:02d}", f"{month:02d}"), (str(day), str(month))):
            for y in (str(year), f"{year % 100:02d}"):
                yield from ((f"{d}{m}{y}", True), (f"{m}{d}{y}", True))
        yield f"{year}{month}{day}", True


def clock_forms(hour: int, minute: int) -> Iterator[tuple[str, bool]]:
    """Yields the canonical characters of a time of day, and whether numbers must stand apart."""
    half = "pm" if hour >= 12 else "am"
    twelve = hour % 12 or 12
    yield f"{twelve}{minute:02d}{half}", False
    yield f"{twelve:02d}{minute:02d}{half}", False
    yield f"{hour:02d}{minute:02d}", True
    yield f"{hour}{minute:02d}", True
    yield f"{twelve}{minute:02d}", True
    yield f"{hour}h{minute:02d}", False
    if not minute:
        yield f"{twelve}{half}", False
        yield f"{twelve}oclock", False
        yield f"{hour}h", False
    if (hour, minute) == (12, 0):
        yield "noon", False
    yield from ((form, False) for form in german_clock_forms(hour, minute))


def amount_forms(text: str) -> Iterator[str]:
    """Yields the canonical characters of a sum of money, with any name of its currency."""
    for pattern in _AMOUNTS:
        match = pattern.search(text)
        if match is None:
            continue
        code = _NAMES[match["unit"].lower()]
        digits = re.sub(r"\D", "", match["sum"])
        whole = digits[:-2] if re.search(r"[.,]00$", match["sum"]) else digits
        cents = (
            whole if re.search(r"[.,]\d{2}$", match["sum"]) and whole == digits else whole + "00"
        )
        for number in dict.fromkeys((whole, cents)):
            for unit in (code, *_CURRENCIES[code]):
                yield f"{number}{unit}"
            yield f"{code}{number}"
            if code == "usd":
                yield f"ususd{number}"


def _moment(match: re.Match[str]) -> Moment | None:
    found = match.groupdict()
    month = found["month"].lower()
    number = int(month) if month.isdigit() else _month_number(month)
    day = int(found["day"])
    if not (1 <= number <= 12 and 1 <= day <= 31):
        return None
    hour = found.get("hour")
    return Moment(
        number,
        day,
        int(found["year"]) if found.get("year") else None,
        int(hour) if hour else None,
        int(found["minute"]) if hour else 0,
    )


def _month_number(name: str) -> int:
    return next(n for n, month in enumerate(_MONTHS, start=1) if month.startswith(name[:3]))


def _weekdays(moment: Moment) -> tuple[str, ...]:
    weekday = _weekday(moment)
    if weekday is None:
        return ("",)
    return "", _DAYS[weekday], _DAYS[weekday][:3]


def _weekday(moment: Moment) -> int | None:
    """From 0 for Monday; None without a year, or of a day that there isn't."""
    if moment.year is None:
        return None
    try:
        return date(moment.year, moment.month, moment.day).weekday()
    except ValueError:
        return None


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
