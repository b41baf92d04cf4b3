"""What a chain begins with, and how every part reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.messages.utils import convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_cogenesis.collaboration import Request
from langchain_cogenesis.exceptions import ConfigurationError

Instruction = str | PromptValue | Sequence[BaseMessage] | Mapping[str, Any]
"""What a part takes: a text, messages, or a mapping that holds them as `instruction`."""


class InstructionNode(Runnable[Any, dict[str, Any]]):
    """Begins a chain: an instruction in, a mapping that holds it out.

    Args:
        local: The local model, which is loaded here: one that can't be costs no request.
    """

    name = "Instruction"

    def __init__(self, local: BaseChatModel | None = None) -> None:
        self.local = local

    def invoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Begins.

        Args:
            input: The instruction.
            config: As for any Runnable.
            **kwargs: Not used.

        Raises:
            ConfigurationError: There is no instruction.
            ModelError: The local model can't be loaded.
        """
        found = {"instruction": list(read_instruction(input).messages)}
        engine = getattr(self.local, "engine", None)
        if engine is not None:
            engine.load()
        return found


def read_instruction(given: Any) -> Request:
    """Reads an instruction out of what a chain carries.

    Raises:
        ConfigurationError: There is none, or no text from a human in it.
    """
    found = given.get("instruction") if isinstance(given, Mapping) else given
    if not isinstance(found, str | PromptValue | BaseMessage | Sequence):
        raise ConfigurationError(
            f"the chain was given a {type(given).__name__} without an instruction.",
            hint='Pass a string, messages, or {"instruction": "…"}.',
        )
    return Request(read_messages(found))


def read_messages(given: Any) -> list[BaseMessage]:
    """The messages of a prompt; a text is one from a human."""
    if isinstance(given, PromptValue):
        return list(given.to_messages())
    if isinstance(given, str):
        return [HumanMessage(given)]
    return list(convert_to_messages([given] if isinstance(given, BaseMessage) else given))
