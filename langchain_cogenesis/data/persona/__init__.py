"""The demonstration's persona: Nora Lindqvist, who teaches ceramics in Port Ellery.

Everybody here is invented. The files are what a user would have: a profile, a mailbox, a calendar,
notes.
"""

from __future__ import annotations

from pathlib import Path

USER = "nora"
"""Under which name the demonstration stores the persona."""

DEMO_INSTRUCTION = "Invite Tomas to the summer exhibition at Saltmarsh Hall."
"""What the persona asks for; it names a friend and a place."""

DEMO_FACTS: dict[str, str] = {
    "recipient": "Hi Tomas",
    "day": "12 June",
    "time": "7 pm",
    "place": "Saltmarsh Hall",
    "sender": "Hugs, Nora",
}
"""What the letter must hold, as it is written there. Day and time are in the calendar alone."""

_FILES = ("profile.yaml", "mailbox.mbox", "calendar.ics", "notes.md")


def persona_files() -> tuple[Path, ...]:
    """The persona's files, the profile first."""
    folder = Path(__file__).parent
    return tuple(folder / name for name in _FILES)
