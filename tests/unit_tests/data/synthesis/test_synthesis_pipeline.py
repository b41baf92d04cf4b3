"""The four steps on the grammar: what a run makes, goes on with, and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from langchain_cogenesis.data.synthesis.directory import open_run
from langchain_cogenesis.data.synthesis.duplicates import NearDuplicates
from langchain_cogenesis.data.synthesis.grammar import GrammarGenerator
from langchain_cogenesis.data.synthesis.journal import Journal
from langchain_cogenesis.data.synthesis.orders import Answer, Order, Usage
from langchain_cogenesis.data.synthesis.pipeline import (
    Progress,
    Summary,
    SynthesisSettings,
    synthesizing,
)
from langchain_cogenesis.data.synthesis.running import RunLimits
from langchain_cogenesis.data.task.loading import load_examples
from langchain_cogenesis.exceptions import ConfigurationError

ONE = RunLimits(processes=1)


def finish(steps: Generator[Progress, None, Summary]) -> tuple[Summary, list[Progress]]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return stop.value, seen


def make(directory: Path, users: int, limits: RunLimits = ONE, **settings: int) -> Summary:
    chosen = SynthesisSettings(users, **{"tasks": 3, **settings})
    return finish(synthesizing(directory, GrammarGenerator(), chosen, limits))[0]


def test_users_with_texts_that_use_their_facts(tmp_path: Path) -> None:
    """As many users as wanted, all with examples whose facts are in text and profile."""
    summary = make(tmp_path / "run", 20)
    examples = load_examples(tmp_path / "run")
    assert (summary.users, summary.examples) == (20, len(examples))
    assert len({example.id for example in examples}) == len(examples) >= 50
    assert not summary.missing
    assert not summary.stopped
    for example in examples:
        assert example.user == example.id.rpartition("_")[0]
        assert example.facts
        assert all(fact.value in example.reference for fact in example.facts)
    people = {example.user: example.context.profile for example in examples}
    assert len({profile.name for profile in people.values() if profile}) == 20


def test_no_example_knows_what_was_written_after_it(tmp_path: Path) -> None:
    """A user's earlier texts are in the context, in order; its own and later ones never."""
    make(tmp_path / "run", 6)
    examples = load_examples(tmp_path / "run")
    for number, example in enumerate(examples):
        own = [other for other in examples if other.user == example.user]
        before = [other.reference for other in examples[:number] if other.user == example.user]
        known = [writing.text for writing in example.context.writings]
        assert known[len(known) - len(before) :] == before
        assert not {other.reference for other in own[len(before) :]} & set(known)


def test_a_run_is_the_same_in_one_process_and_in_several(tmp_path: Path) -> None:
    """Answers made by other processes give the same files."""
    make(tmp_path / "one", 230)
    make(tmp_path / "two", 230, RunLimits(processes=2))
    first, second = ((tmp_path / name / "examples.jsonl").read_bytes() for name in ("one", "two"))
    assert first == second


def test_a_larger_run_goes_on_with_the_smaller_one(tmp_path: Path) -> None:
    """What is there is not asked for again, and the first users stay as they are."""
    assert make(tmp_path / "run", 5).calls > 0
    before = load_examples(tmp_path / "run")
    assert make(tmp_path / "run", 5).calls == 0
    summary = make(tmp_path / "run", 9)
    after = load_examples(tmp_path / "run")
    assert summary.calls == (2 - 1) + 4 + 4 + 12
    assert after[: len(before)] == before
    assert make(tmp_path / "other", 9).calls > summary.calls
    assert load_examples(tmp_path / "other") == after


def test_progress_goes_through_the_four_steps(tmp_path: Path) -> None:
    """Each step counts up to its total, in the order of the paper."""
    run = synthesizing(tmp_path / "run", GrammarGenerator(), SynthesisSettings(3, 2), ONE)
    _, seen = finish(run)
    assert list(dict.fromkeys(step.step for step in seen)) == ["portrait", "user", "tasks", "text"]
    texts = [step for step in seen if step.step == "text"]
    assert [step.done for step in texts] == [1, 2, 3, 4, 5, 6]
    assert {step.total for step in texts} == {6}


