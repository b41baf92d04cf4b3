"""The local model as a LangChain chat model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from langchain_core.language_models import LangSmithParams, ModelProfile
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, field_validator, model_validator

from langchain_cogenesis.models.answer_plan import CallOptions, plan_answer, prompt_ids
from langchain_cogenesis.models.async_stream import Cancelled
from langchain_cogenesis.models.call_options import SAMPLING, read_options
from langchain_cogenesis.models.chat_settings import check_settings
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_answer import LocalAnswer
from langchain_cogenesis.models.local_chunks import PROVIDER, to_chunks, to_result
from langchain_cogenesis.models.model_source import HOUSE_MODELS, is_hub_name, model_name
from langchain_cogenesis.models.threaded_chat import ThreadedChatModel
from langchain_cogenesis.models.tool_calling import ToolCallingChatModel
from langchain_cogenesis.models.tool_choice import ToolLike, openai_tools
from langchain_cogenesis.tracing import UntracedChatModel

_ENGINE = ("n_ctx", "n_threads", "n_gpu_layers", "flash_attn", "chat_template")


class ChatLocalLlama(UntracedChatModel, ThreadedChatModel, ToolCallingChatModel):
    """A GGUF model on this machine.

    Constructing it loads nothing. Copies, and instances with the same file and engine settings,
    share one loaded model. The sampling options, `max_tokens`, `logprobs`, `top_logprobs`, `stop`,
    `model`, and besides them `logit_bias`, can also be given with a call.

    `bind_tools` and `with_structured_output` keep the answer to a grammar, whatever the model:
    names and shapes come from tools and schemas, values from what the model writes.
    Log-probabilities are those before the grammar.

    Example:
        ```python
        model = ChatLocalLlama(model="house-small", seed=1)
        model.invoke("Write a short note to a friend.")
        ```

    Attributes:
        model: `house-small`, `house-large`, a GGUF file, or
            `owner/repository:file.gguf[@revision]`.
        n_ctx: Tokens of context; `None` is what the model was trained for, 4,096 at most. The
            profile tells it if it is set, for middleware that works by fractions of it.
        n_threads: Threads of a decode; `None` is half of the processors.
        n_gpu_layers: Layers on the GPU; -1 is all.
        flash_attn: Whether to use flash attention.
        chat_template: A Jinja template in place of the file's own.
        temperature: 0 picks the most probable token.
        top_k: Keep the k most probable tokens; 0 keeps all.
        top_p: Keep the most probable tokens that together have this probability.
        min_p: Drop tokens with less than this share of the most probable one's probability.
        repetition_penalty: Above 1, what was already generated becomes less probable.
        seed: Makes sampling repeatable.
        max_tokens: Tokens of an answer at most; fewer if the context is full before.
        stop: Texts before which an answer ends.
        logprobs: Whether log-probabilities are reported, in `response_metadata["logprobs"]`.
        top_logprobs: How many of the most probable tokens are reported at each position.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    model: str = "house-small"
    n_ctx: int | None = None
    n_threads: int | None = None
    n_gpu_layers: int = 0
    flash_attn: bool = True
    chat_template: str | None = Field(default=None, repr=False)
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    max_tokens: int = 512
    stop: list[str] | None = Field(default=None, repr=False)
    logprobs: bool = False
    top_logprobs: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: dict[str, Any]) -> dict[str, Any]:
        return check_settings(cls, values)

    @field_validator("model", mode="before")
    @classmethod
    def _absolute(cls, value: Any) -> Any:
        if isinstance(value, Path) or (
            isinstance(value, str) and value not in HOUSE_MODELS and not is_hub_name(value)
        ):
            return str(Path(value).expanduser().absolute())
        return value

    @model_validator(mode="after")
    def _check_ranges(self) -> ChatLocalLlama:
        self._options(None, {})
        LlamaCppEngine(self.model, **self._engine_settings())
        return self

    @classmethod
    def from_llama(cls, llama: Any, **settings: Any) -> Self:
        """A chat model over weights that are loaded already; they are not loaded twice.

        Args:
            llama: A `llama_cpp.Llama`, or langchain-community's `ChatLlamaCpp` or `LlamaCpp`, whose
                sampling settings are taken over too.
            **settings: Of this model; they go before those that are taken over.

        Raises:
            ConfigurationError: It holds no loaded model.
        """
        from langchain_cogenesis.models.community import community_settings

        engine = LlamaCppEngine.adopt(getattr(llama, "client", llama))
        return cls(**{**engine.settings, **community_settings(llama), **settings})

    @property
    def engine(self) -> LlamaCppEngine:
        """The engine that this model shares with its like."""
        return LlamaCppEngine.shared(self.model, **self._engine_settings())

    def _resolve_model_profile(self) -> ModelProfile | None:
        profile = super()._resolve_model_profile()
        # What the file says isn't known without reading it, and constructing this reads nothing.
        if profile is not None and self.n_ctx is not None:
            profile["max_input_tokens"] = self.n_ctx
        return profile

    def _engine_settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ENGINE}

    def _options(self, stop: Sequence[str] | None, kwargs: dict[str, Any]) -> CallOptions:
        return read_options(self, stop, kwargs)

    def _answer(
        self,
        messages: Sequence[BaseMessage],
        stop: Sequence[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> LocalAnswer:
        options = self._options(stop, kwargs)
        engine = self.engine
        if override := kwargs.get("model"):
            engine = LlamaCppEngine.shared(override, **self._engine_settings())
        return LocalAnswer(engine, plan_answer(engine, messages, options), options, cancelled)

    def _whole(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> ChatResult:
        return to_result(self._answer(messages, stop, kwargs, cancelled))

    def _chunks(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled,
    ) -> Iterator[ChatGenerationChunk]:
        yield from to_chunks(self._answer(messages, stop, kwargs, cancelled))

    def get_token_ids(self, text: str) -> list[int]:
        """Token ids of a text, by the model's own vocabulary."""
        return self.engine.tokenize(text)

    def get_num_tokens(self, text: str) -> int:
        """How many tokens a text is, by the model's own vocabulary."""
        return self.engine.count_tokens(text)

    def get_num_tokens_from_messages(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[ToolLike] | None = None,
    ) -> int:
        """How many tokens of the context these messages take, template included.

        Args:
            messages: The messages.
            tools: Tools that the prompt tells of.
        """
        given = {"tools": openai_tools(tools)} if tools else {}
        return len(prompt_ids(self.engine, messages, self._options(None, given)))

    @property
    def _llm_type(self) -> str:
        return "cogenesis-local-llama"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        template = self.chat_template
        names = (
            "n_ctx",
            "flash_attn",
            *SAMPLING,
            "max_tokens",
            "logprobs",
            "top_logprobs",
        )
        return {
            "model": model_name(self.model),
            "file": self._file_digest(),
            "chat_template": hashlib.sha256(template.encode()).hexdigest() if template else None,
            # LangChain writes the call's own stop strings over an entry named `stop`.
            "own_stop": self.stop,
            **{name: getattr(self, name) for name in names},
        }

    def _file_digest(self) -> str:
        """Tells files of one name apart, without reading, downloading or naming them."""
        identity = self.model
        if not is_hub_name(self.model):
            path = self.engine.path
            if path.exists():
                stat = path.stat()
                identity = f"{path}\n{stat.st_size}\n{stat.st_mtime_ns}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = {name: value for name, value in kwargs.items() if value is not None}
        params = LangSmithParams(
            ls_provider=PROVIDER,
            ls_model_type="chat",
            ls_model_name=model_name(given.get("model", self.model)),
            ls_temperature=given.get("temperature", self.temperature),
            ls_max_tokens=given.get("max_tokens", self.max_tokens),
        )
        if stops := stop or self.stop:
            params["ls_stop"] = list(stops)
        return params
