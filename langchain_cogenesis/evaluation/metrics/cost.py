"""What an answer cost: requests and tokens in money, and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from langchain_cogenesis.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class Price:
    """What an endpoint takes, in any currency, for a million tokens.

    Attributes:
        input: For tokens that it reads.
        output: For tokens that it writes.
    """

    input: float
    output: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """Reads `3/15`: 3 for a million tokens read, 15 for a million written.

        Raises:
            ConfigurationError: It is no such pair.
        """
        try:
            first, second = (float(part) for part in text.split("/"))
        except ValueError:
            first = second = -1.0
        if not (0 <= first < float("inf") and 0 <= second < float("inf")):
            raise ConfigurationError(
                f"{text!r} is no price.", hint="Give input/output for a million tokens, as 3/15."
            )
        return cls(first, second)

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """What so many tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass(slots=True)
class Stopwatch:
    """Times a stream of pieces of text.

    Attributes:
        first: Seconds until the first piece that holds text; None if none did.
        total: Seconds until its end.
    """

    clock: Callable[[], float] = time.perf_counter
    first: float | None = field(default=None, init=False)
    total: float = field(default=0.0, init=False)

    def watch(self, pieces: Iterable[str]) -> Iterator[str]:
        """Passes the pieces on."""
        began = self.clock()
        for piece in pieces:
            if self.first is None and piece:
                self.first = self.clock() - began
            yield piece
        self.total = self.clock() - began


def tokens_per_second(tokens: int, seconds: float) -> float | None:
    """Tokens a second; None where there was no time to measure."""
    return tokens / seconds if seconds > 0 else None
