"""The learned fusion: laws of any fusion, sparse and dense, its file."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.base import Fusion, check_fusion
from langchain_cogenesis.fusion.features import (
    FEATURE_NAMES,
    FEATURE_TOP_K,
    glance,
    mix,
    shared_probability,
    top_tokens,
)
from langchain_cogenesis.fusion.learned import MAX_WEIGHTS, LearnedFusion, WeightNetwork
from langchain_cogenesis.models.logprobs import Logprobs, TopLogprobs

COUNT = len(FEATURE_NAMES)


def network(seed: int = 0, hidden: int = 16, bias: float = 0.0) -> WeightNetwork:
    random = np.random.default_rng(seed)
    return WeightNetwork(
        mean=random.normal(size=COUNT),
        scale=np.exp(random.normal(size=COUNT)),
        w1=random.normal(size=(COUNT, hidden)),
        b1=random.normal(size=hidden),
        w2=random.normal(size=hidden),
        b2=np.array([bias]),
    )


def learned(seed: int = 0, bias: float = 0.0) -> LearnedFusion:
    return LearnedFusion(network(seed, bias=bias), vocabulary_digest="digest")


def dense(seed: int, n_vocab: int, sharpness: float = 2.0) -> Logprobs:
    logits = np.random.default_rng(seed).normal(size=n_vocab) * sharpness
    return Logprobs(
        (logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()).astype("f4")
    )


def rows(
    seed: int, n_vocab: int, k: int, sharpness: float, impossible: float
) -> tuple[Logprobs, TopLogprobs]:
    """A dense row, some of its tokens impossible, and a helper's k best, some of them too."""
    random = np.random.default_rng((seed, 1))
    values = dense(seed, n_vocab, sharpness).values.astype(np.float64)
    values[random.random(n_vocab) < impossible] = -np.inf
    if np.isneginf(values).all():
        values[0] = 0.0
    local = Logprobs((values - np.logaddexp.reduce(values)).astype("f4"))
    helper = top_tokens(dense(seed + 1, n_vocab, sharpness), k)
    order = random.permutation(len(helper.ids))
    return local, TopLogprobs(helper.ids[order], helper.logprobs[order], n_vocab)


SHAPES = given(
    seed=st.integers(0, 10**6),
    n_vocab=st.integers(2, 400),
    k=st.integers(1, 30),
    sharpness=st.sampled_from([0.0, 0.5, 3.0, 20.0, 200.0]),
    impossible=st.sampled_from([0.0, 0.3, 0.99, 1.0]),
)


@SHAPES
@settings(max_examples=150, deadline=None)
def test_it_keeps_the_laws_of_a_fusion(
    seed: int, n_vocab: int, k: int, sharpness: float, impossible: float
) -> None:
    """Mass, determinism, untouched input; the helper top-k or dense."""
    local, helper = rows(seed, n_vocab, k, sharpness, impossible)
    for bias in (-60.0, 0.0, 60.0):
        check_fusion(learned(seed, bias), (local, helper))
        check_fusion(learned(seed, bias), (local, dense(seed + 2, n_vocab, sharpness)))
    weights = learned(seed).fuse((local, helper), position=7).weights
    assert sum(weights) == pytest.approx(1)
    assert np.isfinite(glance(local, helper, 7).features).all()


def test_it_is_a_fusion_and_tells_no_values() -> None:
    """It has the protocol's members, and `repr` withholds."""
    fusion = learned()
    assert isinstance(fusion, Fusion)
    assert fusion.name == "learned"
    assert repr(fusion) == "LearnedFusion(WeightNetwork(<withheld: 257 weights>))"
    assert "." not in repr(fusion.network)


