"""Metrics against values that were worked out by hand, or by the library itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.evaluation.metrics import style
from langchain_cogenesis.evaluation.metrics.cost import Price, Stopwatch, tokens_per_second
from langchain_cogenesis.evaluation.metrics.facts import facts_used, facts_used_normalised
from langchain_cogenesis.evaluation.metrics.leaks import leaked_values, values_of
from langchain_cogenesis.evaluation.metrics.matching import holds, words_of
from langchain_cogenesis.evaluation.metrics.overlap import chrf, rouge
from langchain_cogenesis.exceptions import ConfigurationError

LETTER = "Hi there Tomas,\n\nWe meet at casa lume on 14 June; bring wine!\n\nBig hug, Nora"


def test_facts_are_counted_as_they_are_and_folded() -> None:
    values = ["Tomas", "Casa Lume", "14 June", "Saltmarsh Hall", "Tomas"]
    assert facts_used(LETTER, values) == (2, 4)
    assert facts_used_normalised(LETTER, values) == (3, 4)


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("Ask Anna.", "Ann", False),
        ("Ask ANN-Marie", "ann marie", True),
        ("at CASA\n lume!", "Casa Lume", True),
        ("order KX-4821 today", "KX 4821", True),
        ("that is nice 🚲 indeed", "🚲", True),
        ("nothing here", "🚲", False),
        ("anything", " ", False),
    ],
)
def test_a_value_is_held_word_for_word(text: str, value: str, found: bool) -> None:
    assert holds(text, value) is found


@given(st.lists(st.from_regex(r"[A-Za-z0-9]{1,6}", fullmatch=True), min_size=1, max_size=6))
def test_every_run_of_words_is_held(words: list[str]) -> None:
    assert holds(f"so, {' '.join(words)}!", " ".join(words).upper())
    assert len(words_of(" ".join(words))) == len(words)


@pytest.mark.parametrize(
    ("text", "greeting", "closing"),
    [
        (LETTER, "hi there", "big hug"),
        ("Dear Ms Oak,\nThank you for coming.\nBest regards,\nNora Lind", "dear", "best regards"),
        ("Good morning all,\nlunch is at one.", "good morning all", None),
        ("We are open again, come by.", None, None),
        ("", None, None),
        ("Hi Ann,\nBo", "hi", None),
    ],
)
def test_greeting_and_closing(text: str, greeting: str | None, closing: str | None) -> None:
    assert (style.greeting_of(text), style.closing_of(text)) == (greeting, closing)


def test_style_similarities_by_hand() -> None:
    assert style.length_similarity("one two three", "one two three four") == 0.75
    # Shares 1/2 . 1/2 , against 3/4 . 1/4 !: in common is min(1/2, 3/4).
    assert style.punctuation_similarity("a, b.", "a. b. c. d!") == 0.5
    # `the` 2/3, `and` 1/3 against `the` 1/2, `of` 1/2.
    assert style.function_word_similarity("the cat and the dog", "the end of") == 0.5
    assert style.emoji_agree("fine 🚲", "good 💙")
    assert not style.emoji_agree("fine 🚲", "good")


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarities_stay_in_their_range_and_know_themselves(one: str, other: str) -> None:
    for measure in (
        style.length_similarity,
        style.punctuation_similarity,
        style.function_word_similarity,
    ):
        assert 0 <= measure(one, other) <= 1 + 1e-9
        assert math.isclose(measure(one, one), 1.0)
        assert math.isclose(measure(one, other), measure(other, one))


def test_authorship_tells_the_user_from_somebody_else() -> None:
    history = ["Hiya! Wanna grab a coffee??", "Hiya! Wanna see that film tonight??"]
    own = style.authorship_similarity("Hiya! Wanna go for a walk??", history)
    other = style.authorship_similarity("Dear Sir, I herewith enclose the contract.", history)
    assert own is not None
    assert other is not None
    assert own > other
    assert style.authorship_similarity(history[0], history[:1]) == pytest.approx(1.0)
    assert style.authorship_similarity("text", []) is None
    assert style.authorship_similarity("", history) == 0.0


def test_rouge_by_hand() -> None:
    """Three of four words, two of three pairs of words, and a common sequence of three words."""
    scores = rouge("the cat sat here", "the cat sat there")
    assert scores == pytest.approx({"rouge1": 3 / 4, "rouge2": 2 / 3, "rougeL": 3 / 4})


def test_chrf_by_hand() -> None:
    """Of `ab` against `abc`: 1-grams P 1, R 2/3; 2-grams P 1, R 1/2; longer ones can't be compared.

    Their means are P 1, R 7/12; the F-measure with beta 2 is 5PR / (4P + R).
    """
    recall = (2 / 3 + 1 / 2) / 2
    assert chrf("ab", "abc") == pytest.approx(100 * 5 * recall / (4 + recall))
    assert chrf("same text", "same text") == pytest.approx(100)


def test_leaks_are_counted_by_value() -> None:
    values = ["Nora Lind", "Nora", "Lind", "Casa Lume"]
    sent = ["Invite [NAME_1] to casa  LUME", "sign as nora"]
    assert leaked_values(values, sent) == (2, 4)
    assert leaked_values(values, []) == (0, 4)


def test_private_values_are_read_off_the_raw_context() -> None:
    context = PrivateContext(
        profile=UserProfile(
            name="Dr. Nora Lind",
            location="Bergen, Norway",
            company="Oak Labs",
            contacts=(Contact(name="Bo Ek", email="bo@ek.example"),),
            facts=("collects tin robots",),
        ),
        activities=(
            Activity(when="2025-06-14T19:00", text="dinner KX-4821", place="Casa Lume"),
            Activity(text="nap", place="home"),
        ),
        writings=(WritingSample(text="…", recipient="Ida Holm"),),
    )
    assert values_of(context) == (
        "Dr. Nora Lind", "Nora", "Lind", "Bergen", "Norway", "Oak Labs", "Bo Ek", "bo@ek.example",
        "collects tin robots", "Casa Lume", "14 June", "KX-4821", "Ida Holm", "Ida", "Holm",
    )  # fmt: skip


def test_price_of_tokens() -> None:
    assert Price.parse("3/15").of(1_000, 200) == pytest.approx(0.003 + 0.003)
    for wrong in ("3", "a/b", "-1/2", "1/2/3", "nan/1"):
        with pytest.raises(ConfigurationError):
            Price.parse(wrong)


def test_a_stream_is_timed_from_its_first_text() -> None:
    ticks = iter([10.0, 12.5, 14.0])
    watch = Stopwatch(clock=lambda: next(ticks))
    assert list(watch.watch(["", "a", "b"])) == ["", "a", "b"]
    assert (watch.first, watch.total) == (2.5, 4.0)
    assert tokens_per_second(8, watch.total) == 2.0
    assert tokens_per_second(8, 0) is None
