"""What a learned fusion looks at: a few numbers of one step, cheap to get at any vocabulary."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.models.logprobs import Distribution, Logprobs, TopLogprobs, rest_of

Floats = NDArray[np.float64]

FEATURE_NAMES = (
    "local_entropy",
    "helper_entropy",
    "local_top_logprob",
    "helper_top_logprob",
    "local_margin",
    "helper_margin",
    "same_top",
    "helper_probability_of_local_top",
    "local_probability_of_helper_top",
    "helper_tail",
    "local_mass_elsewhere",
    "overlap",
    "divergence",
    "log_position",
)
"""The features, in order. Entropies, margins and the divergence are in nats."""

FEATURE_TOP_K = 20
"""Tokens of the helper that the features look at, at most: what endpoints give at most."""

_CUT = 20.0
"""Log-probabilities, margins and divergences are cut here, so that all features are finite."""
_NOTHING = 1e-30
"""Mass below this can't be scaled up: single precision has nothing there."""
_BLOCK = 64


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Glance:
    """What one pass over the rows of a step tells.

    Attributes:
        features: In the order of `FEATURE_NAMES`, `(n_features,)`.
        helper: The helper's row, cut to the tokens that the features look at.
        local_mass_elsewhere: Probability that the local model has outside of those, 0 to 1.
    """

    features: Floats
    helper: TopLogprobs
    local_mass_elsewhere: float


def top_tokens(row: Distribution, k: int) -> TopLogprobs:
    """The `k` most probable tokens of a row, best first; equals by id.

    Args:
        row: Natural-log probabilities.
        k: Tokens at most.
    """
    if isinstance(row, TopLogprobs):
        order = np.lexsort((row.ids, -row.logprobs))[:k]
        return TopLogprobs(row.ids[order], row.logprobs[order], row.n_vocab, row.unmapped)
    values = row.values
    near = _candidates(values, k)
    order = near[np.argsort(-values[near], kind="stable")[:k]]
    return TopLogprobs(order, values[order], len(values))


