"""What is read from a row of logits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GeneratedToken:
    """One generated token.

    Attributes:
        id: Its id.
        text: Its bytes, maybe not whole characters; none for a control token.
        logprob: Its natural-log probability under the model, before temperature and filters.
        top: The most probable tokens at this position, `(id, logprob)`, best first.
    """

    id: int
    text: bytes
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


def top_ids(row: NDArray[np.float32], k: int) -> list[int]:
    """Ids of the `k` largest entries of `(n_vocab,)`, largest first; equals by id."""
    k = min(k, len(row))
    if k < 1:
        return []
    found = np.flatnonzero(row >= np.partition(row, -k)[-k])
    return [int(token) for token in found[np.argsort(-row[found], kind="stable")][:k]]


def log_sum_exp(row: NDArray[np.float32]) -> float:
    """Natural log of the sum of exponentials of `(n_vocab,)` logits.

    Subtracted from the logits it gives log-probabilities.
    """
    peak = float(row.max())
    return peak + math.log(float(np.exp(row - np.float32(peak)).sum(dtype=np.float64)))
