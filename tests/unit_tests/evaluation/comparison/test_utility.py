"""What masking keeps and costs, by hand, and when a target counts as met."""

from __future__ import annotations

import math

import pytest

from langchain_cogenesis.evaluation.comparison.results import Result
from langchain_cogenesis.evaluation.comparison.utility import as_json, measure_utility
from langchain_cogenesis.evaluation.records import estimate_ratio

UNMASKED = {"masked": "raw", "leaks": "raw"}


def _results(leaked: int = 0) -> list[Result]:
    rows = {"leaky": (8, 5.0), "raw": (8, 10.0), "masked": (7, 11.0), "leaks": (8, 10.0)}
    return [
        Result(
            row,
            f"e{number}",
            "invite",
            {
                "facts": (used, 10),
                "nll": (nats, 10),
                "leaked": (leaked if row == "leaks" else 0, 5),
            },
        )
        for number in range(12)
        for row, (used, nats) in rows.items()
    ]


def test_shares_are_those_of_the_leaky_bound() -> None:
    rows = ["leaky", "raw", "masked", "leaks"]
    found = measure_utility(_results(2), rows, leaky="leaky", unmasked=UNMASKED)
    assert [utility.row for utility in found] == rows[1:]
    raw, masked, leaks = found
    assert raw.kept["facts"].value == pytest.approx(1)
    assert raw.cost == {}
    assert masked.kept["facts"].value == pytest.approx(7 / 8)
    assert masked.kept["nll"].value == pytest.approx(math.exp(0.5 - 1.1))
    assert masked.cost["facts"].value == pytest.approx(1 / 8)
    assert (masked.kept_verdict("facts"), masked.cost_verdict("facts")) == ("MISSED", "MISSED")
    assert raw.kept_verdict("facts") == "met"
    # All is kept and nothing it costs, but values leak.
    assert (leaks.kept_verdict("facts"), leaks.cost_verdict("facts")) == ("MISSED", "met")
    assert leaks.leaked == 24
    assert masked.kept_verdict("rougeL") is None
    assert as_json(found)["masked"]["cost of masking"]["facts"][0] == pytest.approx(0.125)


def test_an_interval_that_holds_the_target_leaves_it_open() -> None:
    results = _results()
    used = [8, 8, 8, 8, 6, 8, 8, 8, 8, 8, 8, 8]
    for number, hits in enumerate(used):
        place = [r.row for r in results].index("masked", number * 4)
        old = results[place]
        results[place] = Result(
            old.row, old.example, old.task, old.measures | {"facts": (hits, 10)}
        )
    [utility] = measure_utility(results, ["masked"], leaky="leaky", unmasked=UNMASKED)
    found = utility.kept["facts"]
    assert found.low < 0.95 < found.value < 1
    assert utility.kept_verdict("facts") == "open"


def test_nothing_is_kept_of_nothing() -> None:
    assert estimate_ratio([(0.0, 5.0)], [(1.0, 5.0)]) is None
    assert estimate_ratio([], []) is None
    found = estimate_ratio([(10.0, 10.0)], [(10.0, 10.0)], nats=True)
    assert found is not None
    assert found.value == pytest.approx(1)
