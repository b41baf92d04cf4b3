"""The local model goes on while a request is under way, and the text stays the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fused_pair import ELSEWHERE, make_example, make_mixer

from langchain_cogenesis.exceptions import RemoteUnavailableError
from langchain_cogenesis.fusion.decoding import decode
from langchain_cogenesis.fusion.drafting import BlockLength, decode_blocks
from langchain_cogenesis.fusion.local_drafting import decode_local_blocks
from langchain_cogenesis.fusion.lookahead import LookAhead
from langchain_cogenesis.fusion.schedule import EntropySchedule
from langchain_cogenesis.fusion.steps import Mixer
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Distribution
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.testing import RemoteStandIn

TOKENS = 32
LOOPS = [decode_blocks, decode_local_blocks]


class Watched(LocalNextTokenModel):
    """The local model; counts its decodes, and tells when one is done."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        super().__init__(engine)
        self.decoded = threading.Event()
        self.decodes = 0

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """Decodes."""
        rows = super().score(ids, first=first)
        self.decodes += 1
        self.decoded.set()
        return rows


class Slow(RemoteStandIn):
    """A remote behind a network."""

    endpoint = ELSEWHERE

    def __init__(self, model: LocalNextTokenModel, wait: Any) -> None:
        super().__init__(model)
        self._wait = wait

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """One request."""
        self._wait()
        return super().score(ids, first=first)

    def draft(self, ids: Sequence[int], count: int) -> Any:
        """One request."""
        self._wait()
        return super().draft(ids, count)


@pytest.fixture(scope="module")
def local(house_small: Path) -> Iterator[Watched]:
    """The small house model."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield Watched(engine)
    engine.close()


@pytest.fixture(scope="module")
def large(house_large: Path) -> Iterator[LocalNextTokenModel]:
    """The larger house model."""
    engine = LlamaCppEngine(house_large, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_what_was_looked_at_ahead_changes_no_token(
    local: Watched, large: LocalNextTokenModel, loop: Any, temperature: float
) -> None:
    """Tokens and reasons are those of one request per token, with a wait long enough to go on."""
    for seed in range(3):
        sampling = SamplingParams(temperature=temperature, seed=seed)
        single = make_mixer(local, RemoteStandIn(large), make_example(seed), sampling=sampling)
        steps = list(decode(single, TOKENS))
        slow = Slow(large, lambda: time.sleep(0.03))
        mixer = make_mixer(local, slow, make_example(seed), sampling=sampling)
        found = list(loop(mixer, TOKENS, length=BlockLength(4)))
        assert [(s.token, s.why_not) for s in found] == [(s.token, s.why_not) for s in steps]


def test_local_row_is_decoded_while_the_request_is_under_way(
    local: Watched, large: LocalNextTokenModel
) -> None:
    """The remote answers only after the local model has decoded: in turn, this would never end."""
    overlapped = []

    def until_decoded() -> None:
        overlapped.append(local.decoded.wait(20))

    mixer = make_mixer(local, Slow(large, until_decoded), make_example(1))
    local.decoded.clear()
    next(decode_blocks(mixer, TOKENS, length=BlockLength(4)))
    assert overlapped == [True]


def test_a_schedule_that_looks_at_the_row_is_asked_first(
    local: Watched, large: LocalNextTokenModel
) -> None:
    """Where the schedule goes by the local row, no request leaves before it is there."""
    decoded = []
    slow = Slow(large, lambda: decoded.append(local.decoded.is_set()))
    mixer = make_mixer(local, slow, make_example(1), schedule=EntropySchedule(0.0))
    local.decoded.clear()
    next(decode_blocks(mixer, TOKENS, length=BlockLength(4)))
    assert decoded == [True]


def test_drafting_goes_on_while_a_block_is_scored(
    local: Watched, large: LocalNextTokenModel
) -> None:
    """With time to wait, more is decoded than the block has tokens."""
    counts: list[int] = []

    def wait() -> None:
        before = local.decodes
        time.sleep(0.2)
        counts.append(local.decodes - before)

    mixer = make_mixer(local, Slow(large, wait), make_example(1))
    for _ in decode_local_blocks(mixer, TOKENS, length=BlockLength(4)):
        pass
    # How long a request takes is known from the first one on.
    assert max(counts[1:]) >= 2


@pytest.mark.parametrize("loop", LOOPS)
def test_thread_ends_with_the_answer(local: Watched, large: LocalNextTokenModel, loop: Any) -> None:
    """Also where the answer is given up in the middle, or the remote fails."""

    def threads() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("cogenesis-overlap")]

    def fail() -> None:
        raise RemoteUnavailableError("it is gone.")

    def gone() -> bool:
        deadline = time.monotonic() + 20
        while threads() and time.monotonic() < deadline:
            time.sleep(0.01)
        return not threads()

    steps = loop(make_mixer(local, Slow(large, lambda: None), make_example(1)), TOKENS)
    next(steps)
    assert threads()
    steps.close()
    assert gone()
    with pytest.raises(RemoteUnavailableError):
        list(loop(make_mixer(local, Slow(large, fail), make_example(1)), TOKENS))
    assert gone()


def test_rows_along_the_expected_way_are_those_of_single_decodes(
    local: Watched, large: LocalNextTokenModel
) -> None:
    """Expected in one go, gone along, given up: each row is that of its own sequence."""
    mixer: Mixer = make_mixer(local, RemoteStandIn(large), make_example(2))
    ahead, way = LookAhead(mixer), mixer.local.vocabulary.tokenize("I hope you are well.")
    ahead.expect(way)
    for place, token in enumerate(way[:4]):
        (alone,) = local.score([*mixer.prompt, *mixer.ids], first=len(mixer.prompt) + place)
        assert (ahead.row().values == alone.values).all()  # type: ignore[union-attr]
        mixer.take(mixer.local_step(ahead.row(), "test"))
        mixer.ids[-1] = token
        assert ahead.follow(token)
    other = way[0] if way[0] != way[4] else way[1]
    found = ahead.go(0, other)
    ids = [*mixer.prompt, *mixer.ids, other]
    (alone,) = local.score(ids, first=len(ids))
    assert (found.values == alone.values).all()  # type: ignore[union-attr]
    assert not ahead.follow(way[4])
