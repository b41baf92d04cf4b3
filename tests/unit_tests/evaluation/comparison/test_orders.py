"""Plan coverage as a column, and the order of sketch and local model by it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.data.task.jsonl import write_examples
from langchain_cogenesis.evaluation.comparison.measuring import quality_measures
from langchain_cogenesis.evaluation.comparison.orders import check_orders
from langchain_cogenesis.evaluation.comparison.report import markdown, write_report
from langchain_cogenesis.evaluation.comparison.results import Result
from langchain_cogenesis.evaluation.comparison.summary import Summary, summarise_results
from langchain_cogenesis.evaluation.comparison.world import Case
from langchain_cogenesis.evaluation.task_sources import load_task_examples

ROWS = [("slm-context", "SLM with context", "local"), ("sketch", "+ sketch", "sketch")]


def _summary(local: Sequence[int | None], sketch: Sequence[int | None]) -> Summary:
    """Of so many points in four on each text; None for examples without a plan."""
    results = []
    for key, found in (("slm-context", local), ("sketch", sketch)):
        for number, done in enumerate(found):
            planned = {} if done is None else {"coverage": (done, 4.0)}
            measures = {"facts": (1.0, 2.0), **planned}
            results.append(Result(key, f"e{number}", "invite", measures))
    return summarise_results(results, ROWS, {})


@pytest.mark.parametrize(
    ("local", "sketch", "said"),
    [
        ([1] * 12, [2] * 12, "found; +25 points (+25 to +25) on 12 texts, paired."),
        ([2] * 12, [1] * 12, "THE OTHER WAY ROUND; -25 points (-25 to -25) on 12 texts, paired."),
        ([2] * 12, [2] * 12, "not apart; +0 points (+0 to +0) on 12 texts, paired, the interval"),
        ([1] * 9, [2] * 9, "too few texts; +25 points (+25 to +25) on 9 texts, paired."),
        # Texts without a plan don't count, in neither row.
        ([1] * 10 + [None], [2] * 10 + [None], "found; +25 points (+25 to +25) on 10 texts, p"),
    ],
)  # fmt: skip
def test_the_order_is_told_with_its_interval(
    local: list[int | None], sketch: list[int | None], said: str
) -> None:
    summary = _summary(local, sketch)
    wanted = f"- Order of the paper, + sketch above SLM with context, by plan coverage: {said}"
    assert wanted in markdown(summary)
    [order] = check_orders(summary)
    assert order.as_json()["verdict"] == said.partition(";")[0]


def test_the_orders_of_the_paper_by_likelihood() -> None:
    """In nats a token fewer is better: the first three are as in the paper, the last isn't."""
    nats = {"llm-context": 1.0, "logits-linear": 1.5, "slm-context": 2.5, "llm": 2.0}
    results = [
        Result(key, f"e{number}", "invite", {"nll": (40 * value + number, 40.0)})
        for key, value in nats.items()
        for number in range(12)
    ]
    summary = summarise_results(results, [(key, key, "local") for key in nats], {})
    found = {(order.above, order.below): order for order in check_orders(summary)}
    assert {pair: order.verdict for pair, order in found.items()} == {
        ("llm-context", "logits-linear"): "found",
        ("logits-linear", "slm-context"): "found",
        ("slm-context", "llm"): "THE OTHER WAY ROUND",
    }
    last = str(found["slm-context", "llm"])
    assert last == (
        "Order of the paper, slm-context above llm, by nats a token: THE OTHER WAY ROUND; "
        "+0.500 (+0.500 to +0.500) on 12 texts, paired."
    )


def test_rows_that_are_sometimes_better_are_not_apart() -> None:
    [order] = check_orders(_summary([1, 3] * 6, [3, 1, 3, 2] * 3))
    assert order.verdict == "not apart"
    assert order.difference.value == pytest.approx((27 - 24) / 48)
    assert order.difference.low < 0 < order.difference.high


def test_what_is_not_measured_is_no_zero_and_no_order(tmp_path: Path) -> None:
    """Without any plan there is no column; of one row alone a dash and no order."""
    none = _summary([None] * 12, [None] * 12)
    assert check_orders(none) == []
    assert "plan coverage" not in markdown(none)
    one = _summary([1] * 12, [None] * 12)
    table, page = write_report(one, tmp_path)
    assert check_orders(one) == []
    assert "| SLM with context | 12 | 50 % (±0) | 25 % (±0) |" in table.read_text(encoding="utf-8")
    assert "| + sketch | 12 | 50 % (±0) | – |" in table.read_text(encoding="utf-8")
    assert "<th>plan coverage</th>" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", ["grammar", "grammar:de"])
def test_only_texts_of_a_known_plan_are_measured(source: str) -> None:
    [example] = load_task_examples(source, limit=1)
    done, points = quality_measures(Case(example, (), ()), example.reference)["coverage"]
    assert points == len(example.plan)
    assert done >= points - 1
    assert quality_measures(Case(example, (), ()), "Hm.")["coverage"] == (0, points)
    without = example.model_copy(update={"plan": ()})
    assert "coverage" not in quality_measures(Case(without, (), ()), example.reference)


def test_the_command_writes_it_to_table_page_and_lines(tmp_path: Path) -> None:
    """By the house models, on an example that knows its plan and one that doesn't."""
    known, other = load_task_examples("grammar:en,de", limit=2)
    data, folder = tmp_path / "set.jsonl", tmp_path / "out"
    write_examples(data, [known, other.model_copy(update={"plan": ()})])
    command = ["bench", "quality", "--data", str(data), "--rows", "slm-context,sketch"]
    result = CliRunner().invoke(
        app, [*command, "--max-tokens", "60", "--out", str(folder), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    lines = [json.loads(x) for x in (folder / "results.jsonl").read_text("utf-8").splitlines()[1:]]
    for row in told["rows"]:
        measures = {x["example"]: x["measures"] for x in lines if x["row"] == row["row"]}
        done, points = measures[known.id]["coverage"]
        assert points == len(known.plan)
        assert "coverage" not in measures[other.id]
        assert row["measures"]["coverage"][0] == pytest.approx(done / points, abs=1e-6)
        assert row["measures"]["coverage"][3] == 1
    [order] = told["orders"]
    assert (order["measure"], order["texts"]) == ("coverage", 1)
    assert order["verdict"] == "too few texts"
    for name in ("table.md", "report.html"):
        shown = (folder / name).read_text(encoding="utf-8")
        assert "plan coverage" in shown
        assert "Order of the paper" in shown
