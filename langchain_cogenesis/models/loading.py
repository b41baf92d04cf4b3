"""Loads a GGUF file: the decoder, its chat template, and what tools and grammars need of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.call_format import (
    CallFormat,
    derive_format,
    flatten,
    tool_instruction,
)
from langchain_cogenesis.models.chat_template import CHATML, ChatTemplate, Segment
from langchain_cogenesis.models.constraint import GrammarTokens
from langchain_cogenesis.models.decoder import Decoder, LogSink
from langchain_cogenesis.models.gguf_file import read_header
from langchain_cogenesis.models.tool_choice import ToolUse


class LoadedModel:
    """A model in memory.

    Args:
        decoder: The model and its context.
        template: Its chat template.
    """

    def __init__(self, decoder: Decoder, template: ChatTemplate) -> None:
        self.decoder = decoder
        self.template = template

    @cached_property
    def grammar_tokens(self) -> GrammarTokens:
        """The vocabulary as grammars see it."""
        return GrammarTokens(self.decoder)

    @cached_property
    def call_format(self) -> CallFormat | None:
        """How the template writes calls of tools; None if it knows nothing of them."""
        return derive_format(self.template, list(self.grammar_tokens.control))

    def segments(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: ToolUse | None,
        add_generation_prompt: bool,
    ) -> list[Segment]:
        """Renders a chat; see `LlamaCppEngine.apply_template`.

        Raises:
            ConfigurationError: The template can't render it, or a tool spells a control token.
        """
        chat = [dict(message) for message in messages]
        about_tools = any(m.get("role") == "tool" or m.get("tool_calls") for m in chat)
        if not (tools or about_tools):
            return self.template.segments(chat, add_generation_prompt=add_generation_prompt)
        functions = [tool.as_function() for tool in tools.shown] if tools else []
        if self.call_format is None:
            told = tool_instruction(functions, forced=tools.forced) if tools else ""
            flat = flatten(chat, told)
            return self.template.segments(flat, add_generation_prompt=add_generation_prompt)
        self._check_markup(functions)
        return self.template.segments(
            chat, tools=functions, add_generation_prompt=add_generation_prompt
        )

    def _check_markup(self, functions: Sequence[Mapping[str, Any]]) -> None:
        # A template writes tools as its own text, where control tokens count.
        ids = self.decoder.tokenize(str(functions), special=True)
        if any(map(self.decoder.is_control, ids)):
            raise ConfigurationError(
                "a tool's name, description or schema spells a control token of the model.",
                hint="Take it out.",
            )


def load_model(
    library: Any, log: LogSink, path: Path, settings: Mapping[str, Any], *, owner: Any = None
) -> LoadedModel:
    """Loads a file.

    Args:
        library: The module `llama_cpp`.
        log: Where its log goes.
        path: The file.
        settings: Those of a `LlamaCppEngine`.
        owner: A `llama_cpp.Llama` whose loaded weights are taken over.

    Raises:
        ModelFileError: If there is no such file, or it is truncated or no GGUF model.
        ModelError: If there is no memory for the context.
    """
    header = read_header(path)
    decoder = Decoder(
        library,
        log,
        path,
        n_ctx=settings["n_ctx"],
        n_threads=settings["n_threads"] or default_threads(),
        n_gpu_layers=settings["n_gpu_layers"],
        flash_attn=settings["flash_attn"],
        owner=owner,
    )
    source = settings["chat_template"] or header.metadata.get("tokenizer.chat_template")
    if not isinstance(source, str):
        warnings.warn(f"{path.name} has no chat template; ChatML is used.", stacklevel=2)
        source = CHATML
    template = ChatTemplate(
        source,
        bos_token=decoder.token_text(decoder.bos_id),
        eos_token=decoder.token_text(decoder.eos_id),
    )
    return LoadedModel(decoder, template)


def default_threads() -> int:
    """Half of the processors that this process may use: their number of cores, mostly."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    return max(1, count // 2)
