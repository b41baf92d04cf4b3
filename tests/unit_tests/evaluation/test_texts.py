"""What is measured on a text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.data.task.grammar import plan_of
from langchain_cogenesis.evaluation.house import held_out_example
from langchain_cogenesis.evaluation.metrics.coverage import plan_coverage
from langchain_cogenesis.evaluation.texts import (
    asked_facts,
    invented,
    measure_sketch,
    measure_text,
    repeats,
)

SEEDS = range(40)


def _mails() -> list[Example]:
    made = [create_example(seed, condition="context") for seed in range(120)]
    mails = [e for e in made if e.plan and e.plan.form == "email" and {"me", "to"} <= set(e.facts)]
    assert len(mails) > 40
    return mails


def test_the_reference_scores_full_marks() -> None:
    """A reference holds its facts, its people, its style, and nearly all its points."""
    done = points = 0.0
    for seed in SEEDS:
        example = held_out_example(seed)
        found = measure_text(example, example.answer)
        for name in ("facts", "recipient", "sender", "greeting", "closing", "emoji", "format"):
            hits, tries = found.get(name, (0, 0))
            assert hits == tries, (seed, name)
        done, points = done + found["coverage"][0], points + found["coverage"][1]
    assert done / points > 0.9


def test_another_letter_scores_none() -> None:
    """Somebody else's letter has wrong people, style and facts, and carries out few points."""
    for example in _mails()[:20]:
        found = measure_text(example, "Yo Quill,\n\nThe frog is green.\n\nSee ya, Zzyx")
        for name in ("recipient", "sender", "greeting", "closing"):
            assert found[name] == (0, 1), name
        assert found.get("facts", (0, 1))[0] == 0
        assert found["coverage"][0] == 0


def test_facts_that_the_request_gives_are_not_counted() -> None:
    """What stands in the instruction needs no context, so it doesn't count as a fact used."""
    for seed in SEEDS:
        example = create_example(seed, condition="context")
        for value in asked_facts(example):
            assert value in example.answer
            assert value not in example.instruction


def test_a_point_left_out_is_missed() -> None:
    """Without a sentence, its point isn't carried out, and the others are."""
    example = _mails()[0]
    plan = plan_of(example)
    whole, points = plan_coverage(example.answer, plan)
    assert whole == points
    paragraphs = example.answer.split("\n\n")
    first = paragraphs[1].split(". ")[0]
    assert plan_coverage(example.answer.replace(first, "Well"), plan)[0] == whole - 1


def test_placeholders_count_where_they_belong() -> None:
    """A placeholder that greets must greet: in the signature it is out of place."""
    example = next(
        e
        for seed in range(200)
        if (e := create_example(seed, writer="large", condition="public_text"))
        .answer.split("\n")[0]
        .endswith("[NAME_1],")
        and "[NAME_1]" in e.instruction
    )
    marks = measure_text(example, example.answer)["placeholders"]
    assert marks[0] == marks[1] > 0
    moved = example.answer.replace(" [NAME_1],", ",", 1) + " [NAME_1]"
    assert measure_text(example, moved)["placeholders"][0] < marks[0]


def test_format_of_outlines() -> None:
    """Four to fifteen numbered points are an outline; three, or prose, are not."""
    example = create_example(1, writer="large", condition="public_sketch")
    assert measure_sketch(example, example.answer)["format"] == (1, 1)
    assert measure_sketch(example, "1. a\n2. b\n3. c")["format"] == (0, 1)
    assert measure_sketch(example, "I would write this.")["format"] == (0, 1)
    assert measure_sketch(example, "1. a\n2. a\n3. b\n4. c")["no repetition"] == (0, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("We can meet soon. Then we can meet later.", False),
        ("I hope that you are well, and I hope that you are glad.", True),
    ],
)
def test_repetition_is_four_words_twice(text: str, told: bool) -> None:
    """A run of four words that comes back is a repetition, three are not."""
    assert repeats(text) is told


def test_invented_names_and_numbers_are_found() -> None:
    """A name or number that the prompt doesn't hold is invented; one that it holds isn't."""
    prompt = "Name: Nora\nCalendar: Saturday 12 June 2027, at Casa Lume"
    assert list(invented("See you on 12 June at Casa Lume.", prompt)) == []
    assert list(invented("See you on 13 June at Casa Orrin.", prompt)) == ["13", "Orrin"]


def test_withheld_conditions_keep_the_reference() -> None:
    """The outline can be taken from an evaluation example without changing what is asked for."""
    outlined = held_out_example(3)
    alone = replace(outlined, condition="context", sketch=())
    assert outlined.messages()[0] == alone.messages()[0]
    assert "Outline:" in outlined.messages()[1][1]
    assert "Outline:" not in alone.messages()[1][1]
