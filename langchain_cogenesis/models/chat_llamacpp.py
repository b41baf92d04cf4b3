"""The local model as a LangChain chat model."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, field_validator, model_validator

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.async_stream import Cancelled, iterate_in_thread
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_answer import CallOptions, LocalAnswer, to_chat
from langchain_cogenesis.models.model_source import HOUSE_MODELS, is_hub_name, model_name
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.tracing import UntracedChatModel

PROVIDER = "llama.cpp"

_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")
_PER_CALL = (*_SAMPLING, "logit_bias", "max_tokens", "logprobs", "top_logprobs", "model")
# LangChain's common settings that mean nothing without a network; taken and not kept.
_OF_HOSTED_MODELS = frozenset({"timeout", "max_retries", "api_key", "base_url", "streaming"})
_ENGINE = ("n_ctx", "n_threads", "n_gpu_layers", "flash_attn", "chat_template")


class ChatLocalLlama(UntracedChatModel, BaseChatModel):
    """A GGUF model on this machine.

    Constructing it loads nothing. Copies, and instances with the same file and engine settings,
    share one loaded model. The sampling options, `max_tokens`, `logprobs`, `top_logprobs`, `stop`,
    `model`, and besides them `logit_bias`, can also be given with a call.

    Example:
        ```python
        model = ChatLocalLlama(model="house-small", seed=1)
        model.invoke("Write a short note to a friend.")
        ```

    Attributes:
        model: `house-small`, `house-large`, a GGUF file, or
            `owner/repository:file.gguf[@revision]`.
        n_ctx: Tokens of context; `None` is what the model was trained for, 4,096 at most.
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
        unknown = sorted(set(values) - set(cls.model_fields) - _OF_HOSTED_MODELS)
        if unknown:
            raise ConfigurationError(
                f"ChatLocalLlama doesn't know the setting {', '.join(map(repr, unknown))}.",
                hint=f"Its own are model, max_tokens, stop, {', '.join((*_SAMPLING, *_ENGINE))}.",
            )
        return {name: value for name, value in values.items() if name in cls.model_fields}

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

    def _engine_settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ENGINE}

    def _options(self, stop: Sequence[str] | None, kwargs: dict[str, Any]) -> CallOptions:
        """Merges what a call asks for into the model's own settings."""
        # `stream` chooses between LangChain's methods and has done its work before this one.
        unknown = sorted(set(kwargs) - {*_PER_CALL, "stream"})
        if unknown:
            raise ConfigurationError(
                f"ChatLocalLlama doesn't know the option {', '.join(map(repr, unknown))}.",
                hint=f"A call takes stop, {', '.join(_PER_CALL)}.",
            )
        given = {name: value for name, value in kwargs.items() if value is not None}

        def setting(name: str) -> Any:
            return given.get(name, getattr(self, name))

        max_tokens = setting("max_tokens")
        if max_tokens < 1:
            raise ConfigurationError(
                f"max_tokens={max_tokens} is out of range.", hint="It must be positive."
            )
        top_logprobs = setting("top_logprobs") or 0
        if top_logprobs < 0:
            raise ConfigurationError(
                f"top_logprobs={top_logprobs} is out of range.", hint="It must be 0 or more."
            )
        sampling = {name: setting(name) for name in _SAMPLING}
        bias = {int(token): value for token, value in given.get("logit_bias", {}).items()}
        stop = stop if stop is not None else self.stop
        return CallOptions(
            sampling=SamplingParams(**sampling, logit_bias=bias),
            max_tokens=max_tokens,
            stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
            logprobs=setting("logprobs") or top_logprobs > 0,
            top_logprobs=top_logprobs,
        )

    def _answer(
        self,
        messages: Sequence[BaseMessage],
        stop: Sequence[str] | None,
        kwargs: dict[str, Any],
        cancelled: Cancelled | None = None,
    ) -> LocalAnswer:
        options = self._options(stop, kwargs)
        engine = self.engine
        if override := kwargs.get("model"):
            engine = LlamaCppEngine.shared(override, **self._engine_settings())
        prompt = engine.apply_template(to_chat(messages))
        return LocalAnswer(engine, prompt, options, cancelled)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(self._answer(messages, stop, kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(self._answer(messages, stop, kwargs)):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        def run(cancelled: Cancelled) -> Iterator[ChatResult]:
            yield _result(self._answer(messages, stop, kwargs, cancelled))

        [result] = [result async for result in iterate_in_thread(run)]
        return result

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        def run(cancelled: Cancelled) -> Iterator[ChatGenerationChunk]:
            yield from _chunks(self._answer(messages, stop, kwargs, cancelled))

        async with aclosing(iterate_in_thread(run)) as chunks:
            async for chunk in chunks:
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def get_token_ids(self, text: str) -> list[int]:
        """Token ids of a text, by the model's own vocabulary."""
        return self.engine.tokenize(text)

    def get_num_tokens(self, text: str) -> int:
        """How many tokens a text is, by the model's own vocabulary."""
        return self.engine.count_tokens(text)

    def get_num_tokens_from_messages(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
    ) -> int:
        """How many tokens of the context these messages take, template included.

        Args:
            messages: The messages.
            tools: Not used: the local model takes no tools.
        """
        return len(self.engine.apply_template(to_chat(messages)))

    @property
    def _llm_type(self) -> str:
        return "cogenesis-local-llama"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        template = self.chat_template
        names = (
            "n_ctx",
            "flash_attn",
            *_SAMPLING,
            "max_tokens",
            "stop",
            "logprobs",
            "top_logprobs",
        )
        return {
            "model": model_name(self.model),
            "file": self._file_digest(),
            "chat_template": hashlib.sha256(template.encode()).hexdigest() if template else None,
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


def _result(answer: LocalAnswer) -> ChatResult:
    pieces = list(answer)
    info: dict[str, Any] = {"finish_reason": answer.finish_reason}
    if answer.options.logprobs:
        info["logprobs"] = {"content": [entry for _, entries in pieces for entry in entries]}
    message = AIMessage(
        "".join(text for text, _ in pieces),
        usage_metadata=answer.usage,
        response_metadata={"model_name": answer.model_name, "model_provider": PROVIDER, **info},
    )
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=info)])


def _chunks(answer: LocalAnswer) -> Iterator[ChatGenerationChunk]:
    for text, entries in answer:
        yield ChatGenerationChunk(
            message=AIMessageChunk(content=text),
            generation_info={"logprobs": {"content": entries}} if entries else None,
        )
    # Merging chunks joins strings, so that names come once, with the last.
    last = AIMessageChunk(
        content="",
        usage_metadata=answer.usage,
        response_metadata={"model_name": answer.model_name, "model_provider": PROVIDER},
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last, generation_info={"finish_reason": answer.finish_reason})
