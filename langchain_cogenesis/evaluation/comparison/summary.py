"""The figures of a comparison: each row's measures, against the local model, and the gap closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_cogenesis.evaluation.comparison.measuring import MEASURES
from langchain_cogenesis.evaluation.comparison.results import Result
from langchain_cogenesis.evaluation.records import (
    Estimate,
    estimate,
    estimate_closed,
    estimate_difference,
    estimate_share,
)

BASE = "slm-context"
"""The row that others are measured against: the local model alone."""
BOUND = "llm-context"
"""The row that can't be had without a leak."""
QUALITIES = (
    "judge overall", "judge personalisation", "judge overall without profile", "facts",
    "facts normalised", "coverage", "rougeL", "chrf", "nll",
)  # fmt: skip
"""Measures whose gap is worth closing, the one that plots show first."""

ORDERS: tuple[tuple[str, str, str], ...] = (
    ("llm-context", "logits-linear", "nll"),
    ("llm-context", "logits-learned", "nll"),
    ("logits-linear", "slm-context", "nll"),
    ("logits-learned", "slm-context", "nll"),
    ("slm-context", "llm", "nll"),
    ("sketch", "slm-context", "coverage"),
)
"""Rows of which the paper has the first above the second, and a measure that should show it."""

Pairs = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RowSummary:
    """The figures of one row.

    Attributes:
        key: Its name.
        label: Its name in tables.
        kind: What it is.
        texts: How many were written.
        failed: How many couldn't be, by error.
        unscored: Judgements that couldn't be read.
        measures: Estimates by measure.
        against_base: Differences to the local model alone, by measure.
        closed: Share of the gap between local model and upper bound that is closed, by measure.
        by_task: Estimates by task and measure, qualities and leaks only.
        by_language: The same by language, where there is more than one.
    """

    key: str
    label: str
    kind: str
    texts: int
    failed: dict[str, int]
    unscored: int
    measures: dict[str, Estimate]
    against_base: dict[str, Estimate] = field(default_factory=dict)
    closed: dict[str, Estimate] = field(default_factory=dict)
    by_task: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    by_language: dict[str, dict[str, Estimate]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a comparison.

    Attributes:
        settings: What was run.
        rows: The rows.
        left_out: Why a row isn't there, by its name.
        notes: What a reader has to know.
        ordered: Difference of the first row to the second of each of `ORDERS` that was measured.
    """

    settings: dict[str, Any]
    rows: tuple[RowSummary, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ordered: dict[tuple[str, str, str], Estimate] = field(default_factory=dict)

    @property
    def quality(self) -> str:
        """The measure that stands for quality: the first that all rows with texts have."""
        written = [row for row in self.rows if row.texts]
        for name in QUALITIES[:-1]:
            if written and all(name in row.measures for row in written):
                return name
        return "length"

    def as_json(self) -> dict[str, Any]:
        """The figures as plain values; an estimate is `[value, low, high, count]`."""
        return {
            "settings": self.settings,
            "left out": self.left_out,
            "notes": list(self.notes),
            "rows": [
                {
                    "row": row.key,
                    "label": row.label,
                    "texts": row.texts,
                    "failed": row.failed,
                    "unscored": row.unscored,
                    "measures": plain_estimates(row.measures),
                    f"against {BASE}": plain_estimates(row.against_base),
                    "gap closed": plain_estimates(row.closed),
                    "by task": {
                        task: plain_estimates(found) for task, found in row.by_task.items()
                    },
                    "by language": {
                        code: plain_estimates(found) for code, found in row.by_language.items()
                    },
                }
                for row in self.rows
            ],
        }


def summarise_results(
    results: Iterable[Result],
    rows: Sequence[tuple[str, str, str]],
    settings: dict[str, Any],
    *,
    examples: Sequence[str] = (),
    left_out: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Summary:
    """Makes the figures.

    Args:
        results: All texts.
        rows: Key, label and kind of each row, in the order of the table.
        settings: What was run.
        examples: Ids of the examples that count; all by default.
        left_out: Why a row isn't there.
        notes: What a reader has to know.
    """
    by_row = results_by_row(results, [key for key, _, _ in rows], examples)
    made = tuple(_summarise(by_row, key, label, kind) for key, label, kind in rows)
    ordered: dict[tuple[str, str, str], Estimate] = {}
    for order in ORDERS:
        above, below = paired_columns(by_row, order[:2], order[2])
        if found := estimate_difference(below, above):
            ordered[order] = found
    return Summary(settings, made, dict(left_out or {}), tuple(notes), ordered)


def results_by_row(
    results: Iterable[Result], rows: Iterable[str], examples: Sequence[str] = ()
) -> dict[str, dict[str, Result]]:
    """The results of some rows and examples, by row and example.

    Args:
        results: All texts.
        rows: Keys of the rows.
        examples: Ids of the examples; all by default.
    """
    wanted = set(examples)
    by_row: dict[str, dict[str, Result]] = {key: {} for key in rows}
    # By their names: several processes write in any order, by which an interval would differ.
    for result in sorted(results, key=lambda each: each.example):
        if result.row in by_row and (not wanted or result.example in wanted):
            by_row[result.row][result.example] = result
    return by_row


def _summarise(
    by_row: Mapping[str, Mapping[str, Result]], key: str, label: str, kind: str
) -> RowSummary:
    own = by_row[key]
    written = [result for result in own.values() if result.error is None]
    failed: dict[str, int] = {}
    for result in own.values():
        if result.error is not None:
            failed[result.error] = failed.get(result.error, 0) + 1
    measures: dict[str, Estimate] = {}
    against: dict[str, Estimate] = {}
    closed: dict[str, Estimate] = {}
    for name in (measure.name for measure in MEASURES):
        # That nothing leaked in a few texts doesn't say that nothing can.
        make = estimate_share if name in ("leaked", "leaks") else estimate
        if found := make(r.measures[name] for r in written if name in r.measures):
            measures[name] = found
        if key != BASE and (found := _against(by_row, key, name)):
            against[name] = found
        if name in QUALITIES and key not in (BASE, BOUND) and (found := _closed(by_row, key, name)):
            closed[name] = found
    unscored = sum(int(r.measures.get("judge unscored", (0, 1))[0]) for r in written)
    return RowSummary(
        key, label, kind, len(written), failed, unscored, measures, against, closed,
        _by(written, "task"), _by(written, "language") if len(_languages(by_row)) > 1 else {},
    )  # fmt: skip


def paired_columns(
    by_row: Mapping[str, Mapping[str, Result]], keys: Sequence[str], name: str
) -> list[list[tuple[float, float]]]:
    """A measure of the examples that all of these rows have it for."""
    tables = [by_row.get(key, {}) for key in keys]
    shared = [e for e in tables[0] if all(e in t and name in t[e].measures for t in tables)]
    return [[table[example].measures[name] for example in shared] for table in tables]


def _against(by_row: Mapping[str, Mapping[str, Result]], key: str, name: str) -> Estimate | None:
    before, after = paired_columns(by_row, (BASE, key), name)
    return estimate_difference(before, after)


def _closed(by_row: Mapping[str, Mapping[str, Result]], key: str, name: str) -> Estimate | None:
    base, bound, found = paired_columns(by_row, (BASE, BOUND, key), name)
    better = next(measure.better for measure in MEASURES if measure.name == name)
    gap = estimate_difference(base, bound)
    # Where the remote with context is the worse one, there is nothing to close.
    if gap is None or gap.value * better <= 0:
        return None
    return estimate_closed(base, bound, found)


def _languages(by_row: Mapping[str, Mapping[str, Result]]) -> set[str]:
    return {result.language for results in by_row.values() for result in results.values()}


def _by(written: Sequence[Result], what: str) -> dict[str, dict[str, Estimate]]:
    """Estimates of qualities and leaks by `task` or `language`."""
    tasks: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for result in written:
        pairs = tasks.setdefault(getattr(result, what), {})
        for name in (*QUALITIES, "leaked"):
            if name in result.measures:
                pairs.setdefault(name, []).append(result.measures[name])
    found: dict[str, dict[str, Estimate]] = {}
    for task, measures in sorted(tasks.items()):
        made = {name: estimate(pairs) for name, pairs in measures.items()}
        found[task] = {name: value for name, value in made.items() if value is not None}
    return found


def plain_estimates(estimates: Mapping[str, Estimate]) -> dict[str, list[float]]:
    """Estimates as plain values: `[value, low, high, count]`."""
    return {
        name: [round(e.value, 6), round(e.low, 6), round(e.high, 6), e.count]
        for name, e in estimates.items()
    }
