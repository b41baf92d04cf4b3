"""Reads a value out of an answer: as it is, mended, or not at all."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError

from langchain_cogenesis.context.importers.sources import describe_invalid
from langchain_cogenesis.data.synthesis.orders import SCHEMAS, Answer, Order
from langchain_cogenesis.data.synthesis.schemas import PersonalText, Portrait, Step, WritingTasks

_FENCE = re.compile(r"```(?:\w+)?\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
_BLANK = re.compile(r"\[(?:your|my|the|recipient|insert|name|date|company)[^\]\n]{0,40}\]", re.I)


class BadAnswer(Exception):
    """An answer that can't be used; the message says why, without its content."""


def read_answer(order: Order, answer: Answer) -> Step:
    """Reads what a step gives out of an answer.

    Fences and prose around the JSON are left aside, and JSON with slips is mended. What breaks off
    is not mended: the rest of a text would be missing.

    Raises:
        BadAnswer: It is no such value.
    """
    if answer.fault:
        raise BadAnswer(answer.fault)
    value = _read_json(answer.text)
    try:
        found = SCHEMAS[order.step].model_validate(value)
    except ValidationError as error:
        raise BadAnswer(f"fields are missing or wrong: {describe_invalid(error)}") from None
    _check(order, found)
    return found


def _read_json(text: str) -> Any:
    fenced = _FENCE.search(text)
    text = (fenced[1] if fenced and "{" in fenced[1] else text).strip()
    start = text.find("{")
    if start < 0:
        raise BadAnswer("it holds no JSON object: it is prose, or a refusal")
    part = text[start : text.rfind("}") + 1]
    try:
        return json.loads(part, strict=False)
    except ValueError:
        pass
    if not text.endswith("}"):
        raise BadAnswer("the JSON object breaks off before its end")
    import json_repair

    value = json_repair.loads(part)
    if not isinstance(value, dict):
        raise BadAnswer("it is no JSON object, even when mended")
    return value


def _check(order: Order, found: Step) -> None:
    if isinstance(found, Portrait) and found.youngest > found.oldest:
        raise BadAnswer("youngest is above oldest")
    if isinstance(found, WritingTasks) and len(found.tasks) < order.tasks:
        raise BadAnswer(f"there are {len(found.tasks)} tasks, not {order.tasks}")
    if isinstance(found, PersonalText):
        if _BLANK.search(found.content):
            raise BadAnswer("the content has blanks to be filled in")
        if not found.stated():
            raise BadAnswer("none of the facts stands in the content as it is given")
