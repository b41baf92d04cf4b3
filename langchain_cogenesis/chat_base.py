"""What the chat models of several models have in common: how LangChain calls them, and settings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field, model_validator

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.async_stream import Cancelled
from langchain_cogenesis.models.chat_settings import check_settings
from langchain_cogenesis.models.threaded_chat import ThreadedChatModel
from langchain_cogenesis.models.tool_choice import ToolLike
from langchain_cogenesis.tracing import UntracedChatModel

_DEFAULTS = ("temperature", "seed", "max_tokens")


class CollaboratingChatModel(UntracedChatModel, ThreadedChatModel):
    """A chat model that yields its answer in chunks, whoever writes them.

    Its settings hold for every call, and a call can override them.

    Attributes:
        temperature: Of both models; `None` leaves it to each.
        seed: Makes sampling repeatable; `None` leaves it to each model.
        max_tokens: Tokens of an answer at most; `None` leaves it to each model.
        stop: Texts before which an answer ends; they never leave the device.
        local: The local model, by whose tokens texts are counted.
    """

    local: BaseChatModel = Field(exclude=True, repr=False)
    temperature: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("local", "remote"):
            given = values.get(name)
            if given is not None and not isinstance(given, BaseChatModel):
                raise ConfigurationError(
                    f"`{name}` has to be a chat model, and a {type(given).__name__} is none.",
                    hint="Give ChatLocalLlama(model=…), create_remote(…) or another chat model; "
                    "what binds options, retries or falls back goes around the whole.",
                )
        return check_settings(cls, values)

    @abstractmethod
    def _answer(
        self, messages: list[BaseMessage], stop: list[str] | None, *, whole: bool, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        """Yields the answer's chunks; `whole` if nobody sees them before they are all there."""

    def _whole(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> ChatResult:
        chunks = self._answer(messages, stop, whole=True, **kwargs)
        return generate_from_stream(_until(chunks, cancelled))

    def _chunks(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> Iterator[ChatGenerationChunk]:
        yield from self._answer(messages, stop, whole=False, **kwargs)

    def get_token_ids(self, text: str) -> list[int]:
        """Token ids of a text, by the local model's vocabulary."""
        return self.local.get_token_ids(text)

    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[ToolLike] | None = None
    ) -> int:
        """How many tokens these messages are to the local model; private context not included.

        Args:
            messages: The messages.
            tools: Tools that the prompt tells of.
        """
        return self.local.get_num_tokens_from_messages(list(messages), tools)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refuses: what is private, its keys and open connections don't belong in a pickle.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(
            f"a {type(self).__name__} is tied to a user's gate and to connections, and isn't "
            "pickled.",
            hint="Pickle what it is made from (ChatLocalLlama can be), and make it anew there.",
        )

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
        # LangChain writes the call's own stop strings over an entry of that name.
        return {"own_stop": self.stop, **{name: getattr(self, name) for name in _DEFAULTS}}

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


def _until(
    chunks: Iterator[ChatGenerationChunk], cancelled: Cancelled
) -> Iterator[ChatGenerationChunk]:
    """The chunks, up to the moment when nobody waits for them any more."""
    for chunk in chunks:
        yield chunk
        if cancelled():
            return


def name_of(model: Any) -> str:
    """The name of a chat model: that of its weights where it has one, else of its class."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(name or type(model).__name__)
