"""The grammar's examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from langchain_core.documents import Document

from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.data.examples import create_conversation, create_example
from langchain_cogenesis.data.grammar.personas import create_persona
from langchain_cogenesis.data.grammar.plans import OUTSIDE
from langchain_cogenesis.data.grammar.tasks import (
    FEW_STRUCTURES,
    FREE_POINTS,
    UNSEEN_TASKS,
    load_tasks,
)
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN, house_placeholders
from langchain_cogenesis.prompts import private_messages, public_messages

SEEDS = range(60)


def test_same_seed_same_example() -> None:
    """An example follows from its seed alone, and another seed gives another."""
    first = create_example(5)
    assert first.messages() == create_example(5).messages()
    assert first.answer == create_example(5).answer
    assert first.messages() != create_example(6).messages()


def test_examples_do_not_depend_on_the_process() -> None:
    """A process with another hash seed makes the same examples."""
    code = (
        "from langchain_cogenesis.data.examples import create_example\n"
        "made = [create_example(seed, writer='large') for seed in range(40)]\n"
        "print([(example.messages(), example.answer) for example in made])"
    )

    def run(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=True
        )
        return done.stdout.decode()

    assert run("1") == run("2")


def test_placeholders_are_numbered_as_they_appear() -> None:
    """In a masked request the first value of a kind has number 1, the next has number 2."""
    for seed in range(300):
        example = create_example(seed, writer="large")
        numbers: dict[str, list[int]] = {}
        for match in PLACEHOLDER_PATTERN.finditer(example.instruction + example.answer):
            seen = numbers.setdefault(match[1], [])
            if int(match[2]) not in seen:
                seen.append(int(match[2]))
        for seen in numbers.values():
            assert seen == [*range(1, len(seen) + 1)], seed


@pytest.mark.parametrize("condition", ["context", "context_outline"])
def test_context_holds_the_facts_of_the_text(condition: str) -> None:
    """Every fact that an example names stands in its text, and, but for grammar, in its prompt."""
    reworded = {"doing", "asked", "lost", "me"}
    for seed in SEEDS:
        example = create_example(seed, condition=condition)  # type: ignore[arg-type]
        prompt = "\n".join(content for _, content in example.messages())
        for name, value in example.facts.items():
            if name not in reworded and not name.startswith("a_"):
                assert value in prompt, (seed, name)
            assert value in example.answer, (seed, name)


def test_private_prompt_is_that_of_run_time() -> None:
    """The private prompt comes from `private_messages`, with the outline where there is one."""
    example = create_example(3, condition="context_outline")
    assert all(isinstance(document, Document) for document in example.documents)
    expected = private_messages(example.instruction, example.documents, example.sketch)
    assert [content for _, content in example.messages()] == [m.content for m in expected]
    assert [role for role, _ in example.messages()] == ["system", "user"]


def test_public_prompt_is_that_of_run_time() -> None:
    """The public prompt comes from `public_messages`, which knows the instruction only."""
    example = create_example(3, writer="large", condition="public_sketch")
    expected = public_messages(example.instruction, "sketch")
    assert [content for _, content in example.messages()] == [m.content for m in expected]


def test_sketches_are_numbered_lists_of_four_to_fifteen_points() -> None:
    """A sketch has one numbered line a point."""
    for seed in SEEDS:
        lines = create_example(seed, writer="large", condition="public_sketch").answer.splitlines()
        assert 4 <= len(lines) <= 15, seed
        assert [int(re.match(r"(\d+)\. \S", line)[1]) for line in lines] == [  # type: ignore[index]
            *range(1, len(lines) + 1)
        ]


def test_public_texts_use_house_placeholders_only() -> None:
    """Placeholders in public examples are house tokens, and many examples have some."""
    known, seen = set(house_placeholders()), 0
    for seed in SEEDS:
        example = create_example(seed, writer="large", condition="public_text")
        found = {m[0] for m in PLACEHOLDER_PATTERN.finditer(example.instruction + example.answer)}
        assert found <= known
        seen += bool(found)
    assert seen > len(SEEDS) / 3


def test_public_text_invents_no_day() -> None:
    """A public text names a day only if the instruction does."""
    months = re.compile(r"\b\d{1,2} (January|February|March|April|May|June|July|August|September)")
    for seed in SEEDS:
        example = create_example(seed, writer="large", condition="public_text")
        for match in months.finditer(example.answer):
            assert match[0] in example.instruction, seed


def test_signature_follows_a_space() -> None:
    """The name of the sender stands on the closing's line, after a space."""
    signed = 0
    for seed in SEEDS:
        example = create_example(seed, condition="context")
        assert example.plan is not None
        if "me" in example.facts and example.plan.form != "post":
            assert example.answer.endswith(f"\n{example.closing}, {example.facts['me']}"), seed
            signed += 1
    assert signed > 10


