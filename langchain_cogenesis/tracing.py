"""Keeps hosted tracing and caches on disk away from runs that hold private text.

LangSmith's tracer is added to every run as soon as an environment variable says so, and takes all
of its inputs and outputs along. Models and chains of this package therefore bring a tracer of their
own that sends nothing, which keeps LangChain from adding another. Where a tracer comes with the
chain around them, it would take the finished text from there: such a run is refused.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Iterator
from contextvars import Context, copy_context
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager, Callbacks
from langchain_core.messages import AIMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from langchain_cogenesis.exceptions import PrivacyError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable
    from langchain_core.tracers.langchain import LangChainTracer

    _Runnable = Runnable[Any, Any]
    _ChatModel = BaseChatModel
else:
    _Runnable = _ChatModel = object

ALLOW_VARIABLE = "COGENESIS_TRACING"
"""Set to `allow`, lets LangSmith see runs that hold private text."""


class PrivacyWarning(UserWarning):
    """Something around the package keeps or shows private text where it need not be."""


def tracing_allowed() -> bool:
    """Whether the user has said that LangSmith may see private runs."""
    return os.environ.get(ALLOW_VARIABLE, "").strip().lower() == "allow"


def untraced(callbacks: Callbacks, *, private: bool = True) -> Callbacks:
    """The callbacks without hosted tracers, and with a silent one that keeps others out.

    Args:
        callbacks: A list of handlers or a manager, as LangChain passes them; left as it is.
        private: Whether the run holds private text, which the runs around it would then show.

    Raises:
        PrivacyError: A hosted tracer records the runs around this one, and its texts with them.
    """
    if tracing_allowed():
        return callbacks
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        if private:
            _refuse_tracers(manager.handlers)
        silent = _silent_tracer()
        manager.handlers = [*_without_tracers(manager.handlers), silent]
        manager.inheritable_handlers = [*_without_tracers(manager.inheritable_handlers), silent]
        return manager
    handlers = list(callbacks or ())
    if private:
        _refuse_tracers(handlers)
    return [*_without_tracers(handlers), _silent_tracer()]


def unheard() -> Context:
    """A copy of the context without callback handlers that are open around the call.

    LangChain's `get_usage_metadata_callback` opens one; by it a run within a run counts twice.
    """
    context = copy_context()
    for variable, value in list(context.items()):
        if isinstance(value, BaseCallbackHandler):
            context.run(variable.set, None)
    return context


def untraced_config(config: RunnableConfig | None, *, private: bool = True) -> RunnableConfig:
    """The config, or the one around the call, with `untraced` callbacks."""
    known = ensure_config(config)
    return {**known, "callbacks": untraced(known.get("callbacks"), private=private)}


class UntracedRuns(_Runnable):
    """For Runnables whose runs no hosted tracer may see. Comes before the Runnable's class."""

    def _quiet(self, config: RunnableConfig | None) -> RunnableConfig:
        return untraced_config(config)

    def _quiet_each(self, config: Any) -> Any:
        return [*map(self._quiet, config)] if isinstance(config, list) else self._quiet(config)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the Runnable's, untraced."""
        return super().invoke(input, self._quiet(config), **kwargs)  # type: ignore[safe-super]

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the Runnable's, untraced."""
        return await super().ainvoke(input, self._quiet(config), **kwargs)

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        """As the Runnable's, untraced."""
        yield from super().stream(input, self._quiet(config), **kwargs)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """As the Runnable's, untraced."""
        async for chunk in super().astream(input, self._quiet(config), **kwargs):
            yield chunk

    def batch(self, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
        """As the Runnable's, untraced."""
        return super().batch(inputs, self._quiet_each(config), **kwargs)

    async def abatch(self, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
        """As the Runnable's, untraced."""
        return await super().abatch(inputs, self._quiet_each(config), **kwargs)

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the Runnable's, untraced."""
        return super().stream_events(input, self._quiet(config), **kwargs)

    def astream_events(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        """As the Runnable's, untraced."""
        return super().astream_events(input, self._quiet(config), **kwargs)


class UntracedChatModel(UntracedRuns, _ChatModel):
    """For chat models whose runs no hosted tracer may see. Comes before the chat model's class.

    A cache that keeps answers on disk is warned of once.
    """

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        """As the chat model's, untraced."""
        message: AIMessage = super().invoke(input, config, **kwargs)
        return message

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """As the chat model's, untraced."""
        message: AIMessage = await super().ainvoke(input, config, **kwargs)
        return message

    def generate(
        self, messages: Any, stop: Any = None, callbacks: Callbacks = None, **kwargs: Any
    ) -> LLMResult:
        """As the chat model's, untraced."""
        warn_of_cache(self.cache)
        quiet = self._quiet({"callbacks": callbacks}).get("callbacks")
        return super().generate(messages, stop, quiet, **kwargs)

    async def agenerate(
        self, messages: Any, stop: Any = None, callbacks: Callbacks = None, **kwargs: Any
    ) -> LLMResult:
        """As the chat model's, untraced."""
        warn_of_cache(self.cache)
        quiet = self._quiet({"callbacks": callbacks}).get("callbacks")
        return await super().agenerate(messages, stop, quiet, **kwargs)


def warn_of_cache(own: Any) -> None:
    """Warns if a model's answers will be kept in a cache that isn't in memory.

    Args:
        own: The model's `cache`; None or True for LangChain's global one, False for none.
    """
    from langchain_core.caches import InMemoryCache
    from langchain_core.globals import get_llm_cache

    cached = get_llm_cache() if own is None or own is True else own
    if cached and type(cached) is not InMemoryCache:
        warnings.warn(
            f"LangChain's LLM cache ({type(cached).__name__}) keeps instructions and finished "
            "texts as they are; set cache=False on this model to keep them out.",
            PrivacyWarning,
            stacklevel=3,
        )


def shows_text(tracer: LangChainTracer) -> bool:
    """Whether a tracer sends inputs or outputs; one whose client hides both doesn't."""
    client = getattr(tracer, "client", None)
    hidden = (getattr(client, "_hide_inputs", None), getattr(client, "_hide_outputs", None))
    return hidden != (True, True)


def _refuse_tracers(handlers: list[Any]) -> None:
    if any(_is_tracer(handler) and shows_text(handler) for handler in handlers):
        raise PrivacyError(
            "LangSmith tracing records the chain around this model, and would send what is "
            "written from private context.",
            hint="Set LANGSMITH_TRACING=false, hide the texts (LANGSMITH_HIDE_INPUTS=true and "
            f"LANGSMITH_HIDE_OUTPUTS=true), or allow it by {ALLOW_VARIABLE}=allow.",
        )


def _without_tracers(handlers: list[Any]) -> list[Any]:
    silent = _silent_class()
    return [h for h in handlers if not (_is_tracer(h) or isinstance(h, silent))]


def _is_tracer(handler: Any) -> bool:
    from langchain_core.tracers.langchain import LangChainTracer

    return isinstance(handler, LangChainTracer) and not isinstance(handler, _silent_class())


def _silent_tracer() -> LangChainTracer:
    # Any object but None: LangChain would start a client, with its thread, in place of none.
    made: LangChainTracer = _silent_class()(client=object())
    return made


@cache
def _silent_class() -> Any:
    from langchain_core.tracers.langchain import LangChainTracer

    class SilentTracer(LangChainTracer):
        """Takes the place of LangSmith's tracer, and no event."""

        ignore_llm = ignore_chat_model = ignore_chain = ignore_agent = True
        ignore_retriever = ignore_retry = ignore_custom_event = True

    return SilentTracer
