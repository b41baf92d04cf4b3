"""CoGenesis in LangChain's agents: the local model answers, with private context and an outline.

The model call of the agent ends here. Private documents are retrieved inside of it, reach the local
model by a direct call, and are gone afterwards: neither the agent's state nor its checkpoints nor
other middleware ever hold them, and the handler that would call the agent's own model is not used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables.config import ensure_config

from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.collaboration import Mode, OnRemoteError, check_mode, is_typed
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.session import UserSession

_TOOL_MODES = ("local", "sketch")
_SUMMARISED = "What was typed stands in a summary by now, so the remote wasn't asked."
_NO_TOOLS = "The model that writes in this mode takes no tools; it answered without."


class CoGenesisMiddleware(AgentMiddleware[Any, Any, Any]):
    """Answers an agent's model calls with a local model that reads private context.

    The remote is asked for an outline of what the human typed, private values masked, in a message
    list of its own: it gets no system prompt, no tools, no tool results, no earlier answers and no
    summaries. All of these the local model reads, and it alone calls tools. The mode comes from
    `mode`, or from `config={"configurable": {"cogenesis_mode": …}}`.

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
        local: The local model; with tools it must be one that has `bind_tools`.
        remote: The remote model; by default the model of the agent.
        retriever: Private context; by default that of the session.
        mode: The mode of calls whose config names none.
        on_remote_error: Whether a remote that fails is an error (`raise`), or the local model then
            answers alone (`local`).
        k: At most so many items of context.

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
    ) -> None:
        super().__init__()
        self.session = session
        self.local = local
        self.remote = remote
        self.retriever = retriever
        self.mode = check_mode(mode)
        self.on_remote_error = on_remote_error
        self.k = k
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
            ConfigurationError: The agent asks for a structured response, or nobody typed anything.
        """
        model, messages, options, warnings = self._prepared(request)
        return _response(model.invoke(messages, **options), warnings)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Answers a model call of the agent asynchronously; see `wrap_model_call`."""
        model, messages, options, warnings = self._prepared(request)
        return _response(await model.ainvoke(messages, **options), warnings)

    def _prepared(
        self, request: ModelRequest[Any]
    ) -> tuple[ChatCoGenesis, list[BaseMessage], dict[str, Any], list[str]]:
        if request.response_format is not None:
            raise ConfigurationError(
                "the agent asks for a structured response, which this middleware can't give.",
                hint="Leave response_format out, or ask another model for it afterwards.",
            )
        model = self._model(self.remote or self._of_agent(request.model))
        messages: list[BaseMessage] = [*request.messages]
        if request.system_message is not None:
            messages.insert(0, request.system_message)
        options, warnings = dict(request.model_settings), []
        named = ensure_config().get("configurable", {}).get("cogenesis_mode")
        mode = check_mode(named or self.mode)
        if mode != "local" and not is_typed(messages):
            mode, warnings = "local", [_SUMMARISED]
        if request.tools:
            bound = self._bound_tools(request) if mode in _TOOL_MODES else None
            warnings += [_NO_TOOLS] if bound is None else []
            options |= bound or {}
        return model, messages, {**options, "mode": mode}, warnings

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
            cache=False,
        )

    def _of_agent(self, model: BaseChatModel) -> BaseChatModel | None:
        """The agent's model as the remote; the local model is none."""
        return None if model is self.local else model

    def _bound_tools(self, request: ModelRequest[Any]) -> dict[str, Any] | None:
        """What binds the agent's tools to the local model; None if they can't be bound."""
        choice = {"tool_choice": request.tool_choice} if request.tool_choice else {}
        try:
            bound = self.local.bind_tools(request.tools, **choice)
        except NotImplementedError:
            return None
        return dict(getattr(bound, "kwargs", {}))


def _response(message: AIMessage, warnings: list[str]) -> ModelResponse[Any]:
    if warnings:
        account = message.response_metadata["cogenesis"]
        account["warnings"] = [*account["warnings"], *warnings]
    return ModelResponse(result=[message])
