"""Calendars (`.ics`): each event becomes an activity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
from langchain_cogenesis.context.importers.sources import read_text
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.exceptions import SourceError

_ZONES = re.compile(r"^BEGIN:VTIMEZONE\n.*?^END:VTIMEZONE\n?", re.DOTALL | re.MULTILINE)
_CALENDAR_ZONE = re.compile(r"^X-WR-TIMEZONE:(\S+)", re.MULTILINE)
_EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}


def read(path: Path, options: ImportOptions) -> Parsed:
    """Reads a calendar; an event's time is the one on the wall where it takes place.

    Times in UTC are shown in the calendar's own zone, else in that of this machine. A recurring
    event is imported once, with a note; a cancelled one is left out.

    Raises:
        SourceError: The file can't be read, or is no calendar.
    """
    parsed = Parsed()
    text = read_text(path, parsed.problems, options.max_bytes)
    if not re.search(r"^BEGIN:V(CALENDAR|EVENT)", text, re.MULTILINE):
        problem = "is no calendar: it has no BEGIN:VCALENDAR."
        raise SourceError(path.name, problem, line=1, hint="Export it as iCalendar.")
    named = _CALENDAR_ZONE.search(text)
    home = _zone(named[1]) if named else None
    zones = "".join(f"{zone.rstrip()}\n" for zone in _ZONES.findall(text))
    activities = []
    for line, block in _events(text):
        try:
            activity = _activity(_component(zones, block), home, options)
        except Exception as error:  # noqa: BLE001 - the parser raises many kinds on broken events
            problem = f"the event that begins here can't be read ({type(error).__name__})."
            parsed.problems.append(
                SourceError(path.name, problem, line=line, hint="The event was left out.")
            )
        else:
            activities += [activity] if activity else []
    parsed.contexts[None] = PrivateContext(activities=tuple(activities))
    return parsed


def _events(text: str) -> Iterator[tuple[int, str]]:
    """Yields each event's line and text; one that is cut off ends where the next begins."""
    start, block = 0, list[str]()
    for number, line in enumerate([*text.split("\n"), "BEGIN:VEVENT"], start=1):
        bare = line.strip().upper()
        if bare == "BEGIN:VEVENT":
            if block:
                yield start, "\n".join(block)
            start, block = number, [line]
        elif block:
            block.append(line)
            if bare == "END:VEVENT":
                yield start, "\n".join(block)
                block = []


def _component(zones: str, block: str) -> Any:
    import icalendar

    if not block.rstrip().upper().endswith("END:VEVENT"):
        raise EOFError("the event has no end")
    whole = f"BEGIN:VCALENDAR\n{zones}{block}\nEND:VCALENDAR\n"
    return icalendar.Calendar.from_ical(whole).walk("VEVENT")[0]


def _activity(event: Any, home: tzinfo | None, options: ImportOptions) -> Activity | None:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    summary = str(event.get("SUMMARY", "")).strip() or _first_line(event.get("DESCRIPTION", ""))
    if not summary:
        raise ValueError("neither summary nor description")
    repeats = _repeats(event)
    return Activity(
        kind="calendar",
        when=_when(event, home),
        text=f"{summary} ({repeats})" if repeats else summary,
        place=_first_line(event.get("LOCATION", "")) or None,
        people=tuple(_attendees(event, options)),
    )


def _when(event: Any, home: tzinfo | None) -> str | None:
    # The parser sets aside what it can't read, and goes on.
    if any(name == "DTSTART" for name, _ in event.errors):
        raise ValueError("no date")
    start = event.decoded("DTSTART") if "DTSTART" in event else None
    if isinstance(start, datetime):
        # Python names UTC in several ways; an event that is *in* a zone keeps its wall time.
        if start.tzinfo is not None and str(start.tzname()) == "UTC":
            start = start.astimezone(home)
        return start.strftime("%Y-%m-%dT%H:%M")
    return start.isoformat() if isinstance(start, date) else None


def _repeats(event: Any) -> str:
    rule = event.get("RRULE")
    if not rule:
        return ""
    unit = _EVERY.get(str((rule.get("FREQ") or [""])[0]).upper())
    interval = int((rule.get("INTERVAL") or [1])[0])
    if unit is None:
        return "repeats"
    return f"repeats every {unit}" if interval == 1 else f"repeats every {interval} {unit}s"


def _attendees(event: Any, options: ImportOptions) -> Iterator[str]:
    own = {value.casefold() for value in (options.own_address, options.own_name) if value}
    found = event.get("ATTENDEE", [])
    for attendee in found if isinstance(found, list) else [found]:
        address = re.sub(r"^mailto:", "", str(attendee), flags=re.IGNORECASE).strip()
        name = str(getattr(attendee, "params", {}).get("CN", "")).strip().strip('"')
        if (name or address) and not {name.casefold(), address.casefold()} & own:
            yield name or address


def _first_line(value: Any) -> str:
    lines = str(value).strip().splitlines()
    return lines[0].strip() if lines else ""


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
