"""What a call to the local model asks for, over the model's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.answer_plan import CallOptions, read_response_format
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.models.tool_choice import read_choice

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls", "response_format")
_PER_CALL = (
    *SAMPLING,
    "logit_bias",
    "max_tokens",
    "logprobs",
    "top_logprobs",
    "model",
    *_TOOLS,
)


def read_options(model: Any, stop: Sequence[str] | None, kwargs: Mapping[str, Any]) -> CallOptions:
    """Merges what a call asks for into a model's own settings.

    Args:
        model: Has the settings as attributes.
        stop: The call's stop strings; None for the model's.
        kwargs: The call's options; what is None counts as not given.

    Raises:
        ConfigurationError: An option is unknown or out of range.
    """
    # `stream` chooses between LangChain's methods and has done its work before this one.
    unknown = sorted(set(kwargs) - {*_PER_CALL, "stream"})
    if unknown:
        raise ConfigurationError(
            f"ChatLocalLlama doesn't know the option {', '.join(map(repr, unknown))}.",
            hint=f"A call takes stop, {', '.join(_PER_CALL)}.",
        )
    given = {name: value for name, value in kwargs.items() if value is not None}

    def setting(name: str) -> Any:
        return given.get(name, getattr(model, name))

    max_tokens, top_logprobs = setting("max_tokens"), setting("top_logprobs") or 0
    for name, value, least in (("max_tokens", max_tokens, 1), ("top_logprobs", top_logprobs, 0)):
        if value < least:
            raise ConfigurationError(
                f"{name}={value} is out of range.", hint=f"It must be {least} or more."
            )
    bias = {int(token): value for token, value in given.get("logit_bias", {}).items()}
    stop = stop if stop is not None else model.stop
    tools, choice, parallel = (given.get(name) for name in _TOOLS[:3])
    return CallOptions(
        sampling=SamplingParams(**{name: setting(name) for name in SAMPLING}, logit_bias=bias),
        max_tokens=max_tokens,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        logprobs=setting("logprobs") or top_logprobs > 0,
        top_logprobs=top_logprobs,
        tools=read_choice(tools, choice, parallel),
        response=read_response_format(given.get("response_format")),
    )
