"""German letters, which are full of inflected values, go through a gate that knows their writer."""

from __future__ import annotations

from benchmarks.german_gate import pass_letters


def test_no_value_is_left_in_a_german_letter_and_all_comes_back() -> None:
    """Of 15 users, with the measure that knows German forms."""
    passed = pass_letters(15)
    assert passed.texts == 120
    assert passed.values > 300
    assert (passed.left, passed.unlike) == (0, 0)
