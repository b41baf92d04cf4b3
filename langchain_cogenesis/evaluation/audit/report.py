"""What the attacks came to: rows with intervals, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_cogenesis.evaluation.records import Estimate

Attack = Literal["canaries", "units", "attribute", "linkability", "timing"]
Verdict = Literal["met", "MISSED", "doesn't count", "not measured"]

MARGIN = 0.03
"""By how much the upper end of our interval may lie above the floor."""
TEXTS = ("ours", "raw", "typed", "floor")
HEADS = {
    "ours": "our egress",
    "raw": "raw, with context",
    "typed": "raw instruction",
    "floor": "floor",
}
FAILS = "doesn't count: fails on raw text as well"


@dataclass(frozen=True, slots=True)
class Row:
    """One attack on all texts.

    Attributes:
        attack: Which.
        what: What was looked for or guessed.
        results: By text, the share of successes, or the area under the ROC curve. For timing, `raw`
            is a schedule that depends on the text and `floor` a second run of the fixed rate.
        chance: What guessing without looking comes to; 0 for values that are looked for.
        promised: Of values: whether it is promised that they don't leave.
        excess: Ours less the floor, paired by user.
    """

    attack: Attack
    what: str
    results: Mapping[str, Estimate | None]
    chance: float = 0.0
    promised: bool | None = None
    excess: Estimate | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the target is met: no value found, or no more guessed than from the floor."""
        ours, raw, floor = (self.results.get(name) for name in ("ours", "raw", "floor"))
        if ours is None or raw is None or floor is None:
            return "not measured"
        if raw.low <= self.chance:
            return "doesn't count"
        if self.attack in ("canaries", "units"):
            return "met" if ours.value == 0 else "MISSED"
        return "met" if ours.high <= self.bound(floor) else "MISSED"

    def bound(self, floor: Estimate) -> float:
        """Up to where the upper end of our interval may lie.

        A floor may lie below chance, by chance; what tells nothing at all must be allowed.

        Args:
            floor: The result on the floor.
        """
        return max(floor.value, self.chance) + MARGIN

    @property
    def target(self) -> str:
        """The target, for reading: the upper end that is allowed, or that nothing is found."""
        if self.attack in ("canaries", "units"):
            return "0"
        floor = self.results.get("floor")
        return "" if floor is None else f"≤ {percent(self.bound(floor))}"

    @property
    def count(self) -> int:
        """On how many users it was tried."""
        ours = self.results.get("ours")
        return ours.count if ours else 0

    @property
    def half_width(self) -> float | None:
        """Half of the width of our interval."""
        ours = self.results.get("ours")
        return (ours.high - ours.low) / 2 if ours else None


@dataclass(frozen=True, slots=True)
class Leak:
    """A value that was found in what left.

    Attributes:
        attack: `canaries` or `units`.
        number: The user's number.
        kind: The value's kind.
        exact: Whether it was found as it is, or with a few characters changed.
        promised: Whether it is promised that it doesn't leave.
    """

    attack: Attack
    number: int
    kind: str
    exact: bool
    promised: bool


@dataclass(frozen=True, slots=True)
class ModeReport:
    """All attacks on one mode.

    Attributes:
        mode: The mode.
        users: How many users wrote.
        requests: How many requests left.
        bytes: Bytes of their bodies.
        faults: Runs that ended with an error, by its class; runs of this call only.
        rows: The attacks.
        leaks: The values found.
    """

    mode: str
    users: int
    requests: int
    bytes: int
    faults: Mapping[str, int]
    rows: Sequence[Row]
    leaks: Sequence[Leak] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The report as plain values; it names kinds and numbers of users, never a value."""
        return {
            "mode": self.mode,
            "users": self.users,
            "requests": self.requests,
            "bytes": self.bytes,
            "faults": dict(self.faults),
            "attacks": [_row_json(row) for row in self.rows],
            "leaks": [
                {
                    "attack": leak.attack,
                    "number": leak.number,
                    "kind": leak.kind,
                    "exact": leak.exact,
                    "promised": leak.promised,
                }
                for leak in self.leaks
            ],
        }

    def as_markdown(self) -> str:
        """The report for reading."""
        heads = ("attack", "on", *HEADS.values(), "chance", "over floor", "n", "±", "target", "")
        lines = [
            f"## {self.mode}",
            "",
            f"{self.users} users, {self.requests} requests, {self.bytes} bytes.",
            "",
            "| " + " | ".join(heads) + " |",
            "|" + " --- |" * len(heads),
            *("| " + " | ".join(cells(row)) + " |" for row in self.rows),
            "",
        ]
        if promised := [leak for leak in self.leaks if leak.promised]:
            lines += ["Values found that are promised not to leave, by number of the user:", ""]
            lines += [
                f"- {leak.number}: {leak.kind}, {'as it is' if leak.exact else 'nearly'}"
                f" ({leak.attack})"
                for leak in promised
            ]
            lines.append("")
        return "\n".join(lines)


def cells(row: Row) -> tuple[str, ...]:
    """A row's cells, for a table."""
    promise = {True: "", False: " (no promise)", None: ""}[row.promised]
    verdict = FAILS if row.verdict == "doesn't count" else row.verdict
    width = "" if row.half_width is None else percent(row.half_width)
    searched = row.attack in ("canaries", "units")
    return (
        row.attack,
        row.what + promise,
        *(interval(row.results.get(name)) for name in TEXTS),
        "" if searched else percent(row.chance),
        "" if searched else interval(row.excess),
        str(row.count),
        width,
        row.target,
        verdict,
    )


def percent(value: float) -> str:
    """A share as percent, with one digit."""
    return f"{100 * value:.1f}"


def interval(found: Estimate | None) -> str:
    """An estimate with its interval, percent; a dash if it wasn't measured."""
    if found is None:
        return "–"
    return f"{percent(found.value)} [{percent(found.low)}, {percent(found.high)}]"


def any_leak(reports: Iterable[ModeReport]) -> bool:
    """Whether a value was found that was planted, or is promised not to leave."""
    return any(leak.promised for report in reports for leak in report.leaks)


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "attack": row.attack,
        "what": row.what,
        **{name: _estimate_json(row.results.get(name)) for name in TEXTS},
        "chance": round(row.chance, 4),
        "over_floor": _estimate_json(row.excess),
        "promised": row.promised,
        "n": row.count,
        "half_width": None if row.half_width is None else round(row.half_width, 4),
        "target": row.target,
        "verdict": row.verdict,
    }


def _estimate_json(found: Estimate | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {name: round(getattr(found, name), 4) for name in ("value", "low", "high")}
