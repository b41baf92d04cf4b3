"""The grammar's task files: enough of everything, and consistent."""

from __future__ import annotations

from random import Random

import pytest

from langchain_cogenesis.data.grammar.occasions import KINDS, create_occasion
from langchain_cogenesis.data.grammar.personas import create_persona
from langchain_cogenesis.data.grammar.tasks import (
    REGISTERS,
    UNSEEN_TASKS,
    Point,
    Task,
    common_choices,
    common_points,
    load_tasks,
    slots_of,
    within,
)

TASKS = load_tasks()
NAMES = [task.name for task in TASKS]


def _facts(task: Task) -> set[str]:
    random = Random(1)
    return set(create_occasion(random, create_persona(random), task.occasion).slots) | {"motto"}


def _every_point() -> list[Point]:
    own = [point for task in TASKS for point in task.points.values()]
    return own + [p for form in ("email", "post") for p in common_points(form).values()]  # type: ignore[arg-type]


def test_at_least_twenty_four_tasks_over_mails_and_posts() -> None:
    """There are enough tasks, in every form, and the four that the small model lacks are there."""
    assert len(TASKS) >= 24
    assert {task.form for task in TASKS} == {"email", "notice", "post"}
    assert len(UNSEEN_TASKS) == 4
    assert set(UNSEEN_TASKS) <= set(NAMES)
    assert {task.occasion for task in TASKS} <= set(KINDS)


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_instructions_are_many_and_some_are_kept(task: Task) -> None:
    """Every task has short, long and chatty instructions, and others for evaluation only."""
    assert {"short", "long", "chatty"} == set(task.instructions)
    trained = [text for some in task.instructions.values() for text in some]
    assert len(trained) >= 15
    assert len(task.held_out) >= 4
    assert not set(task.held_out) & set(trained)
    assert all(slots_of(text) <= _facts(task) | {"who"} for text in (*trained, *task.held_out))


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_structures_are_six_and_one_is_kept(task: Task) -> None:
    """Six structures are learned from and one is kept; all hold the points that carry facts."""
    plans = {tuple(step.point.name for step in structure) for structure in task.structures}
    assert len(plans) == len(task.structures) >= 7
    carry = {name for name, p in task.points.items() if p.slots() & _facts(task) - {"relation"}}
    for structure in task.structures:
        assert carry <= {step.point.name for step in structure if not step.optional}


@pytest.mark.parametrize("point", _every_point(), ids=lambda point: point.name)
def test_points_have_eight_phrasings_in_each_register(point: Point) -> None:
    """A point can be said in eight ways in every register, and noted in six."""
    for register in REGISTERS:
        assert len(set(point.sentences(register, "everything"))) >= 8
    assert len(set(point.outline)) >= 6
    sentences = [s for some in point.say.values() for s in some]
    assert all(s[-1] in ".!?" or s.endswith("}") for s in sentences)


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_slots_are_facts_or_choices(task: Task) -> None:
    """Every slot of a sentence is filled by the occasion or the planner, never by both."""
    choices = set(task.choices) | set(common_choices(task.form))
    assert not choices & _facts(task)
    for point in task.points.values():
        known = _facts(task) | choices
        assert point.slots() <= known
        for sentence in point.say.get("open", ()):
            assert slots_of(sentence) <= choices | {"to"}


def test_scopes_nest() -> None:
    """What the small model sees is among what the larger one sees, which is among everything."""
    wordings = tuple("abcdefg")
    few, most, everything = (within(wordings, scope) for scope in ("few", "all", "everything"))  # type: ignore[arg-type]
    assert few == tuple("abcd")
    assert most == tuple("abcdef")
    assert everything == wordings
