"""Examples of grammar and records in the task's own form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_cogenesis.evaluation.metrics.leaks import values_of
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.exceptions import CoGenesisError


def test_grammar_examples_hold_their_facts_and_are_the_same_each_time() -> None:
    examples = load_task_examples("grammar", limit=40)
    assert examples == load_task_examples("grammar", limit=40)
    assert len({example.id for example in examples}) == 40
    assert load_task_examples("grammar", limit=1, seed=1)[0] != examples[0]
    for example in examples:
        for fact in example.facts:
            assert fact.value in example.reference
    placed = [a for e in examples for a in e.context.activities if a.place or a.people]
    assert placed
    assert any(place in values_of(e.context) for e in examples for place in _places(e))


def _places(example: object) -> list[str]:
    return [a.place for a in example.context.activities if a.place]  # type: ignore[attr-defined]


def test_records_are_read_with_the_values_that_the_reference_uses(tmp_path: Path) -> None:
    record = {
        "tid": "1",
        "conversations": [
            {"from": "user", "value": "Write about Bergen."},
            {"from": "assistant", "value": "In Bergen, Nora Lind collects tin robots."},
        ],
        "profile": [{"title": "t", "text": "An earlier text.", "id": "1"}],
        "additional_profile": "Name: Nora Lind\nLocation: Bergen, Norway\nPrivacy_info: "
        "collects tin robots; owns a boat",
        "additional_tasks": [],
    }
    file = tmp_path / "records.json"
    file.write_text(json.dumps([record]))
    [example] = load_task_examples(str(file))
    assert {"Nora Lind", "Bergen"} <= {fact.value for fact in example.facts}
    assert example.context.writings[0].text == "An earlier text."
    for wrong in (tmp_path / "none.json", tmp_path):
        with pytest.raises(CoGenesisError):
            load_task_examples(str(wrong))