class Repeating(GrammarGenerator):
    """The grammar, but some orders get the answer to another one."""

    def __init__(self, instead: Callable[[Order], str | None]) -> None:
        self.instead = instead
        self.asked: dict[str, Answer] = {}

    def generate(self, order: Order) -> Answer:
        made = self.asked.get(self.instead(order) or "") or super().generate(order)
        self.asked[order.key] = made
        return made


def test_near_duplicates_are_left_out_and_users_replaced(tmp_path: Path) -> None:
    """A user like an earlier one is replaced by another; a text like another is left out."""
    again = {"user/0_2": "user/0_0", "text/0_1_1": "text/0_0_0"}
    generator = Repeating(lambda order: again.get(order.key))
    settings = SynthesisSettings(users=4, tasks=2)
    summary, _ = finish(synthesizing(tmp_path / "run", generator, settings, ONE))
    entries = map(json.loads, (tmp_path / "run" / "set_aside.jsonl").read_text().splitlines())
    found = {entry["key"]: entry["reason"] for entry in entries}
    assert found == {"user/0_2": "nearly user/0_0", "text/0_1_1": "nearly text/0_0_0"}
    assert (summary.users, summary.duplicates) == (4, 2)
    users = {example.user for example in load_examples(tmp_path / "run")}
    assert users == {"0_0", "0_1", "0_3", "0_4"}


def test_texts_that_differ_in_a_few_words_are_near_duplicates() -> None:
    """A changed name is found, another text is not; a duplicate is nobody's original."""
    search = NearDuplicates(0.7)
    text = " ".join(f"word{n}" for n in range(60))
    assert search.original_of("a", text) is None
    assert search.original_of("b", text.replace("word30", "other")) == "a"
    assert search.original_of("c", text.upper() + " !") == "a"
    assert search.original_of("d", " ".join(f"else{n}" for n in range(60))) is None
    assert search.original_of("e", "") is None
    assert search.original_of("f", " ") == "e"


def test_another_run_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    """The error names what differs; nothing is changed."""
    make(tmp_path / "run", 2)
    with pytest.raises(ConfigurationError, match=r"another seed.*--out"):
        make(tmp_path / "run", 2, seed=1)
    with (
        open_run(tmp_path / "x", {}),
        pytest.raises(ConfigurationError, match="another process"),
        open_run(tmp_path / "x", {}),
    ):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="can't be used"):
        make(tmp_path / "file", 2)


def test_a_torn_answer_is_made_again_and_a_strange_file_is_refused(tmp_path: Path) -> None:
    """A line that a crash cut off is removed; a whole line that is none is named by number."""
    path = tmp_path / "answers.jsonl"
    journal = Journal(path)
    journal.append(
        [("user/0_0", 0, Answer("a \ud800\n", Usage(1, 2, 1))), ("user/0_1", 0, Answer("b"))]
    )
    journal.close()
    whole = path.read_bytes()
    for cut in range(whole.index(b"\n") + 1, len(whole), 6):
        path.write_bytes(whole[:cut])
        journal = Journal(path)
        assert journal.get("user/0_0", 0) == Answer("a \ud800\n", Usage(1, 2, 1))
        assert journal.get("user/0_1", 0) is None
        journal.append([("user/0_1", 0, Answer("b"))])
        journal.close()
        assert path.read_bytes() == whole
    path.write_bytes(whole + b'{"key": "what/1"}\n')
    with pytest.raises(ConfigurationError, match="line 3"):
        Journal(path)


def test_a_limit_of_the_cost_needs_prices() -> None:
    """It could not be kept."""
    with pytest.raises(ConfigurationError, match="--prices"):
        RunLimits(max_cost=1.0)
