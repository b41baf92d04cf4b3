"""Sampling with noise that is keyed by the position, not drawn from a stream.

The token with the largest `log p / temperature + g` is drawn from `p` where `g` is Gumbel noise
(Gumbel 1954; Maddison et al. 2014). Here `g` is a function of seed, position and token id, so a
position draws the same token whether it was reached alone or inside a block, in any order.
"""

from __future__ import annotations

import math
import secrets

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.models.sampling import SamplingParams, adjust_logits, kept_ids

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STRIDES = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
_TO_UNIT = 2.0**-53
# Large arrays are slow to come by: a chunk stays in the cache.
_CHUNK = 16384
_HEAD = 6.0
_SLACK = 1e-9


def gumbel(seed: int, position: int, ids: NDArray[np.intp]) -> NDArray[np.float64]:
    """Standard Gumbel noise for tokens at a position.

    Args:
        seed: Any whole number.
        position: Number of the token in the answer.
        ids: Token ids, `(k,)`.

    Returns:
        `(k,)` noise; the same for the same arguments, on every machine.
    """
    return _noise(_bits(seed, position, ids))


def draw(scores: NDArray[np.float64], seed: int, position: int, ids: NDArray[np.intp]) -> int:
    """Place of the largest sum of a score and its token's noise.

    The same as `(scores + gumbel(seed, position, ids)).argmax()`, up to which of two equal sums;
    only tokens that can win have their logarithms taken.

    Args:
        scores: `(k,)` natural-log probabilities over the temperature.
        seed: Any whole number.
        position: Number of the token in the answer.
        ids: Token ids, `(k,)`.
    """
    if len(ids) <= _CHUNK:
        return int((scores + _noise(_bits(seed, position, ids))).argmax())
    floor = scores.max() - _HEAD
    head = np.flatnonzero(scores >= floor)
    best = (scores[head] + _noise(_bits(seed, position, ids[head]))).max()
    # Below the floor, only noise above `best - floor` wins: u > exp(-exp(floor - best)).
    least = -math.expm1(-math.exp(min(floor - best, 50.0))) + _SLACK
    bound = np.uint64(max(0.0, 1.0 - least) * 2.0**53)
    lucky = [
        first + np.flatnonzero(_bits(seed, position, ids[first : first + _CHUNK]) >= bound)
        for first in range(0, len(ids), _CHUNK)
    ]
    places = np.concatenate([head, *lucky])
    sums = scores[places] + _noise(_bits(seed, position, ids[places]))
    return int(places[sums.argmax()])


def _bits(seed: int, position: int, ids: NDArray[np.intp]) -> NDArray[np.uint64]:
    """53 random bits for each token."""
    mask = (1 << 64) - 1
    start = np.uint64((seed * int(_STRIDES[0]) + (position + 1) * int(_STRIDES[1])) & mask)
    with np.errstate(over="ignore"):
        x = ids.astype(np.uint64)
        x *= _STRIDES[0]
        x += _mixed(np.array([start]))
        x = _mixed(x)
    x >>= np.uint64(11)
    return x


def _noise(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    # Never 0 and never 1, whose logarithms have no end.
    unit = (bits.astype(np.float64) + 0.5) * _TO_UNIT
    return np.asarray(-np.log(-np.log(unit)))


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014), in place."""
    spare = x >> np.uint64(30)
    x ^= spare
    x *= _MIX[0]
    np.right_shift(x, np.uint64(27), out=spare)
    x ^= spare
    x *= _MIX[1]
    np.right_shift(x, np.uint64(31), out=spare)
    x ^= spare
    return x


class KeyedSampler:
    """Picks the token of a position from a distribution.

    Args:
        params: How to sample. Without a seed a fresh one is drawn, once.
    """

    def __init__(self, params: SamplingParams) -> None:
        self.params = params
        self._seed = secrets.randbits(63) if params.seed is None else params.seed
        self._picked: dict[int, int] = {}

    def pick(self, logprobs: NDArray[np.float32], position: int) -> int:
        """Picks a token.

        Args:
            logprobs: `(n_vocab,)` natural-log probabilities; left unchanged.
            position: Number of the token in the answer, from 0.

        Returns:
            A token id.
        """
        logprobs = adjust_logits(logprobs, self.params, self._picked.keys())
        if self.params.temperature == 0:
            return int(logprobs.argmax())
        kept = kept_ids(logprobs, self.params)
        scores = logprobs[kept].astype(np.float64) / self.params.temperature
        return int(kept[draw(scores, self._seed, position, kept)])

    def note(self, token: int) -> None:
        """Notes that a token is part of the answer, for the repetition penalty."""
        self._picked[token] = self._picked.get(token, 0) + 1
