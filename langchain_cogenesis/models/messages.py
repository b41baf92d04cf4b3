"""LangChain's messages as chat templates take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_cogenesis.exceptions import ConfigurationError


def to_chat(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """LangChain's messages as the template takes them.

    Args:
        messages: System, human, AI and tool messages, and chat messages with one of their roles.

    Returns:
        `{"role", "content"}` for each; of an AI message also `tool_calls`, of a tool message also
        `name` and `tool_call_id`.

    Raises:
        ConfigurationError: If a message is of another kind, or holds more than text.
    """
    names: dict[str | None, str] = {}
    chat = []
    for number, message in enumerate(messages):
        turn: dict[str, Any] = {"role": _role(message), "content": _text(message, number)}
        if isinstance(message, AIMessage) and message.tool_calls:
            names.update({call["id"]: call["name"] for call in message.tool_calls})
            turn["tool_calls"] = [
                {"id": call["id"] or "", "name": call["name"], "args": call["args"]}
                for call in message.tool_calls
            ]
        if isinstance(message, ToolMessage):
            name = message.name or names.get(message.tool_call_id) or "tool"
            turn.update(name=name, tool_call_id=message.tool_call_id)
            if message.status == "error" and not turn["content"].startswith("Error"):
                turn["content"] = f"Error: {turn['content']}"
        chat.append(turn)
    return chat


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, ToolMessage):
        return "tool"
    if isinstance(message, ChatMessage):
        return {"human": "user", "ai": "assistant"}.get(message.role, message.role)
    raise ConfigurationError(
        f"The local model takes no message of type {message.type!r}.",
        hint="Give system, human, AI and tool messages.",
    )


def _text(message: BaseMessage, number: int) -> str:
    if isinstance(message.content, str):
        return message.content
    for block in message.content:
        kind = "text" if isinstance(block, str) else block.get("type", "unknown")
        if kind != "text" and not isinstance(message, AIMessage):
            raise ConfigurationError(
                f"Message {number} holds a content block of type {kind!r}; "
                "the local model reads text only.",
                hint="Leave it out, or describe it in words.",
            )
    return str(message.text)
