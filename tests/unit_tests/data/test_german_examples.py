"""What the German house models learn from: masked as at run time, and without what is kept."""

from __future__ import annotations

from random import Random

import pytest

from langchain_cogenesis.data.composition import Condition, Example
from langchain_cogenesis.data.german_examples import (
    GERMAN_MIXES,
    create_german_turns,
    draw_conditions,
)
from langchain_cogenesis.data.grammar.german.tasks import (
    BY_OUTLINE_ONLY,
    load_german_tasks,
    load_words,
)
from langchain_cogenesis.data.grammar.german.variety import vary_words
from langchain_cogenesis.data.grammar.tasks import Scope
from langchain_cogenesis.evaluation.metrics.german import holds_german
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN
from langchain_cogenesis.sketch import parse_sketch

SCOPES: tuple[Scope, ...] = ("few", "all")


def _made(
    *conditions: Condition, scope: Scope = "all", count: int = 60, loose: float = 0.0
) -> list[Example]:
    return [
        example
        for index in range(count)
        for example in create_german_turns(
            5, index, conditions, scope=scope, made_up=0.4, loose=loose
        )
    ]


def test_the_same_arguments_give_the_same_examples() -> None:
    """Whatever was made in between; another number gives another one."""
    first = create_german_turns(5, 3, ("context",), scope="few")
    create_german_turns(6, 900, ("public_text",), scope="all")
    for number in range(40):
        create_german_turns(7, number * 6, ("context",), scope="few")
    again = create_german_turns(5, 3, ("context",), scope="few")
    assert [e.messages() for e in again] == [e.messages() for e in first]
    assert again[0].answer == first[0].answer
    assert create_german_turns(5, 4, ("context",), scope="few")[0].answer != first[0].answer


@pytest.mark.parametrize("scope", SCOPES)
def test_what_the_text_says_is_in_the_context(scope: Scope) -> None:
    """Letter for letter but for days and times, which the context spells its own way."""
    for example in _made("context", scope=scope):
        context = "\n".join(document.page_content for document in example.documents)
        for name, value in example.facts.items():
            assert name.endswith(("day", "time")) or value in context, name
            assert value in example.answer


def test_requests_over_one_context_have_the_same_documents() -> None:
    """And each has a text of its own."""
    turns = create_german_turns(5, 1, ("context", "context_outline", "context"), scope="few")
    assert len({example.answer for example in turns}) == 3
    assert turns[0].documents == turns[1].documents == turns[2].documents


@pytest.mark.parametrize("condition", ["public_text", "public_sketch"])
def test_a_writer_without_context_learns_marks_and_no_values(condition: Condition) -> None:
    """What the gate masks in request and text is a placeholder in both."""
    masked = 0
    for index in range(60):
        public = create_german_turns(5, index, (condition,), scope="all")[0]
        private = create_german_turns(5, index, ("context",), scope="all")[0]
        said = [v for n, v in private.facts.items() if n in ("to", "helper", "deputy", "order")]
        unsaid = [v for v in said if not holds_german(public.instruction, v)]
        assert not any(holds_german(public.answer, value) for value in unsaid)
        assert not public.documents
        masked += PLACEHOLDER_PATTERN.search(public.answer) is not None
    assert masked > (50 if condition == "public_text" else 10)


def test_marks_of_an_unmasked_request_are_those_of_what_it_does_not_say() -> None:
    """Who reads a name writes it, and leaves blank what nobody told."""
    for example in _made("bare"):
        assert PLACEHOLDER_PATTERN.search(example.instruction) is None
        assert "{" not in example.answer


def test_outlines_are_numbered_and_know_the_request_alone() -> None:
    """The package's own reader takes them, and no point says what the request doesn't."""
    for example in _made("public_sketch"):
        assert parse_sketch(example.answer) == example.sketch
        assert 4 <= len(example.sketch) <= 15
    for index in range(60):
        plain = create_german_turns(5, index, ("context_outline",), scope="few")[0]
        for value in plain.facts.values():
            told = value in plain.instruction
            assert told or not any(value in point for point in plain.sketch)


def test_the_small_model_is_never_asked_for_some_tasks() -> None:
    """But sees their points in outlines, in any order."""
    assert not {e.task for e in _made("context", scope="few")} & set(BY_OUTLINE_ONLY)
    assert set(BY_OUTLINE_ONLY) < {e.task for e in _made("context", scope="all", count=120)}
    shown = _made("context_outline", scope="few", count=120, loose=1.0)
    assert set(BY_OUTLINE_ONLY) < {example.task for example in shown}
    asked = {i for t in load_german_tasks() for i in t.instructions if "{" not in i}
    assert not asked & {example.instruction for example in shown}


def test_what_is_kept_for_evaluation_is_not_trained_on() -> None:
    """The last sentence of each list, every fifth name, one wording of each request."""
    texts = [e.answer for scope in SCOPES for e in _made("context", scope=scope, count=150)]
    kept = [
        sentences[-1]
        for task in load_german_tasks()
        for point in task.points.values()
        for sentences in point.say.values()
        if "{" not in sentences[-1]
    ]
    assert len(kept) > 20
    assert not [sentence for sentence in kept for text in texts if sentence in text]
    words = load_words()
    for made_up in (0.0, 1.0):
        varied = vary_words(Random(1), made_up=made_up)
        for name in ("women", "men", "surnames", "towns", "shops"):
            assert not set(words[name][4::5]) & set(varied[name])


def test_made_up_names_are_different_people() -> None:
    """As many as a user knows, each once."""
    for seed in range(20):
        varied = vary_words(Random(seed), made_up=1.0)
        assert len(set(varied["women"])) == len(varied["women"]) >= 7
        assert len(set(varied["surnames"])) == len(varied["surnames"]) >= 7


def test_conditions_come_as_often_as_the_mix_says() -> None:
    """Several requests only where there is a context."""
    drawn = [draw_conditions(1, n, GERMAN_MIXES["small"], (1, 3)) for n in range(600)]
    assert {len(turns) for turns in drawn} == {1, 3}
    for turns in drawn:
        assert len(turns) == 1 or all(turn.startswith("context") for turn in turns)
    share = sum(turns[0] == "context" for turns in drawn) / len(drawn)
    assert share == pytest.approx(0.42, abs=0.07)
