"""From a prompt to pieces of text with their tokens: scoring, generating, stopping.

All log-probabilities are natural and of the model's own distribution, before temperature.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from langchain_cogenesis.exceptions import ContextLengthError
from langchain_cogenesis.models.logits import GeneratedToken, top_ids
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.models.text_stream import TextStream

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

T = TypeVar("T")
FinishReason = Literal["stop", "length"]
Top = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """One token of the text, as the protocols report it.

    Attributes:
        id: Its id.
        text: Its bytes; `b""` for control tokens.
        offset: Where it begins in the returned text, in characters.
        logprob: Its log-probability; None for a prompt's first token, and where nothing was asked.
        top: The most probable tokens and their log-probabilities, best first; None likewise.
    """

    id: int
    text: bytes = field(repr=False)
    offset: int
    logprob: float | None = None
    top: Top | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Text to send on, and the tokens that begin in it."""

    text: str = field(repr=False)
    tokens: tuple[TokenRecord, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of one choice."""

    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done for one choice.

    Attributes:
        prompt: Token ids.
        sampling: How to pick the next token.
        max_tokens: How many tokens to generate; None is up to the context's end, 0 is none.
        stop: Strings that end the text and are cut off.
        top_logprobs: Alternatives per token; None if no log-probabilities were asked for.
        echo: Whether the prompt belongs to the text.
        echo_from: First position of an echoed prompt whose log-probabilities are wanted.
    """

    prompt: Sequence[int] = field(repr=False)
    sampling: SamplingParams = field(repr=False)
    max_tokens: int | None
    stop: tuple[str, ...] = field(default=(), repr=False)
    top_logprobs: int | None = None
    echo: bool = False
    echo_from: int = 0


def check_length(engine: LlamaCppEngine, task: Task) -> None:
    """Checks that a prompt, and one token more if any is to be generated, fits the context.

    Raises:
        ContextLengthError: It doesn't.
    """
    needed = len(task.prompt) + (task.max_tokens != 0)
    if needed > engine.n_ctx:
        raise ContextLengthError(
            f"The prompt has {len(task.prompt)} tokens; "
            f"the model's context window holds {engine.n_ctx}, the answer included.",
            hint="Shorten the prompt, or serve the model with a larger n_ctx.",
        )


def run_task(
    engine: LlamaCppEngine, task: Task, cancelled: Callable[[], bool] | None = None
) -> Iterator[Piece | Finished]:
    """Does a task: the echoed prompt if asked for, then the generated text, then `Finished`.

    Args:
        engine: The model.
        task: What to do.
        cancelled: Asked between tokens; True ends the text.

    Yields:
        Pieces, whose texts concatenate to the whole text, and `Finished` at the end.

    Raises:
        ContextLengthError: The prompt is too long; raised before anything is yielded.
    """
    check_length(engine, task)
    offset = 0
    if task.echo:
        echoed = _echo(engine, task, cancelled)
        offset = len(echoed.text)
        yield echoed
    if task.max_tokens == 0:
        yield Finished("length", len(task.prompt), 0)
        return
    yield from _generate(engine, task, offset, cancelled)


def _echo(engine: LlamaCppEngine, task: Task, cancelled: Callable[[], bool] | None) -> Piece:
    placed = _Placed(0)
    pieces = [engine.token_bytes(token_id) for token_id in task.prompt]
    scores: list[tuple[float | None, Top | None]] = [(None, None)] * len(task.prompt)
    # Nothing is expected before the first token.
    first = max(1, task.echo_from)
    if task.top_logprobs is not None and first < len(task.prompt):
        with _closing(engine.score(task.prompt, first=first)) as rows:
            # One row more comes than there are tokens left to score: the one after the prompt.
            for position, row in zip(range(first, len(task.prompt)), rows, strict=False):
                if cancelled is not None and cancelled():
                    break
                top = tuple((i, float(row[i])) for i in top_ids(row, task.top_logprobs))
                scores[position] = (float(row[task.prompt[position]]), top)
    tokens = tuple(
        TokenRecord(token_id, piece, placed.advance(piece)[0], *score)
        for token_id, piece, score in zip(task.prompt, pieces, scores, strict=True)
    )
    shown = TextStream()
    return Piece(shown.push(b"".join(pieces)) + shown.finish(), tokens)


def _generate(
    engine: LlamaCppEngine, task: Task, offset: int, cancelled: Callable[[], bool] | None
) -> Iterator[Piece | Finished]:
    room = engine.n_ctx - len(task.prompt)
    limit = room if task.max_tokens is None else min(task.max_tokens, room)
    stream, placed = TextStream(task.stop), _Placed(offset)
    count, emitted = 0, offset
    held: list[tuple[TokenRecord, int]] = []
    generated = engine.generate(
        task.prompt,
        task.sampling,
        max_tokens=limit,
        top_logprobs=task.top_logprobs or 0,
        cancelled=cancelled,
    )
    with _closing(generated) as tokens:
        for token in tokens:
            count += 1
            text = stream.push(token.text)
            held.append(_record(token, placed, scored=task.top_logprobs is not None))
            emitted += len(text)
            ready = _release(held, emitted, stopped=stream.stopped)
            if text or ready:
                yield Piece(text, ready)
            if stream.stopped:
                break
    # At the end nothing is held back any more: what might have become a stop string didn't.
    rest = stream.finish()
    if rest or (held and not stream.stopped):
        yield Piece(rest, () if stream.stopped else tuple(record for record, _ in held))
    reason: FinishReason = "length" if count >= limit and not stream.stopped else "stop"
    yield Finished(reason, len(task.prompt), count)


@contextmanager
def _closing(items: Iterator[T]) -> Iterator[Iterator[T]]:
    # The engine is free for others when its generator is closed, not when it is collected.
    try:
        yield items
    finally:
        if isinstance(items, Generator):
            items.close()


def _record(token: GeneratedToken, placed: _Placed, *, scored: bool) -> tuple[TokenRecord, int]:
    start, end = placed.advance(token.text)
    logprob, top = (token.logprob, token.top) if scored else (None, None)
    return TokenRecord(token.id, token.text, start, logprob, top), end


def _release(
    held: list[tuple[TokenRecord, int]], emitted: int, *, stopped: bool
) -> tuple[TokenRecord, ...]:
    """Takes the tokens out of `held` of which anything was emitted: `emitted` characters so far."""
    ready: list[TokenRecord] = []
    while held and (held[0][0].offset < emitted or (held[0][1] <= emitted and not stopped)):
        ready.append(held.pop(0)[0])
    return tuple(ready)


class _Placed:
    """Tells at which character of the decoded text each token's bytes lie."""

    def __init__(self, offset: int) -> None:
        # As `TextStream` shows them: one character for each byte that belongs to none.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._end = offset

    def advance(self, piece: bytes) -> tuple[int, int]:
        """Returns where a token begins and ends, in characters."""
        start = self._end
        self._end += len(self._decoder.decode(piece))
        if start < self._end and (whole := _whole_text(piece)):
            # Bytes before that never became a character show as one, and it isn't this token's.
            start = self._end - len(whole)
        return start, self._end


def _whole_text(piece: bytes) -> str:
    """A token's text, or nothing if it begins or ends within a character."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return ""
