"""Measures of sets of examples, on sets whose measures are known."""

from __future__ import annotations

from random import Random

import pytest

from langchain_cogenesis.context.schema import PrivateContext, UserProfile
from langchain_cogenesis.data.synthesis import texts
from langchain_cogenesis.data.synthesis.quality import assess
from langchain_cogenesis.data.task.example import Fact, TaskExample
from langchain_cogenesis.data.task.grammar import read_grammar


def example(number: int, reference: str, **changes: object) -> TaskExample:
    profile = UserProfile(
        name="Ada Moor", age=20 + 10 * (number % 2), occupation=("baker", "cook")[number % 2],
        facts=("owns a red canoe",),
    )  # fmt: skip
    return TaskExample(
        id=str(number), user=f"u{number}", instruction=f"ask {number}",
        context=PrivateContext(profile=profile), reference=reference,
    ).model_copy(update=changes)  # fmt: skip


def test_likeness_to_the_nearest_text() -> None:
    """A copy is 1, nothing shared is 0, and between them is the Jaccard similarity."""
    assert texts.nearest_similarities(["a b c d", "a b c d", "e f g"]) == [1.0, 1.0, 0.0]
    first, second = texts.nearest_similarities(["a b c d", "a b c x"])
    assert first == second == pytest.approx(1 / 3)
    assert texts.nearest_similarities(["", "a b c"]) == [0.0, 0.0]


def test_distinct_words_over_equally_many() -> None:
    """Half of the words are new; of too few words nothing is said."""
    assert texts.distinct(["a b", "a c"], 1, 4) == pytest.approx(3 / 4)
    assert texts.distinct(["a b a b a b"], 1, 2) == 1.0
    assert texts.distinct(["a b"], 1, 3) is None


def test_divergence_of_distributions() -> None:
    """The same is 0, nothing shared is 1, and both directions are one."""
    assert texts.divergence(["a b c"], ["c b a"], 1) == pytest.approx(0.0)
    assert texts.divergence(["a b"], ["c d"], 1) == pytest.approx(1.0)
    one, other = texts.divergence(["a a b"], ["b c"], 1), texts.divergence(["b c"], ["a a b"], 1)
    assert one == pytest.approx(other)
    assert 0 < one < 1


def test_a_classifier_tells_other_texts_apart_and_equal_ones_not() -> None:
    """About 0.5 for two draws of one source, about 1 for two sources, None for a few users."""
    random = Random(1)

    def some(vocabulary: str, count: int = 60) -> list[tuple[str, str]]:
        return [(f"u{n}", " ".join(random.choices(vocabulary.split(), k=30))) for n in range(count)]

    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda"
    same = texts.two_sample_auc(some(words), some(words))
    other = texts.two_sample_auc(some(words), some(words + " omega omega"))
    assert same is not None
    assert other is not None
    assert 0.3 < same < 0.7
    assert other > 0.95
    assert texts.two_sample_auc(some(words, 5), some(words, 60)) is None


def test_consistency_with_the_profile() -> None:
    """Facts that are said and known, signatures of the user, and those of somebody else."""
    good = example(
        1,
        "Dear all,\n\nI sell my red canoe. Come and see it.\n\nYours, Ada",
        facts=(Fact(name="canoe", value="my red canoe"), Fact(name="dog", value="dog Rex")),
    )
    other = example(2, "Dear all,\n\nI have news for you today.\n\nYours, Bert")
    report = assess([good, other, example(3, "Just a note that ends in a sentence.")])
    assert report.set.facts == pytest.approx(2 / 3)
    assert (report.set.facts_stated, report.set.facts_known) == (0.5, 0.5)
    assert report.set.letters == pytest.approx(2 / 3)
    assert report.set.signed == 0.5
    assert report.reference is None


def test_coverage_of_occupations_and_ages() -> None:
    """Counts, the effective number and the decades are of users, not of examples."""
    some = [example(n, f"text number {n} is here") for n in range(4)]
    again = [example(0, "another one").model_copy(update={"id": f"again{n}"}) for n in range(3)]
    found = assess([*some, *again]).set
    assert (found.users, found.examples, found.occupations) == (4, 7, 2)
    assert found.occupations_effective == pytest.approx(2.0)
    assert (found.ages, found.decades) == ((20, 25.0, 30), {"20": 0.5, "30": 0.5})


def test_the_grammar_beside_itself_and_beside_copies() -> None:
    """Another draw of the grammar is as near as its own halves; copies are found to be copies."""
    first, second = (list(read_grammar(60, tasks=1, seed=seed)) for seed in (1, 2))
    report = assess(first, second)
    assert report.distance is not None
    assert report.distance.words == pytest.approx(report.distance.floor_words, abs=0.1)
    assert report.set.alike < 0.2
    assert report.set.facts_stated == 1.0
    copied = [e.model_copy(update={"reference": first[0].reference}) for e in first]
    copies = assess(copied, second)
    assert copies.set.nearest == 1.0
    assert copies.distance is not None
    assert copies.distance.words > report.distance.words + 0.2
    assert copies.distance.auc == 1.0
