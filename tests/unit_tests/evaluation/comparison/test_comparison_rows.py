"""Rows on real models: what they write, what likelihoods mean, a run that is killed goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_cogenesis.evaluation.comparison.forced import (
    chat_nats,
    forced_steps,
    fused_nats,
    helper_rows,
    masked_helper,
)
from langchain_cogenesis.evaluation.comparison.results import ResultFile
from langchain_cogenesis.evaluation.comparison.rows import comparison_rows
from langchain_cogenesis.evaluation.comparison.runner import run_rows
from langchain_cogenesis.evaluation.comparison.world import (
    Case,
    PairSettings,
    World,
    open_world,
    read_case,
)
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.fusion.decoding import helper_rows as rows_now
from langchain_cogenesis.fusion.fixed import LinearFusion, ProxyFusion
from langchain_cogenesis.fusion.steps import Mixer, Step
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Logprobs
from langchain_cogenesis.prompts import private_messages, public_messages, role_pairs


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with open_world(PairSettings(max_tokens=24)) as made:
        yield made


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    made = read_case(world, load_task_examples("grammar", limit=1)[0])
    world.start(made)
    return made


def test_context_is_retrieved_as_the_local_model_reads_it(case: Case) -> None:
    lines = "\n".join(document.page_content for document in case.documents)
    profile = case.example.context.profile
    assert profile is not None
    assert f"Name: {profile.name}" in lines
    assert profile.name in case.values


def test_a_fusion_without_the_remote_is_the_local_model(world: World, case: Case) -> None:
    steps = forced_steps(world, case)
    private = role_pairs(private_messages(case.example.instruction, case.documents))
    nats, tokens = chat_nats(world.local.engine, private, case.example.reference)
    alone = fused_nats(steps, LinearFusion((1.0, 0.0)))
    assert alone == (pytest.approx(nats, rel=1e-3), tokens)
    # Without a change by context, proxy fusion is the larger model, where that may be asked.
    proxied = fused_nats(steps, ProxyFusion(0.0), beside="bare")
    found = steps.steps
    asked = sum(-float(s.large.values[s.token]) for s in found if isinstance(s.large, Logprobs))
    own = sum(-float(s.local.values[s.token]) for s in found if s.large is None)
    assert proxied[0] == pytest.approx(asked + own, rel=1e-3)
    assert any(step.large is None for step in found)


def test_a_third_model_is_the_one_that_was_named(tmp_path: Path) -> None:
    """It writes in a row of its own, and its rows count where the remote may be asked."""
    pair = PairSettings(max_tokens=24, third="house-large")
    row = next(row for row in comparison_rows(pair) if row.key == "logits-third")
    assert not any(row.key == "logits-third" for row in comparison_rows(PairSettings()))
    with open_world(pair) as world:
        [example] = load_task_examples("grammar", limit=1)
        case = read_case(world, example)
        world.start(case)
        steps = forced_steps(world, case)
        alone = fused_nats(steps, LinearFusion((0.0, 1.0, 0.0)), beside="third")
        assert world.large is not None
        public = role_pairs(public_messages(case.example.instruction))
        nats, _ = chat_nats(world.large, public, case.example.reference)
        asked = [step for step in steps.steps if step.large is not None]
        rest = sum(-float(s.local.values[s.token]) for s in steps.steps if s.large is None)
        unasked = nats + sum(float(s.beside["third"].values[s.token]) for s in asked)
        assert alone[0] == pytest.approx(nats - unasked + rest, rel=1e-3)
        assert alone != fused_nats(steps, LinearFusion((0.0, 1.0, 0.0)), beside="bare")
        list(run_rows(world, [row], [example], results := ResultFile(tmp_path, {})))
        [result] = results
        assert result.error is None
        assert result.text


def test_rows_of_a_whole_reference_are_those_of_one_request_a_token(
    world: World, case: Case
) -> None:
    assert world.large is not None
    large = LocalNextTokenModel(world.large)
    tokens = world.local.engine.tokenize(case.example.reference)[:30]
    whole = helper_rows(masked_helper(world, case, large), tokens)
    mixer = Mixer(LocalNextTokenModel(world.local.engine), [1], [masked_helper(world, case, large)])
    for token, row in zip(tokens, whole, strict=True):
        may_ask = mixer.helpers[0].prefix.why_not is None
        assert (row is not None) == may_ask
        if row is not None:
            [now] = rows_now(mixer)
            assert isinstance(now, Logprobs)
            assert isinstance(row, Logprobs)
            assert float(now.values[token]) == pytest.approx(float(row.values[token]), abs=0.05)
        mixer.take(Step(len(mixer.ids), token, b"", 0.0, (0.0, None), (1.0, 0.0)))


def test_every_row_writes_is_measured_and_leaks_where_it_must(world: World, tmp_path: Path) -> None:
    examples = load_task_examples("grammar", limit=1)
    rows = comparison_rows(world.settings)
    results = ResultFile(tmp_path, {})
    ticks = list(run_rows(world, rows, examples, results))
    assert [(t.done, t.total, t.fresh) for t in ticks] == [(len(rows), len(rows), len(rows))]
    found = {result.row: result for result in results}
    assert {row.key: None for row in rows} == {key: r.error for key, r in found.items()}
    assert found["llm-context"].measures["leaked"][0] > 0
    for row in rows:
        measures = found[row.key].measures
        assert (measures["requests"][0] > 0) == (row.kind != "local"), row.key
        if not row.trusts:
            assert measures["leaked"][0] == 0, row.key
    assert len(found["sketch"].sketch) >= 4
    with_likelihood = {key for key, r in found.items() if "nll" in r.measures}
    assert with_likelihood == {r.key for r in rows} - {"redact", "draft", "draft-raw"}
    # What is there isn't written again.
    assert [t.fresh for t in run_rows(world, rows, examples, results)] == [0]


def _bench(folder: Path) -> list[str]:
    return [
        sys.executable, "-c", "from langchain_cogenesis.cli import main; main()",
        "bench", "quality", "--limit", "4", "--rows", "slm-context", "--max-tokens", "16",
        "--out", str(folder), "--json",
    ]  # fmt: skip


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    target = tmp_path / "results.jsonl"
    process = subprocess.Popen(
        _bench(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 200
    while not (target.exists() and target.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None or target.read_bytes().count(b"\n") >= 2
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = target.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    ended = subprocess.run(_bench(tmp_path), capture_output=True, check=True, timeout=250)
    lines = target.read_bytes().splitlines()
    assert target.read_bytes().startswith(kept)
    texts = Counter(json.loads(line)["example"] for line in lines[1:])
    assert texts == {f"grammar-0-{number}": 1 for number in range(4)}
    assert json.loads(ended.stdout)["rows"][0]["texts"] == 4
    assert (tmp_path / "report.html").exists()
