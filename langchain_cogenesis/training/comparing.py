"""Compares the ways in which a trained pair writes, on letters of its language's grammar."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_cogenesis.evaluation.comparison.report import markdown
from langchain_cogenesis.evaluation.comparison.results import ResultFile
from langchain_cogenesis.evaluation.comparison.rows import Row, comparison_rows
from langchain_cogenesis.evaluation.comparison.runner import Tick, run_identity
from langchain_cogenesis.evaluation.comparison.summary import Summary, summarise_results
from langchain_cogenesis.evaluation.comparison.workers import run_in_workers
from langchain_cogenesis.evaluation.comparison.world import PairSettings
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.training.config import Language, models_of

ROWS = ("llm-context", "llm", "slm-context", "sketch", "logits-linear", "logits-log-linear")
MEASURES = ("facts", "coverage", "greeting", "closing", "rougeL", "nll", "leaked")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        count: Letters.
        table: The figures as a Markdown table.
        figures: The same as plain values.
    """

    count: int
    table: str
    figures: dict[str, Any]


def comparison_path(runs: Path, language: Language) -> Path:
    """Where a language's figures are kept."""
    return runs / f"comparison.{language}.json"


def compare_pair(language: Language, runs: Path, count: int) -> Iterator[Tick]:
    """Writes letters in several ways, measures them, and keeps the figures.

    Args:
        language: Whose models and letters.
        runs: Where texts and figures go; what is there already isn't written again.
        count: Letters.

    Yields:
        A tick for each letter.
    """
    small, large = models_of(language)
    pair = PairSettings(local=small, remote=large)
    data = f"grammar:{language}"
    examples = load_task_examples(data, limit=count)
    rows = compared_rows(pair)
    identity = run_identity(pair, data, 0, None, [])
    results = ResultFile(runs / f"comparison-{language}", identity)
    workers = os.cpu_count() or 1
    yield from run_in_workers(pair, compared_rows, examples, results, workers=workers)
    summary = summarise_results(
        results, [(row.key, row.label, row.kind) for row in rows], {"examples": len(examples)}
    )
    _keep(summary, comparison_path(runs, language), len(examples))


def compared_rows(pair: PairSettings) -> list[Row]:
    """The rows of the comparison."""
    return [row for row in comparison_rows(pair) if row.key in ROWS]


def read_comparison(runs: Path, language: Language) -> Comparison:
    """Reads the figures that `compare_pair` kept."""
    found = json.loads(comparison_path(runs, language).read_text(encoding="utf-8"))
    return Comparison(found["count"], found["table"], found["figures"])


def _keep(summary: Summary, path: Path, count: int) -> None:
    kept = {"count": count, "table": markdown(summary, MEASURES), "figures": summary.as_json()}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")
