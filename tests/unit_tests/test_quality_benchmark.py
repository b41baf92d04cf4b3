"""The benchmark of quality reads the commands' JSON, and says honestly what is met."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import quality


def _row(key: str, closed: dict[str, list[float]] | None = None) -> dict[str, Any]:
    return {"row": key, "label": f"+ {key}", "gap closed": closed or {}}


def _order(verdict: str, value: float) -> dict[str, Any]:
    return {
        "above": "a", "below": "b", "measure": "nll", "verdict": verdict, "texts": 20,
        "difference": [value, value - 0.1, value + 0.1],
    }  # fmt: skip


def _found(kept: float, cost: float, leaked: int = 0) -> dict[str, Any]:
    return {
        "values leaked": leaked,
        "kept of the leaky upper bound": {"facts": [kept, kept, kept, 9]},
        "cost of masking": {"nll": [cost, cost, cost, 9]},
    }


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the commands say; each call is noted."""
    answers: dict[str, Any] = {
        "told": {
            "orders": [_order("found", -0.5), _order("not apart", 0.0)],
            "rows": [
                _row("llm", {"nll": [0.9, 0.8, 1.0, 20]}),
                _row("logits-linear", {"nll": [0.7, 0.6, 0.8, 20], "facts": [2.0, 1.0, 3.0, 20]}),
                _row("logits-learned", {"nll": [0.8, 0.7, 0.9, 20]}),
            ],
        },
        "study": _found(0.96, 0.05),
        "calls": [],
    }

    def run(*arguments: str) -> str:
        answers["calls"].append(arguments)
        if "--study" in arguments:
            return json.dumps({"study": {"logits-standard": answers["study"]}})
        return json.dumps(answers["told"]) if "quality" in arguments else ""

    monkeypatch.setattr(quality, "_cogenesis", run)
    return answers


def test_each_figure_stands_beside_its_aim(said: dict[str, Any], tmp_path: Path) -> None:
    """The best fusion is one of logits; a remote without context is none."""
    figures = {f.what: f for f in quality.measure("de", 20, tmp_path)}
    assert figures["a above b, nll"].met is False
    gap = figures["gap closed in nats a token, best fusion"]
    assert gap.met is True
    assert gap.found == "80% (70% to 90%), + logits-learned"
    assert figures["values leaked, masked logits"].met is True
    assert figures["kept of the leaky upper bound, facts"].met is True
    cost = figures["cost of masking, probability of a token"]
    assert (cost.aim, cost.found, cost.met) == ("≤ 2%", "5.0% (5.0% to 5.0%)", False)
    # Twenty letters say nothing of the time for two hundred.
    assert figures["comparison, 3 rows of 20 letters"].met is None
    data = [c[c.index("--data") + 1] for c in said["calls"] if "--data" in c]
    assert data == ["grammar:de"] * 3


def test_what_is_missed_is_said(said: dict[str, Any], tmp_path: Path) -> None:
    """A leak, too little kept, no gap at all."""
    said["study"] = _found(0.9, 0.01, leaked=2)
    said["told"]["rows"] = [_row("logits-linear")]
    figures = {f.what: f for f in quality.measure("en", 200, tmp_path)}
    assert figures["values leaked, masked logits"].met is False
    assert figures["kept of the leaky upper bound, facts"].met is False
    assert figures["gap closed in nats a token, best fusion"].met is None
    assert figures["comparison, 1 rows of 200 letters"].met is True


def test_a_run_that_goes_on_is_not_timed(said: dict[str, Any], tmp_path: Path) -> None:
    """And the fusion that is there isn't fitted again."""
    (tmp_path / "comparison").mkdir()
    (tmp_path / "learned.safetensors").touch()
    figures = [figure.what for figure in quality.measure("en", 200, tmp_path)]
    assert not any(what.startswith("comparison") for what in figures)
    assert not any("fit" in call for call in said["calls"])
