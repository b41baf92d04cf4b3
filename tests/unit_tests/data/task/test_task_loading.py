"""Loaders of examples: round trips, broken records, and the pick by content."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.data.task.example import Fact, TaskExample
from langchain_cogenesis.data.task.facts import facts_in
from langchain_cogenesis.data.task.jsonl import write_examples
from langchain_cogenesis.data.task.loading import iterate_examples, load_examples
from langchain_cogenesis.exceptions import ConfigurationError, SourceError

CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        age=41,
        location="Port Ellery, Wessen",
        contacts=(Contact(name="Tomas Reyl", relation="friend"),),
        facts=("keeps two grey parrots in the kitchen",),
    ),
    activities=(
        Activity(kind="calendar", when="2025-06-14T19:00", text="dinner", place="Casa Lume"),
    ),
    writings=(WritingSample(text="Hugs, Nora", title="note"),),
)
EXAMPLE = TaskExample(
    id="1",
    user="nora",
    instruction="Invite Tomas.",
    context=CONTEXT,
    reference="Hi Tomas, dinner at Casa Lume on 14 June at 7 pm? Hugs, Nora",
    facts=(Fact(name="place", value="Casa Lume"),),
    outline=("greet", "invite"),
    task="invite",
    language="en",
)


def published(tid: str = "3_7_4", **changes: Any) -> dict[str, Any]:
    return {
        "tid": tid,
        "conversations": [
            {"from": "user", "value": "Write a note to the club"},
            {"from": "assistant", "value": "As a Baker from Port Ellery I bring bread."},
        ],
        "profile": [{"title": "past", "text": "An earlier text.", "id": "0"}],
        "additional_profile": "Name: Nora Lindqvist\nAge: 41\nOccupation: baker\n"
        "Location: Port Ellery\nPrivacy_info: owns an oven; sings",
        "additional_tasks": [],
    } | changes


def test_written_examples_are_read_again_and_stay_private(tmp_path: Path) -> None:
    """Write and read is a round trip; nobody else can read the file; no temporary is left."""
    path = tmp_path / "set.jsonl"
    examples = [EXAMPLE, EXAMPLE.model_copy(update={"id": "2", "reference": "Zwei\nZeilen – ü"})]
    assert write_examples(path, iter(examples)) == 2
    assert load_examples(path) == examples
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["set.jsonl"]


def test_failing_examples_leave_the_old_file(tmp_path: Path) -> None:
    """What was there stays as it was if the new examples break off."""
    path = tmp_path / "set.jsonl"
    write_examples(path, [EXAMPLE])

    def breaking() -> Any:
        yield EXAMPLE
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_examples(path, breaking())
    assert load_examples(path) == [EXAMPLE]
    assert not list(tmp_path.glob(".set*"))


def test_broken_lines_are_reported_by_line_without_content(tmp_path: Path) -> None:
    """Each broken line is named, the others are read, and no content is in the report."""
    path = tmp_path / "set.jsonl"
    good = EXAMPLE.model_dump_json()
    lines = [good, '{"id": "secret-canary"', good.replace('"reference"', '"canaryfield"'), "", good]
    path.write_bytes("\n".join(lines).encode() + b'\n{"id": "\xff"}\n')
    problems: list[SourceError] = []
    assert len(load_examples(path, problems=problems)) == 2
    assert [(p.source, p.line) for p in problems] == [(path.name, n) for n in (2, 3, 6)]
    assert "canary" not in " ".join(map(str, problems))


def test_a_file_is_read_as_it_is_gone_through(tmp_path: Path) -> None:
    """The first example is there before a broken second line is looked at."""
    path = tmp_path / "set.jsonl"
    path.write_text(EXAMPLE.model_dump_json() + "\nbroken\n")
    problems: list[SourceError] = []
    examples = iterate_examples(path, problems=problems)
    assert next(examples) == EXAMPLE
    assert problems == []
    assert list(examples) == []
    assert len(problems) == 1


def test_problems_are_logged_where_nobody_takes_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is left out in silence."""
    path = tmp_path / "set.jsonl"
    path.write_text(EXAMPLE.model_dump_json() + "\nbroken\n")
    with caplog.at_level(logging.WARNING):
        load_examples(path)
    assert "set.jsonl, line 2" in caplog.text


