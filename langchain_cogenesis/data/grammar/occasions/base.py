"""The facts of one text, and the activities of the private context that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from langchain_cogenesis.context.schema import Activity, spell_when
from langchain_cogenesis.data.grammar.personas import Person, Persona


@dataclass(frozen=True, slots=True, repr=False)
class Slot:
    """One fact.

    Attributes:
        value: As the text says it.
        kind: Placeholder kind that stands for it; None if it is never masked.
        source: Which part of the context it comes from: a profile field, `activity`, or `planner`
            for what the planner invents.
        who: Key of what it names; slots with one key share a placeholder.
    """

    value: str
    kind: str | None
    source: str = "activity"
    who: str = ""


@dataclass(slots=True, repr=False)
class Occasion:
    """The facts of one text and the activities that hold them.

    Attributes:
        recipient: Who is written to.
        slots: The facts, by name.
        activities: What of the private context holds them.
        office: Name of the firm that is written to, if it is no person.
    """

    recipient: Person
    slots: dict[str, Slot] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    office: str | None = None

    def put(self, name: str, value: str, kind: str | None = None, source: str = "activity") -> None:
        """Notes a fact."""
        self.slots[name] = Slot(value, kind, source, who=value)

    def put_person(self, name: str, person: Person) -> None:
        """Notes a person under the full name."""
        self.slots[name] = Slot(person.full, "NAME", who=person.given)

    def put_when(self, random: Random, when: str, prefix: str = "") -> None:
        """Notes day, weekday and time of an ISO date; day and weekday share a placeholder."""
        spelled = spell_when(when)
        day = spelled.split(",")[0].rsplit(" ", 1)[0]
        if random.random() < 0.2:
            day = day.split(" ", 1)[1]
        self.slots[f"{prefix}day"] = Slot(day, "DATE", who=when)
        self.slots[f"{prefix}weekday"] = Slot(spelled.split(" ")[0], "DATE", who=when)
        if ", " in spelled:
            self.put(f"{prefix}time", spelled.split(", ")[1], "TIME")

    def note(self, text: str, *, when: str | None = None, kind: str = "note") -> None:
        """Adds an activity that is just a line of text."""
        self.activities.append(Activity(kind=kind, when=when, text=text))


def helper_of(random: Random, persona: Persona, occasion: Occasion, name: str = "helper") -> Person:
    """Notes somebody else than the recipient."""
    others = [p for p in (*persona.friends, *persona.colleagues) if p != occasion.recipient]
    person = random.choice(others)
    occasion.put_person(name, person)
    return person
