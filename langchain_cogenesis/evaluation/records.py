"""Measures of single texts, and their totals with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """What was measured on one text.

    Attributes:
        group: What the text was written by and from: `small, context`.
        task: Its task.
        tags: What of it was held out.
        measures: Numerator and denominator by measure: hits and tries, or nats and tokens. What was
            not tried has no entry.
    """

    group: str
    task: str
    tags: tuple[str, ...] = ()
    measures: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio of sums with its 95 % interval.

    Attributes:
        value: Sum of numerators by sum of denominators.
        low: Lower end of the interval.
        high: Upper end.
        count: Number of texts on which it was tried.
    """

    value: float
    low: float
    high: float
    count: int


def estimate(pairs: Iterable[tuple[float, float]], seed: int = 0) -> Estimate | None:
    """Estimates a ratio of sums, with a percentile bootstrap over texts.

    Args:
        pairs: Numerator and denominator of each text.
        seed: Of the resampling.

    Returns:
        The estimate, or None where nothing was tried.
    """
    import numpy as np

    table = np.array([pair for pair in pairs if pair[1]], dtype=float).reshape(-1, 2)
    if not len(table):
        return None
    drawn = np.random.default_rng(seed).integers(0, len(table), (RESAMPLES, len(table)))
    sums = table[drawn].sum(axis=1)
    low, high = _ends(sums[:, 0] / sums[:, 1])
    total = table.sum(axis=0)
    return Estimate(float(total[0] / total[1]), low, high, len(table))


def estimate_share(pairs: Iterable[tuple[float, float]], seed: int = 0) -> Estimate | None:
    """Estimates a share as `estimate` does; where none or all are hit, by Wilson's interval.

    A bootstrap of nothing but zeros would say that there can't be a one.

    Args:
        pairs: Hits and tries of each text.
        seed: Of the resampling.

    Returns:
        The estimate, or None where nothing was tried.
    """
    found = estimate(pairs, seed)
    if found is None or 0 < found.value < 1:
        return found
    # With z² of a 95 % interval; texts count once each, however many tries they hold.
    beyond = 3.841459 / (found.count + 3.841459)
    if found.value:
        return Estimate(1.0, 1 - beyond, 1.0, found.count)
    return Estimate(0.0, 0.0, beyond, found.count)


def estimate_gain(
    before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float]], seed: int = 0
) -> Estimate | None:
    """Estimates by which share a ratio fell, paired by text: `1 - after / before`.

    Args:
        before: Numerator and denominator of each text.
        after: The same texts in the same order.
        seed: Of the resampling.
    """
    import numpy as np

    if not before or len(before) != len(after):
        return None
    table = np.array([(*b, *a) for b, a in zip(before, after, strict=True)], dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(table), (RESAMPLES, len(table)))
    low, high = _ends(_share_lost(table[drawn].sum(axis=1)))
    value = float(_share_lost(table.sum(axis=0, keepdims=True))[0])
    return Estimate(value, low, high, len(table))


def estimate_difference(
    before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float]], seed: int = 0
) -> Estimate | None:
    """Estimates by how much a ratio rose, paired by text: `after - before`.

    Args:
        before: Numerator and denominator of each text.
        after: The same texts in the same order.
        seed: Of the resampling.

    Raises:
        ValueError: They aren't as many.
    """
    return _paired([before, after], lambda ratios: ratios[1] - ratios[0], seed)


def estimate_ratio(
    before: Sequence[tuple[float, float]],
    after: Sequence[tuple[float, float]],
    seed: int = 0,
    *,
    nats: bool = False,
) -> Estimate | None:
    """Estimates how much of a ratio is left, paired by text: `after / before`.

    Args:
        before: Numerator and denominator of each text.
        after: The same texts in the same order.
        seed: Of the resampling.
        nats: Whether they are nats a token: then it is the (geometric) mean probability of a token
            that is compared, `exp(before - after)`.

    Returns:
        The share, 1 is all of it; None where there was nothing before.

    Raises:
        ValueError: They aren't as many.
    """
    import numpy as np

    if not nats and not any(hits for hits, tries in before if tries):
        return None

    def left(ratios: np.ndarray) -> np.ndarray:
        shares: np.ndarray = np.exp(ratios[0] - ratios[1]) if nats else ratios[1] / ratios[0]
        return shares

    return _paired([before, after], left, seed)


def estimate_closed(
    low: Sequence[tuple[float, float]],
    high: Sequence[tuple[float, float]],
    reached: Sequence[tuple[float, float]],
    seed: int = 0,
) -> Estimate | None:
    """Estimates which share of a gap is closed, paired by text: `(reached - low) / (high - low)`.

    Args:
        low: Numerator and denominator of each text on the near side of the gap.
        high: The same texts on its far side.
        reached: The same texts where it may be closed.
        seed: Of the resampling.

    Returns:
        The share, 1 is closed; None where the interval of `high - low` holds 0, so that there is no
        gap to close.

    Raises:
        ValueError: They aren't as many.
    """
    gap = estimate_difference(low, high, seed)
    if gap is None or gap.low <= 0 <= gap.high:
        return None

    def closed(ratios: np.ndarray) -> np.ndarray:
        shares: np.ndarray = (ratios[2] - ratios[0]) / (ratios[1] - ratios[0])
        return shares

    return _paired([low, high, reached], closed, seed)


def _paired(
    columns: Sequence[Sequence[tuple[float, float]]],
    compare: Callable[[np.ndarray], np.ndarray],
    seed: int,
) -> Estimate | None:
    """A comparison of ratios of sums, with a percentile bootstrap over texts."""
    import numpy as np

    if len({len(column) for column in columns}) != 1:
        raise ValueError("paired columns have different lengths")
    table = np.array(columns, dtype=float).reshape(len(columns), -1, 2)
    table = table[:, (table[:, :, 1] != 0).all(axis=0)]
    count = table.shape[1]
    if not count:
        return None
    drawn = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    sums = table[:, drawn].sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = compare(sums[:, :, 0] / sums[:, :, 1])
        total = table.sum(axis=1)
        value = float(compare((total[:, 0] / total[:, 1])[:, None])[0])
    return Estimate(value, *_ends(values[np.isfinite(values)]), count)


def _share_lost(sums: np.ndarray) -> np.ndarray:
    lost: np.ndarray = 1 - (sums[:, 2] / sums[:, 3]) / (sums[:, 0] / sums[:, 1])
    return lost


def _ends(values: np.ndarray) -> tuple[float, float]:
    import numpy as np

    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def summarise(records: Iterable[Record]) -> dict[str, dict[str, Estimate]]:
    """Estimates of every measure, by group; both in the order of their first record."""
    pairs: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for record in records:
        group = pairs.setdefault(record.group, {})
        for measure, pair in record.measures.items():
            group.setdefault(measure, []).append(pair)
    found: dict[str, dict[str, Estimate]] = {}
    for name, measures in pairs.items():
        estimates = {measure: estimate(values) for measure, values in measures.items()}
        found[name] = {measure: made for measure, made in estimates.items() if made is not None}
    return found


def as_json(summary: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    """The summary as plain values: `{group: {measure: [value, low, high, count]}}`."""
    return {
        group: {
            measure: [round(e.value, 4), round(e.low, 4), round(e.high, 4), e.count]
            for measure, e in measures.items()
        }
        for group, measures in summary.items()
    }
