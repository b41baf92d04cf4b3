"""The plans of the grammar's examples: wordings without facts, in both languages and on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_cogenesis.data.grammar.german.tasks import load_german_tasks
from langchain_cogenesis.data.task.example import PlanPoint, TaskExample
from langchain_cogenesis.data.task.grammar import read_grammar
from langchain_cogenesis.data.task.jsonl import write_examples
from langchain_cogenesis.data.task.loading import load_examples
from langchain_cogenesis.evaluation.metrics.coverage import plan_coverage
from langchain_cogenesis.evaluation.task_sources import load_task_examples


def _examples(language: str) -> list[TaskExample]:
    return list(read_grammar(20, tasks=3, seed=3, language=language))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_plan_has_wordings_without_slots_or_facts(language: str) -> None:
    for example in _examples(language):
        assert len(example.plan) >= 2
        assert len({point.name for point in example.plan}) == len(example.plan)
        wordings = " ".join(w for point in example.plan for w in point.wordings)
        assert "{" not in wordings
        for fact in example.facts:
            # Of one word ("me", a town that is a noun) it can't be told.
            assert " " not in fact.value or fact.value not in wordings, fact.name


def test_german_wordings_by_hand() -> None:
    """Both registers, the slots empty."""
    [point] = [
        point
        for example in load_task_examples("grammar:de", limit=len(load_german_tasks()))
        if example.task == "thank"
        for point in example.plan
        if point.name == "thanks"
    ]
    assert len(point.wordings) == 8
    assert point.wordings[1] == "ich möchte dir für danken."
    assert point.wordings[-1] == "nochmals vielen Dank für ."


@pytest.mark.parametrize("source", ["grammar", "grammar:de"])
def test_references_carry_out_their_plan_and_others_do_not(source: str) -> None:
    examples = load_task_examples(source, limit=66)
    others = [examples[-1], *examples[:-1]]

    def share(texts: list[TaskExample]) -> float:
        found = [
            plan_coverage(text.reference, example.plan, example.language)
            for example, text in zip(examples, texts, strict=True)
        ]
        return sum(done for done, _ in found) / sum(points for _, points in found)

    assert share(examples) > 0.93
    assert share(others) < 0.15


@pytest.mark.parametrize("source", ["grammar", "grammar:de"])
def test_wrong_facts_leave_the_coverage_as_it_is(source: str) -> None:
    """A reference with every fact blotted out carries out as many points."""
    before = after = 0
    for example in load_task_examples(source, limit=40):
        blotted = example.reference
        for fact in sorted(example.facts, key=lambda fact: -len(fact.value)):
            blotted = blotted.replace(fact.value, "Xq")
        before += plan_coverage(example.reference, example.plan, example.language)[0]
        after += plan_coverage(blotted, example.plan, example.language)[0]
    assert abs(before - after) <= 0.02 * before


def test_plans_survive_the_file_and_files_without_them_load(tmp_path: Path) -> None:
    examples = [*_examples("en")[:2], *_examples("de")[:2]]
    path = tmp_path / "set.jsonl"
    write_examples(path, examples)
    again = load_examples(path)
    assert again == examples
    assert [point.wordings for e in again for point in e.plan] == [
        point.wordings for e in examples for point in e.plan
    ]
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        del line["plan"]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert [e.plan for e in load_examples(path)] == [()] * 4


def test_wordings_are_not_shown() -> None:
    """What the user wants said may be in them."""
    shown = repr(PlanPoint(name="note", wordings=("the canary has flown",)))
    assert "canary" not in shown
