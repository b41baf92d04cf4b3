"""Turns at a context that only one generation can use at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

IDLE_SECONDS = 0.25


class Turns:
    """Hands a context from one generation to the next, and never blocks for good.

    A generation takes one step after the other, with its consumer's work in between, perhaps each
    on another thread. While it steps it keeps its turn, and others wait in the order they came. If
    it pauses for longer than `idle_seconds`, the first of them takes over; the one that paused
    queues again when it goes on. A step on the very thread that made the last one takes over at
    once: the holder can't go on before that thread returns.

    Args:
        idle_seconds: After which pause between steps a holder loses its turn to somebody waiting.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._holder: object | None = None
        self._thread: int | None = None
        self._stepping = False
        self._last_step = 0.0

    @contextmanager
    def step(self, holder: object) -> Iterator[None]:
        """Waits for the context and keeps it for the body of the `with`.

        Args:
            holder: Identifies the generation; compared by identity.
        """
        self._acquire(holder)
        try:
            yield
        finally:
            with self._changed:
                self._stepping = False
                self._last_step = time.monotonic()
                self._changed.notify_all()

    def release(self, holder: object) -> None:
        """Gives a turn back, if `holder` has it."""
        with self._changed:
            if self._holder is holder:
                self._holder = None
                self._changed.notify_all()

    def _acquire(self, holder: object) -> None:
        ticket = object()
        with self._changed:
            if not (self._holder is holder and not self._stepping):
                self._waiting.append(ticket)
                try:
                    while (delay := self._delay(ticket)) is None or delay > 0:
                        self._changed.wait(delay)
                finally:
                    self._waiting.remove(ticket)
                    self._changed.notify_all()
            self._holder = holder
            self._thread = threading.get_ident()
            self._stepping = True

    def _delay(self, ticket: object) -> float | None:
        """Seconds until `ticket` may go ahead; `None`: when something changes."""
        if self._stepping:
            return None
        here = self._thread == threading.get_ident()
        if self._holder is not None and here:
            return 0.0
        if self._waiting[0] is not ticket:
            return None
        if self._holder is None:
            return 0.0
        return max(0.0, self._last_step + self._idle_seconds - time.monotonic())
