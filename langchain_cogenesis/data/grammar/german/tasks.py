"""The German writing tasks: loads `tasks/*.yaml` and `words.yaml`.

A task has an `occasion` (which facts it is about), `instructions`, `points` and `structures`. A
point has wordings for the outline, and sentences for the text: for `du`, for `sie`, or for `any`
reader. One with a `?` may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from langchain_cogenesis.data.grammar.tasks import Scope, within

Register = Literal["du", "sie"]
Form = Literal["email", "notice", "post"]

BY_OUTLINE_ONLY: tuple[str, ...] = ("apologise", "chase")
"""Tasks for which the small house model is never asked: it sees their points in outlines alone."""

_FEW_STRUCTURES = 2
_KEPT_WORDING = 2


@dataclass(frozen=True, slots=True)
class Point:
    """One point of an outline and the sentences that carry it out.

    Attributes:
        name: Unique within the task.
        outline: Wordings in an outline.
        say: Sentences, for `du`, for `sie` or for `any` reader.
        unknowing: Wordings in an outline by somebody who doesn't know the facts, where all of
            `outline` say some.
    """

    name: str
    outline: tuple[str, ...]
    say: dict[str, tuple[str, ...]]
    unknowing: tuple[str, ...] = ()

    def sentences(self, register: Register, scope: Scope = "everything") -> tuple[str, ...]:
        """Templates that fit a register."""
        lists = (self.say.get("any", ()), self.say.get(register, ()))
        return tuple(sentence for some in lists for sentence in within(some, scope))


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of text."""

    name: str
    form: Form
    occasion: str
    instructions: tuple[str, ...]
    points: dict[str, Point]
    structures: tuple[tuple[str, ...], ...]

    def plans(self, scope: Scope) -> tuple[tuple[str, ...], ...]:
        """The structures within a scope."""
        return self.structures[:_FEW_STRUCTURES] if scope == "few" else self.structures

    def wordings(self, scope: Scope) -> tuple[str, ...]:
        """Requests within a scope: one of each task is kept for evaluation."""
        if scope == "everything":
            return self.instructions
        return tuple(w for n, w in enumerate(self.instructions) if n != _KEPT_WORDING)


@cache
def load_german_tasks() -> tuple[Task, ...]:
    """Reads all tasks, in the order of their names."""
    folder = resources.files("langchain_cogenesis.data.grammar.german") / "tasks"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    return tuple(_task(name.removesuffix(".yaml"), read_yaml(f"tasks/{name}")) for name in names)


@cache
def load_words() -> dict[str, Any]:
    """Names, places, events and the like."""
    return read_yaml("words.yaml")


def read_yaml(name: str) -> dict[str, Any]:
    """Reads a file of this folder."""
    import yaml

    folder = resources.files("langchain_cogenesis.data.grammar.german")
    loaded: dict[str, Any] = yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8"))
    return loaded


def _task(name: str, entry: dict[str, Any]) -> Task:
    return Task(
        name=name,
        form=entry["form"],
        occasion=entry["occasion"],
        instructions=tuple(entry["instructions"]),
        points={
            key.removesuffix("?"): Point(
                key.removesuffix("?"),
                tuple(point["outline"]),
                {kind: tuple(point[kind]) for kind in ("any", "du", "sie") if kind in point},
                tuple(point.get("unknowing", ())),
            )
            for key, point in entry["points"].items()
        },
        structures=tuple(tuple(structure) for structure in entry["structures"]),
    )
