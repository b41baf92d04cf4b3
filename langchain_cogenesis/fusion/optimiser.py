"""The loss that a learned fusion is fitted by, its gradient, and Adam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from langchain_cogenesis.fusion.features import Floats
from langchain_cogenesis.fusion.learned import WeightNetwork
from langchain_cogenesis.fusion.recording_files import Recording

_FLOOR = 1e-30
_GRID = np.linspace(0.0, 1.0, 101)


def loss_and_gradient(
    network: WeightNetwork, features: Floats, local: Floats, helper: Floats, l2: float
) -> tuple[float, dict[str, Floats]]:
    """Mean loss over tokens and its gradient, derived by hand.

    Args:
        network: The network.
        features: `(tokens, n_features)`.
        local: Probabilities under the local model, `(tokens,)`.
        helper: Under the helper, `(tokens,)`.
        l2: Weight decay.

    Returns:
        Nats a token with the decay's share, and the slope of each of the learned arrays.
    """
    inputs = (features - network.mean) / network.scale
    hidden = np.tanh(inputs @ network.w1 + network.b1)
    weight = 0.5 + 0.5 * np.tanh(0.5 * (hidden @ network.w2 + network.b2[0]))
    mixed = np.maximum(local + weight * (helper - local), _FLOOR)
    decay = l2 * float((network.w1**2).sum() + (network.w2**2).sum())
    # d(-log mixed) / d(logit of the weight)
    slope = -(helper - local) / mixed * weight * (1 - weight) / len(local)
    back = slope[:, None] * network.w2 * (1 - hidden**2)
    gradient = {
        "w1": inputs.T @ back + 2 * l2 * network.w1,
        "b1": back.sum(axis=0),
        "w2": hidden.T @ slope + 2 * l2 * network.w2,
        "b2": slope.sum(keepdims=True),
    }
    return float(-np.log(mixed).mean()) + decay, gradient


class Adam:
    """Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1); changes the arrays in place.

    Args:
        weights: The arrays by name.
        rate: Step size.
    """

    def __init__(self, weights: dict[str, Floats], rate: float) -> None:
        self._weights, self._rate, self._count = weights, rate, 0
        self._first = {name: np.zeros_like(value) for name, value in weights.items()}
        self._second = {name: np.zeros_like(value) for name, value in weights.items()}

    def step(self, gradient: dict[str, Floats]) -> None:
        """Takes one step down a gradient."""
        self._count += 1
        rate = self._rate * np.sqrt(1 - 0.999**self._count) / (1 - 0.9**self._count)
        for name, slope in gradient.items():
            first, second = self._first[name], self._second[name]
            first += 0.1 * (slope - first)
            second += 0.001 * (slope**2 - second)
            self._weights[name] -= rate * first / (np.sqrt(second) + 1e-8)


def best_fixed_weight(local: Floats, helper: Floats) -> float:
    """The helper's share in hundredths under which tokens are most likely.

    Args:
        local: Probabilities under the local model, `(tokens,)`.
        helper: Under the helper, `(tokens,)`.
    """
    nll = [-np.log(np.maximum(local + w * (helper - local), _FLOOR)).mean() for w in _GRID]
    return float(_GRID[int(np.argmin(nll))])


def nats_by_example(recordings: Sequence[Recording], weights: Sequence[Floats | float]) -> Floats:
    """Nats of each example, `(examples,)`, given the helper's share at each of its tokens."""
    return np.array(
        [
            -np.log(np.maximum(one.local + weight * (one.helper - one.local), _FLOOR)).sum()
            for one, weight in zip(recordings, weights, strict=True)
        ]
    )
