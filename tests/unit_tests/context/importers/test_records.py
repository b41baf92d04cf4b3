from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from langchain_cogenesis.context.importers import ImportResult, import_file


def _record(tid: str, **changes: Any) -> dict[str, Any]:
    profile = (
        "Age: 47\nName: Wren Thistlewood\nOccupation: Cartographer\nLocation: Tarnbrook\n"
        "Personal_traits: dry; meticulous\nWriting_style: short; warm\n"
        "Privacy_info: has a sister; sails\nSmart_device_usage: books boats; reads maps\n"
        "Ai_assistant_usage: drafts letters"
    )
    return {
        "tid": tid,
        "conversations": [
            {"from": "user", "value": "SECRET TASK"},
            {"from": "assistant", "value": "SECRET REFERENCE"},
        ],
        "profile": [{"title": "A jar", "text": "The marmalade has set.", "id": "0"}],
        "additional_profile": profile,
        "additional_tasks": ["SECRET FURTHER TASK"],
        **changes,
    }


def _import(tmp_path: Path, text: str) -> ImportResult:
    path = tmp_path / "records.json"
    path.write_text(text, encoding="utf-8")
    return import_file(path)


def test_a_record_becomes_the_user_of_its_tid(tmp_path: Path) -> None:
    """Profile, device activity and past writings are imported."""
    result = _import(tmp_path, json.dumps([_record("3_7_4"), _record("4_9_0")], indent=1))
    assert result.problems == ()
    assert list(result.contexts) == ["3_7_4", "4_9_0"]
    context = result.contexts["3_7_4"]
    profile = context.profile
    assert profile is not None
    assert (profile.name, profile.age, profile.location) == ("Wren Thistlewood", 47, "Tarnbrook")
    assert (profile.traits, profile.style) == (("dry", "meticulous"), ("short", "warm"))
    assert profile.facts == ("has a sister", "sails")
    kinds = [(activity.kind, activity.text) for activity in context.activities]
    assert kinds == [
        ("device", "books boats"),
        ("device", "reads maps"),
        ("assistant", "drafts letters"),
    ]
    assert [(past.title, past.text) for past in context.writings] == [
        ("A jar", "The marmalade has set.")
    ]


def test_tasks_and_references_are_not_context(tmp_path: Path) -> None:
    """Neither the task nor its reference nor further tasks are imported."""
    context = _import(tmp_path, json.dumps([_record("1")])).contexts["1"]
    assert "SECRET" not in context.model_dump_json()


def test_an_age_in_words_is_kept_as_a_fact(tmp_path: Path) -> None:
    """What is no number is not an age, but known all the same."""
    record = _record("1", additional_profile="Name: Wren\nAge: Early 40s")
    profile = _import(tmp_path, json.dumps([record])).contexts["1"].profile
    assert profile is not None
    assert (profile.age, profile.facts) == (None, ("Age: Early 40s",))


def test_broken_records_are_named_by_line(tmp_path: Path) -> None:
    """A record that is incomplete or no JSON is reported by line; those around it are imported."""
    nameless = _record("b", additional_profile="Age: 4")
    parts = [
        json.dumps(_record("a")),
        json.dumps(nameless),
        '{"tid": "broken", "profile": [}',
        json.dumps(_record("c")),
        json.dumps({"tid": "d"}),
        "17",
    ]
    result = _import(tmp_path, "[\n" + ",\n".join(parts) + "\n]\n")
    assert list(result.contexts) == ["a", "c"]
    assert [problem.line for problem in result.problems] == [3, 4, 6, 7]
    assert "name: Field required" in str(result.problems[0])
    assert "line 4 was left out" in str(result.problems[1])


def test_a_truncated_file_keeps_whole_records(tmp_path: Path) -> None:
    """Of a file that ends in the middle of a record the others are imported."""
    text = json.dumps([_record("a"), _record("b")], indent=1)
    result = _import(tmp_path, text[: len(text) - 200])
    assert list(result.contexts) == ["a"]
    assert len(result.problems) == 1
