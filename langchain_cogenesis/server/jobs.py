"""One model, many clients: work runs in one thread, in the order in which it was asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from langchain_cogenesis.exceptions import CoGenesisError

T = TypeVar("T")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class QueueFullError(CoGenesisError):
    """More requests are waiting than the endpoint takes."""


class _End:
    """Marks the end of a job's items, with the error that ended it, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Job(Generic[T]):
    """Items that the worker thread makes, to be read in the event loop that asked for them.

    Args:
        make: Called in the worker thread with a function that tells whether the job was cancelled;
            yields the items.
    """

    def __init__(self, make: Callable[[Callable[[], bool]], Iterator[T]]) -> None:
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[T | _End] = asyncio.Queue()
        self._cancelled = threading.Event()
        self.place: Future[None] | None = None

    def cancel(self) -> None:
        """Ends the job: at once if it still waits, else before its next item."""
        self._cancelled.set()
        if self.place is not None:
            self.place.cancel()
        self._items.put_nowait(_End())

    async def cancel_when_gone(self, receive: Receive) -> None:
        """Waits until the client has left, then cancels the job."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.cancel()

    async def __aiter__(self) -> AsyncIterator[T]:
        while not isinstance(item := await self._items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def run(self) -> None:
        """Makes the items; called in the worker thread."""
        error: BaseException | None = None
        items: Iterator[T] | None = None
        try:
            if not self._cancelled.is_set():
                items = self._make(self._cancelled.is_set)
                for item in items:
                    if self._cancelled.is_set():
                        break
                    self._put(item)
        except BaseException as caught:  # noqa: BLE001 - it is raised again in the event loop
            error = caught
        finally:
            # Here and now, so that the engine is free before the next job starts.
            close = getattr(items, "close", None)
            if close is not None:
                close()
            self._put(_End(error))

    def _put(self, item: T | _End) -> None:
        # The loop is closed when the server has stopped: nobody waits for the item then.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)


class Worker:
    """The thread in which one model works, and the first-come-first-served queue before it.

    Args:
        max_jobs: How many jobs may be running or waiting.
    """

    def __init__(self, *, max_jobs: int = 128) -> None:
        self._max_jobs = max_jobs
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="cogenesis-endpoint")
        self._jobs: set[Job[Any]] = set()
        self._guard = threading.Lock()

    @property
    def jobs(self) -> int:
        """How many jobs are running or waiting."""
        with self._guard:
            return len(self._jobs)

    def submit(self, make: Callable[[Callable[[], bool]], Iterator[T]]) -> Job[T]:
        """Puts work at the end of the queue; must be called in an event loop.

        Args:
            make: Called in the worker thread; see `Job`.

        Returns:
            The job, to be iterated over.

        Raises:
            QueueFullError: Too many jobs are waiting.
        """
        job = Job(make)
        with self._guard:
            if len(self._jobs) >= self._max_jobs:
                raise QueueFullError(
                    f"{self._max_jobs} requests are waiting already.", hint="Try again later."
                )
            self._jobs.add(job)
        job.place = self._executor.submit(job.run)
        job.place.add_done_callback(lambda _: self._forget(job))
        return job

    def _forget(self, job: Job[Any]) -> None:
        with self._guard:
            self._jobs.discard(job)

    def close(self) -> None:
        """Cancels all jobs; the thread ends after its present step."""
        with self._guard:
            jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
