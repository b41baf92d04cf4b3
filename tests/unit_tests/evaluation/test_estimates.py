"""Totals and their intervals."""

from __future__ import annotations

import pytest

from langchain_cogenesis.evaluation.house_report import build_report, find_targets, format_report
from langchain_cogenesis.evaluation.records import Record, estimate, estimate_gain, summarise


def test_an_estimate_is_a_ratio_of_sums() -> None:
    """Long texts count more, by their denominators, and untried texts not at all."""
    found = estimate([(1, 1), (0, 3), (0, 0)])
    assert found is not None
    assert (found.value, found.count) == (0.25, 2)
    assert found.low <= found.value <= found.high


def test_nothing_tried_is_not_zero() -> None:
    """Without a single try there is no estimate."""
    assert estimate([]) is None
    assert estimate([(0, 0)]) is None


def test_intervals_narrow_with_texts() -> None:
    """Four times the texts make the interval about half as wide, and it holds the truth."""
    few = estimate([(i % 2, 1) for i in range(50)])
    many = estimate([(i % 2, 1) for i in range(200)])
    assert few is not None
    assert many is not None
    assert few.low < 0.5 < few.high
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / 2, rel=0.3)


def test_a_gain_is_paired() -> None:
    """The same fall on every text has no spread, however different the texts are."""
    before = [(1.0, 1.0), (40.0, 10.0), (300.0, 10.0)]
    after = [(nats * 0.8, tokens) for nats, tokens in before]
    found = estimate_gain(before, after)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2))
    assert estimate_gain(before, after[:1]) is None


def test_groups_and_measures_are_told_apart() -> None:
    """Each group has its own totals, of the measures that it has."""
    records = [
        Record("a", "invite", (), {"facts": (1, 2)}),
        Record("a", "thank", (), {"facts": (2, 2), "nll": (3, 2)}),
        Record("b", "invite", (), {"facts": (0, 2)}),
    ]
    found = summarise(records)
    assert found["a"]["facts"].value == 0.75
    assert found["a"]["nll"].value == 1.5
    assert set(found["b"]) == {"facts"}


def test_targets_say_what_was_missed_and_what_was_not_measured() -> None:
    """A figure below its aim is missed, one above it met, and one without texts is named so."""
    group = "small, context + sketch by large"
    records = [Record(group, "invite", ("wording",), {"facts": (9, 10), "sender": (1, 2)})] * 4
    targets = {target.what: target for target in find_targets(records)}
    assert targets[f"facts, {group}"].met
    assert not targets[f"sender, {group}"].met
    assert targets["placeholders, large, placeholder text"].found is None
    text = format_report(build_report(records, examples=4))
    assert f"sender, {group}: 50.0%" in text
    assert "MISSED" in text
    assert "placeholders, large, placeholder text: not measured" in text


def test_coverage_has_to_rise_by_twenty_points() -> None:
    """Both figures are on the four tasks; the difference decides."""

    def met(sketched: float) -> bool:
        records = [
            Record("small, context", "refer", (), {"coverage": (4, 10)}),
            Record("small, context + sketch by large", "refer", (), {"coverage": (sketched, 10)}),
            Record("small, context + sketch by large", "invite", (), {"coverage": (10, 10)}),
        ]
        return next(t for t in find_targets(records) if t.wanted == "20 points more").met

    assert met(6.1)
    assert not met(5.5)
