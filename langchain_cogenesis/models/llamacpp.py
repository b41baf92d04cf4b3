"""The local engine: a GGUF model in llama.cpp, loaded when first used, shared in a process."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ConfigurationError, ContextLengthError, ModelError
from langchain_cogenesis.models.call_format import PLAIN, CallFormat
from langchain_cogenesis.models.chat_template import tokenize_segments
from langchain_cogenesis.models.constraint import ConstrainedSampler, Constraint, GrammarTokens
from langchain_cogenesis.models.decoder import Decoder, LogSink
from langchain_cogenesis.models.engine_vocabulary import EngineVocabulary, bad_ids
from langchain_cogenesis.models.loading import LoadedModel, load_model
from langchain_cogenesis.models.logits import GeneratedToken
from langchain_cogenesis.models.model_source import model_key, model_name, resolve_model
from langchain_cogenesis.models.prebuilt import PrebuiltLibrary, load_prebuilt
from langchain_cogenesis.models.sampling import Sampler, SamplingParams
from langchain_cogenesis.models.stepping import Stepper
from langchain_cogenesis.models.tool_choice import ToolUse

__all__ = ["GeneratedToken", "LlamaCppEngine"]

ENGINE_VARIABLE = "COGENESIS_ENGINE"
ENGINES = ("auto", "compiled", "prebuilt")
"""`compiled` is llama-cpp-python, `prebuilt` the xllamacpp wheel; `auto` takes the first there."""


class LlamaCppEngine(EngineVocabulary):
    """A local model. Constructing it loads nothing; all methods load it when they need it.

    Threads can share it: one decodes at a time, and a generation whose consumer pauses doesn't keep
    others waiting. Copies are the engine itself; unpickling gives the process's shared one.

    Args:
        model: `house-small`, `house-large`, a GGUF file, or
            `owner/repository:file.gguf[@revision]`.
        n_ctx: Tokens of context; `None` is what the model was trained for, 4,096 at most.
        n_threads: Threads of a decode; `None` is half of the processors.
        n_gpu_layers: Layers on the GPU; -1 is all.
        flash_attn: Flash attention; with Q8_0 or Q4_0 weights it makes a batched decode equal to
            single ones, bit by bit.
        chat_template: A Jinja template in place of the file's own.

    Raises:
        ConfigurationError: If a setting is out of range.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "house-small",
        *,
        n_ctx: int | None = None,
        n_threads: int | None = None,
        n_gpu_layers: int = 0,
        flash_attn: bool = True,
        chat_template: str | None = None,
    ) -> None:
        if n_ctx is not None and n_ctx < 1:
            raise ConfigurationError(f"n_ctx={n_ctx} is out of range.", hint="It must be positive.")
        if n_threads is not None and n_threads < 1:
            raise ConfigurationError(
                f"n_threads={n_threads} is out of range.", hint="It must be positive."
            )
        self._model = os.fspath(model)
        self._settings: dict[str, Any] = {
            "n_ctx": n_ctx,
            "n_threads": n_threads,
            "n_gpu_layers": n_gpu_layers,
            "flash_attn": flash_attn,
            "chat_template": chat_template,
        }
        self.name = model_name(model)
        self._loading = threading.RLock()
        self._steps = Stepper(self._loaded)
        self._state: LoadedModel | None = None
        self._owner: Any = None

    @classmethod
    def shared(
        cls, model: str | os.PathLike[str] = "house-small", **settings: Any
    ) -> LlamaCppEngine:
        """The process's one engine for a file and settings; it lives on until the process ends.

        Args:
            model: As for the constructor.
            **settings: As for the constructor.
        """
        engine = cls(model, **settings)
        key = (model_key(model), *engine._settings.items())
        with _SHARED_LOCK:
            return _SHARED.setdefault(key, engine)

    @classmethod
    def adopt(cls, llama: Any) -> LlamaCppEngine:
        """An engine over the weights that a `llama_cpp.Llama` has loaded, with its own context.

        It is the process's shared engine for that file and these settings from then on, and keeps
        the `Llama` alive: don't close it.

        Args:
            llama: A loaded `llama_cpp.Llama`.

        Raises:
            ConfigurationError: It is something else.
        """
        if not all(hasattr(llama, name) for name in ("model", "model_path", "n_ctx")):
            raise ConfigurationError(
                f"a {type(llama).__name__} holds no loaded model.",
                hint="Pass a llama_cpp.Llama, or langchain-community's ChatLlamaCpp or LlamaCpp.",
            )
        layers = int(llama.model_params.n_gpu_layers)
        engine = cls(
            llama.model_path,
            n_ctx=int(llama.n_ctx()),
            n_threads=int(llama.n_threads),
            # The library writes "all" as its largest number.
            n_gpu_layers=-1 if layers > 10_000 else layers,
        )
        key = (model_key(engine._model), *engine._settings.items())
        with _SHARED_LOCK:
            shared = _SHARED.setdefault(key, engine)
            # One that is loaded already goes on with what it has, until it is closed.
            shared._owner = llama
            return shared

    @property
    def settings(self) -> Mapping[str, Any]:
        """The model and the settings with which `shared` gives this engine."""
        return {"model": self._model, **self._settings}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, loaded={self._state is not None})"

    def __copy__(self) -> LlamaCppEngine:
        return self

    def __deepcopy__(self, memo: object) -> LlamaCppEngine:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _shared_engine, (self._model, self._settings)

    @property
    def path(self) -> Path:
        """The model's file; one on the hub is downloaded first."""
        return resolve_model(self._model)

    def load(self) -> None:
        """Loads the model, once.

        Raises:
            ModelFileError: If there is no such file, or it is truncated or no GGUF model.
            ModelDownloadError: If the hub does not deliver it.
            ModelError: If there is no memory for the context.
        """
        self._loaded()

    def close(self) -> None:
        """Frees the model's memory once no step is under way; the next use loads it again."""
        with self._loading:
            self._state = None

    def apply_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: ToolUse | None = None,
        add_generation_prompt: bool = True,
    ) -> list[int]:
        """Renders a chat as the model was trained on it. A content can't bring in control tokens.

        Where the template knows nothing of tools, they are told in the system message, and calls
        and results are plain text.

        Args:
            messages: `{"role": "system" | "user" | "assistant" | "tool", "content": text}`; see
                `ChatTemplate.segments` for calls and results.
            tools: The tools that can be called.
            add_generation_prompt: Whether the assistant's turn is opened at the end.

        Returns:
            Token ids, with BOS if the model wants one.

        Raises:
            ConfigurationError: If a message is malformed or the template can't render the chat.
        """
        segments = self._loaded_state().segments(messages, tools, add_generation_prompt)
        ids = tokenize_segments(segments, self._loaded())
        wanted = list(self.bos_ids)
        # Many templates spell the token themselves.
        return ids if ids[: len(wanted)] == wanted else wanted + ids

    @property
    def call_format(self) -> CallFormat:
        """How the model writes calls of tools."""
        return self._loaded_state().call_format or PLAIN

    @property
    def grammar_tokens(self) -> GrammarTokens:
        """The vocabulary as grammars see it; made when first used, and kept."""
        return self._loaded_state().grammar_tokens

    def score(self, ids: Sequence[int], *, first: int = 1) -> Iterator[NDArray[np.float32]]:
        """Scores a sequence: what the model expected at each position.

        Args:
            ids: The sequence; at most `n_ctx` tokens.
            first: The first position of interest, 1 or later.

        Returns:
            An iterator over `len(ids) - first + 1` rows of `(n_vocab,)` natural-log probabilities:
            for position `first` given `ids[:first]`, and so on; the last is for the position after
            all of `ids`.

        Raises:
            ContextLengthError: If the sequence is longer than the context.
            ConfigurationError: If an id or `first` is out of range.
        """
        ids = self._checked(ids, room=0)
        if not 1 <= first <= len(ids):
            raise ConfigurationError(
                f"first={first} is out of range.", hint=f"It must be between 1 and {len(ids)}."
            )
        return self._steps.score(ids, first)

    def generate(
        self,
        prompt: Sequence[int],
        sampling: SamplingParams = SamplingParams(),
        *,
        max_tokens: int,
        top_logprobs: int = 0,
        constraint: Constraint | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[GeneratedToken]:
        """Generates until an end-of-generation token, which is not yielded, or a limit.

        Args:
            prompt: Token ids, as from `apply_template`.
            sampling: How to sample; greedy by default.
            max_tokens: Tokens to yield at most; fewer if the context is full before.
            top_logprobs: How many of the most probable tokens to report at each position. These
                and the tokens' own are as the model gave them, before any constraint.
            constraint: Keeps the text to a grammar; a fresh one for each generation.
            cancelled: Asked before each decode; generation ends when it returns true.

        Returns:
            An iterator over tokens.

        Raises:
            ContextLengthError: If there is no room for a single token after the prompt.
            ConfigurationError: If an id is out of range.
            SchemaError: While iterating: the vocabulary can't spell what the grammar asks for.
        """
        ids = self._checked(prompt, room=1)
        count = min(max_tokens, self.n_ctx - len(ids))
        sampler = ConstrainedSampler(sampling, constraint) if constraint else Sampler(sampling)
        return self._steps.generate(ids, sampler, count, top_logprobs, cancelled)

    def _checked(self, ids: Sequence[int], *, room: int) -> list[int]:
        checked = [int(token) for token in ids]
        decoder = self._loaded()
        if not checked:
            raise ConfigurationError("The prompt is empty.", hint="Give at least one token.")
        if min(checked) < 0 or max(checked) >= decoder.n_vocab:
            raise bad_ids(self.name, decoder.n_vocab)
        if len(checked) + room > decoder.n_ctx:
            raise ContextLengthError(
                f"The prompt is {len(checked)} tokens long and the context of {self.name} holds "
                f"{decoder.n_ctx}{', answer included' if room else ''}.",
                hint="Shorten the prompt, retrieve less, or set a larger n_ctx.",
            )
        return checked

    def _loaded(self) -> Decoder:
        return self._loaded_state().decoder

    def _loaded_state(self) -> LoadedModel:
        state = self._state
        if state is not None:
            return state
        with self._loading:
            if self._state is None:
                self._state = self._load()
            return self._state

    def _load(self) -> LoadedModel:
        return load_model(*_library(), self.path, self._settings, owner=self._owner)


_SHARED: dict[tuple[Any, ...], LlamaCppEngine] = {}
_SHARED_LOCK = threading.Lock()


def _shared_engine(model: str, settings: dict[str, Any]) -> LlamaCppEngine:
    return LlamaCppEngine.shared(model, **settings)


@functools.cache
def _library() -> tuple[Any, LogSink]:
    library = _find_library(os.environ.get(ENGINE_VARIABLE, "auto"))
    log = LogSink(library)
    library.llama_backend_init()
    return library, log


def engine_package() -> str:
    """The package that llama.cpp comes from in this process: llama-cpp-python or xllamacpp."""
    library, _ = _library()
    return "xllamacpp" if isinstance(library, PrebuiltLibrary) else "llama-cpp-python"


def _find_library(wanted: str) -> Any:
    """llama.cpp: compiled here if it is installed, else out of a wheel."""
    if wanted not in ENGINES:
        raise ConfigurationError(
            f"{ENGINE_VARIABLE}={wanted!r} is no engine.", hint=f"Set it to {', '.join(ENGINES)}."
        )
    if wanted != "prebuilt":
        try:
            import llama_cpp
        except ImportError as error:
            if wanted == "compiled":
                raise ModelError(
                    "llama-cpp-python isn't installed.",
                    hint=f"pip install llama-cpp-python, or set {ENGINE_VARIABLE}=auto.",
                ) from error
        else:
            return llama_cpp
    return load_prebuilt()
