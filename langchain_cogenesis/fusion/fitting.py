"""Fits a learned fusion on recordings: a few hundred weights, in NumPy, in seconds.

What is minimised is the negative log-likelihood of the references under the mixture with both
models frozen, as in the paper (Zhang et al. 2024, arXiv 2403.03129, section 3.3):
`-log((1 - w) a + w b)` for a token that the local model gives probability `a`, the helper `b`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.features import FEATURE_NAMES, Floats
from langchain_cogenesis.fusion.learned import MAX_WEIGHTS, LearnedFusion, WeightNetwork
from langchain_cogenesis.fusion.optimiser import (
    Adam,
    best_fixed_weight,
    loss_and_gradient,
    nats_by_example,
)
from langchain_cogenesis.fusion.recording_files import Recording

MIN_EXAMPLES = 5
"""Below this there is nothing to hold out."""

_BATCH = 256
_RATE = 3e-3
_PATIENCE = 8
_RESAMPLES = 1000
_LEARNED = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over tokens with its 95 % interval, by a percentile bootstrap over examples.

    Attributes:
        value: Nats a token.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EpochProgress:
    """How far fitting is.

    Attributes:
        epoch: Epochs so far, from 0 (before the first).
        epochs: Epochs at most.
        nll: Nats a token on the examples that decide when to stop.
    """

    epoch: int
    epochs: int
    nll: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FitResult:
    """A fitted fusion, and what it is worth on examples that no choice was made on.

    Attributes:
        fusion: The fusion.
        epochs: After how many epochs it was best.
        fixed_weight: The helper's best fixed share, chosen on the training examples.
        nll: Nats a held-out token: `local`, `helper`, `fixed`, `learned`.
        gain: By how many nats a token `learned` is better than `fixed`, paired by example.
        sums: Nats of each held-out example, `(examples, 4)`, in the order of `nll`.
        tokens: Tokens of each held-out example, `(examples,)`.
        examples: Number of examples trained on, stopped by, held out.
    """

    fusion: LearnedFusion
    epochs: int
    fixed_weight: float
    nll: dict[str, Interval]
    gain: Interval
    sums: Floats
    tokens: Floats
    examples: tuple[int, int, int]

    def __repr__(self) -> str:
        return f"FitResult({self.fusion!r}, examples={self.examples})"


@dataclass(frozen=True, slots=True)
class Split:
    """Examples by what they are for; no example is in two of them.

    Attributes:
        train: What the weights are fitted to.
        stop: What decides when to stop.
        held_out: What the result is measured on.
    """

    train: tuple[Recording, ...]
    stop: tuple[Recording, ...]
    held_out: tuple[Recording, ...]


def split_examples(recordings: Sequence[Recording], seed: int) -> Split:
    """Splits recordings by example: 70 %, 15 %, 15 %, the latter two at least one each.

    Args:
        recordings: All of them, of one vocabulary.
        seed: Which split.

    Raises:
        ConfigurationError: There are fewer than `MIN_EXAMPLES`, or of several vocabularies.
    """
    if len(recordings) < MIN_EXAMPLES:
        raise ConfigurationError(
            f"there are {len(recordings)} recordings, too few to fit on.",
            hint=f"Record {MIN_EXAMPLES} examples at least; a few hundred are better.",
        )
    if len({one.vocabulary_digest for one in recordings}) > 1:
        raise ConfigurationError(
            "the recordings are of models with different vocabularies.",
            hint="Fit on the recordings of one pair of models.",
        )
    order = np.random.default_rng(seed).permutation(len(recordings))
    part = max(1, round(0.15 * len(recordings)))
    shuffled = [recordings[at] for at in order]
    return Split(
        tuple(shuffled[2 * part :]), tuple(shuffled[:part]), tuple(shuffled[part : 2 * part])
    )


def fit(
    recordings: Sequence[Recording],
    *,
    seed: int = 0,
    epochs: int = 300,
    hidden: int = 16,
    l2: float = 1e-4,
) -> FitResult:
    """Fits a learned fusion; see `fitting`, which also tells how far it is."""
    steps = fitting(recordings, seed=seed, epochs=epochs, hidden=hidden, l2=l2)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: FitResult = stop.value
            return result


def fitting(
    recordings: Sequence[Recording],
    *,
    seed: int = 0,
    epochs: int = 300,
    hidden: int = 16,
    l2: float = 1e-4,
) -> Generator[EpochProgress, None, FitResult]:
    """Fits a learned fusion; the same arguments give the same one on the same machine.

    It begins near the best fixed weight and ends as its best epoch, judged by examples that were
    not trained on. A third part of the examples, on which nothing was chosen, gives the figures of
    the result.

    Args:
        recordings: Of one pair of models, `MIN_EXAMPLES` or more.
        seed: Of split, initial weights and batches.
        epochs: At most.
        hidden: Hidden units.
        l2: Weight decay: this times the squares of the connection weights is added to the loss.

    Yields:
        How far it is, before the first epoch and after each.

    Returns:
        The fusion and its figures.

    Raises:
        ConfigurationError: There are too few examples, or too many hidden units.
    """
    split = split_examples(recordings, seed)
    random = np.random.default_rng((seed, 1))
    features, local, helper = _joined(split.train)
    fixed = best_fixed_weight(local, helper)
    best = _initial(features, fixed, hidden, random)
    weights = {name: value.copy() for name, value in best.arrays().items() if name in _LEARNED}
    optimiser = Adam(weights, _RATE)
    kept_nll, kept_epoch = _nll(best, split.stop), 0
    yield EpochProgress(0, epochs, kept_nll)
    for epoch in range(1, epochs + 1):
        order = random.permutation(len(local))
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            network = _with(best, weights)
            _, slopes = loss_and_gradient(network, features[batch], local[batch], helper[batch], l2)
            optimiser.step(slopes)
        network = _with(best, {name: value.copy() for name, value in weights.items()})
        nll = _nll(network, split.stop)
        if nll < kept_nll:
            best, kept_nll, kept_epoch = network, nll, epoch
        yield EpochProgress(epoch, epochs, nll)
        if epoch - kept_epoch >= _PATIENCE:
            break
    return _result(split, best, kept_epoch, fixed)


def interval(nats: Floats, tokens: Floats) -> Interval:
    """Nats a token with a bootstrap interval.

    Args:
        nats: Of each example, `(examples,)`.
        tokens: Of each example, `(examples,)`.
    """
    drawn = np.random.default_rng(0).integers(0, len(nats), (_RESAMPLES, len(nats)))
    low, high = np.percentile(nats[drawn].sum(axis=1) / tokens[drawn].sum(axis=1), (2.5, 97.5))
    return Interval(float(nats.sum() / tokens.sum()), float(low), float(high))


def _joined(recordings: Sequence[Recording]) -> tuple[Floats, Floats, Floats]:
    return (
        np.concatenate([one.features for one in recordings]),
        np.concatenate([one.local for one in recordings]),
        np.concatenate([one.helper for one in recordings]),
    )


def _initial(
    features: Floats, fixed: float, hidden: int, random: np.random.Generator
) -> WeightNetwork:
    count = len(FEATURE_NAMES) * hidden + 2 * hidden + 1
    if hidden < 1 or count > MAX_WEIGHTS:
        raise ConfigurationError(
            f"hidden={hidden} makes {count} weights.",
            hint=f"It must be 1 or more, and {MAX_WEIGHTS} weights at most.",
        )
    scale = features.std(axis=0)
    share = min(max(fixed, 0.02), 0.98)
    return WeightNetwork(
        mean=features.mean(axis=0),
        # A feature that never changes says nothing, and must not become a division by zero.
        scale=np.where(scale > 1e-6, scale, 1.0),
        w1=random.normal(size=(features.shape[1], hidden)) / np.sqrt(features.shape[1]),
        b1=np.zeros(hidden),
        w2=np.zeros(hidden),
        b2=np.array([np.log(share / (1 - share))]),
    )


def _with(network: WeightNetwork, weights: dict[str, Floats]) -> WeightNetwork:
    return WeightNetwork(network.mean, network.scale, **weights)


def _nll(network: WeightNetwork, recordings: Sequence[Recording]) -> float:
    nats = nats_by_example(recordings, [network.weight(one.features) for one in recordings])
    return float(nats.sum() / sum(len(one.local) for one in recordings))


def _result(split: Split, network: WeightNetwork, epoch: int, fixed: float) -> FitResult:
    held_out = split.held_out
    tokens = np.array([len(one.local) for one in held_out], dtype=np.float64)
    shares: dict[str, list[Floats | float]] = {
        "local": [0.0] * len(held_out),
        "helper": [1.0] * len(held_out),
        "fixed": [fixed] * len(held_out),
        "learned": [network.weight(one.features) for one in held_out],
    }
    sums = {name: nats_by_example(held_out, weights) for name, weights in shares.items()}
    return FitResult(
        fusion=LearnedFusion(network, vocabulary_digest=held_out[0].vocabulary_digest),
        epochs=epoch,
        fixed_weight=fixed,
        nll={name: interval(nats, tokens) for name, nats in sums.items()},
        gain=interval(sums["fixed"] - sums["learned"], tokens),
        sums=np.stack(list(sums.values()), axis=1),
        tokens=tokens,
        examples=(len(split.train), len(split.stop), len(held_out)),
    )
