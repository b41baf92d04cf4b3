"""Counts what leaves, for the call that is being made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class EgressMeter:
    """Counts what left: requests, and bytes of their bodies.

    Of a remote whose HTTP client isn't ours: calls, and bytes of their texts.
    """

    requests: int = 0
    bytes: int = 0


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
    """Counts one request, of so many bytes, if it is made inside of `metered`."""
    meter = _METER.get()
    if meter is not None:
        meter.requests += 1
        meter.bytes += size
