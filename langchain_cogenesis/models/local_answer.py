"""One answer of the local model: from token ids to text, calls, log-probabilities and usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from langchain_cogenesis.models.answer_plan import AnswerPlan, CallOptions
from langchain_cogenesis.models.call_parser import Call, CallDelta, CallParser
from langchain_cogenesis.models.llamacpp import GeneratedToken, LlamaCppEngine
from langchain_cogenesis.models.pending_logprobs import PendingLogprobs, logprob_entry
from langchain_cogenesis.models.text_stream import TextStream


@dataclass(frozen=True, slots=True)
class Piece:
    """What an answer grew by.

    Attributes:
        text: Text that belongs to no call.
        logprobs: Entries of the tokens behind it, where they were asked for.
        calls: What calls of tools grew by.
    """

    text: str
    logprobs: list[dict[str, Any]]
    calls: list[CallDelta]


class LocalAnswer:
    """An answer that is generated while it is iterated over, once.

    Args:
        engine: The model.
        plan: Prompt, grammar and form of calls.
        options: What holds for this call.
        cancelled: Asked before each decode; the answer ends when it returns true.

    Attributes:
        model_name: The engine's name.
        options: What holds for this call.
        finish_reason: `stop`, `length` or `tool_calls`, once the iteration has ended.

    Raises:
        ContextLengthError: If there is no room for an answer after the prompt.
    """

    def __init__(
        self,
        engine: LlamaCppEngine,
        plan: AnswerPlan,
        options: CallOptions,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.model_name = engine.name
        self.options = options
        self.finish_reason = "stop"
        self._engine = engine
        self._plan = plan
        self._n_generated = 0
        self._limit = min(options.max_tokens, engine.n_ctx - len(plan.prompt))
        self._stream = TextStream(options.stop)
        self._parser = CallParser(plan.form, forced=plan.forced) if plan.form else None
        self._pending = PendingLogprobs()
        self._tokens = engine.generate(
            plan.prompt,
            options.sampling,
            max_tokens=options.max_tokens,
            top_logprobs=options.top_logprobs,
            constraint=plan.constraint,
            cancelled=cancelled,
        )

    @property
    def calls(self) -> list[Call]:
        """The calls of tools so far."""
        return self._parser.calls if self._parser else []

    @property
    def usage(self) -> UsageMetadata:
        """Tokens so far; what a stop string cut off is counted."""
        return UsageMetadata(
            input_tokens=len(self._plan.prompt),
            output_tokens=self._n_generated,
            total_tokens=len(self._plan.prompt) + self._n_generated,
        )

    def __iter__(self) -> Iterator[Piece]:
        """Yields what the answer grew by, whenever there is something."""
        try:
            for token in self._tokens:
                self._n_generated += 1
                data = self._bytes(token)
                if self.options.logprobs:
                    self._pending.push(data, self._entry(token))
                text = self._stream.push(data)
                if text:
                    yield from self._pieces(text, self._pending.shown(self._stream.n_bytes))
                if self._stream.stopped:
                    break
        finally:
            close = getattr(self._tokens, "close", None)
            if close:
                close()
        yield from self._last()

    def _last(self) -> Iterator[Piece]:
        text = self._stream.finish()
        stopped = self._stream.stopped
        entries = self._pending.shown(self._stream.n_bytes) if stopped else self._pending.rest()
        yield from self._pieces(text, entries)
        if self._parser:
            shown, deltas = self._parser.finish()
            if shown or deltas:
                yield Piece(shown, [], deltas)
        cut = not stopped and not self._whole() and self._n_generated >= self._limit
        self.finish_reason = "length" if cut else "stop"
        if self._parser and self._parser.complete and not cut:
            self.finish_reason = "tool_calls"

    def _whole(self) -> bool:
        """Whether a grammar says that this is all; free text can always go on."""
        constraint, parser = self._plan.constraint, self._parser
        if constraint is None:
            return False
        called = parser is not None and parser.complete and constraint.complete
        return constraint.finished or called

    def _pieces(self, text: str, entries: list[dict[str, Any]]) -> Iterator[Piece]:
        shown, deltas = self._parser.push(text) if self._parser else (text, [])
        if shown or deltas or entries:
            yield Piece(shown, entries, deltas)

    def _bytes(self, token: GeneratedToken) -> bytes:
        """A token's text; where calls are written with control tokens, those are text too."""
        if token.text or not self._parser:
            return token.text
        return self._engine.token_spelling(token.id)

    def _entry(self, token: GeneratedToken) -> dict[str, Any]:
        top = ((self._engine.token_bytes(other), logprob) for other, logprob in token.top)
        return logprob_entry(token.text, token.logprob, top)
