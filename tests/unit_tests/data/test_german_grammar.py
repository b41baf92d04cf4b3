"""The German grammar: what it says is German, true to its facts, and follows from its seed."""

from __future__ import annotations

import hashlib
import re

import pytest

from langchain_cogenesis.data.examples import create_example
from langchain_cogenesis.data.grammar.german.tasks import Task, load_german_tasks
from langchain_cogenesis.data.task.grammar import read_grammar
from langchain_cogenesis.evaluation.metrics import style
from langchain_cogenesis.evaluation.metrics.facts import facts_used
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.privacy.normalize import canonicalize

EXAMPLES = list(read_grammar(60, tasks=8, language="de"))
FAMILIAR = re.compile(r"\b(?:du|dich|dir|dein\w*)\b", re.IGNORECASE)
POLITE = re.compile(r"(?<!^)(?<![.!?:]\s)\b(?:Sie|Ihnen|Ihre?[nmrs]?)\b")


def _digest(texts: list[str]) -> str:
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:16]


def test_the_english_grammar_gives_what_it_gave() -> None:
    """For these seeds, byte by byte, the plan apart, which was added later."""
    made = [e.model_dump_json(exclude={"plan"}) for e in read_grammar(12, tasks=3, seed=5)]
    assert _digest(made) == "8aea002dcc57841c"
    public = [create_example(n, scope="everything").answer for n in range(40)]
    assert _digest(public) == "4da7e7eb378a3b37"


def test_the_same_seed_gives_the_same_german_users() -> None:
    """Another one gives others."""
    again = [e.model_dump_json() for e in read_grammar(5, tasks=8, language="de")]
    assert again == [e.model_dump_json() for e in EXAMPLES[:40]]
    other = [e.reference for e in read_grammar(5, tasks=8, seed=1, language="de")]
    assert not set(other) & {example.reference for example in EXAMPLES}


def test_every_text_holds_its_facts() -> None:
    """Letter for letter; all but the request's own are in the context."""
    for example in EXAMPLES:
        used, known = facts_used(example.reference, [fact.value for fact in example.facts])
        assert used == known >= 3
        context = "\n".join(item.text for item in example.context.items())
        for fact in example.facts:
            dated = fact.name.endswith(("day", "time"))
            assert dated or fact.value in context, fact.name


def test_texts_are_german_and_keep_to_one_register() -> None:
    """Nobody is du and Sie in one letter, and every letter greets and takes leave."""
    for example in EXAMPLES:
        assert canonicalize(example.reference).is_german
        assert not (FAMILIAR.search(example.reference) and POLITE.search(example.reference))
        assert "{" not in example.reference + example.instruction
        if example.task != "event_post":
            assert style.greeting_of(example.reference, "de")
            assert style.closing_of(example.reference, "de")


@pytest.mark.parametrize("task", load_german_tasks(), ids=lambda task: task.name)
def test_tasks_have_enough_wordings(task: Task) -> None:
    """Four for a sentence, two for a point of the outline, six for a request."""
    assert len(task.instructions) >= 6
    assert len(task.structures) >= 3
    for point in task.points.values():
        assert len(point.outline) >= 2
        assert point.say
        assert all(len(set(sentences)) >= 4 for sentences in point.say.values())


def test_german_examples_to_compare_on() -> None:
    """Each task in turn; of both languages every second one is German."""
    german = load_task_examples("grammar:de", limit=16)
    assert {e.language for e in german} == {"de"}
    assert [e.task for e in german[:8]] == [task.name for task in load_german_tasks()]
    both = load_task_examples("grammar:en,de", limit=6)
    assert [e.language for e in both] == ["en", "de"] * 3
    assert both[0] == load_task_examples("grammar", limit=1)[0]
