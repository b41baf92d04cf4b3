"""How LangChain calls a chat model that computes in blocking calls, asyncio's calls included."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_cogenesis.models.async_stream import Cancelled, iterate_in_thread


class ThreadedChatModel(BaseChatModel):
    """A chat model that says in two blocking methods how it answers, whole or in chunks.

    Asynchronous calls run them on a thread of their own and tell them when nobody waits any more.
    """

    @abstractmethod
    def _whole(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> ChatResult:
        """The answer to a call; may end early once `cancelled()` is true."""

    @abstractmethod
    def _chunks(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> Iterator[ChatGenerationChunk]:
        """The same, piece by piece."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._whole(messages, stop, kwargs, _never)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages, stop, kwargs, _never):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        def run(cancelled: Cancelled) -> Iterator[ChatResult]:
            yield self._whole(messages, stop, kwargs, cancelled)

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
            yield from self._chunks(messages, stop, kwargs, cancelled)

        async with aclosing(iterate_in_thread(run)) as chunks:
            async for chunk in chunks:
                if run_manager is not None:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk


def _never() -> bool:
    return False
