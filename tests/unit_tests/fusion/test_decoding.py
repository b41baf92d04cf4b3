"""Fused decoding: one request per token, and in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fused_pair import make_example, make_lexicon, make_mixer

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    ContextLengthError,
    RemoteError,
    RemoteUnavailableError,
)
from langchain_cogenesis.fusion.decoding import decode
from langchain_cogenesis.fusion.drafting import BlockLength, decode_blocks
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.local_drafting import decode_local_blocks
from langchain_cogenesis.fusion.prefix import RawPrefix
from langchain_cogenesis.fusion.schedule import FixedRate
from langchain_cogenesis.fusion.steps import Helper, Mixer, Step
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.testing import RemoteStandIn

TOKENS = 48


@pytest.fixture(scope="module")
def local(house_small: Path) -> Iterator[LocalNextTokenModel]:
    """The small house model."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


@pytest.fixture(scope="module")
def large(house_large: Path) -> Iterator[LocalNextTokenModel]:
    """The larger house model."""
    engine = LlamaCppEngine(house_large, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


def _tokens(steps: Iterator[Step]) -> list[int]:
    return [step.token for step in steps]


def test_weight_one_for_the_local_model_is_the_local_model(
    local: LocalNextTokenModel, large: LocalNextTokenModel
) -> None:
    """With no weight on the helper, what comes out is what the engine writes alone."""
    example = make_example(3)
    mixer = make_mixer(local, RemoteStandIn(large), example, fusion=LinearFusion((1.0, 0.0)))
    alone = local._engine.generate(list(mixer.prompt), max_tokens=TOKENS)
    assert _tokens(decode(mixer, TOKENS)) == [token.id for token in alone]


@pytest.mark.parametrize("loop", [decode_blocks, decode_local_blocks])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_adaptive_blocks_write_what_single_requests_write(
    local: LocalNextTokenModel, large: LocalNextTokenModel, loop: Any, temperature: float
) -> None:
    """Same tokens, reasons and log-probabilities, whatever the lengths come to."""
    private = 0
    for seed in range(6):
        example = make_example(seed)
        sampling = SamplingParams(temperature=temperature, seed=seed)
        single = make_mixer(local, RemoteStandIn(large), example, sampling=sampling)
        steps = list(decode(single, TOKENS))
        blocked = make_mixer(local, RemoteStandIn(large), example, sampling=sampling)
        drafted = list(loop(blocked, TOKENS, length=BlockLength()))
        assert [s.token for s in drafted] == [s.token for s in steps]
        assert [s.why_not for s in drafted] == [s.why_not for s in steps]
        assert [s.logprob for s in drafted] == pytest.approx([s.logprob for s in steps], abs=1e-3)
        private += sum(step.why_not == "open end" for step in steps)
    assert private > 10


def test_a_draft_goes_as_far_as_the_gate_lets_it(
    local: LocalNextTokenModel, large: LocalNextTokenModel
) -> None:
    """A draft with an end that the gate refuses is cut there; what may be asked still is."""
    refused = 0

    def mixer() -> Mixer:
        made = make_mixer(local, RemoteStandIn(large), make_example(2))
        start = len(made.helpers[0].sequence)

        def admit(ids: Sequence[int]) -> bool:
            nonlocal refused
            refused += len(ids) - start in (7, 12)
            return len(ids) - start not in (7, 12)

        made.helpers[0].admit = admit
        return made

    single = list(decode(mixer(), TOKENS))
    assert sum(step.why_not == "gate" for step in single) == refused > 0
    drafted = list(decode_local_blocks(mixer(), TOKENS, length=BlockLength(4)))
    assert [(s.token, s.why_not) for s in drafted] == [(s.token, s.why_not) for s in single]


@pytest.mark.parametrize("loop", [decode_blocks, decode_local_blocks])
def test_nothing_private_is_in_what_the_helper_saw(
    local: LocalNextTokenModel, large: LocalNextTokenModel, loop: Any
) -> None:
    """No name, place or firm of the context is in any sequence, though the answer has them."""
    written = 0
    for seed in range(6):
        example = make_example(seed)
        remote = RemoteStandIn(large)
        mixer = make_mixer(local, remote, example)
        answer = local.vocabulary.text(_tokens(loop(mixer, TOKENS))).decode("utf-8", "replace")
        lexicon = make_lexicon(example)
        written += len(lexicon.find(answer))
        for sequence in remote.seen:
            assert not lexicon.find(local.vocabulary.text(sequence).decode("utf-8", "replace"))
    assert written > 0


def test_longer_prefixes_begin_with_shorter_ones(
    local: LocalNextTokenModel, large: LocalNextTokenModel
) -> None:
    """What the helper is asked about only grows, so its cache stays good."""
    remote = RemoteStandIn(large)
    list(decode(make_mixer(local, remote, make_example(4)), TOKENS))
    assert len(remote.seen) > 5
    for before, after in zip(remote.seen, remote.seen[1:], strict=False):
        assert after[: len(before)] == before


def test_a_schedule_saves_requests_and_says_so(
    local: LocalNextTokenModel, large: LocalNextTokenModel
) -> None:
    """Steps that the schedule leaves out are local, and their record names the reason."""
    remote = RemoteStandIn(large)
    steps = list(decode(make_mixer(local, remote, make_example(1), schedule=FixedRate(3)), TOKENS))
    asked = [step for step in steps if step.why_not is None]
    assert all(step.position % 3 == 0 for step in asked)
    # The step that ended the text may have asked, too.
    assert len(asked) <= remote.requests <= len(asked) + 1
    silent = [step for step in steps if step.why_not == "schedule"]
    assert silent
    assert all(step.logprobs[1] is None and step.weights == (1.0, 0.0) for step in silent)


@pytest.mark.parametrize("run", [decode, decode_blocks, decode_local_blocks])
def test_a_fault_ends_the_answer_or_leaves_it_to_the_local_model(
    local: LocalNextTokenModel, large: LocalNextTokenModel, run: Any
) -> None:
    """A remote that dies is an error, or every later step says that it failed."""

    def mixer() -> Mixer:
        error = RemoteUnavailableError("gone.")
        return make_mixer(local, RemoteStandIn(large, fails_at=2, error=error), make_example(2))

    with pytest.raises(RemoteUnavailableError):
        list(run(mixer(), TOKENS))
    told: list[RemoteError] = []
    steps = list(run(mixer(), TOKENS, on_fault=told.append))
    assert len(told) == 1
    failed = [n for n, s in enumerate(steps) if s.why_not == "fault: RemoteUnavailableError"]
    assert failed
    assert failed == [*range(failed[0], len(steps))]


def test_rows_that_lie_are_found(local: LocalNextTokenModel, large: LocalNextTokenModel) -> None:
    """NaN from a helper is an error of the remote, never a silently unfused token."""

    class Liar(RemoteStandIn):
        def _cut(self, row):  # type: ignore[no-untyped-def]
            cut = super()._cut(row)
            cut.logprobs[0] = np.nan
            return cut

    for run in (decode, decode_blocks, decode_local_blocks):
        with pytest.raises(RemoteError, match="NaN"):
            list(run(make_mixer(local, Liar(large), make_example(2)), TOKENS))


def test_placeholder_mass_is_left_to_the_local_model(
    local: LocalNextTokenModel, large: LocalNextTokenModel
) -> None:
    """Where the helper expects a placeholder, no placeholder is written, and the step tells it."""
    deferred = 0.0
    for seed in range(4):
        steps = list(decode(make_mixer(local, RemoteStandIn(large), make_example(seed)), TOKENS))
        text = b"".join(step.text for step in steps).decode("utf-8", "replace")
        assert "[" not in text
        deferred = max(deferred, max(step.deferred for step in steps))
    assert deferred > 0.5


def test_room_is_checked_before_the_first_token(
    local: LocalNextTokenModel, large: LocalNextTokenModel
) -> None:
    """More tokens than fit, or a prompt that fills the window, is an error at once."""
    mixer = make_mixer(local, RemoteStandIn(large), make_example(1))
    assert mixer.room(None) == local.n_ctx - len(mixer.prompt)
    with pytest.raises(ContextLengthError, match="leaves"):
        mixer.room(local.n_ctx)
    with pytest.raises(ContextLengthError):
        Mixer(local, [5] * local.n_ctx, [])


def test_blocks_need_one_helper(local: LocalNextTokenModel) -> None:
    """With none or several helpers, blocks are refused in words."""
    with pytest.raises(ConfigurationError, match="one helper"):
        list(decode_blocks(Mixer(local, [5], []), 4))
    with pytest.raises(ConfigurationError, match="block"):
        BlockLength(0)


def test_three_models_are_fused(local: LocalNextTokenModel, large: LocalNextTokenModel) -> None:
    """A third model, that may see everything, takes part with a weight of its own."""
    example = make_example(5)
    mixer = make_mixer(local, RemoteStandIn(large), example)
    private = [{"role": role, "content": text} for role, text in example.messages()]
    trusted = Helper(large, large.prompt_ids(private), RawPrefix())
    three = Mixer(
        local, mixer.prompt, [*mixer.helpers, trusted], fusion=LinearFusion((0.4, 0.3, 0.3))
    )
    steps = list(decode(three, 20))
    fused = [step for step in steps if step.why_not is None]
    assert fused
    assert all(step.weights == pytest.approx((0.4, 0.3, 0.3)) for step in fused)
    assert all(step.logprobs[2] is not None for step in fused)
