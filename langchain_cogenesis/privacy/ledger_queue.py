"""Many writers, one write: what waits while the disk is busy is written together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from langchain_cogenesis.exceptions import LedgerError

_BATCH = 64
"""At most so many entries share one write."""


class WriteQueue:
    """Payloads that wait to be written, in the order in which they were given.

    Args:
        write: Puts payloads on disk, all or none, and returns the number of the first. It is
            called by one thread at a time.
    """

    def __init__(self, write: Callable[[Sequence[bytes]], int]) -> None:
        self._write = write
        self._executor: ThreadPoolExecutor | None = None
        self._reset()

    def append(self, payload: bytes) -> int:
        """Writes a payload in this thread, together with what others wait for.

        Returns:
            The payload's number.

        Raises:
            LedgerError: It can't be written.
        """
        future = self._put(payload)
        while not future.done():
            self._write_waiting(future)
        return future.result()

    def submit(self, payload: bytes) -> Future[int]:
        """Has a payload written by a thread of the queue.

        Returns:
            The payload's number, once it is on disk.
        """
        future = self._put(payload)
        with self._guard:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="cogenesis-ledger")
            self._executor.submit(self._write_waiting, future)
        return future

    def _put(self, payload: bytes) -> Future[int]:
        if self._process != os.getpid():
            # A fork has neither the parent's threads nor a right to what they were about to write.
            self._reset()
        future: Future[int] = Future()
        with self._guard:
            self._waiting.append((payload, future))
        return future

    def _write_waiting(self, wanted: Future[int]) -> None:
        with self._turn:
            if wanted.done():
                return
            with self._guard:
                batch = self._waiting[:_BATCH]
                del self._waiting[:_BATCH]
            batch = [(p, future) for p, future in batch if future.set_running_or_notify_cancel()]
            if not batch:
                return
            try:
                first = self._write([payload for payload, _ in batch])
            except BaseException as error:
                for _, future in batch:
                    future.set_exception(_told(error))
                if isinstance(error, LedgerError):
                    return
                raise
            for number, (_, future) in enumerate(batch, start=first):
                future.set_result(number)

    def _reset(self) -> None:
        self._process = os.getpid()
        self._guard = threading.Lock()  # the list, for moments
        self._turn = threading.Lock()  # the disk
        self._waiting: list[tuple[bytes, Future[int]]] = []
        self._executor = None


def _told(error: BaseException) -> LedgerError:
    """An error of its own for each who waits: raising one object in two threads mixes traces."""
    if isinstance(error, LedgerError):
        return LedgerError(error.message, hint=error.hint)
    return LedgerError(
        f"writing the ledger was broken off by {type(error).__name__}.", hint="Nothing was sent."
    )
