"""Teacher-forced likelihood of references: under one model, and under two that are mixed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from langchain_cogenesis.data.examples import Example
from langchain_cogenesis.privacy.placeholders import (
    PLACEHOLDERS_PER_KIND,
    house_placeholders,
    placeholder,
)
from langchain_cogenesis.prompts import public_messages

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

WEIGHT = 0.5
"""Share of either model in the mixture."""
_OPENS = 0.5
"""From this probability of a placeholder on, the larger model says that a private span begins."""


@dataclass(frozen=True, slots=True, repr=False)
class MaskedView:
    """What a remote would see of an example.

    Attributes:
        instruction: With placeholders for the facts of the context.
        spans: First byte, byte after the end and placeholder of each private span of the answer.
        values: Placeholder and value of all that was masked.
    """

    instruction: str
    spans: tuple[tuple[int, int, str], ...]
    values: tuple[tuple[str, str], ...] = ()


def chat_ids(engine: LlamaCppEngine, messages: Iterable[tuple[str, str]]) -> list[int]:
    """Token ids of a prompt."""
    return engine.apply_template([{"role": role, "content": text} for role, text in messages])


def reference_logprobs(
    engine: LlamaCppEngine, prompt: Sequence[int], answer: Sequence[int]
) -> np.ndarray:
    """Log-probability rows of an answer.

    Args:
        engine: The model.
        prompt: Token ids before the answer.
        answer: Token ids of the answer.

    Returns:
        Natural-log probabilities, `(len(answer), n_vocab)`: row `i` is what was expected at token
        `i`.
    """
    rows = engine.score([*prompt, *answer], first=len(prompt))
    return np.stack([row for row, _ in zip(rows, answer, strict=False)])


def reference_nll(
    engine: LlamaCppEngine, messages: Iterable[tuple[str, str]], answer: str
) -> tuple[float, float]:
    """Negative log-likelihood of an answer, in nats, and its tokens."""
    ids = engine.tokenize(answer)
    rows = reference_logprobs(engine, chat_ids(engine, messages), ids)
    return (-float(rows[np.arange(len(ids)), ids].sum()), len(ids))


def masked_view(example: Example) -> MaskedView:
    """Replaces every fact that has a placeholder kind, in instruction and answer."""
    names = {n: s for n, s in example.slots.items() if s.kind and s.source != "planner"}
    values = {slot.value: (slot.kind or "", slot.who) for slot in names.values() if slot.value}
    if not values:
        return MaskedView(example.instruction, ())
    longest_first = sorted(values, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    given: dict[tuple[str, str], str] = {}
    shown: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        key = values[match[0]]
        if key not in given:
            number = 1 + sum(1 for kind, _ in given if kind == key[0])
            given[key] = placeholder(key[0], min(number, PLACEHOLDERS_PER_KIND))
        shown.setdefault(given[key], match[0])
        return given[key]

    instruction = pattern.sub(mark, example.instruction)
    spans = tuple(
        (_bytes(example.answer[: m.start()]), _bytes(example.answer[: m.end()]), mark(m))
        for m in pattern.finditer(example.answer)
    )
    return MaskedView(instruction, spans, tuple(shown.items()))


def fused_nll(
    small: LlamaCppEngine, large: LlamaCppEngine, example: Example, *, masked: bool
) -> dict[str, tuple[float, float]]:
    """Likelihood of a reference under both models mixed in equal parts.

    The small model sees context and instruction, the larger one the instruction alone. Masked, the
    larger one sees placeholders for the facts in instruction and prefix, and has no say within
    them, nor where it expects one; otherwise it sees and mixes every token.

    Args:
        small: The local model.
        large: The remote one; same vocabulary.
        example: An example with context.
        masked: Whether the larger model sees placeholders.

    Returns:
        Nats and tokens: `alone` for the small model, `fused` for both.
    """
    tokens = small.tokenize(example.answer)
    own = reference_logprobs(small, chat_ids(small, example.messages()), tokens)
    at = np.arange(len(tokens))
    alone = own[at, tokens]
    view = masked_view(example) if masked else MaskedView(example.instruction, ())
    messages = [
        ({"system": "system", "human": "user"}[m.type], str(m.content))
        for m in public_messages(view.instruction)
    ]
    seen, rows_at = _public_ids(small, tokens, view.spans)
    other = reference_logprobs(large, chat_ids(large, messages), seen)
    fused = alone.copy()
    marks = _openers(small)
    for index, row in rows_at.items():
        theirs = other[row]
        if masked and np.exp(theirs[marks]).sum() > _OPENS:
            continue
        fused[index] = np.logaddexp(
            alone[index] + np.log(1 - WEIGHT), theirs[tokens[index]] + np.log(WEIGHT)
        )
    return {
        "alone": (-float(alone.sum()), len(tokens)),
        "fused": (-float(fused.sum()), len(tokens)),
    }


def _public_ids(
    engine: LlamaCppEngine, tokens: Sequence[int], spans: Sequence[tuple[int, int, str]]
) -> tuple[list[int], dict[int, int]]:
    """What the larger model reads of an answer, and at which of its rows each public token stands.

    A token that overlaps a private span is private; the first one of a span leaves the span's
    placeholder in the larger model's text.
    """
    space = engine.tokenize(" ")
    seen: list[int] = []
    rows: dict[int, int] = {}
    offset, marked = 0, -1
    for index, token in enumerate(tokens):
        text = engine.token_bytes(token)
        end = offset + len(text)
        hits = [n for n, (first, last, _) in enumerate(spans) if first < end and offset < last]
        if not hits:
            rows[index] = len(seen)
            seen.append(token)
        for hit in hits:
            if hit > marked:
                marked = hit
                seen += [*(space if text.startswith(b" ") else ()), *engine.tokenize(spans[hit][2])]
        offset = end
    return seen, rows


def _openers(engine: LlamaCppEngine) -> list[int]:
    # A lone space comes before nothing but a placeholder.
    return [*engine.tokenize(" "), *(engine.tokenize(mark)[0] for mark in house_placeholders())]


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))
