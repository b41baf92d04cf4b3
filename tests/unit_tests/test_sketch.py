"""The sketch node reads outlines in many shapes, asks once more, and takes cleared text only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import BaseMessage

from langchain_cogenesis.exceptions import ConfigurationError, PrivacyError, SketchError
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import (
    MAX_POINTS,
    MIN_POINTS,
    PUBLIC_TEMPLATES,
    SKETCH_RETRY,
    SketchStyle,
)
from langchain_cogenesis.sketch import SketchNode, parse_sketch

FOUR = ("Greet them", "Name the day", "Say where", "Ask for a reply")
NUMBERED = "1. Greet them\n2. Name the day\n3. Say where\n4. Ask for a reply"


class Listening(FakeListChatModel):
    """A scripted model that keeps what it was asked."""

    asked: list[list[BaseMessage]]

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        self.asked.append(messages)
        return super()._call(messages, *args, **kwargs)


def cleared(text: str) -> ClearedText:
    return EgressGate().require(text, endpoint="https://x.example", conversation=Conversation())


@pytest.mark.parametrize(
    "reply",
    [
        NUMBERED,
        NUMBERED.replace(". ", ") "),
        "Sure! Here is an outline:\n\n" + NUMBERED + "\n\nShall I write it?",
        "- Greet them\n- Name the day\n- Say where\n- Ask for a reply",
        "**1. Greet them**\n**2. Name the day**\n**3. Say where**\n**4. Ask for a reply**",
        "1. Greet them\n   - warmly\n2. Name the day\n3. Say where\n4. Ask for a reply",
        "1. Greet them 2. Name the day 3. Say where 4. Ask for a reply",
        '```json\n["Greet them", "Name the day", "Say where", "Ask for a reply"]\n```',
        "<think>1. no\n2. no\n3. no\n4. no</think>\n" + NUMBERED,
        "Greet them\nName the day\nSay where\nAsk for a reply",
    ],
)
def test_outlines_are_read_in_whatever_shape_they_come(reply: str) -> None:
    """Numbers, bullets, JSON, one line, a preamble, a thought: the points are the same."""
    assert parse_sketch(reply) == FOUR


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I can't help with that.",
        "1. Only\n2. Three\n3. Points",
        "This is a letter that goes on and on, line by line, as letters do, with no list.\n" * 5,
        "<think>1. a\n2. b\n3. c\n4. d",
    ],
)
def test_what_is_no_outline_gives_none(reply: str) -> None:
    """Prose, refusals and lists that are too short are no outline."""
    assert parse_sketch(reply) == ()


def test_a_long_list_is_cut() -> None:
    """More than fifteen points are no outline any more; the first fifteen are taken."""
    assert len(parse_sketch("\n".join(f"{n}. point {n}" for n in range(1, 40)))) == MAX_POINTS


@given(st.text())
def test_any_reply_gives_none_or_enough_points(reply: str) -> None:
    """Whatever the remote answers, there are no points or 4 to 15, none of them empty."""
    points = parse_sketch(reply)
    assert not points or MIN_POINTS <= len(points) <= MAX_POINTS
    assert all(points)


def test_placeholders_stay_in_the_points() -> None:
    """The node leaves restoring to whoever holds the conversation."""
    reply = "1. Greet [NAME_1]\n2. b\n3. c\n4. d"
    sketch = SketchNode(FakeListChatModel(responses=[reply])).invoke(cleared("hello"))
    assert sketch.points[0] == "Greet [NAME_1]"
    assert sketch.attempts == 1
    assert "Greet" not in repr(sketch)


async def test_a_reply_without_a_list_is_asked_for_once_more() -> None:
    """The second request says what was missing, and repeats nothing of the first reply."""
    remote = Listening(responses=["I'd rather chat.", NUMBERED], asked=[])
    sketch = SketchNode(remote).invoke(cleared("hello"))
    assert sketch.points == FOUR
    assert sketch.attempts == 2
    assert [m.text for m in remote.asked[1]] == [*(m.text for m in remote.asked[0]), SKETCH_RETRY]
    again = await SketchNode(Listening(responses=["No.", NUMBERED], asked=[])).ainvoke(
        cleared("hello")
    )
    assert again.points == FOUR


def test_a_short_list_is_taken_of_a_remote_that_was_asked_again() -> None:
    """Three clean points are better than an error; three lines of prose are none."""
    reply = "1. Greet\n2. Thank\n3. Close"
    sketch = SketchNode(FakeListChatModel(responses=[reply])).invoke(cleared("hello"))
    assert (sketch.points, sketch.attempts) == (("Greet", "Thank", "Close"), 2)
    with pytest.raises(SketchError):
        SketchNode(FakeListChatModel(responses=["Greet\nThank\nClose"])).invoke(cleared("hello"))
    with pytest.raises(SketchError):
        SketchNode(FakeListChatModel(responses=["1. Dear you"])).invoke(cleared("hello"))


async def test_two_replies_without_a_list_are_an_error() -> None:
    """After the second try the error says what to do."""
    with pytest.raises(SketchError, match="larger remote model"):
        SketchNode(FakeListChatModel(responses=["No."])).invoke(cleared("hello"))
    with pytest.raises(SketchError, match="larger remote model"):
        await SketchNode(FakeListChatModel(responses=["No."])).ainvoke(cleared("hello"))


def test_text_that_nobody_cleared_is_refused() -> None:
    """A plain string is no input for the node."""
    remote = Listening(responses=[NUMBERED], asked=[])
    with pytest.raises(PrivacyError, match="instead of a ClearedText"):
        SketchNode(remote).invoke("hello")  # type: ignore[arg-type]
    assert remote.asked == []


def test_an_outline_of_another_kind_is_asked_for_in_words_that_may_leave() -> None:
    """Five points, each a sentence; a remote that gives more is cut to them."""
    style = SketchStyle(points=5, detail=True)
    long = "\n".join(f"{n}. Say the thing number {n}." for n in range(1, 9))
    remote = Listening(responses=[long], asked=[])
    points = SketchNode(remote, style=style).invoke(cleared("Invite them")).points
    assert points == tuple(f"Say the thing number {n}." for n in range(1, 6))
    told = remote.asked[0][0].text
    assert "5 numbered points, each a sentence" in told
    assert told in PUBLIC_TEMPLATES
    assert len(set(PUBLIC_TEMPLATES)) == len(PUBLIC_TEMPLATES)
    for number in (MIN_POINTS - 1, MAX_POINTS + 1):
        with pytest.raises(ConfigurationError, match="points"):
            SketchStyle(points=number)
