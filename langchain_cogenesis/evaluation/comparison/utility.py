"""What masking keeps of the utility of a leaky upper bound, and what it costs, against targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_cogenesis.evaluation.comparison.results import Result
from langchain_cogenesis.evaluation.comparison.summary import (
    QUALITIES,
    paired_columns,
    plain_estimates,
    results_by_row,
)
from langchain_cogenesis.evaluation.records import Estimate, estimate_ratio

KEPT, COST = 0.95, 0.02
"""Targets: at least so much of the leaky upper bound is kept, and masking costs at most so much."""

Verdict = Literal["met", "MISSED", "open"]


@dataclass(frozen=True, slots=True)
class Utility:
    """What one row keeps, by measure.

    Attributes:
        row: Its key.
        kept: Share of the leaky upper bound's utility. For nats a token it is the share of the mean
            probability of a token.
        cost: Share of utility that is lost against the same with nothing masked.
        leaked: Values that leaked, in all texts.
    """

    row: str
    kept: dict[str, Estimate]
    cost: dict[str, Estimate]
    leaked: int

    def kept_verdict(self, measure: str) -> Verdict | None:
        """Whether enough is kept, with no value leaked; `open` if the interval holds the target."""
        found = self.kept.get(measure)
        if found is None:
            return None
        if self.leaked:
            return "MISSED"
        return _verdict(found.low >= KEPT, found.high < KEPT)

    def cost_verdict(self, measure: str) -> Verdict | None:
        """Whether masking costs little enough; `open` if the interval holds the target."""
        found = self.cost.get(measure)
        return None if found is None else _verdict(found.high <= COST, found.low > COST)


def measure_utility(
    results: Iterable[Result],
    rows: Sequence[str],
    *,
    leaky: str,
    unmasked: Mapping[str, str],
    examples: Sequence[str] = (),
) -> list[Utility]:
    """Compares rows with a leaky upper bound and with the same without a mask, paired by text.

    Args:
        results: All texts.
        rows: Keys of the rows.
        leaky: Key of the row whose remote reads everything; it isn't compared with itself.
        unmasked: By row, the one that writes likewise with nothing masked; none for rows that mask
            nothing.
        examples: Ids of the examples that count; all by default.
    """
    by_row = results_by_row(results, {*rows, leaky, *unmasked.values()}, examples)
    return [_utility(by_row, key, leaky, unmasked.get(key)) for key in rows if key != leaky]


def as_json(found: Iterable[Utility]) -> dict[str, Any]:
    """The figures as plain values; an estimate is `[value, low, high, count]`."""
    return {
        utility.row: {
            "kept of the leaky upper bound": plain_estimates(utility.kept),
            "cost of masking": plain_estimates(utility.cost),
            "values leaked": utility.leaked,
        }
        for utility in found
    }


def _utility(
    by_row: Mapping[str, Mapping[str, Result]], key: str, leaky: str, unmasked: str | None
) -> Utility:
    kept: dict[str, Estimate] = {}
    cost: dict[str, Estimate] = {}
    for name in QUALITIES:
        if found := _ratio(by_row, leaky, key, name):
            kept[name] = found
        if unmasked is not None and (found := _ratio(by_row, unmasked, key, name)):
            cost[name] = Estimate(1 - found.value, 1 - found.high, 1 - found.low, found.count)
    leaked = sum(int(r.measures.get("leaked", (0, 1))[0]) for r in by_row[key].values())
    return Utility(key, kept, cost, leaked)


def _ratio(
    by_row: Mapping[str, Mapping[str, Result]], before: str, after: str, name: str
) -> Estimate | None:
    base, found = paired_columns(by_row, (before, after), name)
    return estimate_ratio(base, found, nats=name == "nll")


def _verdict(met: bool, missed: bool) -> Verdict:
    return "met" if met else "MISSED" if missed else "open"
