"""What is measured of a text of the comparison: numerator and denominator by measure."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from langchain_cogenesis.evaluation.comparison.forced import (
    ForcedSteps,
    Nats,
    chat_nats,
    fused_nats,
)
from langchain_cogenesis.evaluation.comparison.rows import Row, Written
from langchain_cogenesis.evaluation.comparison.world import Case, World
from langchain_cogenesis.evaluation.metrics import style
from langchain_cogenesis.evaluation.metrics.cost import Price, Stopwatch
from langchain_cogenesis.evaluation.metrics.coverage import plan_coverage
from langchain_cogenesis.evaluation.metrics.facts import facts_used, facts_used_normalised
from langchain_cogenesis.evaluation.metrics.leaks import leaked_values
from langchain_cogenesis.evaluation.metrics.overlap import chrf, rouge
from langchain_cogenesis.exceptions import ConfigurationError, ContextLengthError
from langchain_cogenesis.prompts import private_messages, public_messages, role_pairs

Measures = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Measure:
    """A column.

    Attributes:
        name: As in the files.
        label: As in tables.
        better: Whether more is better (1), less (-1), or neither (0).
        digits: Digits behind the point.
        percent: Whether it is a share.
    """

    name: str
    label: str
    better: int = 1
    digits: int = 2
    percent: bool = False


MEASURES: tuple[Measure, ...] = (
    Measure("judge overall", "judge, overall"),
    Measure("judge personalisation", "judge, personalisation"),
    Measure("judge overall without profile", "judge, no profile"),
    Measure("facts", "facts used", percent=True),
    Measure("facts normalised", "facts used, folded", percent=True),
    Measure("coverage", "plan coverage", percent=True),
    Measure("greeting", "greeting", percent=True),
    Measure("closing", "closing", percent=True),
    Measure("length", "length alike"),
    Measure("punctuation", "punctuation alike"),
    Measure("function words", "function words alike"),
    Measure("emoji", "emoji agree", percent=True),
    Measure("authorship", "like own writings"),
    Measure("rouge1", "ROUGE-1"),
    Measure("rouge2", "ROUGE-2"),
    Measure("rougeL", "ROUGE-L"),
    Measure("chrf", "chrF", digits=1),
    Measure("nll", "nats a token", better=-1, digits=3),
    Measure("remote nll", "remote alone, nats a token", better=-1, digits=3),
    Measure("apart", "models apart, nats a token", better=0, digits=3),
    Measure("points", "points of the outline", better=0, digits=1),
    Measure("leaked", "values leaked", better=-1, percent=True),
    Measure("leaks", "texts that leak", better=-1, percent=True),
    Measure("requests", "requests", better=-1, digits=1),
    Measure("requests a token", "requests a token", better=-1),
    Measure("tokens", "tokens", better=0, digits=0),
    Measure("remote tokens read", "remote reads", better=-1, digits=0),
    Measure("remote tokens written", "remote writes", better=-1, digits=0),
    Measure("bytes", "bytes out", better=-1, digits=0),
    Measure("cost", "cost", better=-1, digits=6),
    Measure("first seconds", "first text, s", better=-1),
    Measure("tokens a second", "tokens/s", digits=0),
)
"""All columns, in the order of the table."""


def quality_measures(case: Case, text: str) -> Measures:
    """Facts, plan coverage, style and overlap of a text with its reference.

    Args:
        case: The example; what it doesn't know, such as its plan, isn't measured.
        text: What was written.
    """
    example = case.example
    reference, language = example.reference, example.language
    found: Measures = {}
    # What the request says itself is no use of context.
    asked = [f.value for f in example.facts if f.value not in example.instruction]
    if asked:
        found["facts"] = facts_used(text, asked)
        found["facts normalised"] = facts_used_normalised(text, asked, language)
    if example.plan:
        found["coverage"] = plan_coverage(text, example.plan, language)
    if greeting := style.greeting_of(reference, language):
        found["greeting"] = (float(style.greeting_of(text, language) == greeting), 1)
    if closing := style.closing_of(reference, language):
        found["closing"] = (float(style.closing_of(text, language) == closing), 1)
    found["length"] = (style.length_similarity(text, reference), 1)
    found["punctuation"] = (style.punctuation_similarity(text, reference, language), 1)
    found["function words"] = (style.function_word_similarity(text, reference, language), 1)
    found["emoji"] = (float(style.emoji_agree(text, reference)), 1)
    found.update(_by_library(case, text))
    return found


def _by_library(case: Case, text: str) -> Measures:
    history = [sample.text for sample in case.example.context.writings]
    try:
        scores = rouge(text, case.example.reference, case.example.language)
        found: Measures = {name: (v, 1) for name, v in scores.items()}
        found["chrf"] = (chrf(text, case.example.reference), 1)
        alike = style.authorship_similarity(text, history)
    except ConfigurationError:
        # Without the extra these stay unmeasured.
        return {}
    if alike is not None:
        found["authorship"] = (alike, 1)
    return found


def egress_measures(world: World, case: Case, written: Written, tokens: int) -> Measures:
    """What left for a text, and what could be read in it; the taps hold it.

    Args:
        world: Whose taps are read.
        case: The example.
        written: Of the row.
        tokens: Length of the text.
    """
    bodies = [*world.tap.bodies, *world.open_tap.bodies]
    texts = world.sent_texts()
    leaked, values = leaked_values(case.values, texts, case.example.language)
    found: Measures = {
        "requests": (len(bodies), 1),
        "bytes": (sum(len(body.encode()) for body in bodies), 1),
        "tokens": (tokens, 1),
        "remote tokens read": (written.usage.get("input", world.sent_tokens()), 1),
    }
    if values:
        found["leaked"] = (leaked, values)
        found["leaks"] = (float(leaked > 0), 1)
    if written.sketch:
        found["points"] = (len(written.sketch), 1)
    if tokens:
        found["requests a token"] = (len(bodies), tokens)
    # Of a draft, what was asked for is what was written, but for the last one.
    wrote = written.usage.get("output", world.asked_tokens())
    if wrote is not None:
        found["remote tokens written"] = (wrote, 1)
    return found


def cost_measure(price: Price | None, found: Measures) -> Measures:
    """What the remote took for a text; nothing where its tokens aren't known."""
    if price is None or "remote tokens written" not in found:
        return {}
    read, wrote = found["remote tokens read"][0], found["remote tokens written"][0]
    return {"cost": (price.of(int(read), int(wrote)), 1)}


