"""An answer of the local model as LangChain's messages, whole or in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import (
    ToolCallChunk,
    invalid_tool_call,
    tool_call,
    tool_call_chunk,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_cogenesis.models.call_parser import Call, CallDelta
from langchain_cogenesis.models.local_answer import LocalAnswer

PROVIDER = "llama.cpp"
_CUT_OFF = "The answer ended before the arguments did; raise max_tokens."


def to_result(answer: LocalAnswer) -> ChatResult:
    """Writes an answer to its end.

    Calls whose arguments were cut off are `invalid_tool_calls`.
    """
    pieces = list(answer)
    info: dict[str, Any] = {"finish_reason": answer.finish_reason}
    if answer.options.logprobs:
        info["logprobs"] = {"content": [entry for piece in pieces for entry in piece.logprobs]}
    message = AIMessage(
        "".join(piece.text for piece in pieces),
        tool_calls=[
            tool_call(name=call.name, args=call.read_args(), id=call.id)
            for call in answer.calls
            if call.whole
        ],
        invalid_tool_calls=[_invalid(call) for call in answer.calls if not call.whole],
        usage_metadata=answer.usage,
        response_metadata={"model_name": answer.model_name, "model_provider": PROVIDER, **info},
    )
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=info)])


def _invalid(call: Call) -> Any:
    return invalid_tool_call(name=call.name or None, args=call.args, id=call.id, error=_CUT_OFF)


def to_chunks(answer: LocalAnswer) -> Iterator[ChatGenerationChunk]:
    """Writes an answer piece by piece; the last chunk carries usage, names and why it ended."""
    for piece in answer:
        message = AIMessageChunk(
            content=piece.text, tool_call_chunks=[_chunk(delta) for delta in piece.calls]
        )
        yield ChatGenerationChunk(
            message=message,
            generation_info={"logprobs": {"content": piece.logprobs}} if piece.logprobs else None,
        )
    # Merging chunks joins strings, so that names come once, with the last.
    last = AIMessageChunk(
        content="",
        usage_metadata=answer.usage,
        response_metadata={"model_name": answer.model_name, "model_provider": PROVIDER},
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last, generation_info={"finish_reason": answer.finish_reason})


def _chunk(delta: CallDelta) -> ToolCallChunk:
    return tool_call_chunk(name=delta.name, args=delta.args, id=delta.id, index=delta.index)
