"""Memory that holds nothing of before, for native code that writes what it never filled."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

# mallopt(3): the complement of the value is what fresh memory is filled with.
_M_PERTURB = -6
_ZEROS = 0xFF

_guard = threading.Lock()
_users = 0


@contextmanager
def clean_memory() -> Iterator[None]:
    """Has the C library fill memory with zeros before it hands it out, in all threads.

    Only glibc can; elsewhere this does nothing, and what was written has to be overwritten after.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _users
    mallopt = _mallopt()
    if mallopt is None:
        return
    with _guard:
        _users += change
        mallopt(_M_PERTURB, _ZEROS if _users else 0)


@lru_cache(maxsize=1)
def _mallopt() -> Callable[[int, int], int] | None:
    try:
        found: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "mallopt", None)
    except (OSError, TypeError):
        return None
    return found
