"""Next-token distributions, dense and top-k. Everything is natural-log probability."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import DistributionError

_EXACT = 1e-3
TOLERANCE = 1e-3
"""By how much the mass of a distribution may miss 1."""


@dataclass(frozen=True, eq=False, repr=False)
class Logprobs:
    """A distribution over a whole vocabulary.

    Attributes:
        values: Natural-log probabilities, `(n_vocab,)` float32; `-inf` is allowed.
    """

    values: NDArray[np.float32]

    @property
    def n_vocab(self) -> int:
        """Size of the vocabulary."""
        return len(self.values)

    def __repr__(self) -> str:
        return f"Logprobs(<withheld: {self.n_vocab} tokens>)"

    def checked(self, source: str) -> Logprobs:
        """Returns itself if it is a distribution.

        Args:
            source: Whose it is, for the error.

        Raises:
            DistributionError: It holds NaN, a probability above 1, or doesn't sum to 1.
        """
        with np.errstate(over="ignore"):
            mass = float(np.exp(self.values.astype(np.float64)).sum())
        _check_mass(self.values, mass, source, whole=True)
        return self


@dataclass(frozen=True, eq=False, repr=False)
class TopLogprobs:
    """The most probable tokens, and the mass of all others.

    Attributes:
        ids: Token ids, `(k,)` int64, no two alike.
        logprobs: Their natural-log probabilities, `(k,)` float32.
        n_vocab: Size of the vocabulary.
        unmapped: Probability of tokens whose ids could not be told; part of the tail.
    """

    ids: NDArray[np.int64]
    logprobs: NDArray[np.float32]
    n_vocab: int
    unmapped: float = 0.0

    @classmethod
    def of(
        cls, pairs: Iterable[tuple[int, float]], n_vocab: int, unmapped: float = 0.0
    ) -> TopLogprobs:
        """Makes one from `(id, logprob)` pairs."""
        listed = list(pairs)
        return cls(
            np.array([token for token, _ in listed], dtype=np.int64),
            np.array([value for _, value in listed], dtype=np.float32),
            n_vocab,
            unmapped,
        )

    @cached_property
    def tail(self) -> float:
        """Probability of all tokens that aren't listed, 0 to 1."""
        return max(0.0, 1.0 - float(np.exp(self.logprobs.astype(np.float64)).sum()))

    def __repr__(self) -> str:
        return f"TopLogprobs(<withheld: {len(self.ids)} of {self.n_vocab} tokens>)"

    def checked(self, source: str) -> TopLogprobs:
        """Returns itself if it can be part of a distribution.

        Args:
            source: Whose it is, for the error.

        Raises:
            DistributionError: It is empty, holds NaN, a probability above 1, more than 1 in all, an
                id out of range, or one id twice.
        """
        if not len(self.ids):
            raise DistributionError(f"{source} gave no log-probabilities for a position.")
        if len(self.ids) != len(self.logprobs) or len(set(self.ids.tolist())) != len(self.ids):
            raise DistributionError(f"{source} gave one token twice for a position.")
        if int(self.ids.min()) < 0 or int(self.ids.max()) >= self.n_vocab:
            raise DistributionError(f"{source} gave a token id that is not in the vocabulary.")
        with np.errstate(over="ignore"):
            mass = float(np.exp(self.logprobs.astype(np.float64)).sum())
        _check_mass(self.logprobs, mass, source, whole=False)
        return self

    def spread(self, base: Logprobs) -> Logprobs:
        """Makes it dense: the tail is shared out in proportion to another distribution.

        Args:
            base: Natural-log probabilities over the same vocabulary.

        Returns:
            A distribution that has this one's values at its ids, and elsewhere `base` scaled to the
            tail's mass.
        """
        rest = rest_of(base.values, self.ids)
        with np.errstate(divide="ignore"):
            shift = np.float32(np.log(self.tail) - np.log(rest)) if rest > 0 else None
        if shift is None:
            # The base has nothing elsewhere: the tail is spread evenly.
            room = max(1, self.n_vocab - len(self.ids))
            with np.errstate(divide="ignore"):
                values = np.full(self.n_vocab, np.float32(np.log(self.tail / room)))
        else:
            values = base.values + shift
        values[self.ids] = self.logprobs
        return Logprobs(values)


Distribution = Logprobs | TopLogprobs


def rest_of(values: NDArray[np.float32], ids: NDArray[np.int64]) -> float:
    """Probability of all tokens but some.

    Args:
        values: Natural-log probabilities, `(n_vocab,)`.
        ids: The tokens that are left out.
    """
    rest = 1.0 - float(np.exp(values[ids].astype(np.float64)).sum())
    if rest > _EXACT:
        return rest
    # The difference of two numbers near 1 is rounding error: what is left is summed itself.
    others = values.astype(np.float64)
    others[ids] = -np.inf
    return float(np.exp(others).sum())


def _check_mass(values: NDArray[np.float32], mass: float, source: str, *, whole: bool) -> None:
    if np.isnan(values).any():
        raise DistributionError(f"{source} gave NaN where log-probabilities belong.")
    if float(values.max(initial=-np.inf)) > TOLERANCE or mass > 1 + TOLERANCE:
        raise DistributionError(f"{source} gave probabilities above 1.")
    if whole and mass < 1 - TOLERANCE:
        raise DistributionError(f"{source} gave probabilities that sum to {mass:.3f}.")
