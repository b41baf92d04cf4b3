"""The laws of the fusions, on random rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.base import Fusion, check_fusion
from langchain_cogenesis.fusion.fixed import (
    LinearFusion,
    LogLinearFusion,
    MaxFusion,
    ProxyFusion,
    normalised,
)
from langchain_cogenesis.models.logprobs import Logprobs, TopLogprobs

N_VOCAB = 40


def _dense(seed: int, *, sharpness: float = 3.0, holes: bool = False) -> Logprobs:
    random = np.random.default_rng(seed)
    values = random.normal(0, sharpness, N_VOCAB)
    if holes:
        values[random.random(N_VOCAB) < 0.3] = -np.inf
        values[0] = 0.0
    values -= np.logaddexp.reduce(values)
    return Logprobs(values.astype(np.float32))


def _top(seed: int, k: int, *, sharpness: float = 3.0) -> TopLogprobs:
    values = _dense(seed, sharpness=sharpness).values
    ids = np.argsort(-values)[:k]
    return TopLogprobs(ids.astype(np.int64), values[ids], N_VOCAB)


seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, N_VOCAB)
sharp = st.sampled_from((0.1, 3.0, 30.0))


@settings(deadline=None, max_examples=60)
@given(seeds, seeds, sizes, sharp, st.booleans())
def test_every_fusion_gives_a_distribution(
    first: int, second: int, k: int, sharpness: float, holes: bool
) -> None:
    """Whatever the rows, dense or top-k, sharp or flat, with holes: the result sums to 1."""
    local = _dense(first, sharpness=sharpness, holes=holes)
    for other in (_top(second, k, sharpness=sharpness), _dense(second, sharpness=sharpness)):
        for fusion in (LinearFusion((0.3, 0.7)), LogLinearFusion((0.3, 0.7)), MaxFusion()):
            check_fusion(fusion, [local, other])
        check_fusion(ProxyFusion(0.8), [local, _dense(second + 1), other])
    check_fusion(LinearFusion((1, 2, 3)), [local, _top(second, k), _dense(second)])


@settings(deadline=None, max_examples=60)
@given(seeds, seeds, sizes)
def test_weight_one_is_the_model_up_to_its_tail(first: int, second: int, k: int) -> None:
    """With all weight on one model the result is that model, its tail as the local one has it."""
    local, other = _dense(first), _top(second, k)
    for make in (LinearFusion, LogLinearFusion):
        alone = make((1.0, 0.0)).fuse([local, other]).values
        assert np.allclose(alone, local.values, atol=1e-4)
        theirs = make((0.0, 1.0)).fuse([local, other]).values
        assert np.allclose(np.exp(theirs), np.exp(other.spread(local).values), atol=1e-4)
        assert np.allclose(theirs[other.ids], other.logprobs, atol=1e-3)


@settings(deadline=None, max_examples=60)
@given(seeds, seeds, sizes, st.floats(0.01, 0.99))
def test_the_sparse_mixture_is_the_dense_one(
    first: int, second: int, k: int, weight: float
) -> None:
    """The shortcut for a top-k row gives what the whole row gives."""
    local, other = _dense(first), _top(second, k)
    fusion = LinearFusion((1 - weight, weight))
    sparse = fusion.fuse([local, other]).values
    dense = fusion.fuse([local, other.spread(local)]).values
    assert np.allclose(np.exp(sparse), np.exp(dense), atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(seeds, sizes)
def test_the_order_of_the_others_makes_no_difference(seed: int, k: int) -> None:
    """Swapping two helpers with their weights changes nothing."""
    local, one, two = _dense(seed), _top(seed + 1, k), _dense(seed + 2)
    for make in (LinearFusion, LogLinearFusion):
        straight = make((0.2, 0.3, 0.5)).fuse([local, one, two]).values
        swapped = make((0.2, 0.5, 0.3)).fuse([local, two, one]).values
        assert np.allclose(straight, swapped, atol=1e-4)
    there, back = MaxFusion(3).fuse([local, one, two]), MaxFusion(3).fuse([local, two, one])
    assert np.allclose(there.values, back.values, atol=1e-5)


def test_a_local_model_that_is_sure_loses_no_mass() -> None:
    """Where next to nothing is left for the others, their share is still what it should be."""
    values = np.full(N_VOCAB, np.log(1e-10), dtype=np.float32)
    values[0] = np.log1p(-1e-10 * (N_VOCAB - 1))
    other = TopLogprobs.of([(0, np.log(0.4)), (1, np.log(0.2))], N_VOCAB)
    for fusion in (LinearFusion(), LogLinearFusion(), MaxFusion()):
        check_fusion(fusion, [Logprobs(values), other])


def test_a_fusion_of_equals_is_each_of_them() -> None:
    """Mixing a model with itself changes nothing, whatever the weights."""
    local = _dense(5)
    for fusion in (LinearFusion((0.4, 0.6)), LogLinearFusion((0.4, 0.6)), MaxFusion()):
        assert np.allclose(fusion.fuse([local, local]).values, local.values, atol=1e-4)
    # The context changes nothing: the large model is left.
    large = _dense(6)
    assert np.allclose(ProxyFusion().fuse([local, local, large]).values, large.values, atol=1e-4)


def test_proxy_adds_what_the_context_changed() -> None:
    """A token that the context makes twice as likely becomes twice as likely against another."""
    bare, large = _dense(7), _dense(8)
    boosted = bare.values.copy()
    boosted[3] += np.log(2)
    boosted -= np.logaddexp.reduce(boosted)
    fused = ProxyFusion(1.0).fuse([Logprobs(boosted), bare, large]).values
    before, after = large.values[3] - large.values[9], fused[3] - fused[9]
    assert after - before == pytest.approx(np.log(2), abs=1e-3)


def test_models_without_a_common_token_leave_the_local_one() -> None:
    """Where log-linear fusion has nothing left, the local model decides."""
    left = np.full(4, -np.inf, dtype=np.float32)
    right = left.copy()
    left[0] = right[3] = 0.0
    fused = LogLinearFusion().fuse([Logprobs(left), Logprobs(right)]).values
    assert np.array_equal(fused, left)


@pytest.mark.parametrize("weights", [(), (0.0, 0.0), (1.0, -0.1), (float("nan"), 1.0)])
def test_weights_that_make_no_sense_are_refused(weights: tuple[float, ...]) -> None:
    """Negative, missing or undefined weights are named."""
    with pytest.raises(ConfigurationError, match="weights"):
        normalised(weights)


def test_a_row_too_many_is_refused() -> None:
    """A fusion of two doesn't take three, nor a local row that isn't dense."""
    fusion: Fusion = LinearFusion()
    with pytest.raises(ConfigurationError, match="2 models"):
        fusion.fuse([_dense(1), _dense(2), _dense(3)])
    with pytest.raises(ConfigurationError, match="dense"):
        fusion.fuse([_top(1, 3), _dense(2)])


def test_the_contract_check_can_fail() -> None:
    """A fusion that forgets to normalise is caught."""

    class Broken:
        name = "broken"

        def fuse(self, rows, *, position=0):  # type: ignore[no-untyped-def]
            from langchain_cogenesis.fusion.base import Fused

            return Fused(rows[0].values + 0.5, (1.0, 0.0))

    with pytest.raises(AssertionError, match="sum to 1"):
        check_fusion(Broken(), [_dense(1), _dense(2)])
