"""Fitting: the gradient, what is recovered, what is told."""

from __future__ import annotations

import numpy as np
import pytest

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.features import FEATURE_NAMES
from langchain_cogenesis.fusion.fitting import FitResult, fit, fitting, split_examples
from langchain_cogenesis.fusion.learned import WeightNetwork
from langchain_cogenesis.fusion.optimiser import loss_and_gradient
from langchain_cogenesis.fusion.recordings import Recording

COUNT = len(FEATURE_NAMES)


def recording(number: int, steps: int = 60, digest: str = "digest") -> Recording:
    """Tokens where the helper is right if the local model's entropy is high, and wrong if not."""
    random = np.random.default_rng(number)
    features = random.normal(size=(steps, COUNT))
    unsure = features[:, FEATURE_NAMES.index("local_entropy")] > 0
    good, bad = random.uniform(0.5, 0.9, steps), random.uniform(0.01, 0.1, steps)
    return Recording(
        number, features, np.where(unsure, bad, good), np.where(unsure, good, bad), digest, 10
    )


@pytest.fixture(scope="module")
def examples() -> list[Recording]:
    """Forty examples with an obvious rule."""
    return [recording(number) for number in range(40)]


@pytest.fixture(scope="module")
def result(examples: list[Recording]) -> FitResult:
    """What is fitted to them."""
    return fit(examples, seed=1, epochs=40)


def test_the_gradient_is_that_of_finite_differences() -> None:
    """Of every weight, decay included."""
    random = np.random.default_rng(0)
    arrays = {
        "mean": random.normal(size=COUNT), "scale": np.exp(random.normal(size=COUNT)),
        "w1": random.normal(size=(COUNT, 3)), "b1": random.normal(size=3),
        "w2": random.normal(size=3), "b2": random.normal(size=1),
    }  # fmt: skip
    data = recording(7, steps=20)
    rest = (data.features, data.local, data.helper, 0.01)
    _, gradient = loss_and_gradient(WeightNetwork(**arrays), *rest)
    for name, slopes in gradient.items():
        for at in np.ndindex(slopes.shape):
            ends = []
            for shift in (1e-6, -1e-6):
                moved = {key: value.copy() for key, value in arrays.items()}
                moved[name][at] += shift
                ends.append(loss_and_gradient(WeightNetwork(**moved), *rest)[0])
            assert slopes[at] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_an_obvious_rule_is_recovered(result: FitResult) -> None:
    """The helper's share follows the local entropy, and beats every fixed share."""
    at = FEATURE_NAMES.index("local_entropy")
    sure, unsure = np.zeros(COUNT), np.zeros(COUNT)
    sure[at], unsure[at] = -1.0, 1.0
    network = result.fusion.network
    assert network.weight(sure) < 0.15
    assert network.weight(unsure) > 0.85
    nll = result.nll
    assert nll["learned"].high < nll["fixed"].low
    assert nll["fixed"].value < min(nll["local"].value, nll["helper"].value)
    assert result.gain.low > 0
    assert result.gain.value == pytest.approx(nll["fixed"].value - nll["learned"].value)


def test_figures_are_those_of_the_held_out_examples(
    examples: list[Recording], result: FitResult
) -> None:
    """Nothing was chosen on them, and the sums are theirs."""
    split = split_examples(examples, 1)
    numbers = [{one.number for one in part} for part in (split.train, split.stop, split.held_out)]
    assert set.union(*numbers) == set(range(40))
    assert [len(part) for part in numbers] == list(result.examples) == [28, 6, 6]
    sums = [-np.log(one.local).sum() for one in split.held_out]
    assert result.sums[:, 0] == pytest.approx(np.array(sums))
    assert result.tokens.tolist() == [60] * 6


def test_the_same_seed_gives_the_same_weights(examples: list[Recording]) -> None:
    """And another one others."""
    one, same, other = (fit(examples, seed=seed, epochs=2).fusion.network for seed in (3, 3, 4))
    assert np.array_equal(one.w1, same.w1)
    assert not np.array_equal(one.w1, other.w1)


def test_progress_and_early_stopping() -> None:
    """Epoch after epoch is told; where nothing can be learned it ends early."""
    noise = [recording(number, steps=10) for number in range(8)]
    even = [Recording(r.number, r.features, r.local, r.local, "digest", 10) for r in noise]
    steps = list(fitting(even, epochs=50))
    assert [step.epoch for step in steps] == list(range(len(steps)))
    assert len(steps) < 50
    assert repr(fit(even, epochs=1)) == (
        "FitResult(LearnedFusion(WeightNetwork(<withheld: 257 weights>)), examples=(6, 1, 1))"
    )


def test_what_cannot_be_fitted_is_said(examples: list[Recording]) -> None:
    """Too few examples, mixed vocabularies, too many hidden units."""
    with pytest.raises(ConfigurationError, match="too few"):
        fit(examples[:4])
    with pytest.raises(ConfigurationError, match="different vocabularies"):
        fit([*examples, recording(50, digest="another")])
    with pytest.raises(ConfigurationError, match="hidden=90"):
        fit(examples, hidden=90)


def test_probabilities_of_zero_are_survived() -> None:
    """A token that neither model expects costs much and breaks nothing."""
    none = [recording(number, steps=8) for number in range(6)]
    for one in none:
        one.local[0] = one.helper[0] = 0.0
    found = fit(none, epochs=2)
    assert np.isfinite(found.sums).all()
