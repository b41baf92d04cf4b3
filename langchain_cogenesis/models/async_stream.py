"""Blocking iterators for asyncio, each on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TypeVar

from langchain_cogenesis.privacy.asking import context_for

T = TypeVar("T")

Cancelled = Callable[[], bool]


async def iterate_in_thread(make: Callable[[Cancelled], Iterator[T]]) -> AsyncGenerator[T, None]:
    """Runs an iterator on a new thread and yields its items.

    An event loop's own executor has few threads. If iterators that wait for the same engine filled
    it, the one that has the engine would get no thread for its next step.

    Args:
        make: Makes the iterator, on the new thread; gets a function that turns true when nobody
            waits for items any more.

    Yields:
        The items. The iterator runs ahead of a slow consumer.

    Raises:
        BaseException: What the iterator raises.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()
    abandoned = threading.Event()

    def put(entry: tuple[T] | BaseException | None) -> None:
        try:
            loop.call_soon_threadsafe(queue.put_nowait, entry)
        except RuntimeError:  # The loop is closed.
            abandoned.set()

    def run() -> None:
        try:
            for item in make(abandoned.is_set):
                put((item,))
                if abandoned.is_set():
                    break
            put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are awaited
            put(error)

    context = context_for(loop, abandoned.is_set)
    # No daemon: a model must not be freed at exit while a thread decodes with it.
    threading.Thread(target=context.run, args=(run,), name="cogenesis-iterator").start()
    try:
        while (entry := await queue.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry[0]
    finally:
        abandoned.set()
