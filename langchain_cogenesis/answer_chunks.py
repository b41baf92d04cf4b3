"""Chunks of an answer: a model's own, by a direct call, and those that tell how it came about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_cogenesis.account import Account
from langchain_cogenesis.chat_base import name_of
from langchain_cogenesis.collaboration import message_text


def direct_chunks(
    local: BaseChatModel,
    messages: list[BaseMessage],
    stop: list[str] | None,
    options: dict[str, Any],
) -> Iterator[ChatGenerationChunk]:
    """A model's chunks, without callbacks: no tracer or cache sees the private prompt.

    Args:
        local: The model.
        messages: The private half of a prompt.
        stop: Strings before which the answer ends.
        options: Of the call.
    """
    if type(local)._stream is not BaseChatModel._stream:
        yield from local._stream(messages, stop=stop, **options)
        return
    message = local._generate(messages, stop=stop, **options).generations[0].message
    assert isinstance(message, AIMessage)
    chunk = AIMessageChunk(
        content=message_text(message),
        tool_call_chunks=[
            tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=n
            )
            for n, call in enumerate(message.tool_calls)
        ],
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
    )
    yield ChatGenerationChunk(message=chunk)


def last_chunk(account: Account, writer: BaseChatModel | None) -> ChatGenerationChunk:
    """The chunk that ends an answer: usage, and how it was answered.

    Args:
        account: Of the answer.
        writer: The model that wrote it.
    """
    told = account.metadata()
    if account.sketch:
        del told["sketch"]  # in the stream already
    metadata = {
        "model_name": account.model_name or name_of(writer),
        "model_provider": "cogenesis",
        "finish_reason": account.finish_reason,
        "cogenesis": told,
    }
    message = AIMessageChunk(
        content="",
        response_metadata=metadata,
        usage_metadata=account.usage,
        chunk_position="last",
    )
    return ChatGenerationChunk(
        message=message, generation_info={"finish_reason": account.finish_reason}
    )


def sketch_chunk(account: Account) -> ChatGenerationChunk:
    """The chunk without text that tells the outline before the answer begins."""
    metadata = {"cogenesis": {"sketch": list(account.sketch)}}
    return ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata=metadata))
