"""The protocol of a fusion, and its laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.models.logprobs import Distribution, Logprobs


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fused:
    """One distribution out of several.

    Attributes:
        values: Natural-log probabilities, `(n_vocab,)`.
        weights: Share of each model in this step, in the order of the rows; they sum to 1 for the
            fusions that mix, and are the exponents of those that multiply.
    """

    values: NDArray[np.float32]
    weights: tuple[float, ...]


@runtime_checkable
class Fusion(Protocol):
    """Makes one next-token distribution out of those of several models.

    The first row is always the local model's and dense: the tails of the others are shared out in
    proportion to it.
    """

    @property
    def name(self) -> str:
        """Its name in records and messages."""

    def fuse(self, rows: Sequence[Distribution], *, position: int = 0) -> Fused:
        """Fuses the rows of one step.

        Args:
            rows: One distribution per model; the first is dense.
            position: Number of the token in the answer, from 0.
        """


def check_fusion(fusion: Fusion, rows: Sequence[Distribution]) -> None:
    """Contract check: what any fusion must do with any rows.

    Args:
        fusion: The fusion.
        rows: One distribution per model; the first is dense.

    Raises:
        AssertionError: The result is no distribution over the vocabulary, depends on more than its
            input, changes its input, or gives mass where no model has any.
    """
    base = rows[0]
    assert isinstance(base, Logprobs), "the first row must be dense"
    before = base.values.copy()
    fused, again = fusion.fuse(rows), fusion.fuse(rows)
    assert fused.values.shape == before.shape, "the result must cover the vocabulary"
    assert not np.isnan(fused.values).any(), "the result must not hold NaN"
    mass = float(np.exp(fused.values.astype(np.float64)).sum())
    assert abs(mass - 1) < 1e-3, f"the result must sum to 1, and sums to {mass}"
    assert np.array_equal(fused.values, again.values), "the same rows must fuse alike"
    assert np.array_equal(base.values, before), "the rows must be left alone"
    assert len(fused.weights) == len(rows), "there must be a weight for each model"
    dense = [row if isinstance(row, Logprobs) else row.spread(base) for row in rows]
    nowhere = np.all([np.isneginf(row.values) for row in dense], axis=0)
    assert np.isneginf(fused.values[nowhere]).all(), "mass where no model has any"
