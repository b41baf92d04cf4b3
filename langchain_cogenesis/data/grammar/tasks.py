"""The writing tasks: loads `tasks/*.yaml` and `common.yaml`.

A task has an `occasion` (which facts it is about), `instructions` in three manners, `points` and
`structures`. A point has wordings for the outline and sentences for the text: `any` for every
register, the registers' own, and `open` for a writer who doesn't know the facts.
A structure is a plan: points in order; one with a `?` may be left out, and `/` begins a paragraph.
`choices` are details that the planner invents. `common.yaml` holds points that any task may use.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Register = Literal["casual", "plain", "formal"]
Form = Literal["email", "notice", "post"]
Scope = Literal["few", "all", "everything"]
"""What a writer gets to see: `few` structures and sentences, like the small house model; `all` but
those kept for evaluation, like the larger one; or `everything`, in evaluation."""

REGISTERS: tuple[Register, ...] = ("casual", "plain", "formal")
UNSEEN_TASKS: tuple[str, ...] = ("get_well", "hand_over", "hiring_post", "refer")
"""Tasks that are kept from the small house model."""

FEW_STRUCTURES = 2
FREE_POINTS: frozenset[str] = frozenset({"note", "post_note", "question", "request"})
"""Common points that say what nobody can guess, and that an outline or instruction must ask for."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of an outline and the sentences that carry it out."""

    name: str
    outline: tuple[str, ...]
    say: dict[str, tuple[str, ...]]

    def sentences(self, register: Register, scope: Scope) -> tuple[str, ...]:
        """Templates that fit a register and may use any fact."""
        lists = (self.say.get("any", ()), self.say.get(register, ()))
        return tuple(sentence for some in lists for sentence in within(some, scope))

    def outlines(self, scope: Scope) -> tuple[str, ...]:
        """Templates for the outline; who has to follow outlines gets to see most of them."""
        return within(self.outline, "all" if scope == "few" else scope)

    def slots(self) -> frozenset[str]:
        """Names of all slots in the sentences that use facts."""
        kinds = ("any", *REGISTERS)
        return frozenset().union(
            *(slots_of(sentence) for kind in kinds for sentence in self.say.get(kind, ()))
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A point's place in a structure."""

    point: Point
    optional: bool
    paragraph: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of text."""

    name: str
    form: Form
    occasion: str
    instructions: dict[str, tuple[str, ...]]
    held_out: tuple[str, ...]
    points: dict[str, Point]
    structures: tuple[tuple[Step, ...], ...]
    choices: dict[str, tuple[str, ...]]

    def plans(self, scope: Scope) -> tuple[int, ...]:
        """Numbers of the structures that are within a scope."""
        shown = {"few": FEW_STRUCTURES, "all": len(self.structures) - 1}
        return tuple(range(shown.get(scope, len(self.structures))))


def within(wordings: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """The wordings within a scope: the first half, all but the last, or all.

    >>> within(("a", "b", "c", "d", "e"), "few"), within(("a", "b", "c"), "all")
    (('a', 'b', 'c'), ('a', 'b'))
    """
    if scope == "everything" or len(wordings) < 2:
        return wordings
    return wordings[:-1] if scope == "all" else wordings[: (len(wordings) + 1) // 2]


def tasks_within(scope: Scope) -> tuple[Task, ...]:
    """The tasks that are within a scope."""
    return tuple(t for t in load_tasks() if scope != "few" or t.name not in UNSEEN_TASKS)


@cache
def load_tasks() -> tuple[Task, ...]:
    """Reads all tasks, in the order of their names."""
    folder = resources.files("langchain_cogenesis.data.grammar") / "tasks"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    return tuple(_task(name.removesuffix(".yaml"), _read(f"tasks/{name}")) for name in names)


@cache
def common_points(form: Form) -> dict[str, Point]:
    """The points that any task of a form may use, by name."""
    entry = _read("common.yaml")["post" if form == "post" else "email"]
    return {name: _point(name, point) for name, point in entry["points"].items()}


@cache
def common_choices(form: Form) -> dict[str, tuple[str, ...]]:
    """The details that the planner invents for common points."""
    return _lists(_read("common.yaml")["post" if form == "post" else "email"]["choices"])


@cache
def slots_in_order(template: str) -> tuple[str, ...]:
    """Names of the slots in a template, in order of appearance."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(template) if name)


@cache
def slots_of(template: str) -> frozenset[str]:
    """Names of the slots in a template."""
    return frozenset(slots_in_order(template))


def _read(name: str) -> dict[str, Any]:
    import yaml

    folder = resources.files("langchain_cogenesis.data.grammar")
    loaded: dict[str, Any] = yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8"))
    return loaded


def _task(name: str, entry: dict[str, Any]) -> Task:
    own = {key: _point(key, point) for key, point in entry["points"].items()}
    known = {**common_points(entry["form"]), **own}
    return Task(
        name=name,
        form=entry["form"],
        occasion=entry["occasion"],
        instructions=_lists(entry["instructions"]),
        held_out=tuple(entry["held_out"]),
        points=own,
        structures=tuple(_structure(known, steps) for steps in entry["structures"]),
        choices=_lists(entry.get("choices", {})),
    )


def _structure(points: Mapping[str, Point], names: Iterable[str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    paragraph = False
    for name in names:
        if name == "/":
            paragraph = True
            continue
        point = points[name.removesuffix("?")]
        steps.append(Step(point, name.endswith("?"), paragraph))
        paragraph = False
    return tuple(steps)


def _point(name: str, entry: dict[str, Any]) -> Point:
    kinds = ("any", *REGISTERS, "open")
    say = {kind: tuple(entry[kind]) for kind in kinds if kind in entry}
    return Point(name, tuple(entry["outline"]), say)


def _lists(entry: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in entry.items()}
