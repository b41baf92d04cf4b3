"""From prompts to pieces: offsets, stops, cancelling, lengths."""

from __future__ import annotations

import pytest

from langchain_cogenesis.exceptions import ContextLengthError
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.server.generation import (
    Finished,
    Piece,
    Task,
    TokenRecord,
    check_length,
    run_task,
)

TEXT = "Zoë 😀 writes to [NAME_1]: né à Łódź."
SAMPLED = SamplingParams(temperature=1.5, seed=4, logit_bias={4: -100})


def run(
    engine: LlamaCppEngine, task: Task, **options: object
) -> tuple[str, list[TokenRecord], Finished]:
    events = list(run_task(engine, task, **options))  # type: ignore[arg-type]
    pieces = [event for event in events if isinstance(event, Piece)]
    assert isinstance(events[-1], Finished)
    text = "".join(piece.text for piece in pieces)
    return text, [token for piece in pieces for token in piece.tokens], events[-1]


def test_offsets_count_characters_where_tokens_cut_them(engine: LlamaCppEngine) -> None:
    """Bytes of one character in several tokens share its place; offsets are in characters."""
    ids = engine.tokenize(TEXT)
    text, tokens, end = run(engine, Task(ids, SAMPLED, 0, top_logprobs=0, echo=True))
    assert text == TEXT
    assert [token.id for token in tokens] == ids
    # An emoji takes four bytes, so that some token must be part of a character here.
    assert any(_is_partial(token.text) for token in tokens)
    done = b""
    for token in tokens:
        assert token.offset == len(done.decode("utf-8", "ignore"))
        done += token.text
    assert end == Finished("length", len(ids), 0)


@pytest.mark.parametrize("length", [1, 2, 3, 6, 11])
def test_every_stop_string_cuts_text_and_tokens_alike(engine: LlamaCppEngine, length: int) -> None:
    """Wherever a stop string lies, the text ends before it and so do the tokens."""
    prompt = engine.tokenize("Dear")
    full, _, _ = run(engine, Task(prompt, SAMPLED, 60, top_logprobs=0))
    for at in range(0, len(full) - length, 7):
        stop = full[at : at + length]
        text, tokens, end = run(engine, Task(prompt, SAMPLED, 60, (stop,), top_logprobs=0))
        assert text == full[: full.index(stop)]
        assert end.reason == "stop"
        reported = b"".join(token.text for token in tokens).decode("utf-8", "replace")
        assert reported.startswith(text)
        assert all(token.offset < len(text) for token in tokens)


def test_nothing_is_lost_when_no_stop_comes(engine: LlamaCppEngine) -> None:
    """Text held back for a stop string that never comes is given in the end, tokens too."""
    prompt = engine.tokenize("Dear")
    full, tokens, _ = run(engine, Task(prompt, SAMPLED, 30, top_logprobs=2))
    stops = tuple(char + "\0never" for char in set(full))
    held, held_tokens, end = run(engine, Task(prompt, SAMPLED, 30, stops, top_logprobs=2))
    assert (held, held_tokens) == (full, tokens)
    assert (end.reason, end.completion_tokens) == ("length", 30)


def test_no_scores_where_none_were_asked(engine: LlamaCppEngine) -> None:
    """Without log-probabilities asked for, tokens carry none."""
    prompt = engine.tokenize("Dear")
    _, tokens, _ = run(engine, Task(prompt, SAMPLED, 3, echo=True))
    assert {token.logprob for token in tokens} == {token.top for token in tokens} == {None}


@pytest.mark.parametrize("echo", [False, True])
def test_cancelling_ends_generation_and_scoring(engine: LlamaCppEngine, echo: bool) -> None:
    """After a cancellation at most the step under way is finished."""
    prompt = engine.tokenize("Dear " * 100)
    task = Task(prompt, SAMPLED, None, top_logprobs=1, echo=echo)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    _, tokens, end = run(engine, task, cancelled=cancelled)
    scored = [token for token in tokens if token.logprob is not None]
    assert len(scored) <= 4
    assert end.completion_tokens <= 4


def test_length_is_checked_before_anything_is_done(engine: LlamaCppEngine) -> None:
    """A prompt may fill the context if only scored, and needs room for a token otherwise."""
    full = [5] * engine.n_ctx
    check_length(engine, Task(full, SAMPLED, 0))
    check_length(engine, Task(full[1:], SAMPLED, None))
    for task in (Task(full, SAMPLED, 1), Task([*full, 5], SAMPLED, 0)):
        with pytest.raises(ContextLengthError, match=str(engine.n_ctx)):
            next(run_task(engine, task))


def test_a_full_context_ends_the_text(engine: LlamaCppEngine) -> None:
    """Generation ends with reason length where the context ends, whatever was asked for."""
    prompt = (engine.tokenize("Dear friend ") * engine.n_ctx)[: engine.n_ctx - 5]
    _, _, end = run(engine, Task(prompt, SAMPLED, 100))
    assert end == Finished("length", len(prompt), 5)


def _is_partial(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return True
    return False
