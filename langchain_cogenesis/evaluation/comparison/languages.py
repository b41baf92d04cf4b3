"""Examples of several languages in one comparison: each is written by its own house models."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.evaluation.comparison.results import Results
from langchain_cogenesis.evaluation.comparison.rows import Row
from langchain_cogenesis.evaluation.comparison.runner import Judging, Tick, run_pairs
from langchain_cogenesis.evaluation.comparison.workers import MakeRows, run_in_workers
from langchain_cogenesis.evaluation.comparison.world import PairSettings
from langchain_cogenesis.evaluation.metrics.cost import Price
from langchain_cogenesis.models.model_source import HOUSE_MODELS, house_pair


@dataclass(frozen=True, slots=True)
class Part:
    """Examples of one language, and who writes them.

    Attributes:
        pair: The models.
        rows: How they write.
        examples: What they write.
    """

    pair: PairSettings
    rows: Sequence[Row]
    examples: Sequence[TaskExample]


def split_by_language(
    pair: PairSettings,
    examples: Sequence[TaskExample],
    make_rows: MakeRows,
    *,
    local: str | None,
    remote: str | None,
) -> list[Part]:
    """Finds the models for the examples of each language.

    Args:
        pair: How models write; its models are replaced.
        examples: In any order.
        make_rows: The rows of a pair.
        local: The local model; by default the house model of a language.
        remote: The remote; likewise.

    Returns:
        One part for each pair of models, in the order of the languages' names.
    """
    ordered = sorted(examples, key=lambda example: example.language)
    parts: list[Part] = []
    for (small, large), group in groupby(ordered, key=lambda e: house_pair(e.language)):
        settings = replace(pair, local=local or small, remote=remote or large)
        if parts and parts[-1].pair == settings:
            parts[-1] = replace(parts[-1], examples=[*parts[-1].examples, *group])
        else:
            parts.append(Part(settings, make_rows(settings), list(group)))
    return parts


def run_parts(
    parts: Sequence[Part],
    make_rows: MakeRows,
    results: Results,
    *,
    price: Price | None = None,
    judging: Judging | None = None,
    workers: int = 1,
) -> Iterator[Tick]:
    """Runs one part after the other.

    Args:
        parts: Models, rows and examples.
        make_rows: The rows of a pair, as they were given to `split_by_language`.
        results: Where results go.
        price: What the remote takes.
        judging: Who judges the texts, if anybody.
        workers: Processes that write at once; with a judge it is this one.

    Yields:
        A tick now and then, counted over all parts.
    """
    total = sum(len(part.rows) * len(part.examples) for part in parts)
    done = fresh = 0
    for part in parts:
        tick = Tick(0, 0, 0)
        ticks = (
            run_in_workers(
                part.pair, make_rows, part.examples, results, workers=workers, price=price
            )
            if workers > 1 and judging is None
            else run_pairs(
                part.pair, part.rows, part.examples, results, price=price, judging=judging
            )
        )
        for tick in ticks:
            yield Tick(done + tick.done, total, fresh + tick.fresh)
        done, fresh = done + tick.done, fresh + tick.fresh


def usual_workers(parts: Sequence[Part]) -> int:
    """Processes that write at once, by default: one, but where all models are small ones of ours.

    Args:
        parts: Models and examples.
    """
    pairs = [part.pair for part in parts]
    pairs += [row.pair for part in parts for row in part.rows if row.pair is not None]
    models = {model for pair in pairs for model in (pair.local, pair.remote, pair.third)}
    return (os.cpu_count() or 1) if models <= {*HOUSE_MODELS, None} else 1