def _candidates(values: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Ids among which the `k` most probable are, ascending.

    A partition of a whole vocabulary takes a millisecond. The k best lie in the k blocks with the
    best maxima (or in ones whose maximum equals the last of them).
    """
    whole = len(values) - len(values) % _BLOCK
    blocks = values[:whole].reshape(-1, _BLOCK)
    if len(blocks) <= k:
        return np.arange(len(values))
    maxima = blocks.max(axis=1)
    found = np.flatnonzero(maxima >= np.partition(maxima, -k)[-k])
    inside = (found[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
    ids = np.concatenate((inside, np.arange(whole, len(values))))
    if len(ids) > len(values) // 2:
        return ids
    floor = np.partition(values[ids], -k)[-k]
    return np.asarray(ids[values[ids] >= floor], dtype=np.int64)


def glance(local: Logprobs, helper: Distribution, position: int) -> Glance:
    """Computes the features of one step.

    Args:
        local: The local model's row; natural-log probabilities, `(n_vocab,)`.
        helper: The helper's, dense or top-k.
        position: Number of the token in the answer, from 0.
    """
    top = top_tokens(helper, FEATURE_TOP_K)
    probabilities = np.exp(local.values)
    own = _local_summary(local.values, probabilities)
    listed = probabilities[top.ids].astype(np.float64)
    # 1 - the listed mass would be rounding error where the local model is sure.
    probabilities[top.ids] = 0
    elsewhere = float(probabilities.sum())
    theirs = np.exp(top.logprobs.astype(np.float64))
    tail = max(0.0, 1.0 - float(theirs.sum()))
    at = np.flatnonzero(top.ids == own.token)
    if len(at):
        of_local_top = float(theirs[at[0]])
    else:
        share = math.exp(own.top) / elsewhere if elsewhere > _NOTHING else 0.0
        of_local_top = tail * min(1.0, share)
    second = float(top.logprobs[1]) if len(top.ids) > 1 else _log(tail)
    first = max(float(top.logprobs[0]), -_CUT)
    features = np.array(
        (
            own.entropy,
            -_sum_p_log(theirs, theirs) - tail * _log(tail),
            own.top,
            first,
            own.margin,
            min(max(first - second, 0.0), _CUT),
            float(own.token == top.ids[0]),
            of_local_top,
            listed[0],
            tail,
            elsewhere,
            float(np.minimum(listed, theirs).sum()) + min(elsewhere, tail),
            _divergence(theirs, tail, listed, elsewhere),
            math.log1p(position),
        )
    )
    return Glance(features, top, elsewhere)


@dataclass(frozen=True, slots=True)
class _Summary:
    entropy: float
    token: int
    top: float
    margin: float


def _local_summary(values: NDArray[np.float32], probabilities: NDArray[np.float32]) -> _Summary:
    with np.errstate(invalid="ignore"):
        entropy = -float(np.dot(probabilities, values))
    if not math.isfinite(entropy):
        some = probabilities > 0
        entropy = -float(np.dot(probabilities[some], values[some]))
    token = int(values.argmax())
    top = float(values[token])
    second = max(
        float(values[:token].max(initial=-np.inf)), float(values[token + 1 :].max(initial=-np.inf))
    )
    return _Summary(max(0.0, entropy), token, max(top, -_CUT), min(top - second, _CUT))


def _divergence(theirs: Floats, tail: float, listed: Floats, elsewhere: float) -> float:
    """KL divergence of the helper from the local model over listed tokens and 'any other', nats."""
    own = _sum_p_log(theirs, theirs) - _sum_p_log(theirs, listed)
    return min(max(own + tail * (_log(tail) - _log(elsewhere)), 0.0), _CUT)


def _sum_p_log(weights: Floats, values: Floats) -> float:
    return float(np.dot(weights, np.log(np.maximum(values, _NOTHING))))


def _log(value: float) -> float:
    return math.log(max(value, _NOTHING))


def mix(
    local: Logprobs, helper: Distribution, weight: float, elsewhere: float | None = None
) -> NDArray[np.float32]:
    """Mixes two rows: `(1 - weight) * local + weight * helper`, the helper's tail shared out.

    Where the helper lists nothing, the mixture is the local row and a constant.

    Args:
        local: Natural-log probabilities, `(n_vocab,)`.
        helper: The helper's, dense or top-k.
        weight: The helper's share, 0 to 1.
        elsewhere: Probability that the local model has outside of the helper's ids, if known.

    Returns:
        Natural-log probabilities, `(n_vocab,)`.
    """
    with np.errstate(divide="ignore"):
        if isinstance(helper, Logprobs):
            shares = np.exp(local.values)
            shares *= np.float32(1.0 - weight)
            shares += np.exp(helper.values) * np.float32(weight)
            return np.log(shares, out=shares)
        inside, outside = _tail_factors(local, helper, elsewhere)
        ids, stay = helper.ids, 1.0 - weight
        values = local.values + np.float32(np.log(stay + weight * outside))
        values[ids] = np.logaddexp(
            local.values[ids] + np.log(stay + weight * inside), helper.logprobs + np.log(weight)
        )
        return values


def shared_probability(
    local: Logprobs, helper: Distribution, token: int, elsewhere: float | None = None
) -> float:
    """Probability of a token under the helper, its tail shared out as in `mix`.

    Args:
        local: Natural-log probabilities, `(n_vocab,)`.
        helper: The helper's, dense or top-k.
        token: The token's id.
        elsewhere: As for `mix`.

    Returns:
        A probability, 0 to 1.
    """
    if isinstance(helper, Logprobs):
        return math.exp(helper.values[token])
    inside, outside = _tail_factors(local, helper, elsewhere)
    own = math.exp(local.values[token])
    at = np.flatnonzero(helper.ids == token)
    if len(at):
        return math.exp(helper.logprobs[at[0]]) + own * inside
    return own * outside


def _tail_factors(
    local: Logprobs, helper: TopLogprobs, elsewhere: float | None
) -> tuple[float, float]:
    """What the local probabilities are multiplied by to share out the helper's tail.

    Returns:
        The factors of the helper's listed tokens and of all others. The first is 0, but where the
        local model has nothing elsewhere: there the tail follows it to the listed tokens.
    """
    if elsewhere is None:
        elsewhere = rest_of(local.values, helper.ids)
    if elsewhere > _NOTHING:
        return 0.0, helper.tail / elsewhere
    return helper.tail, helper.tail
