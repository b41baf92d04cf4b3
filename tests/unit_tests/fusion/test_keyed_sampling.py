"""Sampling with keyed noise."""

from __future__ import annotations

import numpy as np
import pytest

from langchain_cogenesis.fusion.sampling import KeyedSampler, draw, gumbel
from langchain_cogenesis.models.sampling import SamplingParams, kept_ids

ROW = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def test_noise_is_standard_gumbel() -> None:
    """Mean and variance are those of the distribution, over ids and over positions."""
    ids = np.arange(20_000)
    for noise in (gumbel(3, 7, ids), np.array([gumbel(3, n, ids[:1])[0] for n in range(20_000)])):
        assert noise.mean() == pytest.approx(np.euler_gamma, abs=0.03)
        assert noise.var() == pytest.approx(np.pi**2 / 6, rel=0.05)


def test_noise_depends_on_seed_position_and_token_alone() -> None:
    """A token has the same noise whichever others are looked at, and another one elsewhere."""
    everywhere = gumbel(1, 4, np.arange(50))
    assert np.array_equal(gumbel(1, 4, np.array([7, 31])), everywhere[[7, 31]])
    assert not np.isclose(gumbel(1, 5, np.arange(50)), everywhere).any()
    assert not np.isclose(gumbel(2, 4, np.arange(50)), everywhere).any()


@pytest.mark.parametrize("spread", [0.01, 1.0, 5.0])
def test_a_large_vocabulary_draws_what_all_noise_would(spread: float) -> None:
    """Leaving out tokens that can't win changes nothing, impossible tokens included."""
    random = np.random.default_rng(3)
    ids = np.arange(40_000)
    for position in range(25):
        scores = random.normal(0, spread, len(ids))
        scores[random.integers(0, len(ids), 500)] = -np.inf
        whole = scores + gumbel(9, position, ids)
        assert draw(scores, 9, position, ids) == int(whole.argmax())


def test_nucleus_of_a_large_vocabulary_is_that_of_a_full_sort() -> None:
    """Looking near the top first keeps the same tokens in the same order, ties included."""
    random = np.random.default_rng(4)
    for top_p, spread in ((0.3, 4.0), (0.9, 2.0), (0.999, 0.1)):
        logits = np.round(random.normal(0, spread, 5000), 1).astype(np.float32)
        order = np.argsort(-logits, kind="stable")
        weights = np.exp((logits[order] - logits[order[0]]).astype(np.float64))
        wanted = order[np.cumsum(weights) - weights < top_p * weights.sum()]
        assert np.array_equal(kept_ids(logits, SamplingParams(top_p=top_p)), wanted)


def test_tokens_are_drawn_as_often_as_their_probability() -> None:
    """Over many positions the shares are those of the distribution."""
    sampler = KeyedSampler(SamplingParams(temperature=1.0, seed=5))
    drawn = np.bincount([sampler.pick(ROW, n) for n in range(8000)], minlength=4) / 8000
    assert drawn == pytest.approx(np.exp(ROW), abs=0.02)


def test_order_of_positions_makes_no_difference() -> None:
    """A position draws the same token whether it is reached first or last."""
    params = SamplingParams(temperature=1.0, seed=5)
    forward, backward = KeyedSampler(params), KeyedSampler(params)
    there = [forward.pick(ROW, n) for n in range(40)]
    back = [backward.pick(ROW, n) for n in reversed(range(40))]
    assert there == back[::-1]
    assert len(set(there)) > 1


def test_filters_and_greedy() -> None:
    """Temperature 0 takes the best; top-k, top-p and min-p leave only what they should."""
    assert KeyedSampler(SamplingParams()).pick(ROW, 0) == 0
    for params, allowed in (
        (SamplingParams(temperature=2.0, top_k=2, seed=1), {0, 1}),
        (SamplingParams(temperature=2.0, top_p=0.7, seed=1), {0, 1}),
        (SamplingParams(temperature=2.0, min_p=0.25, seed=1), {0, 1, 2}),
    ):
        sampler = KeyedSampler(params)
        assert {sampler.pick(ROW, n) for n in range(300)} == allowed


def test_repetition_penalty_counts_noted_tokens_only() -> None:
    """A token is penalised once it is part of the answer, not when it was merely tried."""
    close = np.log(np.array([0.4, 0.38, 0.22], dtype=np.float32))
    sampler = KeyedSampler(SamplingParams(repetition_penalty=1.5))
    assert [sampler.pick(close, 0), sampler.pick(close, 0)] == [0, 0]
    sampler.note(0)
    assert sampler.pick(close, 1) == 1
