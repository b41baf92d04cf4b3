"""How much of everything the endpoint takes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from langchain_cogenesis.exceptions import ConfigurationError

MAX_BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what clients may do; made so that an honest one never meets them.

    Attributes:
        body_bytes: Largest request body taken.
        head_bytes: Largest request line and headers, together.
        head_seconds: Until a connection must have sent a whole request line and headers.
        body_seconds: Until a request's body must have arrived.
        waiting_connections: So many may be open without a whole request; one more, and the one
            that has waited longest is closed. At most half of the files that the process may open.
        requests_per_second: Of clients with the key, all together. Twice as many may
            come at once.
        strangers_per_second: Of all others: refusals that tell why, and looks at `/health`. Twice
            as many may come at once.
        jobs: Requests that may be running or waiting for the model.

    Raises:
        ConfigurationError: A bound is not above zero.
    """

    body_bytes: int = MAX_BODY_BYTES
    head_bytes: int = 64 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    waiting_connections: int = 512
    requests_per_second: float = 1000.0
    strangers_per_second: float = 10.0
    jobs: int = 128

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigurationError(
                    f"{name} is {getattr(self, name)}.", hint="Give a number above zero."
                )


class RateLimit:
    """A token bucket: so many a second on average, and twice as many at once.

    Args:
        per_second: The rate.
    """

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._most = max(2 * per_second, 1.0)
        self._left = self._most
        self._then = time.monotonic()

    def wait(self) -> int:
        """Takes one, if there is one.

        Returns:
            0 if there was; otherwise whole seconds until there will be.
        """
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._then) * self._rate)
        self._then = now
        if self._left >= 1:
            self._left -= 1
            return 0
        return math.ceil((1 - self._left) / self._rate)
