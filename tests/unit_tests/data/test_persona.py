"""The demonstration's personas, in each language."""

from __future__ import annotations

import email.policy
import mailbox

import icalendar
import pytest
import yaml

from langchain_cogenesis.context.importers import import_files
from langchain_cogenesis.context.schema import Contact, UserProfile
from langchain_cogenesis.data.persona import LANGUAGES, demo_persona, persona_files
from langchain_cogenesis.exceptions import ConfigurationError

_NAMES = {"en": "Nora Lindqvist", "de": "Wiebke Petersen"}
_EVENTS = {"en": "summer exhibition", "de": "Ausstellung"}
each_language = pytest.mark.parametrize("language", LANGUAGES)


def _file(language: str, ending: str) -> str:
    return str(next(path for path in demo_persona(language).files if path.suffix == ending))


@each_language
def test_all_files_are_there(language: str) -> None:
    """Profile, mailbox, calendar and notes ship with the package, and are read without a loss."""
    files = demo_persona(language).files
    assert [path.suffix for path in files] == [".yaml", ".mbox", ".ics", ".md"]
    assert all(path.stat().st_size > 50 for path in files)
    found = import_files(files)
    assert not found.problems
    (context,) = found.contexts.values()
    assert context.profile is not None
    assert context.profile.name == _NAMES[language]
    assert len(context.writings) >= 2


def test_a_language_without_a_persona_is_told() -> None:
    """With those that there are."""
    assert persona_files() == demo_persona("en").files
    with pytest.raises(ConfigurationError, match="en, de"):
        demo_persona("fr")


@each_language
def test_profile_is_valid(language: str) -> None:
    """The profile is one object of the schema, plus `activity`."""
    with open(_file(language, ".yaml"), encoding="utf-8") as file:
        content = yaml.safe_load(file)
    assert content.pop("activity")
    contacts = tuple(Contact(**contact) for contact in content.pop("contacts"))
    profile = UserProfile(**content, contacts=contacts)
    assert profile.name == _NAMES[language]


@each_language
def test_mailbox_is_valid_and_holds_both_directions(language: str) -> None:
    """Each mail has no defects; some were sent by the user and some received."""
    box = mailbox.mbox(_file(language, ".mbox"), create=False)
    senders = []
    for raw in box:
        message = email.message_from_bytes(raw.as_bytes(), policy=email.policy.default)
        assert not message.defects
        assert message["Date"]
        senders.append(_NAMES[language] in message["From"])
    box.close()
    assert senders.count(True) >= 2
    assert senders.count(False) >= 1


@each_language
def test_calendar_holds_the_facts_of_the_demonstration(language: str) -> None:
    """Day, time and place of the letter are in the calendar; the day is not in the request."""
    persona = demo_persona(language)
    with open(_file(language, ".ics"), "rb") as file:
        calendar = icalendar.Calendar.from_ical(file.read())
    events = {str(event["SUMMARY"]): event for event in calendar.walk("VEVENT")}
    assert len(events) >= 4
    event = events[_EVENTS[language]]
    assert str(event["LOCATION"]) == persona.facts["place"]
    start = event["DTSTART"].dt
    day = f"{start.day} June" if language == "en" else f"{start.day}. Juni"
    assert day == persona.facts["day"]
    time = f"{start.hour - 12} pm" if language == "en" else f"{start.hour} Uhr"
    assert time == persona.facts["time"]
    assert day not in persona.instruction


@each_language
def test_request_holds_two_private_values(language: str) -> None:
    """The request names the friend and the place, which must not leave the device."""
    persona = demo_persona(language)
    assert persona.facts["recipient"].split()[-1] in persona.instruction
    assert persona.facts["place"] in persona.instruction
