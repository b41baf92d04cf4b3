"""Blocking iterators for asyncio, each on a thread of its own; and chat models that are such."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_cogenesis.privacy.asking import context_for

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    _ChatModel = BaseChatModel
else:
    _ChatModel = object

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


class InThread(_ChatModel):
    """Mix-in for a chat model whose asynchronous answers are its blocking ones, on a thread.

    A question of the egress gate is put to the event loop that waits for the answer.
    """

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        def run(cancelled: Cancelled) -> Iterator[ChatResult]:
            yield self._generate(messages, stop, **kwargs)

        [result] = [result async for result in iterate_in_thread(run)]
        return result

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        def run(cancelled: Cancelled) -> Iterator[ChatGenerationChunk]:
            yield from self._stream(messages, stop, **kwargs)

        async with aclosing(iterate_in_thread(run)) as chunks:
            async for chunk in chunks:
                if run_manager is not None:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
