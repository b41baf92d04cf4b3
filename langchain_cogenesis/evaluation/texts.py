"""What a text holds of what its example asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from langchain_cogenesis.data.examples import Example
from langchain_cogenesis.data.task.grammar import plan_of
from langchain_cogenesis.evaluation.metrics.coverage import plan_coverage
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN

Measures = dict[str, tuple[float, float]]

_POINT = re.compile(r"\d+\. \S.*")
_NAME_LIKE = re.compile(r"(?<=[a-z,] )[A-Z]\w+|\b\d[\d:.,-]*")
_HARMLESS = frozenset(
    {"I", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Sincerely"}
)
_REPEATED = 4


def measure_text(example: Example, text: str) -> Measures:
    """Measures a text that was written for an example.

    Args:
        example: What was asked for.
        text: What was written.

    Returns:
        Hits and tries: `facts` (values of the context that the request doesn't give), `recipient`,
        `sender`, `greeting`, `closing`, `emoji`, `coverage` (points of the plan), `format`,
        `no repetition`, `nothing invented`, `placeholders`.
    """
    found: Measures = {}
    if example.condition == "public_sketch":
        return measure_sketch(example, text)
    lines = text.strip().splitlines() or [""]
    facts = asked_facts(example)
    if facts:
        found["facts"] = (sum(value in text for value in facts), len(facts))
    post = example.plan is not None and example.plan.form == "post"
    if "to" in example.facts and "to" in example.slots:
        found["recipient"] = _hit(example.facts["to"] in lines[0])
        found["greeting"] = _hit(lines[0].startswith(f"{example.greeting} "))
    if "me" in example.facts and not post:
        found["sender"] = _hit(lines[-1].endswith(f", {example.facts['me']}"))
        found["closing"] = _hit(lines[-1].startswith(example.closing))
    if example.emoji and example.documents:
        found["emoji"] = _hit(example.emoji in text)
    found["format"] = _hit(_well_formed(example, lines))
    found["no repetition"] = _hit(not repeats(text))
    found["coverage"] = plan_coverage(text, plan_of(example))
    prompt = " ".join(content for _, content in example.messages())
    found["nothing invented"] = _hit(not list(invented(text, prompt)))
    found.update(_placeholders(example, text))
    return found


def measure_sketch(example: Example, text: str) -> Measures:
    """Measures an outline: `format` (4 to 15 numbered points), `no repetition`, `placeholders`."""
    lines = text.strip().splitlines()
    points = [line.split(". ", 1)[-1] for line in lines]
    numbered = all(_POINT.fullmatch(line) for line in lines)
    return {
        "format": _hit(numbered and 4 <= len(lines) <= 15),
        "no repetition": _hit(len(set(points)) == len(points)),
        **_placeholders(example, text),
    }


def asked_facts(example: Example) -> list[str]:
    """Facts of the reference that stand in the context alone, without sender and recipient."""
    return [
        value
        for name, value in example.facts.items()
        if name not in ("me", "me_full", "to") and value not in example.instruction
    ]


def _well_formed(example: Example, lines: list[str]) -> bool:
    form = example.plan.form if example.plan else "email"
    body = [line for line in lines if line]
    if form == "post":
        return bool(body) and body[-1][-1:] not in ",:;"
    signed = len(body) > 1 and len(body[-1].split()) <= 6
    greeted = form == "notice" or (len(body) > 2 and body[0].endswith(","))
    return signed and greeted


def repeats(text: str) -> bool:
    """Whether a run of four words comes twice."""
    words = text.lower().split()
    runs = [tuple(words[i : i + _REPEATED]) for i in range(len(words) - _REPEATED + 1)]
    return len(set(runs)) < len(runs)


def invented(text: str, prompt: str) -> Iterable[str]:
    """Names and numbers of a text that its prompt doesn't hold."""
    for match in _NAME_LIKE.finditer(text):
        word = match[0].strip(".,:-")
        if word not in prompt and word not in _HARMLESS:
            yield word


def _placeholders(example: Example, text: str) -> Measures:
    """Whether each placeholder of the instruction is where the reference has it."""
    marks = {match[0] for match in PLACEHOLDER_PATTERN.finditer(example.instruction)}
    marks &= {match[0] for match in PLACEHOLDER_PATTERN.finditer(example.answer)}
    if not marks:
        return {}
    kept = sum(mark in text and _in_place(mark, example.answer, text) for mark in marks)
    return {"placeholders": (kept, len(marks))}


def _in_place(mark: str, reference: str, text: str) -> bool:
    """A name that is greeted or signs must greet or sign; any other may stand anywhere else."""
    lines, written = reference.splitlines(), text.strip().splitlines()
    if lines[0].endswith(f" {mark},"):
        return written[0].endswith(f" {mark},")
    if lines[-1].endswith(f", {mark}"):
        return written[-1].endswith(f", {mark}")
    return True


def _hit(hit: bool) -> tuple[float, float]:
    return (float(hit), 1)
