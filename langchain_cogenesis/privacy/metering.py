"""How much left: counted at the guard, for whoever asks within the same thread or task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class EgressMeter:
    """Counts what left; of a remote whose client isn't ours, calls and bytes of their texts.

    Attributes:
        requests: Requests that were let through; one that is sent again counts again.
        bytes: Bytes of their bodies.
        tokens: Tokens in the sequences whose next tokens were asked for, in answered requests.
        rows: Distributions that were asked for in them, or tokens to draft, one each.
    """

    requests: int = 0
    bytes: int = 0
    tokens: int = 0
    rows: int = 0


_METER: ContextVar[EgressMeter | None] = ContextVar("egress_meter", default=None)


@contextmanager
def metered(meter: EgressMeter) -> Iterator[None]:
    """Counts the requests that are sent inside the block, in this thread or task."""
    token = _METER.set(meter)
    try:
        yield
    finally:
        _METER.reset(token)


def count_request(size: int) -> None:
    """Counts a request.

    Args:
        size: Bytes of its body.
    """
    if (meter := _METER.get()) is not None:
        meter.requests += 1
        meter.bytes += size


def count_tokens(tokens: int, rows: int) -> None:
    """Counts what a request for next-token distributions held, once it was answered.

    Args:
        tokens: Tokens of the sequence.
        rows: Distributions that were asked for.
    """
    if (meter := _METER.get()) is not None:
        meter.tokens += tokens
        meter.rows += rows
