"""The echo detector finds what was copied from private texts, and not what was only said alike."""

from __future__ import annotations

import pytest

from langchain_cogenesis.privacy.echo import EchoDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.restore import Conversation

ITEMS = (
    "Fact: is allergic to nuts",
    "Trait: warm",
    "Earlier: The cat\nHi Renata,\n\nWould you mind if I asked you to feed the cat on Saturday?",
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Context: Fact: is allergic to nuts. Task: write", "Context: [ITEM_1]. Task: write"),
        ("FACT – Is allergic, to nuts!", "[ITEM_1]!"),
        (
            "She wrote: would you mind if I asked you to feed the cat on Saturday? Reply.",
            "She wrote: [ITEM_1]? Reply.",
        ),
        ("a cat that is allergic to nuts", "a cat that is allergic to nuts"),
        ("Would you mind if I asked?", "Would you mind if I asked?"),
        ("", ""),
    ],
)
def test_copied_lines_and_runs_are_masked(text: str, masked: str) -> None:
    """Whole lines of three words, and eight words in a row, are values; less is not."""
    gate = EgressGate(detectors=[EchoDetector(ITEMS)])
    asked = {"endpoint": "https://x.example", "conversation": Conversation()}
    assert gate.require(text, **asked).text == masked
    assert asked["conversation"].restore(masked) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("My neighbour walks limping greyhounds daily", "My neighbour [ITEM_1] daily"),
        ("WALKS limping Greyhounds", "[ITEM_1]"),
        ("a neighbour walks every day", "a neighbour walks every day"),
        ("he plays the piano in the evening", "he plays the piano in the evening"),
    ],
)
def test_distinctive_phrases_of_facts_are_masked(text: str, masked: str) -> None:
    """Three words in a row that English seldom puts together are a value; usual ones aren't."""
    facts = ("walks limping greyhounds. Often in the evening, and every day of the week",)
    gate = EgressGate(detectors=[EchoDetector(facts=facts)])
    asked = {"endpoint": "https://x.example", "conversation": Conversation()}
    assert gate.require(text, **asked).text == masked


def test_nothing_of_the_texts_is_kept() -> None:
    """The detector holds hashes, and prints a count."""
    detector = EchoDetector(ITEMS)
    assert "nuts" not in repr(detector) + str(vars(detector))