def test_published_records(tmp_path: Path) -> None:
    """A record is an example with the facts that its reference states; a broken one is named."""
    path = tmp_path / "records.json"
    other = published("3_7_5", conversations=[])
    path.write_text(json.dumps([published(), other, published("3_7_6")], indent=1))
    problems: list[SourceError] = []
    first, last = load_examples(path, problems=problems)
    assert (first.id, last.id) == ("3_7_4", "3_7_6")
    assert first.user == last.user
    assert {(fact.name, fact.value) for fact in first.facts} == {
        ("occupation", "Baker"),
        ("location", "Port Ellery"),
    }
    assert first.context.profile is not None
    assert first.context.profile.name == "Nora Lindqvist"
    assert "Nora" not in first.user
    assert len(problems) == 1
    assert problems[0].line is not None
    assert problems[0].line > 1


def test_lamp_questions_with_outputs_beside(tmp_path: Path) -> None:
    """Histories become writings; the reference itself and the future are left out of them."""
    history = [
        {"id": "a", "text": "An old text", "title": "Old", "date": "2020-01-01"},
        {"id": "b", "text": "A later text", "title": "Late", "date": "2022-01-01"},
        {"id": "c", "text": "whatever", "title": "The reference"},
    ]
    question = {"id": "7", "date": "2021-05-05", "input": "Make a title", "profile": history}
    path = tmp_path / "dev_questions.json"
    path.write_text(json.dumps([question, {"id": "8", "input": "x"}]))
    gold = {"task": "LaMP_5", "golds": [{"id": "7", "output": "The reference"}]}
    (tmp_path / "dev_outputs.json").write_text(json.dumps(gold))
    problems: list[SourceError] = []
    (example,) = load_examples(path, problems=problems)
    assert (example.user, example.task, example.reference) == ("7", "LaMP_5", "The reference")
    assert [w.text for w in example.context.writings] == ["An old text"]
    assert [p.source for p in problems] == [path.name]


def test_lamp_without_its_references_says_which_file_is_missing(tmp_path: Path) -> None:
    """The error names the file that has to be there."""
    path = tmp_path / "test_questions.json"
    path.write_text(json.dumps([{"id": "7", "input": "Make a title", "profile": []}]))
    with pytest.raises(SourceError, match=r"test_outputs\.json"):
        load_examples(path)


def test_longlamp_lines(tmp_path: Path) -> None:
    """One object a line, with the reference in it and reviews as history."""
    path = tmp_path / "reviews.jsonl"
    record = {
        "reviewerId": "R1",
        "input": "Write a review of the kettle",
        "output": "It boils.",
        "profile": [{"reviewText": "It toasts.", "summary": "toaster"}],
    }
    path.write_text("\n".join([json.dumps(record)] * 2))
    first, second = load_examples(path)
    assert first.user == second.user == "R1"
    assert first.id != second.id
    assert first.context.writings == (WritingSample(text="It toasts.", title="toaster"),)


def test_the_grammar_by_name() -> None:
    """`grammar:USERS:SEED` gives so many users, and others for another seed."""
    examples = load_examples("grammar:3:5")
    assert len({example.user for example in examples}) == 3
    assert load_examples("grammar:3:5") == examples
    assert load_examples("grammar:3:6")[0].reference != examples[0].reference
    assert len(load_examples("grammar", limit=4)) == 4


@pytest.mark.parametrize("content", ["", "just a note", '{"a": 1}', "[1, 2]"])
def test_unknown_content_is_refused_with_what_is_known(tmp_path: Path, content: str) -> None:
    """The error names the file and says which formats there are."""
    path = tmp_path / "what.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=r"what\.json.*LaMP"):
        load_examples(path)


def test_missing_files_and_wrong_formats_are_refused(tmp_path: Path) -> None:
    """A file that isn't there, and a format that isn't known."""
    with pytest.raises(ConfigurationError, match=r"no such file.*grammar:USERS"):
        load_examples(tmp_path / "none.jsonl")
    with pytest.raises(ConfigurationError, match=r"unknown format 'xml'.*jsonl"):
        load_examples(tmp_path, format="xml")
    (tmp_path / "broken.jsonl").write_text('{"instruction": 1, "context": 2}')
    with pytest.raises(SourceError, match="no whole example"):
        load_examples(tmp_path / "broken.jsonl")


def test_facts_are_what_a_text_says_of_its_context() -> None:
    """Values and whole phrases are found as the text says them, and nothing else is."""
    text = (
        "dear Tomas, as a Port Ellery native aged 4100 I keep TWO GREY PARROTS in the\nkitchen. "
        "Casa  Lume, 14 June, 7 pm? Norah"
    )
    found = {(fact.name, fact.value) for fact in facts_in(CONTEXT, text)}
    assert found == {
        ("contact", "Tomas"),
        ("location", "Port Ellery"),
        ("place", "Casa  Lume"),
        ("day", "14 June"),
        ("time", "7 pm"),
        ("fact", "TWO GREY PARROTS in the\nkitchen"),
    }
    assert facts_in(CONTEXT, "Nothing of that is said here.") == ()
