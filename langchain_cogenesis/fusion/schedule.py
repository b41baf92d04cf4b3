"""Which steps ask the remote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.logprobs import Logprobs


@runtime_checkable
class Schedule(Protocol):
    """Decides whether a step may ask the remote. Private spans are never asked about anyway.

    One that goes by the position alone says so with an attribute `by_position = True`: then a
    request is sent before the local model has decoded.
    """

    @property
    def name(self) -> str:
        """Its name in records and messages."""

    def asks(self, position: int, local: Logprobs) -> bool:
        """Whether to ask.

        Args:
            position: Number of the token in the answer, from 0.
            local: What the local model expects there.
        """


@dataclass(frozen=True, slots=True)
class EveryStep:
    """Asks at every step."""

    by_position: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """`every`."""
        return "every"

    def asks(self, position: int, local: Logprobs) -> bool:
        """Yes."""
        return True


@dataclass(frozen=True, slots=True)
class Pkt:
    """The paper's schedule (Zhang et al. 2024, section 3.3): dense at first, sparse later.

    Attributes:
        p: Steps at the beginning, all of which ask.
        k: Then steps without asking,
        t: and steps that ask, in turn.
    """

    p: int
    k: int
    t: int
    by_position: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if min(self.p, self.k, self.t) < 0 or self.k + self.t < 1:
            raise ConfigurationError(
                f"the schedule P/K/T can't be {self.p}/{self.k}/{self.t}.",
                hint="Give whole numbers, with K or T above 0.",
            )

    @property
    def name(self) -> str:
        """`pkt` with its numbers."""
        return f"pkt {self.p}/{self.k}/{self.t}"

    def asks(self, position: int, local: Logprobs) -> bool:
        """Whether the position is one of the first P, or one of the T after K."""
        if position < self.p:
            return True
        return (position - self.p) % (self.k + self.t) >= self.k


@dataclass(frozen=True, slots=True)
class FixedRate:
    """Asks at every n-th step. Says nothing about where the local model was unsure.

    Attributes:
        every: 1 or more.
    """

    every: int
    by_position: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigurationError(
                f"the rate can't be every {self.every} steps.", hint="Give 1 or more."
            )

    @property
    def name(self) -> str:
        """`rate` with its number."""
        return f"rate 1/{self.every}"

    def asks(self, position: int, local: Logprobs) -> bool:
        """Whether the position is a multiple."""
        return position % self.every == 0


@dataclass(frozen=True, slots=True)
class EntropySchedule:
    """Asks where the local model is unsure. When it asks depends on the text, which is a signal.

    Attributes:
        threshold: Entropy from which on it asks, nats.
    """

    threshold: float

    @property
    def name(self) -> str:
        """`entropy` with its threshold."""
        return f"entropy {self.threshold:g}"

    def asks(self, position: int, local: Logprobs) -> bool:
        """Whether the entropy is at least the threshold."""
        return entropy(local) >= self.threshold


def entropy(distribution: Logprobs) -> float:
    """Entropy of a distribution, nats."""
    values = distribution.values
    with np.errstate(invalid="ignore"):
        terms = np.exp(values) * values
    # A token without probability adds nothing.
    return -float(np.nansum(terms, dtype=np.float64))


def parse_schedule(text: str) -> Schedule:
    """Reads a schedule as users write it: `every`, `pkt:20/8/2`, `rate:4`, `entropy:1.5`.

    Raises:
        ConfigurationError: It is none of them.
    """
    kind, _, value = text.partition(":")
    try:
        if kind == "every" and not value:
            return EveryStep()
        if kind == "pkt":
            p, k, t = (int(part) for part in value.split("/"))
            return Pkt(p, k, t)
        if kind == "rate":
            return FixedRate(int(value))
        if kind == "entropy":
            return EntropySchedule(float(value))
    except ValueError:
        pass
    raise ConfigurationError(
        f"{text!r} is no schedule.", hint="Use every, pkt:P/K/T, rate:N or entropy:NATS."
    )
