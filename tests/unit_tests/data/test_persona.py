"""The demonstration's persona."""

from __future__ import annotations

import email.policy
import mailbox

import icalendar
import yaml

from langchain_cogenesis.context.schema import Contact, UserProfile
from langchain_cogenesis.data.persona import DEMO_FACTS, DEMO_INSTRUCTION, persona_files


def _file(ending: str) -> str:
    return str(next(path for path in persona_files() if path.suffix == ending))


def test_all_files_are_there() -> None:
    """Profile, mailbox, calendar and notes ship with the package."""
    assert [path.suffix for path in persona_files()] == [".yaml", ".mbox", ".ics", ".md"]
    assert all(path.stat().st_size > 50 for path in persona_files())


def test_profile_is_valid() -> None:
    """The profile is one object of the schema, plus `activity`."""
    with open(_file(".yaml"), encoding="utf-8") as file:
        content = yaml.safe_load(file)
    assert content.pop("activity")
    contacts = tuple(Contact(**contact) for contact in content.pop("contacts"))
    profile = UserProfile(**content, contacts=contacts)
    assert profile.name == "Nora Lindqvist"


def test_mailbox_is_valid_and_holds_both_directions() -> None:
    """Each mail has no defects; some were sent by the user and some received."""
    box = mailbox.mbox(_file(".mbox"), create=False)
    senders = []
    for raw in box:
        message = email.message_from_bytes(raw.as_bytes(), policy=email.policy.default)
        assert not message.defects
        assert message["Date"]
        senders.append("Nora" in message["From"])
    box.close()
    assert senders.count(True) >= 4
    assert senders.count(False) >= 2


def test_calendar_holds_the_facts_of_the_demonstration() -> None:
    """Day, time and place of the letter are in the calendar; the day is not in the request."""
    with open(_file(".ics"), "rb") as file:
        calendar = icalendar.Calendar.from_ical(file.read())
    events = {str(event["SUMMARY"]): event for event in calendar.walk("VEVENT")}
    assert len(events) >= 5
    event = events["summer exhibition"]
    assert str(event["LOCATION"]) == DEMO_FACTS["place"]
    start = event["DTSTART"].dt
    assert f"{start.day} June" == DEMO_FACTS["day"]
    assert f"{start.hour - 12} pm" == DEMO_FACTS["time"]
    assert DEMO_FACTS["day"] not in DEMO_INSTRUCTION


def test_request_holds_two_private_values() -> None:
    """The request names the friend and the place, which must not leave the device."""
    assert "Tomas" in DEMO_INSTRUCTION
    assert DEMO_FACTS["place"] in DEMO_INSTRUCTION
