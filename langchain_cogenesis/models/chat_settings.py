"""Which settings a chat model of this package takes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from langchain_cogenesis.exceptions import ConfigurationError

# LangChain's common settings that mean nothing without a network; taken and not kept.
OF_HOSTED_MODELS = frozenset({"timeout", "max_retries", "api_key", "base_url", "streaming"})

# What every chat model of LangChain has, and nobody needs to be told of.
_OF_LANGCHAIN = frozenset(
    {"cache", "verbose", "callbacks", "tags", "metadata", "custom_get_token_ids", "rate_limiter"}
    | {"disable_streaming", "output_version", "profile", "name"}
)


def check_settings(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """Refuses settings that a chat model doesn't have; pydantic would drop them in silence.

    Args:
        model: The chat model's class.
        values: What it is made with.

    Returns:
        What the model keeps.

    Raises:
        ConfigurationError: A setting is none of the model's.
    """
    unknown = sorted(set(values) - set(model.model_fields) - OF_HOSTED_MODELS)
    if unknown:
        own = (name for name in model.model_fields if name not in _OF_LANGCHAIN)
        raise ConfigurationError(
            f"{model.__name__} doesn't know the setting {', '.join(map(repr, unknown))}.",
            hint=f"Its own are {', '.join(own)}.",
        )
    return {name: value for name, value in values.items() if name in model.model_fields}
