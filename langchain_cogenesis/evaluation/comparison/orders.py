"""Orders of rows as the paper has them, and whether they are found here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from langchain_cogenesis.evaluation.comparison.measuring import MEASURES, Measure
from langchain_cogenesis.evaluation.comparison.summary import Summary
from langchain_cogenesis.evaluation.records import Estimate

FEWEST = 10
"""On fewer texts a bootstrap's interval is too narrow to tell anything."""

Verdict = Literal["found", "not apart", "THE OTHER WAY ROUND", "too few texts"]
_BY_NAME = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Order:
    """An order and what was measured.

    Attributes:
        above: Label of the row that should be better.
        below: Label of the other row.
        measure: What they are compared by.
        difference: Of the two, paired by text.
    """

    above: str
    below: str
    measure: Measure
    difference: Estimate

    @property
    def verdict(self) -> Verdict:
        """Whether the first row is better; `not apart` if the interval holds 0."""
        if self.difference.count < FEWEST:
            return "too few texts"
        if self.difference.low <= 0 <= self.difference.high:
            return "not apart"
        better = self.difference.value * self.measure.better > 0
        return "found" if better else "THE OTHER WAY ROUND"

    def __str__(self) -> str:
        """The check as a sentence."""
        held = ", the interval holds 0" if self.verdict == "not apart" else ""
        return (
            f"Order of the paper, {self.above} above {self.below}, by {self.measure.label}: "
            f"{self.verdict}; {spell_difference(self.difference, self.measure)} "
            f"on {self.difference.count} texts, paired{held}."
        )

    def as_json(self) -> dict[str, Any]:
        """The check as plain values."""
        found = self.difference
        return {
            "above": self.above,
            "below": self.below,
            "measure": self.measure.name,
            "difference": [round(v, 6) for v in (found.value, found.low, found.high)],
            "texts": found.count,
            "verdict": self.verdict,
        }


def check_orders(summary: Summary) -> list[Order]:
    """Checks the orders whose rows were run and whose measure was taken."""
    labels = {row.key: row.label for row in summary.rows}
    return [
        Order(labels[above], labels[below], _BY_NAME[measure], found)
        for (above, below, measure), found in summary.ordered.items()
    ]


def spell_difference(found: Estimate, measure: Measure) -> str:
    """A difference with its interval: `+12 points (+5 to +19)`."""
    factor, digits, unit = (100, 0, " points") if measure.percent else (1, measure.digits, "")
    value, low, high = (factor * v for v in (found.value, found.low, found.high))
    return f"{value:+.{digits}f}{unit} ({low:+.{digits}f} to {high:+.{digits}f})"
