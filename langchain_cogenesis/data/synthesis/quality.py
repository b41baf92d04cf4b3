"""How real and how diverse a set of examples is, by itself and beside a reference."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from langchain_cogenesis.data.synthesis import texts as measures
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.data.task.facts import facts_in

MAX_COMPARED = 500
"""Examples that are compared pair by pair, or classified."""
_ALIKE = 0.5
_SHORT_ENDING = 6
_NO_WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class SetQuality:
    """Measures of one set. Shares are from 0 to 1; None is what could not be measured.

    Attributes:
        users: Number of users.
        examples: Number of examples.
        words: Mean length of references, words.
        nearest: Mean similarity of a reference to its nearest neighbour (Jaccard of trigrams).
        alike: Share of references with a neighbour of similarity 0.5 or more.
        distinct_1: Different words by all, over as many words of each set.
        distinct_2: The same of pairs of words.
        occupations: Different occupations by users.
        occupations_effective: Exponential of their entropy: so many if all were equally common.
        ages: Youngest, mean and oldest, years.
        decades: Share of users by decade of life: 20 stands for 20 to 29.
        aged: Share of users whose age is known as a number.
        facts: Facts that an example names, mean.
        facts_stated: Share of named facts that stand in the reference.
        facts_known: Share of named facts whose words are in the context.
        personal: Share of references that state something of the context, in the same words.
        signed: Of references that end like a letter, the share that the user signs.
        letters: Share of references that end like a letter.
    """

    users: int
    examples: int
    words: float
    nearest: float
    alike: float
    distinct_1: float | None
    distinct_2: float | None
    occupations: int
    occupations_effective: float
    ages: tuple[int, float, int] | None
    decades: dict[str, float]
    aged: float
    facts: float
    facts_stated: float | None
    facts_known: float | None
    personal: float
    signed: float | None
    letters: float


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a set is from a reference.

    Attributes:
        words: Jensen-Shannon divergence of words of the texts, bits.
        pairs: The same of pairs of words.
        instructions: The same of words of the instructions.
        floor_words: What two halves of the reference have between each other.
        floor_pairs: The same of pairs of words.
        floor_instructions: The same of instructions.
        auc: How well a classifier tells the texts apart, see `two_sample_auc`.
        auc_instructions: The same of instructions.
    """

    words: float
    pairs: float
    instructions: float
    floor_words: float
    floor_pairs: float
    floor_instructions: float
    auc: float | None
    auc_instructions: float | None


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Measures of a set, of a reference, and how far apart they are."""

    set: SetQuality
    reference: SetQuality | None = None
    distance: Distance | None = None


def assess(
    examples: Sequence[TaskExample],
    reference: Sequence[TaskExample] | None = None,
    *,
    seed: int = 0,
) -> QualityReport:
    """Measures a set, beside a reference if one is given.

    What depends on a set's size is measured on samples of one size.

    Args:
        examples: The set, one or more.
        reference: Another set, real people's or published.
        seed: Of samples.
    """
    count = min(MAX_COMPARED, len(examples), len(reference or examples))
    drawn = _draw(examples, count, seed)
    beside = _draw(reference, count, seed) if reference else []
    words = min(sum(len(measures.words_of(e.reference)) for e in s) for s in (drawn, beside) if s)
    if not reference:
        return QualityReport(_quality(examples, drawn, words))
    return QualityReport(
        _quality(examples, drawn, words),
        _quality(reference, beside, words),
        _distance(drawn, beside, seed),
    )


def _draw(examples: Sequence[TaskExample], count: int, seed: int) -> list[TaskExample]:
    return Random(seed).sample(list(examples), count)


def _quality(examples: Sequence[TaskExample], drawn: list[TaskExample], words: int) -> SetQuality:
    texts = [example.reference for example in drawn]
    nearest = measures.nearest_similarities(texts)
    people = {example.user: example for example in examples}
    occupations = Counter(_occupation(example) for example in people.values())
    occupations.pop("", None)
    named = [(fact, example) for example in drawn for fact in example.facts]
    letters = [example for example in drawn if _ending(example.reference)]
    ages = [age for age in map(_age, people.values()) if age is not None]
    return SetQuality(
        users=len(people),
        examples=len(examples),
        words=_mean(len(measures.words_of(example.reference)) for example in examples) or 0.0,
        nearest=_mean(nearest) or 0.0,
        alike=_mean(value >= _ALIKE for value in nearest) or 0.0,
        distinct_1=measures.distinct(texts, 1, words),
        distinct_2=measures.distinct(texts, 2, words),
        occupations=len(occupations),
        occupations_effective=_effective(occupations),
        ages=(min(ages), sum(ages) / len(ages), max(ages)) if ages else None,
        decades=_shares(f"{age // 10 * 10}" for age in ages),
        aged=len(ages) / len(people),
        facts=len(named) / len(drawn),
        facts_stated=_mean(_plain(f.value) in _plain(e.reference) for f, e in named),
        facts_known=_mean(_known(fact.value, example) for fact, example in named),
        personal=_mean(bool(facts_in(e.context, e.reference)) for e in drawn) or 0.0,
        signed=_mean(_signed(example) for example in letters),
        letters=len(letters) / len(drawn),
    )


def _distance(drawn: list[TaskExample], beside: list[TaskExample], seed: int) -> Distance:
    half = len(beside) // 2
    texts, asked = _sides(drawn, "reference"), _sides(drawn, "instruction")
    real, real_asked = _sides(beside, "reference"), _sides(beside, "instruction")

    def apart(first: Iterable[tuple[str, str]], second: Iterable[tuple[str, str]], n: int) -> float:
        return measures.divergence((t for _, t in first), (t for _, t in second), n)

    # As many texts on each side as in the halves, or the floor would be the higher one.
    return Distance(
        words=apart(texts[:half], real[:half], 1),
        pairs=apart(texts[:half], real[:half], 2),
        instructions=apart(asked[:half], real_asked[:half], 1),
        floor_words=apart(real[:half], real[half:], 1),
        floor_pairs=apart(real[:half], real[half:], 2),
        floor_instructions=apart(real_asked[:half], real_asked[half:], 1),
        auc=measures.two_sample_auc(texts, real, seed),
        auc_instructions=measures.two_sample_auc(asked, real_asked, seed),
    )


def _sides(examples: Iterable[TaskExample], field: str) -> list[tuple[str, str]]:
    return [(example.user, str(getattr(example, field))) for example in examples]


def _occupation(example: TaskExample) -> str:
    profile = example.context.profile
    return _plain(profile.occupation or "") if profile else ""


def _age(example: TaskExample) -> int | None:
    return example.context.profile.age if example.context.profile else None


def _known(value: str, example: TaskExample) -> bool:
    """Whether the words of a fact are in the context; short words and endings don't count."""
    context = _plain("\n".join(item.text for item in example.context.items()))
    if _plain(value) in context:
        return True
    stems = {word[:5] for word in measures.words_of(context)}
    words = [word[:5] for word in measures.words_of(value) if len(word) > 3 or word.isdecimal()]
    return bool(words) and all(word in stems for word in words)


def _ending(text: str) -> str:
    """The last lines of a letter, closing and name; empty if the text ends otherwise."""
    last = text.strip().split("\n\n")[-1]
    short = len(measures.words_of(last)) <= _SHORT_ENDING
    return last if short and not last.rstrip().endswith((".", "!", "?")) else ""


def _signed(example: TaskExample) -> bool:
    profile = example.context.profile
    if profile is None:
        return False
    parts = set(measures.words_of(profile.name))
    return bool(parts & set(measures.words_of(_ending(example.reference))))


def _effective(counts: Counter[str]) -> float:
    total = sum(counts.values())
    return math.exp(-sum(n / total * math.log(n / total) for n in counts.values())) if total else 0


def _shares(values: Iterable[str]) -> dict[str, float]:
    counts = Counter(values)
    total = sum(counts.values())
    return {value: counts[value] / total for value in sorted(counts)}


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _plain(text: str) -> str:
    return _NO_WORD.sub(" ", text).strip(" .").casefold()
