"""Studies on the house models, from the command to the report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.evaluation.comparison.forced import (
    ForcedSteps,
    View,
    chat_nats,
    forced_steps,
    fused_nats,
)
from langchain_cogenesis.evaluation.comparison.outlines import choose_outline, outline_logprob
from langchain_cogenesis.evaluation.comparison.studies import STUDIES, find_study, left_out
from langchain_cogenesis.evaluation.comparison.world import (
    Case,
    PairSettings,
    World,
    open_world,
    read_case,
)
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.schedule import EntropySchedule, FixedRate
from langchain_cogenesis.models.model_source import resolve_model
from langchain_cogenesis.prompts import private_messages, role_pairs

SVG = "{http://www.w3.org/2000/svg}"
MODELS = "slm-context,logits-house-large,sketch-house-large,logits-house-small,logits-2bit"
ROWS = {
    "models": MODELS,
    "schedules": "slm-context,every,rate-4,pkt-20-8-2,entropy-0.5",
    "weights": "weight-0.3,weight-0.9,slm-context",
}
"""Where all rows of a study are alike, a few of them stand for all."""


def run(folder: Path, *arguments: str, code: int = 0) -> Any:
    command = ["bench", "quality", "--limit", "1", "--max-tokens", "12", "--out", str(folder)]
    result = CliRunner().invoke(app, [*command, *arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if code == 0 else result.output


@pytest.mark.slow
@pytest.mark.parametrize("study", [study.key for study in STUDIES])
def test_a_study_runs_to_its_report_and_is_not_run_twice(study: str, tmp_path: Path) -> None:
    given = ["--study", study, *(["--rows", ROWS[study]] if study in ROWS else [])]
    told = run(tmp_path, *given)
    rows = {row["row"]: row for row in told["rows"]}
    wanted = ROWS[study].split(",") if study in ROWS else _keys(study)
    assert sorted(rows) == sorted(wanted)
    for row in rows.values():
        assert (row["texts"], row["failed"]) == (1, {}), row["row"]
        assert "nll" in row["measures"], row["row"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert find_study(study).title in page
    plots = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page)]
    assert len(plots) == 2
    for plot in plots:
        titles = " ".join(title.text or "" for title in plot.iter(f"{SVG}title"))
        assert len(plot.findall(f".//{SVG}circle")) == len(rows)
        assert all(f"{row['label']}: " in titles for row in rows.values())
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    against = table.split("| against the local model alone |")[1].split("\n\n")[0]
    assert all(f"| {r['label']} |" in against for k, r in rows.items() if k != "slm-context")
    before = (tmp_path / "results.jsonl").read_bytes()
    assert run(tmp_path, *given) == told
    assert (tmp_path / "results.jsonl").read_bytes() == before
    if study == "mask":
        _check_masks(rows, told["study"], page)


def _keys(study: str) -> list[str]:
    return [row.key for row in find_study(study).rows(PairSettings())]


def _check_masks(rows: dict[str, Any], utility: dict[str, Any], page: str) -> None:
    leaked = {key: row["measures"]["leaked"][0] for key, row in rows.items()}
    assert leaked["logits-leaky"] > leaked["logits-unmasked"] > 0
    assert leaked["sketch-unmasked"] > 0
    for mask in ("values", "standard", "ambiguous", "names"):
        assert leaked[f"logits-{mask}"] == leaked[f"sketch-{mask}"] == 0
        for figures in ("kept of the leaky upper bound", "cost of masking"):
            assert len(utility[f"logits-{mask}"][figures]["nll"]) == 4
    assert utility.keys() == rows.keys() - {"logits-leaky"}
    assert "cost of masking, probability of a token" in page
    assert "the interval holds the target" in page


def test_what_is_no_study_or_can_not_be_run_is_said(tmp_path: Path) -> None:
    said = run(tmp_path / "a", "--study", "colours", code=1)
    assert all(study.key in said for study in STUDIES)
    said = run(tmp_path / "b", "--study", "models", "--remote", "http://x.example/v1", code=1)
    assert "--remotes" in said
    said = run(tmp_path / "c", "--study", "weights", "--remotes", "a.gguf,b.gguf", code=1)
    assert "takes one remote" in said
    said = run(tmp_path / "d", "--remotes", "a.gguf", code=1)
    assert "--study models" in said
    assert list(tmp_path.iterdir()) == []


def test_nothing_unmasked_is_tried_at_an_address_that_is_not_trusted() -> None:
    address = PairSettings(remote="http://x.example/v1")
    kept = {row.key for row in find_study("mask").rows(address)}
    assert {"logits-standard", "sketch-names"} <= kept
    more = {"leaky", "unmasked", "values"}
    assert not kept & {f"{mode}-{mask}" for mode in ("logits", "sketch") for mask in more}
    trusted = PairSettings(remote="http://x.example/v1", trusted=True)
    assert "logits-leaky" in {row.key for row in find_study("mask").rows(trusted)}


def test_models_are_those_named_and_the_first_is_altered() -> None:
    rows = find_study("models").rows(PairSettings(), ("house-small", "house-large"))
    remotes = {row.key: row.pair for row in rows}
    assert None not in remotes.values()
    assert remotes["logits-house-large"] == PairSettings(remote="house-large")
    altered = [pair for pair in remotes.values() if pair is not None and pair.alteration]
    assert {pair.remote for pair in altered} == {"house-small"}
    with pytest.raises(ConfigurationError, match="no study"):
        find_study("model")
    with pytest.raises(ConfigurationError, match="same name"):
        find_study("models").rows(PairSettings(), ("a/one.gguf", "b/one.gguf"))


def test_a_model_that_can_not_be_altered_is_compared_as_it_is(tmp_path: Path) -> None:
    """Its matrices are called Q4_0, of which no copy is made; what is left out is said."""
    data = bytearray(resolve_model("house-large").read_bytes())
    name = b"blk.0.attn_q.weight"
    # After the name: the number of dimensions, two of them, and the type.
    data[data.index(name) + len(name) + 4 + 2 * 8] = 2
    other = tmp_path / "other.gguf"
    other.write_bytes(data)
    pair, models = PairSettings(remote=str(other)), find_study("models")
    keys = [row.key for row in models.rows(pair)]
    assert keys == [
        "slm-context", "logits-other", "sketch-other", "logits-house-small", "sketch-house-small",
    ]  # fmt: skip
    told = left_out(models, pair)
    assert "Q8_0" in told["Altered copies"]
    assert left_out(models, PairSettings()) == left_out(find_study("mask"), PairSettings()) == {}
    address = PairSettings(remote="http://x.example/v1")
    assert "--trusted" in "".join(left_out(find_study("mask"), address).values())


@pytest.fixture(scope="module")
def twin() -> Iterator[World]:
    """The local model as its own remote."""
    with open_world(PairSettings(remote="house-small", max_tokens=12)) as made:
        yield made


@pytest.fixture(scope="module")
def case(twin: World) -> Case:
    return read_case(twin, load_task_examples("grammar", limit=1)[0])


def _forced(world: World, case: Case, view: View) -> ForcedSteps:
    world.start(case)
    return forced_steps(world, case, view)


def test_a_remote_is_as_far_away_as_what_it_sees(twin: World, case: Case) -> None:
    """The same model with the same prompt is no other; without context it is."""
    seen = {view: _forced(twin, case, view) for view in ("context", "raw", "masked")}
    apart = {view: steps.apart for view, steps in seen.items()}
    # What it gives to placeholders is handed over, so that not quite all is the same.
    assert apart["context"] == (pytest.approx(0, abs=0.1), len(seen["context"].steps))
    assert apart["raw"] is not None
    assert apart["raw"][0] > 1
    # Private spans are not asked about.
    assert apart["masked"] is not None
    assert apart["masked"][1] < apart["raw"][1] == len(seen["raw"].steps)
    assert seen["context"].remote_nats == pytest.approx(
        fused_nats(seen["context"], LinearFusion((1.0, 0.0))), rel=1e-3
    )


def test_a_schedule_says_where_the_remote_counts(twin: World, case: Case) -> None:
    steps, even = _forced(twin, case, "raw"), LinearFusion((0.5, 0.5))
    every = fused_nats(steps, even)
    assert fused_nats(steps, even, schedule=FixedRate(1)) == every
    alone = fused_nats(steps, LinearFusion((1.0, 0.0)))
    never = fused_nats(steps, even, schedule=EntropySchedule(1e9))
    assert never == pytest.approx(alone, rel=1e-4)
    half = fused_nats(steps, even, schedule=FixedRate(2))
    assert half not in (every, never)


def _prompt_logprob(world: World, case: Case, points: tuple[str, ...]) -> tuple[float, int]:
    """Log-probability of a prompt's tokens up to the end of the user's turn, and their number."""
    engine = world.local.engine
    pairs = role_pairs(private_messages(case.example.instruction, case.documents, points))
    ids = engine.apply_template([{"role": role, "content": text} for role, text in pairs])
    ids = ids[: -len(["<|end|>", "<|assistant|>"])]
    rows = engine.score(ids, first=1)
    return sum(float(row[t]) for row, t in zip(rows, ids[1:], strict=False)), len(ids)


def test_the_local_model_chooses_the_outline_that_it_expects(twin: World, case: Case) -> None:
    """The score is what the outline adds to the prompt's probability, a token."""
    engine, instruction = twin.local.engine, case.example.instruction
    good = case.example.outline
    bad = tuple("zxq vlk 7 7 qq brr" for _ in good)
    scores = [outline_logprob(engine, instruction, case.documents, p) for p in (good, bad)]
    assert scores[0] > scores[1]
    assert choose_outline(engine, instruction, case.documents, [bad, good]) == good
    assert choose_outline(engine, instruction, case.documents, [bad]) == bad
    whole, bare = _prompt_logprob(twin, case, good), _prompt_logprob(twin, case, ())
    added = (whole[0] - bare[0]) / (whole[1] - bare[1])
    assert scores[0] == pytest.approx(added, rel=1e-3)
    too_long = tuple("a very long point of the outline " * 5 for _ in range(60))
    assert outline_logprob(engine, instruction, case.documents, too_long) == float("-inf")


def test_likelihoods_of_the_local_row_are_those_of_its_prompt(twin: World, case: Case) -> None:
    private = role_pairs(private_messages(case.example.instruction, case.documents))
    nats, tokens = chat_nats(twin.local.engine, private, case.example.reference)
    steps = _forced(twin, case, "context")
    assert steps.remote_nats == (pytest.approx(nats, rel=1e-3), tokens)
