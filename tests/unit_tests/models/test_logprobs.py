"""Distributions, dense and top-k."""

from __future__ import annotations

import numpy as np
import pytest

from langchain_cogenesis.exceptions import DistributionError
from langchain_cogenesis.models.logprobs import Logprobs, TopLogprobs

BASE = Logprobs(np.log(np.array([0.4, 0.3, 0.2, 0.1], dtype=np.float32)))


def _top(*pairs: tuple[int, float]) -> TopLogprobs:
    return TopLogprobs.of([(token, float(np.log(p))) for token, p in pairs], 4)


def test_the_tail_is_shared_out_in_proportion() -> None:
    """What isn't listed gets the rest, as the other distribution divides it."""
    top = _top((3, 0.6), (0, 0.1))
    assert top.tail == pytest.approx(0.3, abs=1e-6)
    spread = np.exp(top.spread(BASE).values)
    assert spread == pytest.approx([0.1, 0.3 * 0.3 / 0.5, 0.3 * 0.2 / 0.5, 0.6], abs=1e-6)


def test_without_a_tail_nothing_is_left_for_others() -> None:
    """A row that says everything gives the others nothing; it is still a distribution."""
    spread = _top((1, 0.75), (2, 0.25)).spread(BASE)
    assert np.exp(spread.values) == pytest.approx([0, 0.75, 0.25, 0], abs=1e-6)
    assert np.isneginf(spread.values[[0, 3]]).all() or np.exp(spread.values[[0, 3]]).max() < 1e-6


def test_a_base_without_the_tail_shares_it_evenly() -> None:
    """Where the base has nothing elsewhere, the tail isn't lost."""
    sure = Logprobs(np.array([0, -np.inf, -np.inf, -np.inf], dtype=np.float32))
    spread = np.exp(_top((0, 0.4)).spread(sure).values)
    assert spread == pytest.approx([0.4, 0.2, 0.2, 0.2], abs=1e-6)


@pytest.mark.parametrize(
    ("ids", "logprobs", "said"),
    [
        ([], [], "no log-probabilities"),
        ([0, 0], [-1.0, -1.0], "twice"),
        ([4], [-1.0], "not in the vocabulary"),
        ([-1], [-1.0], "not in the vocabulary"),
        ([0], [np.nan], "NaN"),
        ([0], [0.5], "above 1"),
        ([0, 1], [-0.1, -0.1], "above 1"),
    ],
)
def test_what_is_no_distribution_is_refused(
    ids: list[int], logprobs: list[float], said: str
) -> None:
    """Each lie is named, with whose it is."""
    top = TopLogprobs(np.array(ids, dtype=np.int64), np.array(logprobs, dtype=np.float32), 4)
    with pytest.raises(DistributionError, match=said) as caught:
        top.checked("the remote at http://x")
    assert "the remote at http://x" in str(caught.value)


def test_dense_rows_must_sum_to_one() -> None:
    """A row with mass missing, NaN, or too much is refused; a good one passes through."""
    assert BASE.checked("it") is BASE
    for values in ([-1.0, -2.0], [np.nan, 0.0], [0.0, 0.0]):
        with pytest.raises(DistributionError):
            Logprobs(np.array(values, dtype=np.float32)).checked("it")


def test_nothing_is_printed() -> None:
    """Neither kind shows its values."""
    assert repr(BASE) == "Logprobs(<withheld: 4 tokens>)"
    assert repr(_top((0, 0.5))) == "TopLogprobs(<withheld: 1 of 4 tokens>)"
