"""Blocks write what one request per token writes: every kind, in this process and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fused_pair import make_example, make_mixer

from langchain_cogenesis.fusion.decoding import decode
from langchain_cogenesis.fusion.drafting import BlockLength, BlockReport, decode_blocks
from langchain_cogenesis.fusion.local_drafting import decode_local_blocks
from langchain_cogenesis.fusion.steps import Step
from langchain_cogenesis.models.endpoints import connect
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES
from langchain_cogenesis.server.process import serve_in_child
from langchain_cogenesis.testing import RemoteStandIn

PROMPTS = 20
SEEDS = 3
TOKENS = 24
LENGTHS = (2, 4, 8)
LOOPS: dict[str, Any] = {"remote": decode_blocks, "local": decode_local_blocks}


@pytest.fixture(scope="module")
def local(house_small: Path) -> Iterator[LocalNextTokenModel]:
    """The small house model."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


@pytest.fixture(scope="module", params=["in process", "http"])
def pair(
    request: pytest.FixtureRequest, local: LocalNextTokenModel, house_large: Path
) -> Iterator[tuple[Any, EgressGate]]:
    """The larger house model, here or behind the package's endpoint, and the gate before it."""
    gate = EgressGate(public_texts=PUBLIC_TEMPLATES)
    if request.param == "in process":
        engine = LlamaCppEngine(house_large, n_threads=1)
        yield RemoteStandIn(LocalNextTokenModel(engine)), gate
        engine.close()
        return
    with serve_in_child(str(house_large)) as child:
        remote = connect(
            child.base_url,
            child.model,
            api_key=child.api_key,
            gate=gate,
            local_vocabulary=local.vocabulary,
        )
        yield remote, gate
        remote.close()


def told(steps: Iterator[Step]) -> list[tuple[int, str | None]]:
    """Tokens, and why the remote had no say in them."""
    return [(step.token, step.why_not) for step in steps]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("temperature", "seeds"), [(0.0, 1), (0.9, SEEDS)])
def test_blocks_are_token_for_token_what_single_requests_are(
    local: LocalNextTokenModel, pair: tuple[Any, EgressGate], temperature: float, seeds: int
) -> None:
    """Greedy has no seed; sampled, each seed has a text of its own, and blocks keep to it."""
    remote, gate = pair
    accepted: dict[tuple[str, int], list[int]] = {}
    texts: set[tuple[int, ...]] = set()
    reasons: set[str | None] = set()
    for number in range(PROMPTS):
        example = make_example(number)
        for seed in range(seeds):
            sampling = SamplingParams(temperature=temperature, seed=seed)
            single = told(
                decode(make_mixer(local, remote, example, gate=gate, sampling=sampling), TOKENS)
            )
            texts.add(tuple(token for token, _ in single))
            reasons.update(why_not for _, why_not in single)
            for draft, loop in LOOPS.items():
                for length in LENGTHS:
                    report = BlockReport()
                    mixer = make_mixer(local, remote, example, gate=gate, sampling=sampling)
                    size = BlockLength(length)
                    assert told(loop(mixer, TOKENS, length=size, report=report)) == single
                    accepted.setdefault((draft, length), []).extend(report.used)
    assert all(max(used) > 1 for used in accepted.values())
    assert len(accepted) == len(LOOPS) * len(LENGTHS)
    assert len(texts) > PROMPTS * seeds / 2
    assert {None, "open end", "after a private span"} <= reasons
