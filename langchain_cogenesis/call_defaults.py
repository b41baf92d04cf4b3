"""What the chat models of several models have in common: settings that hold for every call."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel, LangSmithParams
from pydantic import Field, model_validator

from langchain_cogenesis.models.chat_settings import check_settings
from langchain_cogenesis.tracing import UntracedChatModel

_DEFAULTS = ("temperature", "seed", "max_tokens")


class CallDefaults(UntracedChatModel, BaseChatModel):
    """Settings of every call, which a call can override.

    Attributes:
        temperature: Of both models; `None` leaves it to each.
        seed: Makes sampling repeatable; `None` leaves it to each model.
        max_tokens: Tokens of an answer at most; `None` leaves it to each model.
        stop: Texts before which an answer ends; they never leave the device.
    """

    temperature: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: dict[str, Any]) -> dict[str, Any]:
        return check_settings(cls, values)

    def _with_defaults(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options of a call over those of the model; what is `None` is left out."""
        own = {name: getattr(self, name) for name in _DEFAULTS}
        given = {name: value for name, value in options.items() if value is not None}
        return {**{name: value for name, value in own.items() if value is not None}, **given}

    def _stops(self, stop: list[str] | None) -> list[str] | None:
        chosen = stop if stop is not None else self.stop
        return list(chosen) if chosen else None

    def _defaults(self) -> dict[str, Any]:
        """The settings, as a part of the key of LangChain's LLM cache."""
        return {name: getattr(self, name) for name in (*_DEFAULTS, "stop")}

    def _model_names(self) -> str:
        """The names of the models behind this one."""
        raise NotImplementedError

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        options = self._with_defaults(kwargs)
        params = LangSmithParams(
            ls_provider="cogenesis",
            ls_model_type="chat",
            ls_model_name=str(options.get("model") or self._model_names()),
        )
        if "temperature" in options:
            params["ls_temperature"] = options["temperature"]
        if "max_tokens" in options:
            params["ls_max_tokens"] = options["max_tokens"]
        if stops := self._stops(stop):
            params["ls_stop"] = stops
        return params


def name_of(model: Any) -> str:
    """The name of a chat model: that of its weights where it has one, else of its class."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(name or type(model).__name__)
