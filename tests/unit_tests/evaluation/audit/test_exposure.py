"""Values that are there are found, exactly or nearly; others aren't."""

from __future__ import annotations

import pytest
from audited import subject, texts

from langchain_cogenesis.evaluation.audit.attacks import find_values
from langchain_cogenesis.evaluation.audit.exposure import Haystack
from langchain_cogenesis.evaluation.audit.subjects import Canary, Unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Tomas Vexmoor", "Write to TOMAS\n vexmoor."),
        ("KX-48213", "the order kx-48213, please"),
        ("0657 552 141", "call 0657552141"),
        ("Lin", "Write to Lin."),
        ("31", "I am 31"),
    ],
)
def test_a_value_is_found_whatever_its_case_and_spacing(value: str, text: str) -> None:
    """What can be read is found, as it is."""
    assert Haystack(text).has(value)
    assert Haystack(text).has_nearly(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Tomas Vexmoor", "Write to Tomaz Vexmor."),
        ("Casa Lumenora", "at casa lumenoras"),
    ],
)
def test_a_changed_value_is_found_nearly(value: str, text: str) -> None:
    """A letter more, less or another one doesn't hide a value."""
    assert not Haystack(text).has("Tomas Vexmoor")
    assert Haystack(text).has_nearly(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Lin", "a line of linen"),
        ("31", "the year 1310"),
        ("Tomas Vexmoor", "Write to [NAME_1]."),
        ("gardener", "the garden"),
        ("Tomas Vexmoor", ""),
    ],
)
def test_other_texts_hold_nothing(value: str, text: str) -> None:
    """Part of a longer word is no value, and neither is a placeholder."""
    assert not Haystack(text).has(value)
    assert not Haystack(text).has_nearly(value)


def test_a_planted_leak_is_in_the_table_and_named_by_number_alone() -> None:
    """One of two users leaks, exactly one canary and nearly one unit; no value is told."""
    units = (Unit("name", "Tomas Vexmoor", promised=True), Unit("occupation", "baker"))
    canaries = (Canary("phone", "0657 552 141", typed=True),)
    users = [subject(n, units=units, canaries=canaries) for n in (0, 7)]
    raw = "Tomas Vexmoor, baker, 0657 552 141"
    own = [
        texts("Write to [NAME_1].", raw=raw, typed=raw),
        texts("Call 0657-552-141, Thomas Vexmoor.", raw=raw, typed=raw, number=7),
    ]
    rows, leaks = find_values(users, own)
    found = {(row.attack, row.what, row.promised): row for row in rows}
    canary = found["canaries", "all, exact", True]
    assert canary.results["ours"] is not None
    assert canary.results["ours"].value == 0.5
    assert canary.verdict == "MISSED" or not canary.count
    exact, near = (found["units", what, True] for what in ("all, exact", "all, exact or near"))
    assert exact.results["ours"] is not None
    assert near.results["ours"] is not None
    assert (exact.results["ours"].value, exact.verdict) == (0, "met")
    assert (near.results["ours"].value, near.verdict) == (0.5, "MISSED")
    assert found["units", "occupation", False].verdict == "met"
    assert [(leak.attack, leak.number, leak.kind, leak.exact) for leak in leaks] == [
        ("canaries", 7, "phone", True),
        ("units", 7, "name", False),
    ]
    told = repr((rows, leaks, users, own))
    assert "Vexmoor" not in told
    assert "0657" not in told


def test_what_is_not_in_the_raw_text_either_does_not_count() -> None:
    """A unit that nobody would have sent proves nothing by its absence."""
    users = [subject(0, units=(Unit("name", "Tomas Vexmoor", promised=True),))]
    rows, _ = find_values(users, [texts("nothing", raw="nothing")])
    assert {row.verdict for row in rows} == {"doesn't count"}
