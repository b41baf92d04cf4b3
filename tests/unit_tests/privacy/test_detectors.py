"""Detectors know values by their shape, and overlapping finds leave nothing uncovered."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_cogenesis.privacy.detectors import Detector, PatternDetector, merge_overlaps
from langchain_cogenesis.privacy.lexicon import Match


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("to jo.b+x@mail.example.org, please", "jo.b+x@mail.example.org", "EMAIL"),
        ("call +44 20 7946 0958 now", "+44 20 7946 0958", "PHONE"),
        ("call (030) 901820 now", "(030) 901820", "PHONE"),
        ("order no. AB-77812 is late", "AB-77812", "NUMBER"),
        ("Invoice #2024-001X7", "2024-001X7", "NUMBER"),
        ("GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 32", "NUMBER"),
        ("card 5555 5555 5555 4444", "5555 5555 5555 4444", "NUMBER"),
    ],
)
def test_shapes(text: str, value: str, kind: str) -> None:
    """The whole value is found, and its kind."""
    found = merge_overlaps(PatternDetector().find(text))
    assert [(text[m.start : m.end], m.kind) for m in found] == [(value, kind)]


@pytest.mark.parametrize(
    "text",
    ["4111 1111 1111 1112", "in order to win", "2019-2024", "12.05.2024", "a@b", "3.14159"],
)
def test_what_only_looks_alike_is_left(text: str) -> None:
    """A wrong checksum, a span of years, a date or a decimal is nobody's number."""
    assert list(PatternDetector().find(text)) == []


def test_the_pattern_detector_is_a_detector() -> None:
    """Others can stand in its place."""
    assert isinstance(PatternDetector(), Detector)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=12))
def test_merging_covers_everything_without_overlaps(spans: list[tuple[int, int]]) -> None:
    """Every character that was found stays covered, by matches from left to right."""
    matches = [Match(start, start + length, "NAME") for start, length in spans]
    merged = merge_overlaps(matches)
    covered = {i for match in matches for i in range(match.start, match.end)}
    assert {i for match in merged for i in range(match.start, match.end)} == covered
    assert all(a.end <= b.start for a, b in itertools.pairwise(merged))
