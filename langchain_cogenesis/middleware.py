"""CoGenesis in LangChain's agents: the local model answers, with private context and an outline.

The model call of the agent ends here. Private documents are retrieved inside of it, reach the local
model by a direct call, and are gone afterwards: neither the agent's state nor its checkpoints nor
other middleware ever hold them, and the handler that would call the agent's own model is not used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables.config import ensure_config

from langchain_cogenesis.agent_responses import (
    Strategy,
    bound_options,
    choose_strategy,
    read_response,
)
from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.collaboration import Mode, OnRemoteError, check_mode, is_typed
from langchain_cogenesis.logit_settings import LogitSettings
from langchain_cogenesis.session import UserSession

_SUMMARISED = "What was typed stands in a summary by now, so the remote wasn't asked."
_NO_TOOLS = "The local model takes no tools, so it answered without."


@dataclass(frozen=True, slots=True, repr=False)
class _Call:
    """A model call of the agent, ready to be made, and how its answer is read."""

    model: ChatCoGenesis
    messages: list[BaseMessage]
    options: dict[str, Any]
    strategy: Strategy | None
    warnings: list[str]
    agent: str | None

    def response(self, message: AIMessage) -> ModelResponse[Any]:
        message.name = self.agent or message.name
        account = message.response_metadata["cogenesis"]
        account["warnings"] = [*account["warnings"], *self.warnings]
        return read_response(message, self.strategy)


class CoGenesisMiddleware(AgentMiddleware[Any, Any, Any]):
    """Answers an agent's model calls with a local model that reads private context.

    The remote is asked for an outline of what the human typed, private values masked, in a message
    list of its own: it gets no system prompt, no tools, no tool results, no earlier answers and no
    summaries. All of these the local model reads, and it alone calls tools, in every mode. The mode
    comes from `mode`, or from `config={"configurable": {"cogenesis_mode": …}}`.

    With `response_format` the local model writes the structured response. A bare schema is the
    shape of the answer where the local model keeps to one (`ChatLocalLlama` does, by a grammar),
    which in `sketch` mode it writes with the outline in sight; otherwise, and by `ToolStrategy`, it
    is a tool that has to be called.

    It may stand anywhere among other middleware. What is outside of it may call it again (retries)
    or with another model (fallbacks), which is then the remote; what is inside of it isn't reached.
    A model that other middleware calls by itself, as for summaries, reads the conversation: let it
    be the local model.

    Example:
        ```python
        agent = create_agent(
            remote, tools=[], middleware=[CoGenesisMiddleware(session, local=ChatLocalLlama())]
        )
        ```

    Args:
        session: The user's store and gate.
        local: The local model; it calls tools if it has `bind_tools`.
        remote: The remote model; by default the model of the agent.
        retriever: Private context; by default that of the session.
        mode: The mode of calls whose config names none.
        on_remote_error: Whether a remote that fails is an error (`raise`), or the local model then
            answers alone (`local`).
        k: At most so many items of context.
        logits: How logit mode fuses; see `LogitSettings`.
        remote_reads_tools: Names of tools whose results the remote may read too, masked.

    Raises:
        ConfigurationError: The remote's gate is not the session's.
    """

    def __init__(
        self,
        session: UserSession,
        *,
        local: BaseChatModel,
        remote: BaseChatModel | None = None,
        retriever: BaseRetriever | None = None,
        mode: Mode = "sketch",
        on_remote_error: OnRemoteError = "raise",
        k: int = 12,
        logits: LogitSettings | None = None,
        remote_reads_tools: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.session = session
        self.local = local
        self.remote = remote
        self.retriever = retriever
        self.mode = check_mode(mode)
        self.on_remote_error = on_remote_error
        self.k = k
        self.logits = logits or LogitSettings()
        self.remote_reads_tools = tuple(remote_reads_tools)
        self._model(remote)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mode={self.mode!r}, local={type(self.local).__name__})"

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Answers a model call of the agent.

        Args:
            request: The call.
            handler: Not used: it would hand the conversation to whatever model stands there.

        Raises:
            RemoteError: The endpoint failed.
            EgressDeniedError: The gate refused what the human typed.
            PrivacyError: A hosted tracer records the agent.
            ConfigurationError: The agent asks for a structured response that the local model can't
                give, or nobody typed anything.
            StructuredOutputError: The response doesn't fit its schema, and isn't tried again.
        """
        call = self._prepared(request)
        return call.response(call.model.invoke(call.messages, **call.options))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Answers a model call of the agent asynchronously; see `wrap_model_call`."""
        call = self._prepared(request)
        return call.response(await call.model.ainvoke(call.messages, **call.options))

    def _prepared(self, request: ModelRequest[Any]) -> _Call:
        messages: list[BaseMessage] = [*request.messages]
        if request.system_message is not None:
            messages.insert(0, request.system_message)
        config, warnings = ensure_config(), []
        mode = check_mode(config.get("configurable", {}).get("cogenesis_mode") or self.mode)
        if mode != "local" and not is_typed(messages):
            mode, warnings = "local", [_SUMMARISED]
        strategy = choose_strategy(request.response_format, self.local)
        options = bound_options(self.local, request, strategy)
        if request.tools and "tools" not in options:
            warnings.append(_NO_TOOLS)
        return _Call(
            self._model(self.remote or self._of_agent(request.model)),
            messages,
            {**options, "mode": mode},
            strategy,
            warnings,
            config.get("metadata", {}).get("lc_agent_name"),
        )

    def _model(self, remote: BaseChatModel | None) -> ChatCoGenesis:
        # Not kept in a cache: a global one would cross conversations, and files may hold it.
        return ChatCoGenesis(
            local=self.local,
            remote=remote,
            session=self.session,
            retriever=self.retriever,
            mode=self.mode,
            on_remote_error=self.on_remote_error,
            k=self.k,
            logits=self.logits,
            remote_reads_tools=self.remote_reads_tools,
            cache=False,
        )

    def _of_agent(self, model: BaseChatModel) -> BaseChatModel | None:
        """The agent's model as the remote; the local model is none."""
        return None if model is self.local else model
