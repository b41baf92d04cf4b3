"""Fusions without anything learned: linear, log-linear, maximum, proxy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.base import Fused
from langchain_cogenesis.models.logprobs import Distribution, Logprobs, TopLogprobs, rest_of

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LinearFusion:
    """A weighted mean of probabilities, `p = Σ w_i p_i` (the paper's; Zhang et al. 2024, eq. 4).

    Attributes:
        weights: Share of each model, the local one first; made to sum to 1.
    """

    weights: tuple[float, ...] = (0.5, 0.5)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", normalised(self.weights))

    @property
    def name(self) -> str:
        """`linear`."""
        return "linear"

    def fuse(self, rows: Sequence[Distribution], *, position: int = 0) -> Fused:
        """Mixes the rows; see `Fusion.fuse`."""
        local = _local(rows, self.weights)
        if len(rows) == 2 and isinstance(rows[1], TopLogprobs):
            mixed = _mix_sparse(local.values, rows[1], self.weights)
            if mixed is not None:
                return Fused(mixed, self.weights)
        total = _scaled(local.values, self.weights[0])
        for row, weight in zip(rows[1:], self.weights[1:], strict=True):
            total = np.logaddexp(total, _scaled(_dense(row, local), weight))
        return Fused(total, self.weights)


@dataclass(frozen=True, slots=True)
class LogLinearFusion:
    """A weighted geometric mean, `log p = Σ w_i log p_i - log Z`: all must agree.

    Attributes:
        weights: Exponent of each model, the local one first; made to sum to 1.
    """

    weights: tuple[float, ...] = (0.5, 0.5)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", normalised(self.weights))

    @property
    def name(self) -> str:
        """`log-linear`."""
        return "log-linear"

    def fuse(self, rows: Sequence[Distribution], *, position: int = 0) -> Fused:
        """Multiplies the rows; see `Fusion.fuse`."""
        local = _local(rows, self.weights)
        total = _powered(local.values, self.weights[0])
        for row, weight in zip(rows[1:], self.weights[1:], strict=True):
            total = total + _powered(_dense(row, local), weight)
        return Fused(_renormalised(total, local.values), self.weights)


@dataclass(frozen=True, slots=True)
class MaxFusion:
    """The largest probability that any model gives, made to sum to 1.

    Attributes:
        models: Number of models.
    """

    models: int = 2

    @property
    def name(self) -> str:
        """`max`."""
        return "max"

    def fuse(self, rows: Sequence[Distribution], *, position: int = 0) -> Fused:
        """Takes the maximum of the rows; see `Fusion.fuse`."""
        even = (1.0 / self.models,) * self.models
        local = _local(rows, even)
        total = local.values
        for row in rows[1:]:
            total = np.maximum(total, _dense(row, local))
        return Fused(_renormalised(total, local.values), even)


@dataclass(frozen=True, slots=True)
class ProxyFusion:
    """What the context changes in the small model, carried over to the large one.

    `log p = log p_large + λ (log p_small(with context) - log p_small(without)) - log Z`: proxy
    tuning (Liu et al. 2024, arXiv 2401.08565, eq. 1) with context in the place of tuning. The rows
    are, in this order: small with context, small without, large.

    Attributes:
        strength: λ; 0 is the large model alone.
    """

    strength: float = 1.0

    @property
    def name(self) -> str:
        """`proxy`."""
        return "proxy"

    def fuse(self, rows: Sequence[Distribution], *, position: int = 0) -> Fused:
        """Combines the three rows; see `Fusion.fuse`."""
        weights = (self.strength, -self.strength, 1.0)
        local = _local(rows, weights)
        bare, large = _dense(rows[1], local), _dense(rows[2], local)
        with np.errstate(invalid="ignore"):
            change = _powered(local.values, self.strength) - _powered(bare, self.strength)
        # Neither version of the small model knows the token: the context changes nothing there.
        total = large + np.where(np.isnan(change), np.float32(0), change)
        return Fused(_renormalised(total, local.values), weights)


def normalised(weights: Sequence[float]) -> tuple[float, ...]:
    """Makes weights sum to 1.

    Raises:
        ConfigurationError: One is negative or no number, or all are 0.
    """
    total = math.fsum(weights)
    if not weights or not math.isfinite(total) or total <= 0 or min(weights) < 0:
        raise ConfigurationError(
            f"the fusion weights can't be {tuple(weights)}.",
            hint="Give a number of 0 or more for each model, one of them above 0.",
        )
    return tuple(weight / total for weight in weights)


def _local(rows: Sequence[Distribution], weights: Sequence[float]) -> Logprobs:
    if len(rows) != len(weights) or not isinstance(rows[0], Logprobs):
        raise ConfigurationError(
            f"the fusion is for {len(weights)} models, and got {len(rows)} distributions.",
            hint="Give a weight for each model; the local one is the first and dense.",
        )
    return rows[0]


def _dense(row: Distribution, local: Logprobs) -> Values:
    return row.values if isinstance(row, Logprobs) else row.spread(local).values


def _mix_sparse(local: Values, other: TopLogprobs, weights: Sequence[float]) -> Values | None:
    """The linear mixture: outside of the listed ids it is the local row, scaled."""
    own, ids = local[other.ids], other.ids
    rest = rest_of(local, ids)
    if rest <= 0:
        return None
    scale = weights[0] + weights[1] * other.tail / rest
    mixed = local + np.float32(_log(scale))
    mixed[ids] = np.logaddexp(_scaled(own, weights[0]), _scaled(other.logprobs, weights[1]))
    return mixed


def _scaled(values: Values, weight: float) -> Values:
    return values + np.float32(_log(weight))


def _powered(values: Values, exponent: float) -> Values:
    # 0 times minus infinity is no number; a model without weight has no say.
    return values * np.float32(exponent) if exponent else np.zeros_like(values)


def _renormalised(values: Values, fallback: Values) -> Values:
    peak = float(values.max())
    if not math.isfinite(peak):
        # No token is possible under all models: the local model decides.
        return fallback.copy()
    total = float(np.exp(values - np.float32(peak)).sum(dtype=np.float64))
    return values - np.float32(peak + math.log(total))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
