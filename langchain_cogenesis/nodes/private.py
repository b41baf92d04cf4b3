"""The parts that handle private context: what is retrieved, and the prompt made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_cogenesis.account import Account
from langchain_cogenesis.answering import Writers
from langchain_cogenesis.nodes.instruction import Instruction, read_instruction
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.sketch import Sketch
from langchain_cogenesis.tracing import untraced_config


def create_context_node(
    source: UserSession | BaseRetriever, *, local: BaseChatModel | None = None, k: int = 12
) -> ContextNode:
    """Creates the part that retrieves private context for an instruction.

    Args:
        source: The user's session, or any retriever.
        local: The model that will read it. From a session, what is retrieved then fits its window;
            the room that the outline takes is counted where the mapping has a `sketch`.
        k: At most so many items of a session.

    Returns:
        A Runnable: an instruction in, documents out.
    """
    return ContextNode(source, local=local, k=k)


def create_private_prompt() -> PrivatePromptNode:
    """Creates the part that makes the local model's prompt.

    Returns:
        A Runnable: a mapping with `instruction` and, if there are any, `documents` and `sketch` in;
        messages out. They are private: pipe them into a local model.
    """
    return PrivatePromptNode()


class ContextNode(Runnable[Any, list[Document]]):
    """Retrieves private context, within what the local model's window leaves for it.

    See `create_context_node`.
    """

    name = "PrivateContext"

    def __init__(
        self,
        source: UserSession | BaseRetriever,
        *,
        local: BaseChatModel | None = None,
        k: int = 12,
    ) -> None:
        self.session = source if isinstance(source, UserSession) else None
        self.retriever = source if isinstance(source, BaseRetriever) else None
        self.local = local
        self.k = k

    def invoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """Retrieves; documents are private.

        Args:
            input: The instruction; a mapping's `sketch` counts as part of the prompt.
            config: As for any Runnable.
            **kwargs: `max_tokens` of the answer, for which room is kept.

        Raises:
            ConfigurationError: There is no instruction.
        """
        untraced_config(config)
        request, account = read_instruction(input), Account("local", "local")
        account.sketch = _points(input)
        gate = self.session.gate if self.session else EgressGate()
        writers = Writers(self.local, None, gate, self.session, self.retriever, self.k)
        return writers.retrieve(request, account, kwargs)


class PrivatePromptNode(Runnable[Any, ChatPromptValue]):
    """Makes the local model's prompt; see `create_private_prompt`."""

    name = "PrivatePrompt"

    def invoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> ChatPromptValue:
        """Makes the prompt.

        Args:
            input: A mapping with `instruction`, `documents` and `sketch`.
            config: As for any Runnable.
            **kwargs: Not used.

        Raises:
            ConfigurationError: There is no instruction.
        """
        untraced_config(config)
        given = input.get("documents") if isinstance(input, Mapping) else None
        documents = [given] if isinstance(given, Document) else given or ()
        pair = read_instruction(input).prompts(documents, _points(input))
        return ChatPromptValue(messages=list(pair.private))


def _points(given: Any) -> tuple[str, ...]:
    sketch = given.get("sketch") if isinstance(given, Mapping) else None
    if isinstance(sketch, Sketch):
        return sketch.points
    return tuple(map(str, sketch or ()))
