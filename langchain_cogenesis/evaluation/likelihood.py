"""Teacher-forced likelihood of references: under one model, and under two that are mixed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from langchain_cogenesis.data.examples import Example
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.steps import defer, openers
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.privacy.placeholders import PLACEHOLDERS_PER_KIND, placeholder
from langchain_cogenesis.prompts import public_messages, role_pairs

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

WEIGHT = 0.5
"""Share of either model in the mixture."""


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
    them; what it gives to placeholders is the local model's. Otherwise it sees and mixes every
    token.

    Args:
        small: The local model.
        large: The remote one; same vocabulary.
        example: An example with context.
        masked: Whether the larger model sees placeholders.

    Returns:
        Nats and tokens: `alone` for the small model, `fused` for both.
    """
    steps = fused_steps(small, large, example, masked=masked)
    fusion = LinearFusion((1 - WEIGHT, WEIGHT))
    alone = fused = 0.0
    for token, local, row in steps:
        alone -= float(local.values[token])
        mixed = local.values if row is None else fusion.fuse([local, row]).values
        fused -= float(mixed[token])
    return {"alone": (alone, len(steps)), "fused": (fused, len(steps))}


def fused_steps(
    small: LlamaCppEngine, large: LlamaCppEngine, example: Example, *, masked: bool
) -> list[tuple[int, Logprobs, Distribution | None]]:
    """What both models expect at each token of a reference.

    Args:
        small: The local model, with context.
        large: The remote one, without; same vocabulary.
        example: An example with context.
        masked: Whether the larger model sees placeholders; else it sees everything as it is.

    Returns:
        For each token its id, the local distribution, and the larger model's, what it gives to
        placeholders handed over to the local one; None where it has no say.
    """
    tokens = small.tokenize(example.answer)
    own = reference_logprobs(small, chat_ids(small, example.messages()), tokens)
    view = masked_view(example) if masked else MaskedView(example.instruction, ())
    messages = role_pairs(public_messages(view.instruction))
    seen, rows_at = public_ids(small, tokens, view.spans)
    other = reference_logprobs(large, chat_ids(large, messages), seen)
    opening = openers(small.vocabulary)
    found: list[tuple[int, Logprobs, Distribution | None]] = []
    for index, token in enumerate(tokens):
        local = Logprobs(own[index])
        row: Distribution | None = None
        if index in rows_at:
            row = Logprobs(other[rows_at[index]])
            row = defer(local, row, opening)[0] if masked else row
        found.append((token, local, row))
    return found


def public_ids(
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


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))
