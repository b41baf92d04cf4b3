"""What the GGUF files can do, measured in llama.cpp on held-out people and wordings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.data.examples import Condition, Example, create_example
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

CONDITIONS: tuple[str, ...] = (
    "context",
    "no_context",
    "context_outline",
    "public_text",
    "public_sketch",
)
"""Each number is one task in all private conditions: `context` is `context_outline` without the
outline, and `no_context` has neither, with the same reference."""

MAX_TOKENS = 220
_SPLITS = ("held out", "seen")
_POINT = re.compile(r"\d+\. \S.*")
_NAME_LIKE = re.compile(r"(?<=[a-z,] )[A-Z]\w+|\b\d[\d:.,-]*")
_HARMLESS = frozenset(
    ["I", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
)


@dataclass(slots=True)
class Tally:
    """Hits and tries of one measure."""

    hits: int = 0
    tries: int = 0

    def add(self, hit: bool) -> None:
        """Counts one try."""
        self.hits += hit
        self.tries += 1

    @property
    def share(self) -> float | None:
        """Share of hits, 0 to 1; None where nothing was tried."""
        return self.hits / self.tries if self.tries else None


@dataclass(slots=True)
class Measures:
    """What is counted over the texts of one condition.

    Attributes:
        shares: Hits and tries by measure.
        nll: Mean negative log-likelihood of each reference's tokens, in nats.
        tokens: Tokens written for each example.
    """

    shares: dict[str, Tally] = field(default_factory=dict)
    nll: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    def count(self, measure: str, hit: bool) -> None:
        """Counts one try of a measure."""
        self.shares.setdefault(measure, Tally()).add(hit)

    def report(self) -> dict[str, float | None]:
        """All figures."""
        found: dict[str, float | None] = {name: t.share for name, t in self.shares.items()}
        found["nll"] = fmean(self.nll) if self.nll else None
        found["tokens"] = fmean(self.tokens) if self.tokens else None
        return found


def evaluate_model(model: str, count: int) -> dict[str, Any]:
    """Writes held-out texts greedily and counts what is in them.

    Args:
        model: A house model's name or a GGUF file.
        count: Examples of each condition, half of them with wordings seen in training.

    Returns:
        `model`, `count`, and for each condition its figures: shares from 0 to 1, `nll` in nats a
        token, `tokens` a text.
    """
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

    engine = LlamaCppEngine(model)
    try:
        conditions = {
            condition: _evaluate(engine, condition, count).report() for condition in CONDITIONS
        }
    finally:
        engine.close()
    return {"model": engine.name, "count": count, "conditions": conditions}


def held_out_example(condition: str, number: int) -> Example:
    """An example that no model was trained on; every second one has held-out names and wordings.

    Args:
        condition: One of `CONDITIONS`.
        number: Which.
    """
    made: dict[str, Condition] = {
        "no_context": "context",
        "public_text": "public_text",
        "public_sketch": "public_sketch",
        "context_outline": "context_outline",
    }
    example = create_example(
        f"evaluation/{number}",
        kind="public" if condition.startswith("public") else "private",
        condition=made.get(condition, "context"),
        held_out=number % 2 == 0,
    )
    return replace(example, documents=()) if condition == "no_context" else example


def _evaluate(engine: LlamaCppEngine, condition: str, count: int) -> Measures:
    measures = Measures()
    for number in range(count):
        example = held_out_example(condition, number)
        prompt = engine.apply_template(
            [{"role": role, "content": content} for role, content in example.messages()]
        )
        answer = b""
        tokens = 0
        for token in engine.generate(prompt, SamplingParams(), max_tokens=MAX_TOKENS):
            answer += token.text
            tokens += 1
        measures.tokens.append(tokens)
        measures.nll.append(reference_nll(engine, prompt, example.answer))
        text = answer.decode("utf-8", "replace")
        count_answer(measures, example, text, split=_SPLITS[number % 2])
    return measures


def reference_nll(engine: LlamaCppEngine, prompt: Sequence[int], answer: str) -> float:
    """Mean negative log-likelihood of an answer's tokens after a prompt, in nats."""
    tokens = engine.tokenize(answer)
    rows = engine.score([*prompt, *tokens], first=len(prompt))
    return -fmean(float(row[token]) for row, token in zip(rows, tokens, strict=False))


def count_answer(measures: Measures, example: Example, answer: str, split: str) -> None:
    """Counts what an answer holds of what its example asked for.

    Args:
        measures: Where it is counted.
        example: What was asked for.
        answer: What was written.
        split: Whether names and wording are like those of the training: `seen` or `held out`.
    """
    if example.condition == "public_sketch":
        lines = answer.strip().splitlines()
        numbered = all(_POINT.fullmatch(line) for line in lines)
        measures.count("format", numbered and 4 <= len(lines) <= 15)
        measures.count("distinct", len({line.split(". ", 1)[-1] for line in lines}) == len(lines))
    for mark in {match[0] for match in PLACEHOLDER_PATTERN.finditer(example.instruction)}:
        if mark in example.answer:
            measures.count("marks", mark in answer)
    if example.condition.startswith("public"):
        return
    for name, value in example.facts.items():
        if name not in ("me", "to"):
            measures.count("facts", value in answer)
            measures.count(f"facts, {split}", value in answer)
    lines = answer.strip().splitlines() or [""]
    if example.greeting and "to" in example.facts and "\n\n" in example.answer:
        measures.count("recipient", example.facts["to"] in lines[0])
        measures.count("greeting", lines[0].startswith(f"{example.greeting} "))
    if "me" in example.facts and example.answer.endswith(f", {example.facts['me']}"):
        measures.count("sender", lines[-1].endswith(f", {example.facts['me']}"))
        measures.count("closing", lines[-1].startswith(example.closing))
    prompt = " ".join(content for _, content in example.messages())
    measures.count("nothing invented", not list(invented(answer, prompt)))


def invented(answer: str, prompt: str) -> Iterable[str]:
    """Names and numbers of an answer that its prompt doesn't hold."""
    for match in _NAME_LIKE.finditer(answer):
        word = match[0].strip(".,:-")
        if word not in prompt and word not in _HARMLESS:
            yield word


def format_report(reports: Sequence[dict[str, Any]]) -> str:
    """The figures of several models as text, a table for each."""
    parts: list[str] = []
    for report in reports:
        names = list(dict.fromkeys(n for c in report["conditions"].values() for n in c))
        rows = [["", *report["conditions"]]]
        for name in names:
            cells = (c.get(name) for c in report["conditions"].values())
            rows.append([name, *("-" if cell is None else f"{cell:.2f}" for cell in cells)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        parts.append(f"{report['model']}, {report['count']} texts a condition\n{table}")
    return "\n\n".join(parts)
