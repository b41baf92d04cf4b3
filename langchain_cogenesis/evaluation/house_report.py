"""The house models' figures: from records to tables, JSON and the table of targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_cogenesis.data.grammar.tasks import UNSEEN_TASKS
from langchain_cogenesis.evaluation.records import (
    Estimate,
    Record,
    as_json,
    estimate,
    estimate_gain,
    summarise,
)

_MASKED, _RAW = "fused, masked prefix", "fused, raw prefix"
_SKETCHED = "small, context + sketch by large"


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and what it should be.

    Attributes:
        what: What was measured.
        wanted: The aim, in words.
        found: The estimate, or None where nothing was measured.
        met: Whether it is met.
    """

    what: str
    wanted: str
    found: Estimate | None
    met: bool


def build_report(records: Sequence[Record], **facts: Any) -> dict[str, Any]:
    """All figures as plain values.

    Args:
        records: What was measured.
        **facts: What else to note: models, counts, speed.

    Returns:
        `summary` (all tasks), `four_tasks`, `by_task`, `by_tag`, `targets`, and the facts. An
        estimate is `[value, low, high, texts]`.
    """
    records = sorted(records, key=lambda record: record.group)
    tasks = sorted({record.task for record in records})
    tags = sorted({tag for record in records for tag in record.tags})
    return {
        **facts,
        "summary": as_json(summarise(records)),
        "four_tasks": as_json(summarise(r for r in records if r.task in UNSEEN_TASKS)),
        "by_task": {
            task: as_json(summarise(r for r in records if r.task == task)) for task in tasks
        },
        "by_tag": {tag: as_json(summarise(r for r in records if tag in r.tags)) for tag in tags},
        "targets": [
            {
                "what": target.what,
                "wanted": target.wanted,
                "found": _plain(target.found),
                "met": target.met,
            }
            for target in find_targets(records)
        ],
    }


def find_targets(records: Sequence[Record]) -> list[Target]:
    """The figures that the house models are made for."""
    four = [record for record in records if record.task in UNSEEN_TASKS]
    targets = [_share(records, group, measure, wanted) for group, measure, wanted in _SHARES]
    for view in ("context", "placeholder text"):
        small, large = (_pairs(records, f"{w}, {view}", "nll") for w in ("small", "large"))
        lower = estimate_gain(small, large)
        met = bool(lower and lower.value >= _LOWER)
        targets.append(Target(f"NLL, large below small, {view}", ">= 10 %", lower, met))
    targets += _coverage_targets(four)
    for group in (_MASKED, _RAW):
        for name, some, least in (("all tasks", records, 0.0), ("four tasks", four, _LOWER)):
            gain = estimate_gain(_pairs(some, group, "alone"), _pairs(some, group, "fused"))
            met = bool(gain and gain.value >= least and gain.low > 0)
            wanted = f">= {least:.0%}" if least else "> 0"
            targets.append(Target(f"fall of NLL, {group}, {name}", wanted, gain, met))
    return targets


_LOWER = 0.1
_COVERAGE_GAIN = 0.2
_SHARES: tuple[tuple[str, str, float], ...] = (
    ("small, context + outline", "facts", 0.9),
    (_SKETCHED, "facts", 0.9),
    (_SKETCHED, "sender", 0.97),
    (_SKETCHED, "recipient", 0.97),
    ("small, instruction alone", "facts", -0.05),
    ("large, instruction alone", "facts", -0.05),
    ("large, placeholder text", "placeholders", 0.98),
    ("large, placeholder sketch", "placeholders", 0.98),
    ("free English, small, context", "all three", 0.6),
)
"""Group, measure and share to reach; a negative one is not to be passed."""


def _share(records: Sequence[Record], group: str, measure: str, wanted: float) -> Target:
    found = estimate(_pairs(records, group, measure))
    met = bool(found and (found.value >= wanted if wanted > 0 else found.value <= -wanted))
    sign = ">=" if wanted > 0 else "<="
    return Target(f"{measure}, {group}", f"{sign} {abs(wanted):.0%}", found, met)


def _coverage_targets(four: Sequence[Record]) -> list[Target]:
    alone = estimate(_pairs(four, "small, context", "coverage"))
    sketched = estimate(_pairs(four, _SKETCHED, "coverage"))
    met = bool(alone and sketched and sketched.value - alone.value >= _COVERAGE_GAIN)
    return [
        Target("plan coverage, small, context, four tasks", "", alone, True),
        Target(f"plan coverage, {_SKETCHED}, four tasks", "20 points more", sketched, met),
    ]


def _pairs(records: Iterable[Record], group: str, measure: str) -> list[tuple[float, float]]:
    return [r.measures[measure] for r in records if r.group == group and measure in r.measures]


def _plain(found: Estimate | None) -> list[float] | None:
    return [found.value, found.low, found.high, found.count] if found else None


def format_report(report: dict[str, Any], *, by_task: bool = False) -> str:
    """The report as text: a table of all groups, the targets, and by task if asked for."""
    parts = [_table(report["summary"])]
    if by_task:
        parts += [f"{task}\n{_table(groups)}" for task, groups in report["by_task"].items()]
    else:
        parts.append(f"The four tasks new to the small model\n{_table(report['four_tasks'])}")
    parts.append("Targets\n" + "\n".join(map(_target_line, report["targets"])))
    return "\n\n".join(parts)


def _target_line(target: dict[str, Any]) -> str:
    found = target["found"]
    value = "not measured"
    if found:
        value = f"{found[0]:.1%} [{found[1]:.1%}, {found[2]:.1%}], {found[3]} texts"
    mark = "" if not target["wanted"] else ("  met" if target["met"] else "  MISSED")
    return f"  {target['what']}: {value}  ({target['wanted'] or 'for comparison'}){mark}"


def _table(groups: dict[str, dict[str, list[float]]]) -> str:
    names = list(dict.fromkeys(name for measures in groups.values() for name in measures))
    lines: list[str] = []
    for group, measures in groups.items():
        cells = [f"{name} {_cell(name, measures[name])}" for name in names if name in measures]
        count = max(int(cell[3]) for cell in measures.values()) if measures else 0
        lines.append(f"{group} ({count} texts)\n    " + "\n    ".join(cells))
    return "\n".join(lines)


def _cell(name: str, found: list[float]) -> str:
    value, low, high, _ = found
    if name in ("nll", "alone", "fused", "seconds a text"):
        return f"{value:.3f} [{low:.3f}, {high:.3f}]"
    if name == "tokens":
        return f"{value:.0f}"
    return f"{value:.1%} [{low:.1%}, {high:.1%}]"