@given(seed=st.integers(0, 10**6), k=st.integers(1, 40), weight=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_sparse_form_agrees_with_the_dense_one(seed: int, k: int, weight: float) -> None:
    """Local row and a constant, put together, is what mixing whole rows in double gives."""
    local, helper = rows(seed, 150, k, 2.0, 0.0)
    whole = helper.spread(local)
    p, q = (np.exp(row.values.astype(np.float64)) for row in (local, whole))
    wanted = (1 - weight) * p + weight * q
    for other in (helper, whole):
        assert np.exp(mix(local, other, weight)) == pytest.approx(wanted, rel=1e-4, abs=1e-9)
    for token in range(0, 150, 13):
        shared = shared_probability(local, helper, token)
        assert shared == pytest.approx(float(q[token]), rel=1e-4, abs=1e-9)


def test_a_dense_helper_is_weighed_like_its_best_tokens() -> None:
    """A whole row and the part of it that an endpoint gives have the same weight."""
    local, helper = dense(1, 5000), dense(2, 5000)
    cut = top_tokens(helper, FEATURE_TOP_K)
    assert learned().fuse((local, helper)).weights == learned().fuse((local, cut)).weights


@pytest.mark.parametrize("n_vocab", [3, 64, 1000, 5003])
def test_top_tokens_are_those_of_a_sort(n_vocab: int) -> None:
    """Best first, equals by id, at any size and with ties."""
    values = np.round(dense(5, n_vocab).values)
    wanted = np.argsort(-values, kind="stable")[:20]
    assert top_tokens(Logprobs(values), 20).ids.tolist() == wanted.tolist()


def test_the_tail_is_shared_by_a_local_model_that_is_sure() -> None:
    """Where one less the listed mass is rounding error, the fused mass is 1 all the same."""
    values = np.full(100, np.log(1e-10), dtype="f4")
    values[0] = 0.0
    helper = TopLogprobs.of([(0, np.log(0.5))], 100)
    fused = learned(bias=60.0).fuse((Logprobs(values), helper)).values
    assert np.exp(fused.astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)
    assert np.exp(fused[1:]) == pytest.approx(0.5 / 99, rel=1e-3)


def test_features_say_what_their_names_say() -> None:
    """On rows that can be worked out by hand."""
    local = Logprobs(np.log(np.array([0.5, 0.25, 0.125, 0.125], dtype="f4")))
    helper = TopLogprobs.of([(1, np.log(0.6)), (2, np.log(0.2))], 4)
    found = dict(zip(FEATURE_NAMES, glance(local, helper, 2).features, strict=True))
    wanted = {
        "local_entropy": 1.75 * np.log(2),
        "helper_entropy": -(0.6 * np.log(0.6) + 2 * 0.2 * np.log(0.2)),
        "local_top_logprob": np.log(0.5),
        "helper_top_logprob": np.log(0.6),
        "local_margin": np.log(2),
        "helper_margin": np.log(3),
        "same_top": 0,
        "helper_probability_of_local_top": 0.2 * 0.5 / 0.625,
        "local_probability_of_helper_top": 0.25,
        "helper_tail": 0.2,
        "local_mass_elsewhere": 0.625,
        "overlap": 0.25 + 0.125 + 0.2,
        "divergence": 0.6 * np.log(0.6 / 0.25) + 0.2 * np.log(0.2 / 0.125) + 0.2 * np.log(0.32),
        "log_position": np.log(3),
    }
    assert found == pytest.approx(wanted, rel=1e-5)


def test_two_rows_of_one_vocabulary_are_wanted() -> None:
    """Anything else is an error that says so."""
    row = dense(0, 20)
    for given_rows, says in (
        ((row,), "2 models"),
        ((row, row, row), "2 models"),
        ((top_tokens(row, 3), row), "dense"),
        ((row, dense(1, 21)), "20 and 21"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            learned().fuse(given_rows)


def test_a_network_is_small() -> None:
    """At most a thousand weights; 16 hidden units are a quarter of that."""
    assert network().weight_count == COUNT * 16 + 16 + 16 + 1 <= MAX_WEIGHTS == 1000
    with pytest.raises(ConfigurationError, match="weights"):
        network(hidden=80)


def test_a_saved_fusion_fuses_alike(tmp_path: Path) -> None:
    """Round trip, bit by bit; the file is its owner's alone."""
    path = tmp_path / "fusion.safetensors"
    fusion = learned(3)
    fusion.save(path)
    fusion.save(path)
    again = LearnedFusion.load(path, vocabulary_digest="digest")
    local, helper = rows(4, 100, 10, 2.0, 0.0)
    one, other = fusion.fuse((local, helper)), again.fuse((local, helper))
    assert np.array_equal(one.values, other.values)
    assert one.weights == other.weights
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [path.name]


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    """By its digest, if one is given."""
    path = tmp_path / "fusion.safetensors"
    learned().save(path)
    assert LearnedFusion.load(path).vocabulary_digest == "digest"
    with pytest.raises(ConfigurationError, match=r"fusion\.safetensors.*vocabulary"):
        LearnedFusion.load(path, vocabulary_digest="another")


@pytest.mark.parametrize("left", [0, 4, 100, -8])
def test_a_damaged_file_is_named(tmp_path: Path, left: int) -> None:
    """Truncated anywhere, it is refused and named."""
    path = tmp_path / "fusion.safetensors"
    learned().save(path)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ConfigurationError, match=r"fusion\.safetensors is damaged"):
        LearnedFusion.load(path)


def test_what_is_no_learned_fusion_is_named(tmp_path: Path) -> None:
    """Garbage, nothing, another's tensors, other features, other versions, other shapes."""
    path = tmp_path / "fusion.safetensors"
    arrays = network().arrays()
    ours = {"format": "langchain_cogenesis.learned_fusion", "version": "1", "vocabulary": "digest",
            "features": json.dumps(FEATURE_NAMES)}  # fmt: skip
    with pytest.raises(ConfigurationError, match="no learned fusion at"):
        LearnedFusion.load(path)
    path.write_bytes(b"\x00garbage" * 40)
    with pytest.raises(ConfigurationError, match="is damaged"):
        LearnedFusion.load(path)
    for tensors, metadata, says in (
        (arrays, {}, "no learned fusion"),
        (arrays, {**ours, "version": "99"}, "another version"),
        (arrays, {**ours, "features": '["moon"]'}, "other features"),
        ({**arrays, "w1": arrays["w1"][1:]}, ours, "damaged"),
        ({**arrays, "w2": arrays["w2"] * np.nan}, ours, "damaged"),
        ({**arrays, "more": arrays["w2"]}, ours, "damaged"),
        ({n: v.astype("f4") for n, v in arrays.items()}, ours, "damaged"),
    ):
        save_file(tensors, path, metadata)
        with pytest.raises(ConfigurationError, match=rf"fusion\.safetensors.*{says}"):
            LearnedFusion.load(path)
