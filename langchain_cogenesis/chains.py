"""The composed Runnable: an instruction in, the finished text out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableLambda,
    RunnablePassthrough,
    RunnableSerializable,
)
from langchain_core.runnables.config import ensure_config
from langchain_core.runnables.graph import Graph
from pydantic import ConfigDict, Field

from langchain_cogenesis.chat_fusion import ChatLogitFusion
from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.collaboration import Mode, check_mode, check_on_remote_error
from langchain_cogenesis.exceptions import (
    EgressDeniedError,
    ModeError,
    RemoteError,
    RemoteUnavailableError,
    VocabularyMismatchError,
)
from langchain_cogenesis.logit_answering import require_local
from langchain_cogenesis.logit_settings import FusionHelper
from langchain_cogenesis.nodes import (
    InstructionNode,
    create_context_node,
    create_private_prompt,
    create_sketch_node,
    create_writer,
    read_instruction,
)
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.tracing import UntracedRuns, untraced

_Chain = Runnable[Any, Any]
_HOPELESS = (RemoteUnavailableError, EgressDeniedError)
_ALONE = {"mode": "remote", "on_remote_error": "raise"}
_ANSWERABLE = (RemoteError, EgressDeniedError, ModeError, VocabularyMismatchError)


class CoGenesisChain(UntracedRuns, RunnableSerializable[Any, str]):
    """One sequence of parts for each mode, and the choice between them.

    Runs of the parts are seen by no callback: they hold private documents. The chain's own run is
    reported as any Runnable's, and hosted tracers are kept out of it.

    Attributes:
        chains: The sequence of each mode, as it is drawn.
        mode: The mode of calls whose config names none.
        fallbacks: Which mode answers for a fault of a mode, by kinds of errors; the first that fits
            counts.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str | None = "CoGenesisChain"
    chains: dict[str, Any] = Field(exclude=True, repr=False)
    mode: Mode = "sketch"
    fallbacks: dict[str, tuple[tuple[tuple[type[Exception], ...], str], ...]] = Field(
        default_factory=dict, exclude=True, repr=False
    )

    def chain(self, config: RunnableConfig | None = None) -> _Chain:
        """The sequence of the mode that a config names.

        Raises:
            ModeError: There is no such mode, or it needs a remote and there is none.
        """
        named = ensure_config(config).get("configurable", {}).get("cogenesis_mode")
        mode = check_mode(named or self.mode)
        if mode not in self.chains:
            raise ModeError(
                "this mode needs a remote model, and none is configured.",
                hint="Pass remote=create_remote(…), or use mode='local'.",
            )
        return self._guarded(mode)

    def _guarded(self, mode: str) -> _Chain:
        guarded: _Chain = self.chains[mode]
        for errors, instead in self.fallbacks.get(mode, ()):
            guarded = guarded.with_fallbacks([self._guarded(instead)], exceptions_to_handle=errors)
        return guarded

    def get_graph(self, config: RunnableConfig | None = None) -> Graph:
        """The parts of the mode that a config names, and how they are joined."""
        named = ensure_config(config).get("configurable", {}).get("cogenesis_mode")
        drawn: _Chain = self.chains[check_mode(named or self.mode)]
        return drawn.get_graph(config)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Writes.

        Args:
            input: The instruction, messages, or `{"instruction": …}`.
            config: `configurable={"cogenesis_mode": …}` names the mode.
            **kwargs: Not used.
        """

        def write(given: Any, config: RunnableConfig) -> str:
            return str(self.chain(config).invoke(given, _silent(config)))

        run: Any = write
        text: str = self._call_with_config(run, input, self._quiet(config))
        return text

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Writes asynchronously; see `invoke`."""

        async def write(given: Any, config: RunnableConfig) -> str:
            return str(await self.chain(config).ainvoke(given, _silent(config)))

        run: Any = write
        text: str = await self._acall_with_config(run, input, self._quiet(config))
        return text

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[str]:
        """Yields the text as it is written; see `invoke`."""

        def write(inputs: Iterator[Any], config: RunnableConfig) -> Iterator[str]:
            for given in inputs:
                yield from self.chain(config).stream(given, _silent(config))

        run: Any = write
        yield from self._transform_stream_with_config(iter([input]), run, self._quiet(config))

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[str]:
        """Yields the text as it is written, asynchronously; see `invoke`."""

        async def inputs() -> AsyncIterator[Any]:
            yield input

        async def write(inputs: AsyncIterator[Any], config: RunnableConfig) -> AsyncIterator[str]:
            async for given in inputs:
                async for piece in self.chain(config).astream(given, _silent(config)):
                    yield piece

        run: Any = write
        made: Any = self._atransform_stream_with_config(inputs(), run, self._quiet(config))
        async with aclosing(made) as pieces:
            async for piece in pieces:
                yield piece


