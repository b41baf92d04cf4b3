"""The four steps by any LangChain chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_cogenesis.data.synthesis.orders import Answer, Order, Usage
from langchain_cogenesis.data.synthesis.prompts import messages_for

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.rate_limiters import BaseRateLimiter
    from langchain_core.runnables import Runnable

_CUT_OFF = frozenset({"length", "max_tokens", "MAX_TOKENS", "model_length"})
_FILTERED = frozenset({"content_filter", "refusal", "SAFETY"})


class ChatGenerator:
    """Asks a chat model.

    Args:
        model: Any chat model. What it is asked is invented: no private context is in it.
        name: Identifies it in the run's file; by default the model's own name.
        requests_per_second: At most so many; none if left out.
    """

    paid = True

    def __init__(
        self,
        model: Runnable[Any, BaseMessage],
        *,
        name: str | None = None,
        requests_per_second: float | None = None,
    ) -> None:
        self._model = model
        self.name = name or _name_of(model)
        self._limiter: BaseRateLimiter | None = None
        if requests_per_second is not None:
            from langchain_core.rate_limiters import InMemoryRateLimiter

            self._limiter = InMemoryRateLimiter(
                requests_per_second=requests_per_second, check_every_n_seconds=0.02
            )

    def generate(self, order: Order) -> Answer:
        """Asks the model; whatever it raises is raised."""
        if self._limiter is not None:
            self._limiter.acquire()
        messages = messages_for(order)
        message = self._model.invoke(messages)
        text = message.text
        refusal = message.additional_kwargs.get("refusal")
        return Answer(
            text=text or str(refusal or ""),
            usage=_usage(message, messages),
            fault=_fault(message, bool(refusal)),
        )


def estimate_tokens(text: str) -> int:
    """Estimates a number of tokens, rather too high."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


def _fault(message: BaseMessage, refused: bool) -> str:
    told = message.response_metadata
    keys = ("finish_reason", "stop_reason", "done_reason")
    reason = next((str(told[key]) for key in keys if told.get(key)), "")
    if refused or reason in _FILTERED:
        return "the model refused"
    return "the answer was cut off at its longest length" if reason in _CUT_OFF else ""


def _usage(message: BaseMessage, messages: list[tuple[str, str]]) -> Usage:
    told = getattr(message, "usage_metadata", None)
    if told and told["input_tokens"] + told["output_tokens"]:
        return Usage(told["input_tokens"], told["output_tokens"], 1)
    asked = sum(estimate_tokens(text) for _, text in messages)
    return Usage(asked, estimate_tokens(message.text), 1, 1)


def _name_of(model: Any) -> str:
    found = (getattr(model, key, None) for key in ("model_name", "model", "model_id"))
    return next((str(name) for name in found if name), type(model).__name__)
