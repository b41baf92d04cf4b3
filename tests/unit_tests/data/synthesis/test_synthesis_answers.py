"""Values out of answers: as they are, mended, or refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_cogenesis.data.synthesis.answers import BadAnswer, read_answer
from langchain_cogenesis.data.synthesis.orders import Answer, Order
from langchain_cogenesis.data.synthesis.schemas import GeneratedUser, PersonalText, WritingTasks

TEXT: dict[str, Any] = {
    "outline": ["greet", "ask"],
    "facts": [{"name": "boat", "value": "the Calypso"}, {"name": "age", "value": "forty-one"}],
    "content": "Dear all, who would like to buy THE\nCalypso from me this spring?",
}
USER = {
    "name": "Ada Moor", "age": "41", "occupation": "baker", "location": "Lund", "traits": "calm",
    "style": ["short"], "facts": "one; two; three", "unknown": 1,
    "activity": ["ran 5 km", {"kind": "calendar", "text": "dinner", "when": "2025-06-14"}, "slept"],
    "assistant": ["asked for a recipe"],
}  # fmt: skip


def order(step: str, tasks: int = 2) -> Order:
    return Order(step, f"{step}/0", 0, tasks)  # type: ignore[arg-type]


def reason(text: str, step: str = "text", fault: str = "") -> str:
    with pytest.raises(BadAnswer) as caught:
        read_answer(order(step), Answer(text, fault=fault))
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(TEXT),
        f"```json\n{json.dumps(TEXT, indent=2)}\n```",
        f"Sure! Here it is:\n{json.dumps(TEXT)}\nAnything else?",
        json.dumps(TEXT).replace("\\n", "\n"),
        json.dumps(TEXT)[:-1] + ",}",
        json.dumps(TEXT).replace('"greet", "ask"', "'greet' 'ask'"),
    ],
)
def test_good_and_mendable_answers(text: str) -> None:
    """Fences, prose, bare line ends and slips of the pen cost no second request."""
    found = read_answer(order("text"), Answer(text))
    assert isinstance(found, PersonalText)
    assert found.outline == ["greet", "ask"]
    assert [fact.name for fact in found.stated()] == ["boat"]


def test_shorthand_of_models_is_understood() -> None:
    """Numbers as text, lists as one line, activities as text; unknown fields are left aside."""
    found = read_answer(order("user"), Answer(json.dumps(USER)))
    assert isinstance(found, GeneratedUser)
    assert (found.age, found.facts, found.traits) == (41, ["one", "two", "three"], ["calm"])
    kinds = [item.kind for item in found.to_context().activities]
    assert kinds == ["device", "calendar", "device", "assistant"]


def test_what_breaks_off_is_never_mended() -> None:
    """Wherever an answer is cut, it is refused: the rest of a text would be missing."""
    whole = json.dumps(TEXT)
    for end in range(1, len(whole)):
        assert reason(whole[:end])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"content": "Short."}, "content"),
        ({"facts": []}, "facts"),
        ({"facts": [{"name": "dog", "value": "Rex"}]}, "none of the facts"),
        ({"content": f"{TEXT['content']}\n\nYours, [Your Name]"}, "blanks"),
    ],
)
def test_texts_that_are_none(changes: dict[str, Any], expected: str) -> None:
    """Too short, without facts, with facts that it does not state, with blanks."""
    assert expected in reason(json.dumps(TEXT | changes))


def test_reasons_hold_no_content() -> None:
    """A reason goes into the next prompt and a file: it names fields only."""
    found = reason(json.dumps(USER | {"age": "canary", "facts": ["canary"]}), "user")
    assert "age" in found
    assert "facts" in found
    assert "canary" not in found


def test_refusals_cuts_and_too_few_tasks() -> None:
    """What the endpoint says of an answer counts, whatever stands in it."""
    assert "refusal" in reason("I'm sorry, I can't help with that.")
    assert reason(json.dumps(TEXT), fault="the answer was cut off") == "the answer was cut off"
    one = {"tasks": [{"kind": "note", "instruction": "Write a note"}]}
    assert "1 tasks, not 2" in reason(json.dumps(one), "tasks")
    assert isinstance(read_answer(order("tasks", 1), Answer(json.dumps(one))), WritingTasks)
    portrait = {"youngest": 60, "oldest": 30, "field": "x", "occupations": ["a"]}
    portrait |= {key: ["b"] for key in ("interests", "works", "usage")}
    assert "above" in reason(json.dumps(portrait), "portrait")