def time_measures(watch: Stopwatch, tokens: int) -> Measures:
    """Seconds until the first text, and tokens a second."""
    found: Measures = {}
    if watch.first is not None:
        found["first seconds"] = (watch.first, 1)
    if tokens and watch.total > 0:
        found["tokens a second"] = (tokens, watch.total)
    return found


def likelihood_measures(
    world: World, case: Case, row: Row, written: Written, steps: ForcedSteps | None
) -> Measures:
    """Likelihood of the reference under a row; nothing where it can't be measured.

    Args:
        world: The models.
        case: The example.
        row: The row.
        written: Of the row; its outline is given to the local model.
        steps: Of the reference, or None if the remote's weights aren't here.
    """
    try:
        found = _nats(world, case, row, written, steps)
    except ContextLengthError as error:
        logging.getLogger(__name__).info("no likelihood: %s", type(error).__name__)
        found = None
    measures: Measures = {} if found is None else {"nll": found}
    if steps is not None and asks_remote_tokens(row):
        told = {"remote nll": steps.remote_nats, "apart": steps.apart}
        measures |= {name: nats for name, nats in told.items() if nats is not None}
    return measures


def asks_remote_tokens(row: Row) -> bool:
    """Whether what the remote expects of a reference says something of a row."""
    return row.fusion is not None or (row.pair is not None and row.kind == "sketch")


def _nats(
    world: World, case: Case, row: Row, written: Written, steps: ForcedSteps | None
) -> Nats | None:
    if row.fusion is not None:
        return (
            None
            if steps is None
            else fused_nats(steps, row.fusion, beside=row.beside, schedule=row.schedule)
        )
    example, local = case.example, world.local.engine
    private = role_pairs(private_messages(example.instruction, case.documents, written.sketch))
    if row.kind in ("local", "sketch"):
        return chat_nats(local, private, example.reference)
    if world.large is None or row.key not in ("llm", "llm-context"):
        return None
    public = role_pairs(public_messages(example.instruction))
    return chat_nats(world.large, private if row.kind == "bound" else public, example.reference)
