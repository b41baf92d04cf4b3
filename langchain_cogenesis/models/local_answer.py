"""One answer of the local model: from LangChain's messages to text, log-probabilities and usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages.ai import UsageMetadata

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.llamacpp import GeneratedToken, LlamaCppEngine
from langchain_cogenesis.models.pending_logprobs import PendingLogprobs, logprob_entry
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.models.text_stream import TextStream


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What holds for one call.

    Attributes:
        sampling: How to sample.
        max_tokens: Tokens to generate at most.
        stop: Texts before which the answer ends.
        logprobs: Whether log-probabilities are reported.
        top_logprobs: How many of the most probable tokens are reported at each position.
    """

    sampling: SamplingParams
    max_tokens: int
    stop: tuple[str, ...]
    logprobs: bool
    top_logprobs: int


def to_chat(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """LangChain's messages as the template takes them.

    Args:
        messages: System, human and AI messages, and chat messages with one of their roles.

    Returns:
        `{"role", "content"}` for each.

    Raises:
        ConfigurationError: If a message is of another kind, or holds more than text.
    """
    return [
        {"role": _role(message), "content": _text(message, number)}
        for number, message in enumerate(messages)
    ]


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, ChatMessage):
        return {"human": "user", "ai": "assistant"}.get(message.role, message.role)
    raise ConfigurationError(
        f"The local model takes no message of type {message.type!r}.",
        hint="Give system, human and AI messages; put what a tool said into a human message.",
    )


def _text(message: BaseMessage, number: int) -> str:
    if isinstance(message.content, str):
        return message.content
    for block in message.content:
        kind = "text" if isinstance(block, str) else block.get("type", "unknown")
        if kind != "text" and not isinstance(message, AIMessage):
            raise ConfigurationError(
                f"Message {number} holds a content block of type {kind!r}; "
                "the local model reads text only.",
                hint="Leave it out, or describe it in words.",
            )
    return str(message.text)


class LocalAnswer:
    """An answer that is generated while it is iterated over, once.

    Args:
        engine: The model.
        prompt: Token ids.
        options: What holds for this call.
        cancelled: Asked before each decode; the answer ends when it returns true.

    Attributes:
        model_name: The engine's name.
        options: What holds for this call.
        finish_reason: `stop` or `length`, once the iteration has ended.

    Raises:
        ContextLengthError: If there is no room for an answer after the prompt.
    """

    def __init__(
        self,
        engine: LlamaCppEngine,
        prompt: Sequence[int],
        options: CallOptions,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.model_name = engine.name
        self.options = options
        self.finish_reason = "stop"
        self._engine = engine
        self._n_prompt = len(prompt)
        self._n_generated = 0
        self._limit = min(options.max_tokens, engine.n_ctx - len(prompt))
        self._stream = TextStream(options.stop)
        self._pending = PendingLogprobs()
        self._tokens = engine.generate(
            prompt,
            options.sampling,
            max_tokens=options.max_tokens,
            top_logprobs=options.top_logprobs,
            cancelled=cancelled,
        )

    @property
    def usage(self) -> UsageMetadata:
        """Tokens so far; what a stop string cut off is counted."""
        return UsageMetadata(
            input_tokens=self._n_prompt,
            output_tokens=self._n_generated,
            total_tokens=self._n_prompt + self._n_generated,
        )

    def __iter__(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yields text and the log-probabilities of its tokens, whenever there is something."""
        try:
            for token in self._tokens:
                self._n_generated += 1
                if self.options.logprobs:
                    self._pending.push(token.text, self._entry(token))
                text = self._stream.push(token.text)
                if text:
                    yield text, self._pending.shown(self._stream.n_bytes)
                if self._stream.stopped:
                    return
        finally:
            close = getattr(self._tokens, "close", None)
            if close:
                close()
        self.finish_reason = "length" if self._n_generated >= self._limit else "stop"
        text = self._stream.finish()
        if self._stream.stopped:
            entries = self._pending.shown(self._stream.n_bytes)
        else:
            entries = self._pending.rest()
        if text or entries:
            yield text, entries

    def _entry(self, token: GeneratedToken) -> dict[str, Any]:
        top = ((self._engine.token_bytes(other), logprob) for other, logprob in token.top)
        return logprob_entry(token.text, token.logprob, top)
