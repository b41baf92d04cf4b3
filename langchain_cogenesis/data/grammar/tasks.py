"""The writing tasks: loads `tasks/*.yaml`.

A task has an `occasion` (which facts it is about), wordings of the instruction (`held_out` ones are
for evaluation) and `points` in order. A point has wordings for the outline and sentences for the
text: `any` for every register, `casual`, `plain` and `formal` for one, and `open` for a writer who
doesn't know the facts. Points without `need` are optional, those with `move` may change places.
`choices` are details that the planner invents.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Register = Literal["casual", "plain", "formal"]
Form = Literal["email", "notice", "post"]

REGISTERS: tuple[Register, ...] = ("casual", "plain", "formal")


@dataclass(frozen=True, slots=True)
class Point:
    """One point of an outline and the sentences that carry it out."""

    outline: tuple[str, ...]
    say: dict[str, tuple[str, ...]]
    need: bool
    move: bool
    choices: dict[str, tuple[str, ...]]

    def sentences(self, register: Register) -> tuple[str, ...]:
        """Templates that fit a register and may use any fact."""
        return self.say.get("any", ()) + self.say.get(register, ())


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of text."""

    name: str
    form: Form
    occasion: str
    instructions: tuple[str, ...]
    held_out: tuple[str, ...]
    points: tuple[Point, ...]
    choices: dict[str, tuple[str, ...]]


@cache
def load_tasks() -> tuple[Task, ...]:
    """Reads all tasks, in the order of file names and entries."""
    import yaml

    folder = resources.files("langchain_cogenesis.data.grammar") / "tasks"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    tasks: list[Task] = []
    for file in files:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        tasks.extend(_task(name, entry) for name, entry in entries.items())
    return tuple(tasks)


@cache
def slots_in_order(template: str) -> tuple[str, ...]:
    """Names of the slots in a template, in order of appearance."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(template) if name)


@cache
def slots_of(template: str) -> frozenset[str]:
    """Names of the slots in a template."""
    return frozenset(slots_in_order(template))


def _task(name: str, entry: dict[str, Any]) -> Task:
    return Task(
        name=name,
        form=entry["form"],
        occasion=entry["occasion"],
        instructions=tuple(entry["instructions"]),
        held_out=tuple(entry["held_out"]),
        points=tuple(_point(point) for point in entry["points"]),
        choices=_lists(entry.get("choices", {})),
    )


def _point(entry: dict[str, Any]) -> Point:
    kinds = ("any", *REGISTERS, "open")
    return Point(
        outline=tuple(entry["outline"]),
        say={kind: tuple(entry[kind]) for kind in kinds if kind in entry},
        need=entry.get("need", False),
        move=entry.get("move", False),
        choices=_lists(entry.get("choices", {})),
    )


def _lists(entry: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in entry.items()}
