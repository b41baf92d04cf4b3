"""The demonstration's personas: Nora Lindqvist, who teaches ceramics, and a goldsmith in Lübeck.

Everybody here is invented. The files are what a user would have: a profile, a mailbox, a calendar,
notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class DemoPersona:
    """Somebody for a demonstration, and a letter that they want.

    Attributes:
        user: Under which name the demonstration stores them.
        instruction: What they ask for; it names a friend and a place.
        facts: What the letter must hold, as it is written there. Day and time are in the calendar
            alone.
        files: Their files, the profile first.
    """

    user: str
    instruction: str
    facts: dict[str, str]
    files: tuple[Path, ...]


_FOLDER = Path(__file__).parent
_PERSONAS = {
    "en": DemoPersona(
        user="nora",
        instruction="Invite Tomas to the summer exhibition at Saltmarsh Hall.",
        facts={
            "recipient": "Hi Tomas",
            "day": "12 June",
            "time": "7 pm",
            "place": "Saltmarsh Hall",
            "sender": "Hugs, Nora",
        },
        files=tuple(
            _FOLDER / name for name in ("profile.yaml", "mailbox.mbox", "calendar.ics", "notes.md")
        ),
    ),
    "de": DemoPersona(
        user="wiebke",
        instruction="Lade Lasse zur Ausstellung in der Galerie Nordlicht ein.",
        facts={
            "recipient": "Hallo Lasse",
            "day": "12. Juni",
            "time": "19 Uhr",
            "place": "Galerie Nordlicht",
            "sender": "Liebe Grüße\nWiebke",
        },
        files=tuple(
            _FOLDER / "de" / name
            for name in ("profil.yaml", "postfach.mbox", "kalender.ics", "notizen.md")
        ),
    ),
}
LANGUAGES: tuple[str, ...] = tuple(_PERSONAS)
"""Languages that there is a persona for, as ISO 639-1 codes."""

USER = _PERSONAS["en"].user
DEMO_INSTRUCTION = _PERSONAS["en"].instruction
DEMO_FACTS = _PERSONAS["en"].facts


def demo_persona(language: str = "en") -> DemoPersona:
    """The persona of a language.

    Raises:
        ConfigurationError: There is none.
    """
    if language not in _PERSONAS:
        raise ConfigurationError(
            f"there is no persona for {language!r}.", hint=f"Take one of {', '.join(LANGUAGES)}."
        )
    return _PERSONAS[language]


def persona_files() -> tuple[Path, ...]:
    """The English persona's files, the profile first."""
    return _PERSONAS["en"].files
