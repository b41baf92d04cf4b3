from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.sampling import Sampler, SamplingParams

LOGITS = np.log(np.array([0.05, 0.4, 0.1, 0.3, 0.15], dtype=np.float32)) + np.float32(7)


def _draws(count: int = 4000, logits: NDArray[np.float32] = LOGITS, **params: Any) -> list[int]:
    sampler = Sampler(SamplingParams(**{"temperature": 1.0, "seed": 0, **params}))
    return [sampler.pick(logits) for _ in range(count)]


def _shares(draws: list[int]) -> NDArray[np.float64]:
    return np.bincount(draws, minlength=5) / len(draws)


def test_default_is_greedy() -> None:
    """Without settings the most probable token is picked."""
    assert Sampler(SamplingParams()).pick(LOGITS) == 1


def test_frequencies_are_the_models() -> None:
    """At temperature 1 tokens come as often as the model says (4,000 draws, ±3 %)."""
    assert _shares(_draws()) == pytest.approx([0.05, 0.4, 0.1, 0.3, 0.15], abs=0.03)


def test_temperature_sharpens() -> None:
    """At temperature 0.5 probabilities are squared and normalised."""
    squared = np.array([0.05, 0.4, 0.1, 0.3, 0.15]) ** 2
    assert _shares(_draws(temperature=0.5)) == pytest.approx(squared / squared.sum(), abs=0.03)


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ({"top_k": 2}, {1, 3}),
        ({"top_k": 99}, {0, 1, 2, 3, 4}),
        ({"top_p": 0.39}, {1}),
        ({"top_p": 0.69}, {1, 3}),
        ({"top_p": 0.75}, {1, 3, 4}),
        ({"min_p": 0.3}, {1, 3, 4}),
        ({"top_k": 3, "min_p": 0.5}, {1, 3}),
        ({"top_k": 1, "temperature": 50.0}, {1}),
    ],
)
def test_filters_keep_exactly(params: dict[str, Any], kept: set[int]) -> None:
    """Every token that a filter keeps is drawn, and no other."""
    assert set(_draws(**params)) == kept


def test_equal_seeds_draw_equally() -> None:
    """A seed fixes the draws; another seed gives others."""
    assert _draws(50, seed=3) == _draws(50, seed=3)
    assert _draws(50, seed=3) != _draws(50, seed=4)


def test_no_seed_draws_differently() -> None:
    """Without a seed two samplers don't agree (chance 1e-20)."""
    assert _draws(100, seed=None) != _draws(100, seed=None)


def test_logit_bias_lifts_a_token() -> None:
    """A bias is added to the logits, for greedy picks too; unknown ids are ignored."""
    params = SamplingParams(logit_bias={0: 10.0, 1: -100.0, 99: 5.0})
    assert Sampler(params).pick(LOGITS) == 0


def test_repetition_penalty_moves_on() -> None:
    """With a strong penalty greedy picks visit every token before any comes again."""
    sampler = Sampler(SamplingParams(repetition_penalty=50.0))
    assert [sampler.pick(LOGITS) for _ in range(5)] == [1, 3, 4, 2, 0]


def test_repetition_penalty_lowers_negative_logits() -> None:
    """Negative logits are multiplied, so that a penalty never makes a token more probable."""
    sampler = Sampler(SamplingParams(repetition_penalty=2.0))
    logits = np.array([-1.0, -1.5], dtype=np.float32)
    assert [sampler.pick(logits), sampler.pick(logits)] == [0, 1]


def test_logits_are_left_unchanged() -> None:
    """Picking never writes to the caller's array."""
    before = LOGITS.copy()
    _draws(20, top_k=2, top_p=0.9, min_p=0.1, repetition_penalty=1.5, logit_bias={1: 3.0})
    assert np.array_equal(before, LOGITS)


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.01},
        {"min_p": -0.1},
        {"repetition_penalty": 0.0},
        {"seed": -1},
    ],
)
def test_out_of_range_is_named(params: dict[str, Any]) -> None:
    """A setting out of range is refused by name."""
    with pytest.raises(ConfigurationError, match=next(iter(params))):
        SamplingParams(**params)
