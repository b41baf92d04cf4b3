"""The chat model that answers in any mode of collaboration."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from pydantic import ConfigDict, Field, PrivateAttr

from langchain_cogenesis.account import Account
from langchain_cogenesis.answering import Writers
from langchain_cogenesis.chat_base import CollaboratingChatModel, name_of
from langchain_cogenesis.collaboration import (
    Mode,
    OnRemoteError,
    Request,
    check_mode,
    check_on_remote_error,
)
from langchain_cogenesis.exceptions import ConfigurationError, ModeError
from langchain_cogenesis.logit_answering import local_vocabulary
from langchain_cogenesis.logit_settings import LogitSettings
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.models.tool_calling import ToolCallingChatModel
from langchain_cogenesis.models.tool_choice import ToolChoice, ToolLike, read_choice
from langchain_cogenesis.modes import CallSettings, Modes
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.preview import Preview
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES
from langchain_cogenesis.session import UserSession

_MODE_KEY = "cogenesis_mode"
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")


class ChatCoGenesis(CollaboratingChatModel, ToolCallingChatModel):
    """Writes with a local model that reads private context and a remote one that never does.

    The mode is a keyword of each call (`model.invoke(text, mode="local")`), or comes from
    `config={"configurable": {"cogenesis_mode": "local"}}`, in chains and agents too.

    * `local`: the local model alone, with private context.
    * `remote`: the remote model alone, with the instruction; private values in it are masked, and
      put back in the answer.
    * `sketch`: the remote model outlines, the local model writes from context and outline.
    * `logits`: each token is drawn from both models' distributions; the remote sees the instruction
      and the text written so far, private values masked, and has no say in private spans. It needs
      a remote that gives log-probabilities, with the local model's vocabulary.

    To the remote goes what the human typed, and no other message of the history.
    Tools that are bound are called by the local model, in every mode; the remote sees neither them
    nor their results, unless `remote_reads_tools` names them. `with_structured_output` has the
    local model write in the shape of a schema, in `sketch` mode with the outline in sight, in all
    others alone: then nothing leaves, and the account's mode is `local`.

    `response_metadata["cogenesis"]` says how a call was answered. In a stream the outline comes
    first, in a chunk without text; the rest comes with the last chunk.

    Attributes:
        local: The local model, as a rule a `ChatLocalLlama`.
        remote: The remote model, as a rule from `create_remote(…, gate=session.gate)`. Of any other
            chat model the ledger notes the messages that it is handed, not what its client sends.
        session: The user's store and gate. Without it nothing is retrieved, and the gate finds
            private values by their shape only.
        retriever: Private context; by default that of the session.
        mode: The mode of calls that name none.
        on_remote_error: Whether a remote that fails is an error (`raise`), or is answered for by
            the next mode down (`local`): logits by sketch where the remote can still outline, all
            others by the local model alone. `response_metadata["cogenesis"]` then says so. A
            stream that broke off after text was shown is an error in either case.
        k: At most so many items of context.
        logits: How logit mode fuses; see `LogitSettings`.
        remote_reads_tools: Names of tools whose results the remote may read too, masked like what
            you type.
        next_token_remote: Whose distributions logit mode takes; by default those of `remote`.
        temperature: Of every call; `seed`, `max_tokens` and `stop` likewise. `None` leaves them to
            the models' own settings.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True)

    local: BaseChatModel = Field(exclude=True, repr=False)
    remote: BaseChatModel | None = Field(default=None, exclude=True, repr=False)
    session: UserSession | None = Field(default=None, exclude=True, repr=False)
    retriever: BaseRetriever | None = Field(default=None, exclude=True, repr=False)
    mode: Mode = "sketch"
    on_remote_error: OnRemoteError = "raise"
    k: int = Field(default=12, ge=0)
    logits: LogitSettings = Field(default_factory=LogitSettings, exclude=True)
    remote_reads_tools: tuple[str, ...] = ()
    next_token_remote: Any = Field(default=None, exclude=True, repr=False)

    _gate: EgressGate = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Checks that one gate guards everything.

        Raises:
            ConfigurationError: The remote's gate is not the session's.
        """
        super().model_post_init(context)
        remote_gate = getattr(self.remote, "gate", None)
        own = self.session.gate if self.session is not None else None
        if own is not None and remote_gate is not None and remote_gate is not own:
            raise ConfigurationError(
                "the remote's gate is not the gate of the user's session, so it doesn't know "
                "the user's private values.",
                hint="Create it with create_remote(…, gate=session.gate).",
            )
        self._gate = own or remote_gate or EgressGate(public_texts=PUBLIC_TEMPLATES)

    @property
    def gate(self) -> EgressGate:
        """The egress gate that everything for the remote passes."""
        return self._gate

    @property
    def endpoint(self) -> str:
        """The remote's address; for a model without one, a name that stands for it."""
        return self._writers().endpoint

    def preview(self, input: LanguageModelInput) -> Preview:
        """What of an input would leave for the remote. Sends nothing, and clears nothing.

        Where the policy says `ask`, it asks. Calls whose histories begin with the same message are
        one conversation: what was answered here isn't asked again when it is sent.

        Args:
            input: As for `invoke`.

        Returns:
            The text as it was typed and as it would leave, and what replaces what.

        Raises:
            ConfigurationError: There is no text from a human in it.
        """
        request = Request(self._convert_input(input).to_messages(), self.remote_reads_tools)
        return self._gate.preview(
            request.typed,
            endpoint=self.endpoint,
            conversation=request.conversation,
        )

    def bind_tools(
        self, tools: Sequence[ToolLike], *, tool_choice: ToolChoice = None, **kwargs: Any
    ) -> Any:
        """Binds tools for the local model to call; see `ToolCallingChatModel.bind_tools`.

        Raises:
            ConfigurationError: The local model takes no tools, or there is something wrong with
                them.
            SchemaError: A schema can't become a grammar.
        """
        if type(self.local).bind_tools is BaseChatModel.bind_tools:
            raise ConfigurationError(
                f"tools are called by the local model, and {type(self.local).__name__} takes none.",
                hint="Use local=ChatLocalLlama(model=…).",
            )
        return super().bind_tools(tools, tool_choice=tool_choice, **kwargs)

    def _resolve_model_profile(self) -> ModelProfile | None:
        local = self.local.profile or ModelProfile()
        own = dict(super()._resolve_model_profile() or {})
        # What the local model can't do, or doesn't say, can't be done here.
        for key in ("tool_calling", "tool_choice", "structured_output"):
            own[key] = bool(local.get(key))
        if "max_input_tokens" in local:
            own["max_input_tokens"] = local["max_input_tokens"]
        return cast("ModelProfile", own)

    def _writers(self) -> Writers:
        return Writers(self.local, self.remote, self._gate, self.session, self.retriever, self.k)

    @property
    def _llm_type(self) -> str:
        return "cogenesis"

    def _model_names(self) -> str:
        models = [self.local] if self.remote is None else [self.local, self.remote]
        return "+".join(map(name_of, models))

    @property
    def _identifying_params(self) -> dict[str, Any]:
        # Part of the key of LangChain's LLM cache: an answer depends on the user's context too.
        return {
            **self._defaults(),
            "mode": self.mode,
            "on_remote_error": self.on_remote_error,
            "k": self.k,
            "logits": repr(self.logits),
            "remote_reads_tools": self.remote_reads_tools,
            "local": self.local._identifying_params,
            "remote": self.remote._identifying_params if self.remote is not None else None,
            "endpoint": self.endpoint,
            "context": self._context_digest(),
        }

    def invoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Answers; `mode` may stand in `kwargs` or in the config."""
        return super().invoke(input, config, **_with_mode(config, kwargs))

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Answers asynchronously; `mode` may stand in `kwargs` or in the config."""
        return await super().ainvoke(input, config, **_with_mode(config, kwargs))

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """Streams an answer; `mode` may stand in `kwargs` or in the config."""
        yield from super().stream(input, config, **_with_mode(config, kwargs))

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """Streams an answer asynchronously; `mode` may stand in `kwargs` or in the config."""
        async for chunk in super().astream(input, config, **_with_mode(config, kwargs)):
            yield chunk

    def _answer(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        *,
        whole: bool,
        mode: str | None = None,
        on_remote_error: str | None = None,
        attribution: bool = False,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Yields the answer's chunks; the last one carries usage and the account."""
        chosen = check_mode(mode or self.mode)
        on_error = check_on_remote_error(on_remote_error or self.on_remote_error)
        options = self._with_defaults(kwargs)
        if "model" in options and chosen in ("remote", "logits"):
            raise ConfigurationError(
                f"`model` names another local model for a call, and {chosen} mode can't change it.",
                hint="Leave it out, or use mode='local' or mode='sketch'.",
            )
        tools = {name: options.pop(name) for name in _TOOLS if name in options}
        if read_choice(*map(tools.get, _TOOLS)) is None:
            tools = {}
        call = CallSettings(self._stops(stop), options, on_error, whole, attribution, tools)
        modes = Modes(self._writers(), self.logits, self._distributions)
        yield from modes.answer(
            Request(messages, self.remote_reads_tools), Account(chosen, chosen), call
        )

    def _distributions(self) -> NextTokenModel:
        if self.next_token_remote is not None:
            given: NextTokenModel = self.next_token_remote
            return given
        if not isinstance(self.remote, ChatRemote):
            raise ModeError(
                "logit mode needs a remote that gives log-probabilities at an address.",
                hint="Pass remote=create_remote(…), or use mode='sketch'.",
            )
        return self.remote.distributions(local_vocabulary(self.local))

    def _context_digest(self) -> str:
        if self.session is None:
            return ""
        ids = sorted(item.id for item in self.session.store.items())
        known = f"{self.session.directory.name}\n" + "\n".join(ids)
        return hashlib.sha256(known.encode()).hexdigest()


def _with_mode(config: RunnableConfig | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Makes the config's mode a keyword, which is part of the key of LangChain's LLM cache."""
    configured = ensure_config(config).get("configurable", {}).get(_MODE_KEY)
    return {"mode": configured, **kwargs} if configured is not None else kwargs
