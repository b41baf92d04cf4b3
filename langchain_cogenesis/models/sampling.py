"""How the next token is picked from a model's logits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ConfigurationError

_DEPTHS = (4.0, 8.0, math.inf)
"""How far below the best logit the nucleus is looked for, one try after the other."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How to sample. The default is greedy.

    Attributes:
        temperature: 0 picks the most probable token; higher is more varied.
        top_k: Keep the k most probable tokens; 0 keeps all.
        top_p: Keep the most probable tokens that together have this probability.
        min_p: Drop tokens with less than this share of the most probable one's probability.
        repetition_penalty: Divides the positive logits of tokens that were already generated, and
            multiplies the negative ones (CTRL, arXiv 1909.05858, section 4.1). The prompt's tokens
            are not penalised: its facts are there to be repeated.
        seed: Makes sampling repeatable; `None` draws a fresh one.
        logit_bias: Added to the logits of these token ids.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require(0 <= self.temperature < math.inf, "temperature", self.temperature, "0 or more")
        _require(self.top_k >= 0, "top_k", self.top_k, "0 (all) or more")
        _require(0 < self.top_p <= 1, "top_p", self.top_p, "above 0 and at most 1")
        _require(0 <= self.min_p <= 1, "min_p", self.min_p, "between 0 and 1")
        _require(
            0 < self.repetition_penalty < math.inf,
            "repetition_penalty",
            self.repetition_penalty,
            "above 0; 1 is none",
        )
        _require(self.seed is None or self.seed >= 0, "seed", self.seed, "0 or more")


def _require(valid: bool, name: str, value: object, allowed: str) -> None:
    if not valid:
        raise ConfigurationError(
            f"{name}={value!r} is out of range.", hint=f"It must be {allowed}."
        )


class Sampler:
    """Picks one token after the other; remembers what it picked.

    The filters look at the distribution before the temperature, in the order top-k, top-p, min-p.
    One uniform number is drawn for each token, so that equal seeds give equal texts.

    Args:
        params: How to sample.
    """

    def __init__(self, params: SamplingParams) -> None:
        self._params = params
        self._random = np.random.default_rng(params.seed)
        self._picked: set[int] = set()

    @property
    def finished(self) -> bool:
        """Whether the text has to end here, whatever the logits say."""
        return False

    def pick(self, logits: NDArray[np.float32]) -> int:
        """Picks the next token.

        Args:
            logits: `(n_vocab,)` logits; left unchanged.

        Returns:
            A token id.
        """
        params = self._params
        logits = adjust_logits(logits, params, self._picked)
        token = int(logits.argmax()) if params.temperature == 0 else self._draw(logits)
        if params.repetition_penalty != 1.0:
            self._picked.add(token)
        return token

    def _draw(self, logits: NDArray[np.float32]) -> int:
        kept = kept_ids(logits, self._params)
        scaled = (logits[kept] - logits[kept].max()).astype(np.float64) / self._params.temperature
        mass = np.cumsum(np.exp(scaled))
        at = int(np.searchsorted(mass, self._random.random() * mass[-1], side="right"))
        return int(kept[min(at, len(kept) - 1)])


def adjust_logits(
    logits: NDArray[np.float32], params: SamplingParams, picked: Set[int]
) -> NDArray[np.float32]:
    """Applies bias and repetition penalty.

    Args:
        logits: `(n_vocab,)` logits; left unchanged.
        params: The settings.
        picked: Ids that were generated so far.

    Returns:
        `(n_vocab,)` logits; the same array where there is nothing to change.
    """
    bias = {token: value for token, value in params.logit_bias.items() if value}
    penalty = params.repetition_penalty
    if not bias and (penalty == 1.0 or not picked):
        return logits
    logits = logits.copy()
    for token, value in bias.items():
        if 0 <= token < len(logits):
            logits[token] += value
    if picked and penalty != 1.0:
        seen = np.fromiter(picked, dtype=np.intp)
        old = logits[seen]
        logits[seen] = np.where(old > 0, old / penalty, old * penalty)
    return logits


def kept_ids(logits: NDArray[np.float32], params: SamplingParams) -> NDArray[np.intp]:
    """Ids that pass top-k, top-p and min-p, most probable first if top-p needs an order.

    Args:
        logits: `(n_vocab,)` logits.
        params: The settings.
    """
    kept = np.arange(len(logits), dtype=np.intp)
    if 0 < params.top_k < len(logits):
        kept = np.sort(np.argpartition(logits, -params.top_k)[-params.top_k :])
    if params.top_p < 1:
        kept = kept[_nucleus(logits[kept], params.top_p)]
    if params.min_p > 0:
        floor = logits[kept].max() + math.log(params.min_p)
        kept = kept[logits[kept] >= floor]
    return kept


def _nucleus(logits: NDArray[np.float32], top_p: float) -> NDArray[np.intp]:
    """Places of the most probable entries that together have `top_p`, most probable first."""
    relative = (logits - logits.max()).astype(np.float64)
    weights = np.exp(relative)
    wanted = top_p * weights.sum()
    # Sorting is what takes long: as a rule the few entries near the top hold enough.
    for depth in _DEPTHS:
        places = np.flatnonzero(relative >= -depth)
        if weights[places].sum() >= wanted:
            break
    places = places[np.argsort(-relative[places], kind="stable")]
    before = np.cumsum(weights[places]) - weights[places]
    kept: NDArray[np.intp] = places[before < wanted]
    return kept
