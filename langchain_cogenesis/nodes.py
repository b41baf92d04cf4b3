"""The parts of a chain: Runnables that are joined with `|`, each of use alone.

`create_sketch_node()` asks the remote, `create_context_node()` retrieves, `create_private_prompt()`
puts both before the local model, `create_writer()` lets a model write. To the remote goes the
instruction and nothing else of what a chain carries: the sketch node looks at no other key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.utils import convert_to_messages
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_cogenesis.answering import Writers, direct_chunks, endpoint_of
from langchain_cogenesis.collaboration import Account, Request
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.async_stream import Cancelled, iterate_in_thread
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.sketch import Sketch, SketchNode
from langchain_cogenesis.tracing import untraced_config

Instruction = str | PromptValue | Sequence[BaseMessage] | Mapping[str, Any]
"""What a part takes: a text, messages, or a mapping that holds them as `instruction`."""


def create_sketch_node(
    remote: BaseChatModel, *, gate: EgressGate | None = None, max_tokens: int = 400
) -> GatedSketchNode:
    """Creates the part that asks the remote for an outline.

    Args:
        remote: The remote model.
        gate: The egress gate; by default that of the remote, which one from `create_remote()` has.
        max_tokens: Length of the outline, tokens.

    Returns:
        A Runnable: an instruction in, a `Sketch` with private values restored out.

    Raises:
        ConfigurationError: There is no gate, or the remote has another one.
    """
    return GatedSketchNode(remote, gate=gate, max_tokens=max_tokens)


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


class GatedSketchNode(Runnable[Any, Sketch]):
    """Masks an instruction, asks the remote for an outline, and puts private values back in it.

    Of a mapping it takes the `instruction`, of messages those from a human. See
    `create_sketch_node`.
    """

    name = "RemoteSketch"

    def __init__(
        self, remote: BaseChatModel, *, gate: EgressGate | None = None, max_tokens: int = 400
    ) -> None:
        self.remote = remote
        self.gate = _one_gate(remote, gate)
        self._node = SketchNode(remote, max_tokens=max_tokens)

    def invoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Sketch:
        """Asks for an outline.

        Args:
            input: The instruction.
            config: Passed on to the remote model.
            **kwargs: Passed on to the remote model.

        Raises:
            EgressDeniedError: The gate refused the instruction.
            SketchError: The remote gave no outline, twice.
            RemoteError: The endpoint failed.
            ConfigurationError: There is no instruction.
        """
        config, request = untraced_config(config), read_instruction(input)
        cleared = self._cleared(request)
        return self._node.invoke(cleared, config, **kwargs).restored(request.conversation)

    async def ainvoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Sketch:
        """Asks for an outline asynchronously; see `invoke`."""
        config, request = untraced_config(config), read_instruction(input)
        cleared = self._cleared(request)
        sketch = await self._node.ainvoke(cleared, config, **kwargs)
        return sketch.restored(request.conversation)

    def _cleared(self, request: Request) -> ClearedText:
        return self.gate.require(
            request.prompts(task="sketch").instruction,
            endpoint=endpoint_of(self.remote),
            conversation=request.conversation,
        )


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
        own = isinstance(source, UserSession)
        self.session = source if own else None
        self.retriever = None if own else source
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


def _points(given: Any) -> tuple[str, ...]:
    sketch = given.get("sketch") if isinstance(given, Mapping) else None
    if isinstance(sketch, Sketch):
        return sketch.points
    return tuple(map(str, sketch or ()))


def _one_gate(remote: BaseChatModel, gate: EgressGate | None) -> EgressGate:
    own = getattr(remote, "gate", None)
    if gate is not None and own is not None and gate is not own:
        raise ConfigurationError(
            "the remote has another egress gate.", hint="Create it with create_remote(…, gate=…)."
        )
    found: EgressGate | None = gate or own
    if found is None:
        raise ConfigurationError(
            f"{type(remote).__name__} has no egress gate.", hint="Pass gate=session.gate."
        )
    return found
