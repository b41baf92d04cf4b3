"""What is private is found in German text, and German text without it stays as it is."""

from __future__ import annotations

import pytest

from langchain_cogenesis.privacy import german
from langchain_cogenesis.privacy.normalize import canonicalize
from langchain_cogenesis.privacy.restore import Conversation
from tests.unit_tests.privacy.german_text import (
    Case,
    load_groups,
    load_instructions,
    look,
    words,
)

KNOWN_MISSES = {
    # A typing error that is a well-known name by itself.
    "Schreib Lehman eine Absage.",
    # A day without its month, and ways to write an hour and a sum that few use.
    "Die Feier ist vom 24. bis zum 26. Dezember.",
    "Das Essen ist am 4. November mittags um zwölf.",
    "Der Wagen kostet 12 Tausend Euro, das ist zu viel.",
}
"""What is not found."""
CASES = [case for _, cases in load_groups().values() for case in cases]


def test_there_is_much_to_look_at() -> None:
    """The figures of the README are about these."""
    assert len(CASES) >= 340
    assert sum(len(case.private) for case in CASES) >= 290
    assert len(load_instructions()) >= 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_what_is_marked_is_found_and_nothing_else(case: Case) -> None:
    """Genitives, compounds, place adjectives, umlauts, dates, hours, sums, addresses, nouns."""
    gate, _ = load_groups()[case.group]
    outcome = look(gate, case)
    assert outcome.over == ()
    assert bool(outcome.missed) == (case.text in KNOWN_MISSES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_a_german_text_comes_back_as_it_was(case: Case) -> None:
    """Masked and restored, with the endings that stay outside of the placeholders."""
    gate, _ = load_groups()[case.group]
    conversation = Conversation()
    masked = gate.require(case.text, endpoint="https://r.example", conversation=conversation)
    assert conversation.restore(masked.text) == case.text


@pytest.mark.parametrize("group", load_groups())
def test_instructions_without_anything_private_lose_next_to_nothing(group: str) -> None:
    """At most one word in a hundred, for users whose names are nouns too."""
    gate, _ = load_groups()[group]
    lost = [look(gate, Case(group, text, ())).over for text in load_instructions()]
    total = sum(len(words(text)) for text in load_instructions())
    assert sum(map(len, lost)) <= 0.01 * total


def test_a_text_is_german_by_its_words() -> None:
    """All instructions are known as German, and English ones with a German name aren't."""
    assert [t for t in load_instructions() if not canonicalize(t).is_german] == []
    for text in (
        "Write to Wolfgang Müller about the trip to Berlin on Friday.",
        "Invite Tomas van der Berg to the summer exhibition at Saltmarsh Hall.",
        "I am so glad that it was warm in the hall; the art was good.",
        "",
    ):
        assert not canonicalize(text).is_german


def test_more_text_never_makes_a_text_less_german() -> None:
    """So what a part was cleared by holds for the whole request."""
    english = "Write an outline of three points for this task, in plain words. "
    for text in load_instructions():
        assert canonicalize(english + text + " Thank you for the help!").is_german


def test_german_words_are_known_with_and_without_umlauts() -> None:
    """By their canonical characters."""
    assert german.is_familiar("fur")
    assert german.is_familiar("fuer")
    assert german.is_known("schuler")
    assert not german.is_known("lindqvistausstellung")
