"""The part that writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_cogenesis.answer_chunks import direct_chunks
from langchain_cogenesis.models.async_stream import Cancelled, iterate_in_thread
from langchain_cogenesis.nodes.instruction import read_messages
from langchain_cogenesis.tracing import untraced_config


def create_writer(
    model: BaseChatModel | Callable[[], BaseChatModel], *, name: str | None = None, **options: Any
) -> WriterNode:
    """Creates the part that writes: a model whose prompt no callback, tracer or cache sees.

    Args:
        model: The local model, a `ChatLogitFusion`, or a function that makes one when it is needed.
        name: What it is called in a drawing.
        **options: Of each call, such as `max_tokens`.

    Returns:
        A Runnable: messages in, an answer out; it streams.
    """
    return WriterNode(model, name=name, **options)


class WriterNode(Runnable[Any, AIMessageChunk]):
    """Lets a model write without callbacks; see `create_writer`."""

    def __init__(
        self,
        model: BaseChatModel | Callable[[], BaseChatModel],
        *,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self.model = model
        self.options = options
        self.name = name or (
            f"{type(model).__name__}Writer" if isinstance(model, BaseChatModel) else "Writer"
        )

    def invoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessageChunk:
        """Writes an answer.

        Args:
            input: Messages, a prompt or a text.
            config: As for any Runnable.
            **kwargs: Options of the model.
        """
        whole: AIMessageChunk | None = None
        for chunk in self.stream(input, config, **kwargs):
            whole = chunk if whole is None else whole + chunk
        return whole if whole is not None else AIMessageChunk(content="")

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """Yields an answer's pieces; see `invoke`."""
        untraced_config(config)
        model = self.model if isinstance(self.model, BaseChatModel) else self.model()
        options = {**self.options, **kwargs}
        for chunk in direct_chunks(model, read_messages(input), options.pop("stop", None), options):
            assert isinstance(chunk.message, AIMessageChunk)
            yield chunk.message

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """Yields an answer's pieces asynchronously; see `invoke`."""

        def run(cancelled: Cancelled) -> Iterator[AIMessageChunk]:
            yield from self.stream(input, config, **kwargs)

        async with aclosing(iterate_in_thread(run)) as chunks:
            async for chunk in chunks:
                yield chunk
