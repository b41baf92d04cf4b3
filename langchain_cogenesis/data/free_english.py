"""Forty requests as people type them, with their context: written by hand, never trained on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from langchain_cogenesis.privacy.placeholders import placeholder

if TYPE_CHECKING:
    from langchain_core.documents import Document

_CONTACT = re.compile(r"^[a-z][\w ]*: ")
_NAME_LINE = "Name: "
_ORG_LINE = "Company: "
_PLACE_LINE = "Location: "


@dataclass(frozen=True, slots=True, repr=False)
class FreeExample:
    """One request.

    Attributes:
        number: Which.
        instruction: What the user types.
        profile: Lines of the profile.
        activity: Lines of calendar, messages, purchases and notes.
        kind: What is to be written.
        sender: Who must sign; empty for posts.
        recipient: Whom the greeting must name; empty for posts and notices.
        facts: What a good text holds, each in its accepted spellings.
        main: The one without which the text is of no use, in its accepted spellings.
    """

    number: int
    instruction: str
    profile: tuple[str, ...]
    activity: tuple[str, ...]
    kind: Literal["email", "post", "notice"]
    sender: str
    recipient: str
    facts: tuple[tuple[str, ...], ...]
    main: tuple[str, ...]

    @property
    def documents(self) -> tuple[Document, ...]:
        """The context as a retriever would hand it over."""
        from langchain_core.documents import Document

        profile = [Document(line, metadata={"kind": "profile"}) for line in self.profile]
        activity = [Document(line, metadata={"kind": "activity"}) for line in self.activity]
        return (*profile, *activity)

    def judge(self, text: str) -> dict[str, bool]:
        """Whether sender, recipient and main fact are right, and all that is asked of them."""
        lines = text.strip().splitlines() or [""]
        found: dict[str, bool] = {}
        if self.recipient:
            found["recipient"] = self.recipient in lines[0]
        if self.sender:
            found["sender"] = self.sender in lines[-1]
        found["main fact"] = _holds(text, self.main)
        found["all three"] = all(found.values())
        return found

    def facts_in(self, text: str) -> int:
        """How many of the facts a text holds."""
        return sum(_holds(text, spellings) for spellings in self.facts)

    def marks(self) -> dict[str, str]:
        """Placeholder and value of the names that the instruction holds."""
        names: dict[str, list[str]] = {"NAME": [], "ORG": [], "PLACE": []}
        for line in self.profile:
            value = line.split(": ", 1)[-1]
            if line.startswith(_NAME_LINE) or _CONTACT.match(line):
                names["NAME"] += [value, *value.split(" ")[:1]]
            elif line.startswith(_ORG_LINE):
                names["ORG"].append(value)
            elif line.startswith(_PLACE_LINE):
                names["PLACE"].append(value)
        found: dict[str, str] = {}
        for kind, values in names.items():
            there = [v for v in sorted(set(values), key=len, reverse=True) if v in self.instruction]
            for value in there:
                if not any(value in known for known in found.values()):
                    number = 1 + sum(mark.startswith(f"[{kind}_") for mark in found)
                    found[placeholder(kind, number)] = value
        return found

    def masked(self) -> str:
        """The instruction with those names replaced."""
        text = self.instruction
        for mark, value in self.marks().items():
            text = text.replace(value, mark)
        return text


@cache
def load_free_english() -> tuple[FreeExample, ...]:
    """Reads the forty examples."""
    import yaml

    file = resources.files("langchain_cogenesis.data") / "free_english.yaml"
    return tuple(map(_example, yaml.safe_load(file.read_text(encoding="utf-8"))))


def _example(entry: Mapping[str, Any]) -> FreeExample:
    return FreeExample(
        number=entry["id"],
        instruction=entry["instruction"],
        profile=tuple(entry["profile"]),
        activity=tuple(entry["activity"]),
        kind=entry["kind"],
        sender=entry.get("sender") or "",
        recipient=entry.get("recipient") or "",
        facts=tuple(tuple(spellings) for spellings in entry["facts"]),
        main=tuple(entry["main"]),
    )


def _holds(text: str, spellings: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(spelling.lower() in lowered for spelling in spellings)
