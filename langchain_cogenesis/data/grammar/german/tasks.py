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

Register = Literal["du", "sie"]
Form = Literal["email", "notice", "post"]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of an outline and the sentences that carry it out."""

    name: str
    outline: tuple[str, ...]
    say: dict[str, tuple[str, ...]]

    def sentences(self, register: Register) -> tuple[str, ...]:
        """Templates that fit a register."""
        return self.say.get("any", ()) + self.say.get(register, ())


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of text."""

    name: str
    form: Form
    occasion: str
    instructions: tuple[str, ...]
    points: dict[str, Point]
    structures: tuple[tuple[str, ...], ...]


@cache
def load_german_tasks() -> tuple[Task, ...]:
    """Reads all tasks, in the order of their names."""
    folder = resources.files("langchain_cogenesis.data.grammar.german") / "tasks"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    return tuple(_task(name.removesuffix(".yaml"), _read(f"tasks/{name}")) for name in names)


@cache
def load_words() -> dict[str, Any]:
    """Names, places, events and the like."""
    return _read("words.yaml")


def _read(name: str) -> dict[str, Any]:
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
            )
            for key, point in entry["points"].items()
        },
        structures=tuple(tuple(structure) for structure in entry["structures"]),
    )
