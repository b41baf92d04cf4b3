"""Strengths of the mask: each masks what the one before does, and more."""

from __future__ import annotations

import pytest

from langchain_cogenesis.context.schema import Contact, PrivateContext, UserProfile
from langchain_cogenesis.evaluation.comparison.masks import (
    MASKS,
    AmbiguousDetector,
    Mask,
    NameLikeDetector,
    teach,
)
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES, TEXT_SYSTEM

ENDPOINT = "https://remote.example/v1"
CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Quillara Vexmoor", contacts=(Contact(name="Will Osrickson", relation="friend"),)
    )
)
TYPED = "Thank Quillara, and will, at jo@lee.example, for the 3 tickets to Bergen. I hope so."


def _gate(mask: Mask) -> EgressGate:
    gate = EgressGate(public_texts=PUBLIC_TEMPLATES)
    teach(gate, CONTEXT, mask)
    return gate


def _masked(mask: Mask) -> str:
    cleared = _gate(mask).require(TYPED, endpoint=ENDPOINT, conversation=Conversation())
    return cleared.text


def test_each_strength_masks_more() -> None:
    assert _masked("values") == TYPED.replace("Quillara", "[NAME_1]")
    standard = _masked("standard")
    assert standard == TYPED.replace("Quillara", "[NAME_1]").replace("jo@lee.example", "[EMAIL_1]")
    ambiguous = _masked("ambiguous")
    assert ambiguous == standard.replace("will", "[NAME_2]")
    names = _masked("names")
    assert names.count("[") == ambiguous.count("[") + 2
    for kept in ("Thank ", "tickets to ", " I hope so."):
        assert kept in names
    assert not {"3", "Bergen"} & set(names.replace(".", "").split())


@pytest.mark.parametrize("mask", MASKS)
def test_what_was_masked_may_leave_with_its_prompt(mask: Mask) -> None:
    """Placeholders, templates and role marks are no names to the strictest gate either."""
    gate, conversation = _gate(mask), Conversation()
    cleared = gate.require(TYPED, endpoint=ENDPOINT, conversation=conversation)
    prompt = f"<|system|>{TEXT_SYSTEM}<|end|><|user|>{cleared.text}<|end|><|assistant|>Dear"
    admitted = gate.admit(prompt, endpoint=ENDPOINT, conversation=conversation)
    assert isinstance(admitted, ClearedText)
    leaked = gate.admit(prompt + " Vexmoor", endpoint=ENDPOINT, conversation=conversation)
    assert not isinstance(leaked, ClearedText)


def test_what_looks_like_a_name_goes_by_its_place() -> None:
    text = "Dear Nora,\nPlease call Zarnholt on 4 May. Gorthwin said I'm late (Anna too)."
    found = {text[m.start : m.end] for m in NameLikeDetector().find(text)}
    assert found == {"Nora", "Zarnholt", "4", "May", "Gorthwin", "Anna"}
    # An id among the options of a request is no number of anybody.
    assert list(NameLikeDetector().find("128009")) == []


@pytest.mark.parametrize(
    ("text", "grows"),
    [("See Ber", True), ("on 4", True), ("See", True), ("See ", False), ("a walk", False)],
)
def test_an_end_that_may_become_a_name_is_held_back(text: str, grows: bool) -> None:
    assert NameLikeDetector().grows(text) == grows


def test_an_end_that_may_become_an_ambiguous_value_is_held_back() -> None:
    """A value that is a common word in any place; what doesn't begin one may leave."""
    lexicon = PrivateLexicon([PrivateValue("ITEM", "garden")])
    detector = AmbiguousDetector(lexicon)
    text = "in the garden now, by [ITEM_1]"
    assert [text[m.start : m.end] for m in detector.find(text)] == ["garden"]
    assert lexicon.find(text) == []
    assert detector.grows("in the gar")
    assert not detector.grows("in the shed")
