"""How many points of a plan a text carries out, told by the plan's fixed words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from langchain_cogenesis.data.task.example import PlanPoint
from langchain_cogenesis.evaluation.metrics import german

COVERED = 0.6
"""Share of a wording's content words at which its point counts as carried out."""
_STEM = 5
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
# "12. Juni" is no end of a sentence.
_GERMAN_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\b\d\.)(?<!\b\d\d\.)\s+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_SMALL = """
the and you your for that this with have has had was were are will would could can should
may been from not but our about its all any very just there them they what when which who
how please much more some than then too yes
"""
_SMALL_WORDS = frozenset(_SMALL.split())


def plan_coverage(text: str, plan: Iterable[PlanPoint], language: str = "en") -> tuple[int, int]:
    """Points of a plan that a text carries out, and points in all.

    A point is carried out if one or two neighbouring sentences of the text hold three in five of
    the content words of one of its wordings, by their first five letters. References of the
    English grammar come to 95 %, because some wordings are too short to tell.

    Args:
        text: What was written.
        plan: The points, their wordings without facts: whether those are right isn't told here.
        language: `de` for German's small words and umlauts, else English.
    """
    points = list(plan)
    end = _GERMAN_SENTENCE_END if language == "de" else _SENTENCE_END
    sentences = [_stems(part, language) for part in end.split(text)]
    windows = [*sentences, *(a | b for a, b in pairwise(sentences))]
    return sum(_carried_out(point, windows, language) for point in points), len(points)


def _carried_out(point: PlanPoint, windows: list[set[str]], language: str) -> bool:
    wanted = [_stems(wording, language) for wording in point.wordings]
    # One short word alone says nothing.
    told = [words for words in wanted if len(words) > 1 or len("".join(words)) == _STEM]
    return any(len(words & window) >= COVERED * len(words) for words in told for window in windows)


def _stems(text: str, language: str) -> set[str]:
    words = [word.lower() for word in _WORD.findall(text)]
    if language == "de":
        told = (word for word in words if word not in german.FUNCTION_WORDS)
        return {german.spell_out(word)[:_STEM] for word in told}
    return {word[:_STEM] for word in words if word not in _SMALL_WORDS}