def create_cogenesis_chain(
    session: UserSession,
    *,
    local: BaseChatModel | None = None,
    remote: BaseChatModel | None = None,
    retriever: BaseRetriever | None = None,
    **settings: Any,
) -> CoGenesisChain:
    """Composes sketch node, retriever, prompt and writer into one Runnable for each mode.

    The chain takes the instruction as a string, as messages or as `{"instruction": …}`, streams,
    and switches its mode by `config={"configurable": {"cogenesis_mode": "local"}}`. In sketch mode
    it is::

        RunnablePassthrough.assign(sketch=create_sketch_node(remote))
        | RunnablePassthrough.assign(documents=create_context_node(session, local=local))
        | create_private_prompt()
        | create_writer(local)
        | StrOutputParser()

    Private documents are retrieved once the remote has answered. `get_graph(config)` draws the
    mode that the config names.

    Args:
        session: The user's store and gate.
        local: The local model; by default the small house model.
        remote: The remote model, from `create_remote(…, gate=session.gate)`.
        retriever: Private context; by default that of the session.
        **settings: Further fields of `ChatCoGenesis`: `mode`, `on_remote_error`, `k`, `logits`,
            `next_token_remote`.

    Raises:
        ConfigurationError: The remote's gate is not the session's.
    """
    if local is None:
        from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama

        local = ChatLocalLlama()
    # It checks the settings, answers in remote mode, and knows the remote's distributions.
    model = ChatCoGenesis(
        local=local, remote=remote, session=session, retriever=retriever, **settings
    )
    fallbacks: dict[str, Any] = {}
    if check_on_remote_error(model.on_remote_error) == "local":
        fallbacks = {
            "logits": ((_HOPELESS, "local"), (_ANSWERABLE, "sketch")),
            "sketch": ((_ANSWERABLE, "local"),),
            "remote": ((_ANSWERABLE, "local"),),
        }
    return CoGenesisChain(chains=_chains(model), mode=model.mode, fallbacks=fallbacks)


def _chains(model: ChatCoGenesis) -> dict[str, _Chain]:
    local, remote, session = model.local, model.remote, model.session
    assert session is not None
    start = InstructionNode(local)
    context = create_context_node(model.retriever or session, local=local, k=model.k)
    documents = RunnablePassthrough.assign(documents=context)
    prompt, text = create_private_prompt(), StrOutputParser()
    write = create_writer(local)
    chains: dict[str, _Chain] = {"local": start | documents | prompt | write | text}
    if remote is not None:
        sketch = RunnablePassthrough.assign(sketch=create_sketch_node(remote, gate=session.gate))
        chains["sketch"] = start | sketch | documents | prompt | write | text
        ask: _Chain = RunnableLambda(_messages, name="Instruction")
        alone = create_writer(model, name=f"{type(remote).__name__}Writer", **_ALONE)
        chains["remote"] = ask | alone | text
    if remote is not None or model.next_token_remote is not None:
        fuse = create_writer(lambda: _fusion(model), name="ChatLogitFusionWriter")
        chains["logits"] = start | documents | prompt | fuse | text
    return chains


def _fusion(model: ChatCoGenesis) -> ChatLogitFusion:
    settings = model.logits
    trust: Any = "instruction" if settings.prefix == "raw" else "masked"
    return ChatLogitFusion(
        local=require_local(model.local),
        helpers=(FusionHelper(model._distributions(), trust),),
        gate=model.gate,
        fusion=settings.fusion,
        schedule=settings.schedule,
        block=settings.block,
        draft=settings.draft,
        on_remote_error=model.on_remote_error,
    )


def _messages(given: Any) -> list[BaseMessage]:
    return list(read_instruction(given).messages)


def _silent(config: RunnableConfig) -> RunnableConfig:
    # Of the parts' runs, inputs and outputs are private documents and prompts. With no callbacks at
    # all, an environment variable would bring in a hosted tracer for each of them.
    return {**config, "callbacks": untraced([], private=False)}
