"""The grammar's users as examples."""

from __future__ import annotations

from langchain_cogenesis.data.task.grammar import create_user, read_grammar

REWORDED = frozenset({"doing", "asked", "a_occupation"})
"""Slots whose text is another grammatical form of what the context says."""


def test_references_use_facts_of_their_context() -> None:
    """Each fact stands in the reference, and, but for grammar, in the context."""
    examples = list(read_grammar(25, tasks=3, seed=4))
    assert len(examples) == 75
    assert sum(bool(example.facts) for example in examples) > 70
    for example in examples:
        context = "\n".join(item.text for item in example.context.items())
        for fact in example.facts:
            assert fact.value in example.reference, (example.id, fact.name)
            if fact.name not in REWORDED:
                assert fact.value in context, (example.id, fact.name)


def test_examples_have_outline_task_and_no_placeholder() -> None:
    """A writer who knows everything leaves no blank; the outline names no private source."""
    for example in read_grammar(20, seed=9):
        assert example.outline
        assert example.task not in ("", "other")
        assert "[" not in example.reference
        assert example.context.profile is not None
        assert example.context.writings


def test_requests_of_a_user_have_one_context_and_different_topics() -> None:
    """All examples of a user share the context; the same seed gives the same user."""
    made = create_user("x", 6)
    assert len({request.task.occasion for request in made.requests}) >= 4
    assert create_user("x", 6).examples[3].answer == made.examples[3].answer
    (first, second) = list(read_grammar(1, tasks=2))
    assert first.context == second.context
    assert first.instruction != second.instruction
