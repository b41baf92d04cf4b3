"""The grammar's examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from langchain_core.documents import Document

from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.data.examples import create_example
from langchain_cogenesis.data.grammar.personas import create_persona
from langchain_cogenesis.data.grammar.tasks import load_tasks, slots_of
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
        "made = [create_example(seed, kind='public') for seed in range(40)]\n"
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
        example = create_example(seed, kind="public")
        numbers: dict[str, list[int]] = {}
        for match in PLACEHOLDER_PATTERN.finditer(example.instruction + example.answer):
            seen = numbers.setdefault(match[1], [])
            if int(match[2]) not in seen:
                seen.append(int(match[2]))
        for seen in numbers.values():
            assert seen == [*range(1, len(seen) + 1)], seed


def test_at_least_twelve_tasks_over_mails_and_posts() -> None:
    """There are enough tasks, and each has wordings that are kept for evaluation."""
    tasks = load_tasks()
    assert len(tasks) >= 12
    assert {task.form for task in tasks} == {"email", "notice", "post"}
    for task in tasks:
        assert task.held_out
        assert not set(task.held_out) & set(task.instructions)


@pytest.mark.parametrize("condition", ["context", "context_outline"])
def test_context_holds_the_facts_of_the_text(condition: str) -> None:
    """Every fact of a text with context stands in its prompt, and in the text."""
    for seed in SEEDS:
        example = create_example(seed, condition=condition)  # type: ignore[arg-type]
        prompt = "\n".join(content for _, content in example.messages())
        for name, value in example.facts.items():
            if name != "doing" and not name.startswith("a_"):
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
    example = create_example(3, kind="public", condition="public_sketch")
    expected = public_messages(example.instruction, "sketch")
    assert [content for _, content in example.messages()] == [m.content for m in expected]


def test_sketches_are_numbered_lists_of_four_to_eight_points() -> None:
    """A sketch has one numbered line a point."""
    for seed in SEEDS:
        lines = create_example(seed, kind="public", condition="public_sketch").answer.splitlines()
        assert 4 <= len(lines) <= 8, seed
        assert [int(re.match(r"(\d+)\. \S", line)[1]) for line in lines] == [  # type: ignore[index]
            *range(1, len(lines) + 1)
        ]


def test_public_texts_use_house_placeholders_only() -> None:
    """Placeholders in public examples are house tokens, and many examples have some."""
    known, seen = set(house_placeholders()), 0
    for seed in SEEDS:
        example = create_example(seed, kind="public", condition="public_text")
        found = {m[0] for m in PLACEHOLDER_PATTERN.finditer(example.instruction + example.answer)}
        assert found <= known
        seen += bool(found)
    assert seen > len(SEEDS) / 3


def test_public_text_invents_no_day() -> None:
    """A public text names a day only if the instruction does."""
    months = re.compile(r"\b\d{1,2} (January|February|March|April|May|June|July|August|September)")
    for seed in SEEDS:
        example = create_example(seed, kind="public", condition="public_text")
        for match in months.finditer(example.answer):
            assert match[0] in example.instruction, seed


def test_signature_follows_a_space() -> None:
    """The name of the sender stands on the closing's line, after a space."""
    signed = 0
    for seed in SEEDS:
        example = create_example(seed, condition="context")
        if "me" in example.facts and example.closing in example.answer:
            assert example.answer.endswith(f"\n{example.closing}, {example.facts['me']}"), seed
            signed += 1
    assert signed > 10


def test_held_out_wordings_are_not_in_training() -> None:
    """No instruction template is both held out and trained on, after filling too."""
    trained = {template for task in load_tasks() for template in task.instructions}
    kept = {template for task in load_tasks() for template in task.held_out}
    assert all(slots_of(template) is not None for template in kept)
    assert not trained & kept


def test_persona_survives_the_store() -> None:
    """A persona is a value of the schema: split into items and rebuilt, it is the same."""
    from random import Random

    context = PrivateContext(profile=create_persona(Random(1)).profile)
    assert PrivateContext.from_items(context.items()) == context
