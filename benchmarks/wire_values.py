"""Users with private values, and the search for these in what left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.recording import decoded_texts, normalized
from langchain_cogenesis.context.importers import import_files
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, UserProfile
from langchain_cogenesis.data.examples import create_example
from langchain_cogenesis.privacy.lexicon import PrivateLexicon
from langchain_cogenesis.private_values import private_values

# What is written in many ways is left to the lexicon's own search.
_SPELLED_OTHERWISE = frozenset({"DATE", "TIME", "AMOUNT"})
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "prof", "the", "and", "von", "van", "de"})
_ANYWHERE = 10

Value = tuple[str, str]


@dataclass(frozen=True, repr=False)
class WireUser:
    """A user, what they ask for, and what of them must not leave.

    Attributes:
        number: The record's number, from 0.
        context: Everything that the device knows.
        task: What they type.
        values: Kinds and texts of their values.
    """

    number: int
    context: PrivateContext
    task: str
    values: tuple[Value, ...]

    def __repr__(self) -> str:
        return f"WireUser(number={self.number}, <withheld: {len(self.values)} values>)"

    @property
    def typed(self) -> int:
        """How many of the values stand in the task."""
        return sum(_stands_in(text, self.task) for _, text in self.values)

    @property
    def planted(self) -> tuple[Value, ...]:
        """Up to four values of several words: nobody can take them for common words."""
        certain = [value for value in self.values if re.search(r"\w[\s@]+\w", value[1])]
        return tuple(certain[:4])

    @property
    def planted_task(self) -> str:
        """The task, with these values in it."""
        return f"{self.task} Mention {', '.join(text for _, text in self.planted)}."


@dataclass(frozen=True, repr=False)
class Search:
    """Looks for one user's values in a record, literally and by the lexicon.

    Args:
        user: The user.
        lexicon: Their lexicon, as the gate has it.
        by_lexicon: Whether to search by the lexicon too.
    """

    user: WireUser
    lexicon: PrivateLexicon
    by_lexicon: bool = True

    def __repr__(self) -> str:
        return f"Search({self.user!r})"

    @property
    def values(self) -> tuple[Value, ...]:
        """What is looked for literally."""
        return self.user.values

    def only(self, values: Sequence[Value]) -> Search:
        """The same for some of the values, literally."""
        return replace(self, user=replace(self.user, values=tuple(values)), by_lexicon=False)

    def in_record(
        self, record_file: Path, vocabulary: dict[int, bytes]
    ) -> tuple[set[Value], set[Value]]:
        """What left for certain, and what left that is a common word too."""
        found: set[Value] = set()
        noted: set[Value] = set()
        for text in dict.fromkeys(text for _, text in decoded_texts(record_file, vocabulary)):
            literal = {value for value in self.values if _stands_in(value[1], text)}
            if literal:
                common = {
                    normalized(text[match.start : match.end]) for match in self.lexicon.noted(text)
                }
                noted |= {value for value in literal if normalized(value[1]) in common}
                found |= {value for value in literal if normalized(value[1]) not in common}
            if self.by_lexicon:
                found |= {(m.kind, text[m.start : m.end]) for m in self.lexicon.find(text)}
        return found, noted - found


def recorded_users(path: Path, limit: int) -> list[WireUser]:
    """The users of the published context-aware records, a JSON list."""
    records: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    contexts = import_files([path], format="cogenesis").contexts
    return [
        _user(number, contexts[record["tid"]], record["conversations"][0]["value"])
        for number, record in enumerate(records[:limit])
    ]


def invented_users(limit: int) -> list[WireUser]:
    """Users of our grammar."""
    return [_invented(number) for number in range(limit)]


def _invented(number: int) -> WireUser:
    example = create_example(f"wire/{number}", condition="context", scope="everything")
    slots = {name: slot.value for name, slot in example.slots.items() if slot.value}
    people = {
        slot.value
        for name, slot in example.slots.items()
        if slot.kind == "NAME" and slot.value and not name.startswith("me")
    }
    lines = [d.page_content for d in example.documents if d.metadata["kind"] == "activity"]
    context = PrivateContext(
        profile=UserProfile(
            name=slots["me_full"],
            company=slots.get("company"),
            location=slots.get("location"),
            email=f"me{number}@{slots['me_full'].split()[-1].lower()}.example",
            phone=f"+49 170 555 0{number % 1000:03}",
            contacts=tuple(Contact(name=name) for name in sorted(people)),
        ),
        activities=tuple(
            Activity(kind="calendar", text=line, place=slots.get("place")) for line in lines
        ),
    )
    return _user(number, context, example.instruction)


def _user(number: int, context: PrivateContext, task: str) -> WireUser:
    return WireUser(number, context, task, tuple(dict.fromkeys(_values(context))))


def _values(context: PrivateContext) -> Iterator[Value]:
    for value in private_values(context):
        if value.kind in _SPELLED_OTHERWISE:
            continue
        parts = {"NAME": r"\s+", "PLACE": r",\s*"}.get(value.kind)
        for part in (value.text, *(re.split(parts, value.text) if parts else ())):
            text = part.strip(" '\"’")
            if len(text) > 2 and text.rstrip(".").lower() not in _TITLES:
                yield value.kind, text


def _stands_in(value: str, text: str) -> bool:
    plain = normalized(value)
    if len(plain) >= _ANYWHERE or (" " in value and len(plain) > 6):
        return plain in normalized(text)
    return bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))
