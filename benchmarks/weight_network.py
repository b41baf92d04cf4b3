"""The paper's weight network, to compare the learned fusion with.

`w = sigmoid(MLP([z_S; z_L]))` with layers 2V-512-16-1 over the logits of both models, each cut to
its ten largest; both models frozen, cross-entropy on the reference token, teacher forced (Zhang et
al. 2024, arXiv 2403.03129, section 3.3). `w` is the small model's share.

Where the paper leaves it open: hidden layers are rectified; an endpoint gives log-probabilities,
which are logits less a constant of the row, so that inputs are counted from the tenth, and 1 more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.fitting import Interval, Split, interval, split_examples
from langchain_cogenesis.fusion.recordings import Recording

HIDDEN = (512, 16)
TOP = 10
_RATE = 1e-3
_BATCH = 64
_FLOOR = 1e-30

Array = NDArray[np.float32]


@dataclass(frozen=True)
class PaperFit:
    """What the paper's network came to.

    Attributes:
        weights: Learned numbers.
        epochs: After how many epochs it was best.
        nll: Nats a token of the held-out examples, the same as `fitting.fit` holds out by the seed.
        sums: Nats of each held-out example, `(examples,)`.
        tokens: Tokens of each, `(examples,)`.
    """

    weights: int
    epochs: int
    nll: Interval
    sums: NDArray[np.float64]
    tokens: NDArray[np.float64]


@dataclass(frozen=True)
class _Steps:
    """Sparse inputs, `(steps, 20)` columns and values, and both probabilities, `(steps,)`."""

    columns: NDArray[np.int64]
    values: Array
    local: NDArray[np.float64]
    helper: NDArray[np.float64]


def weight_count(n_vocab: int) -> int:
    """Learned numbers of the network over a vocabulary."""
    first, second = HIDDEN
    return (2 * n_vocab + 1) * first + (first + 1) * second + second + 1


def fit_paper_network(
    recordings: Sequence[Recording], *, seed: int = 0, epochs: int = 30, patience: int = 4
) -> PaperFit:
    """Fits the network with the split of `fitting.fit`.

    Args:
        recordings: Recorded with `keep_top=10`.
        seed: Of split, initial weights and batches.
        epochs: At most.
        patience: Epochs without a better one after which it stops.

    Raises:
        ConfigurationError: Recordings lack the most probable tokens, or are too few.
    """
    if any(one.tops is None for one in recordings):
        raise ConfigurationError(
            "the recordings lack the most probable tokens.", hint="Record with keep_top=10."
        )
    split: Split = split_examples(recordings, seed)
    random = np.random.default_rng((seed, 2))
    train, stop = _joined(split.train), _joined(split.stop)
    network = PaperNetwork(recordings[0].n_vocab, random)
    best, best_nll, best_epoch = network.copied(), _nats(network, stop).mean(), 0
    for epoch in range(1, epochs + 1):
        order = random.permutation(len(train.local))
        for first in range(0, len(order), _BATCH):
            network.learn(_picked(train, order[first : first + _BATCH]))
        nll = _nats(network, stop).mean()
        if nll < best_nll:
            best, best_nll, best_epoch = network.copied(), nll, epoch
        if epoch - best_epoch >= patience:
            break
    network.restore(best)
    sums = np.array([_nats(network, _joined([one])).sum() for one in split.held_out])
    tokens = np.array([len(one.local) for one in split.held_out], dtype=np.float64)
    count = weight_count(recordings[0].n_vocab)
    return PaperFit(count, best_epoch, interval(sums, tokens), sums, tokens)


class PaperNetwork:
    """The network and its optimiser: Adam, whose first layer touches only the columns at hand.

    Args:
        n_vocab: Size of the vocabulary.
        random: For the initial weights.
    """

    def __init__(self, n_vocab: int, random: np.random.Generator) -> None:
        first, second = HIDDEN
        shapes = {
            "w1": (2 * n_vocab, first), "b1": (first,),
            "w2": (first, second), "b2": (second,), "w3": (second,), "b3": (1,),
        }  # fmt: skip
        # By the inputs that are active at a time, not by all that there are.
        fans = {"w1": 2 * TOP, "w2": first, "w3": second}
        self.weights = {
            name: _normal(random, shape, fans[name]) if name in fans else np.zeros(shape, "f4")
            for name, shape in shapes.items()
        }
        self._first = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self._second = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self._count = 0

    def helper_share(self, steps: _Steps) -> NDArray[np.float64]:
        """`1 - w` at each step, `(steps,)`."""
        return self._forward(steps)[-1]

    def learn(self, steps: _Steps) -> None:
        """Takes one step of the optimiser on a batch."""
        self._count += 1
        columns, sparse, (first, second, share) = self._pass(steps)
        gap = steps.helper - steps.local
        mixed = np.maximum(steps.local + share * gap, _FLOOR)
        slope = np.asarray(-gap / mixed * share * (1 - share) / len(gap), dtype=np.float32)
        back2 = slope[:, None] * self.weights["w3"] * (second > 0)
        back1 = (back2 @ self.weights["w2"].T) * (first > 0)
        self._update("w3", second.T @ slope)
        self._update("b3", np.asarray([slope.sum()], dtype=np.float32))
        self._update("w2", np.asarray(first.T @ back2, dtype=np.float32))
        self._update("b2", np.asarray(back2.sum(axis=0), dtype=np.float32))
        self._update("b1", back1.sum(axis=0))
        self._update("w1", sparse.T @ back1, columns)

    def copied(self) -> dict[str, Array]:
        """A copy of all weights."""
        return {name: value.copy() for name, value in self.weights.items()}

    def restore(self, weights: dict[str, Array]) -> None:
        """Takes the weights of a copy."""
        self.weights = weights

    def _forward(self, steps: _Steps) -> tuple[Array, Array, NDArray[np.float64]]:
        return self._pass(steps)[2]

    def _pass(
        self, steps: _Steps
    ) -> tuple[NDArray[np.int64], Array, tuple[Array, Array, NDArray[np.float64]]]:
        columns, places = np.unique(steps.columns, return_inverse=True)
        sparse = np.zeros((len(steps.columns), len(columns)), np.float32)
        rows = np.arange(len(steps.columns))[:, None]
        sparse[rows, places.reshape(steps.columns.shape)] = steps.values
        weights = self.weights
        first = np.maximum(sparse @ weights["w1"][columns] + weights["b1"], 0)
        second = np.maximum(first @ weights["w2"] + weights["b2"], 0)
        logit = (second @ weights["w3"] + weights["b3"][0]).astype(np.float64)
        return columns, sparse, (first, second, 0.5 + 0.5 * np.tanh(0.5 * logit))

    def _update(self, name: str, slope: Array, rows: NDArray[np.int64] | None = None) -> None:
        at = slice(None) if rows is None else rows
        first = self._first[name][at] * np.float32(0.9) + np.float32(0.1) * slope
        second = self._second[name][at] * np.float32(0.999) + np.float32(0.001) * slope**2
        self._first[name][at], self._second[name][at] = first, second
        rate = _RATE * np.sqrt(1 - 0.999**self._count) / (1 - 0.9**self._count)
        self.weights[name][at] -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-8))


def _normal(random: np.random.Generator, shape: tuple[int, ...], fan: int) -> Array:
    values: Array = random.standard_normal(shape, dtype=np.float32)
    values *= np.float32(np.sqrt(1 / fan))
    return values


def _joined(recordings: Sequence[Recording]) -> _Steps:
    columns, values = zip(*map(_inputs, recordings), strict=True)
    return _Steps(
        np.concatenate(columns),
        np.concatenate(values),
        np.concatenate([one.local for one in recordings]),
        np.concatenate([one.helper for one in recordings]),
    )


def _inputs(one: Recording) -> tuple[NDArray[np.int64], Array]:
    assert one.tops is not None
    tops = one.tops
    columns = np.hstack((tops.local_ids[:, :TOP], tops.helper_ids[:, :TOP] + one.n_vocab))
    return columns, np.hstack((_counted(tops.local_logprobs), _counted(tops.helper_logprobs)))


def _counted(logprobs: Array) -> Array:
    kept = np.maximum(logprobs[:, :TOP], np.float32(-30))
    return np.asarray(kept - kept[:, -1:] + 1, dtype=np.float32)


def _picked(steps: _Steps, at: NDArray[np.int64]) -> _Steps:
    return _Steps(steps.columns[at], steps.values[at], steps.local[at], steps.helper[at])


def _nats(network: PaperNetwork, steps: _Steps) -> NDArray[np.float64]:
    # In parts: a long text at once would gather a large piece of the first layer.
    every = range(0, len(steps.local), 4 * _BATCH)
    indices = np.arange(len(steps.local))
    parts = [_picked(steps, indices[first : first + 4 * _BATCH]) for first in every]
    share = np.concatenate([network.helper_share(part) for part in parts])
    mixed = np.maximum(steps.local + share * (steps.helper - steps.local), _FLOOR)
    nats: NDArray[np.float64] = -np.log(mixed)
    return nats
