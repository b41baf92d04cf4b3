from __future__ import annotations

import time
from pathlib import Path

import pytest

from langchain_cogenesis.context.importers import ImportResult, import_file
from langchain_cogenesis.context.schema import Activity


def _event(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT"]) + "\n"


def _import(tmp_path: Path, *events: str, head: str = "") -> ImportResult:
    path = tmp_path / "calendar.ics"
    path.write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{''.join(events)}END:VCALENDAR\n")
    return import_file(path)


def _one(tmp_path: Path, *lines: str, head: str = "") -> Activity:
    result = _import(tmp_path, _event(*lines), head=head)
    assert result.problems == ()
    (activity,) = result.contexts[None].activities
    return activity


def test_an_event_with_everything(tmp_path: Path) -> None:
    """Time, summary, place and attendees; folded lines and escapes are undone."""
    activity = _one(
        tmp_path,
        "DTSTART;TZID=Europe/Berlin:20250614T190000",
        "SUMMARY:Regatta din",
        " ner\\, late",
        "LOCATION:Brindlecombe Hall\\nback door",
        'ATTENDEE;CN="Ottoline Brack":mailto:otti@brack.example',
        "ATTENDEE:MAILTO:jago@quill.example",
    )
    assert activity == Activity(
        kind="calendar",
        when="2025-06-14T19:00",
        text="Regatta dinner, late",
        place="Brindlecombe Hall",
        people=("Ottoline Brack", "jago@quill.example"),
    )


def test_all_day_and_floating_times(tmp_path: Path) -> None:
    """An all-day event has a date, a floating one its wall time."""
    assert _one(tmp_path, "DTSTART;VALUE=DATE:20250614", "SUMMARY:x").when == "2025-06-14"
    assert _one(tmp_path, "DTSTART:20250614T190000", "SUMMARY:x").when == "2025-06-14T19:00"
    assert _one(tmp_path, "SUMMARY:x").when is None


def test_times_in_utc_are_shown_locally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calendar's zone counts; without one, that of this machine."""
    lines = ("DTSTART:20250614T170000Z", "SUMMARY:x")
    head = "X-WR-TIMEZONE:America/New_York\n"
    assert _one(tmp_path, *lines, head=head).when == "2025-06-14T13:00"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert _one(tmp_path, *lines).when == "2025-06-15T02:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_zone_of_the_calendars_own(tmp_path: Path) -> None:
    """A zone that only the file defines keeps its wall time."""
    head = (
        "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    activity = _one(tmp_path, "DTSTART;TZID=Office:20250614T190000", "SUMMARY:x", head=head)
    assert activity.when == "2025-06-14T19:00"


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        ("FREQ=WEEKLY", "repeats every week"),
        ("FREQ=DAILY;INTERVAL=3;COUNT=4", "repeats every 3 days"),
        ("FREQ=SECONDLY", "repeats"),
    ],
)
def test_a_recurring_event_is_one_with_a_note(tmp_path: Path, rule: str, note: str) -> None:
    """The first occurrence is imported, and says that it repeats."""
    activity = _one(tmp_path, "DTSTART:20250614T190000", "SUMMARY:Cello", f"RRULE:{rule}")
    assert activity.text == f"Cello ({note})"
    assert activity.when == "2025-06-14T19:00"


def test_cancelled_events_are_left_out(tmp_path: Path) -> None:
    """What won't take place is no activity."""
    result = _import(tmp_path, _event("SUMMARY:x", "STATUS:CANCELLED"), _event("SUMMARY:y"))
    assert [activity.text for activity in result.contexts[None].activities] == ["y"]


def test_broken_events_are_named_by_line(tmp_path: Path) -> None:
    """A broken event is reported with its line, without content; the others are imported."""
    result = _import(
        tmp_path,
        _event("SUMMARY:first"),
        _event("DTSTART:sekrit-no-date", "SUMMARY:sekrit"),
        _event("DTSTART:20250614T190000"),
        "BEGIN:VEVENT\nSUMMARY:sekrit cut off\n",
        _event("SUMMARY:last 🎻"),
    )
    texts = [activity.text for activity in result.contexts[None].activities]
    assert texts == ["first", "last 🎻"]
    assert [problem.line for problem in result.problems] == [7, 12, 16]
    assert all("sekrit" not in str(problem) for problem in result.problems)


def test_what_is_no_calendar(tmp_path: Path) -> None:
    """A file of another kind is reported."""
    path = tmp_path / "x.ics"
    path.write_text("name: Wren\n")
    assert "no BEGIN:VCALENDAR" in str(import_file(path).problems[0])


def test_windows_line_ends(tmp_path: Path) -> None:
    """Calendars with CRLF, as the standard wants it, are read alike."""
    path = tmp_path / "x.ics"
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR\n"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert import_file(path).contexts[None].activities[0].text == "x"