def test_a_masked_fact_of_the_request_comes_back_in_the_text() -> None:
    """Each placeholder of a request stands in the text that is written for it."""
    seen = 0
    for seed in range(300):
        example = create_example(seed, writer="large", condition="public_text")
        asked = {match[0] for match in PLACEHOLDER_PATTERN.finditer(example.instruction)}
        written = {match[0] for match in PLACEHOLDER_PATTERN.finditer(example.answer)}
        assert asked <= written, (seed, asked - written)
        seen += bool(asked)
    assert seen > 100


def test_what_is_asked_for_by_the_way_is_in_the_text() -> None:
    """A clause that no task foresees comes from request or outline into the text."""
    seen = 0
    for seed in range(200):
        example = create_example(seed, condition="context_outline")
        assert example.plan is not None
        for point in example.plan.points:
            if point.name in FREE_POINTS:
                value = example.slots[point.name.removeprefix("post_")].value
                assert value in example.answer
                assert value.lower() in "\n".join(example.sketch).lower()
                seen += 1
    assert seen > 20


def test_style_of_the_persona_shapes_the_text() -> None:
    """With the style in the context, the text has its greeting and closing, and its emoji."""
    seen = 0
    for seed in range(200):
        example = create_example(seed, condition="context")
        lines = "\n".join(document.page_content for document in example.documents).splitlines()
        style = dict(line.split(": ", 1) for line in lines if ": " in line)
        if "Greeting" not in style or example.plan is None or example.plan.form != "email":
            continue
        assert example.answer.startswith(style["Greeting"])
        assert example.answer.splitlines()[-1].startswith(style["Closing"])
        if "Emoji" in style:
            assert style["Emoji"] in example.answer
            seen += 1
    assert seen > 10


def test_the_small_writer_sees_less() -> None:
    """Four tasks and most structures are the larger writer's alone, a structure is nobody's."""
    small = [create_example(seed, condition="context") for seed in range(300)]
    assert not {example.task for example in small} & set(UNSEEN_TASKS)
    assert {e.plan.structure for e in small if e.plan} == set(range(FEW_STRUCTURES))
    large = [create_example(seed, writer="large") for seed in range(600)]
    assert {example.task for example in large} == {task.name for task in load_tasks()}
    last = {task.name: len(task.structures) - 1 for task in load_tasks()}
    assert all(e.plan is None or e.plan.structure < last[e.task] for e in large)
    assert max(e.plan.structure for e in large if e.plan) >= 5


def test_conversations_share_a_context() -> None:
    """Requests of one conversation have one context, and no two are of one occasion."""
    turns = create_conversation(1, 3)
    assert turns[0].documents == turns[1].documents == turns[2].documents
    assert len({turn.instruction for turn in turns}) == 3


def test_persona_survives_the_store() -> None:
    """A persona is a value of the schema: split into items and rebuilt, it is the same."""
    from random import Random

    context = PrivateContext(profile=create_persona(Random(1)).profile)
    assert PrivateContext.from_items(context.items()) == context


def test_loose_outlines_show_points_and_no_request_of_tasks_that_are_kept_back() -> None:
    """Of the four tasks the small writer sees points in any order, under a request for anything."""
    kept_back: set[str] = set()
    for seed in range(600):
        example = create_example(seed, loose=0.7)
        loose = example.plan is not None and example.plan.structure == OUTSIDE
        assert not loose or example.condition.endswith("outline"), seed
        if example.task in UNSEEN_TASKS:
            assert loose, seed
            kept_back.add(example.task)
    assert kept_back == set(UNSEEN_TASKS)
