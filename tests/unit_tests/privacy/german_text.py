"""German sentences with their marks, and what a gate that knows a context makes of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.private_values import build_echoes, build_lexicon

_FOLDER = Path(__file__).parent


class Case(NamedTuple):
    """A sentence, what knows its context, and where something private stands in it."""

    group: str
    text: str
    private: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Outcome:
    """What was missed of a sentence, and the words that were masked without need."""

    missed: tuple[str, ...]
    over: tuple[str, ...]


@cache
def load_groups() -> dict[str, tuple[EgressGate, tuple[Case, ...]]]:
    """The cases by group, each with a gate that knows the group's context."""
    groups = yaml.safe_load((_FOLDER / "german_cases.yaml").read_text(encoding="utf-8"))
    return {
        group["name"]: (
            _gate(group),
            tuple(_case(group["name"], marked) for marked in group["cases"]),
        )
        for group in groups
    }


@cache
def load_instructions() -> tuple[str, ...]:
    """Instructions that hold nothing private, whoever writes them."""
    lines = (_FOLDER / "german_instructions.txt").read_text(encoding="utf-8").splitlines()
    return tuple(filter(None, lines))


def look(gate: EgressGate, case: Case) -> Outcome:
    """Looks for what should be masked in a sentence, and what shouldn't."""
    found = [(match.start, match.end) for match in gate.find(case.text)]
    covered = {at for start, end in found for at in range(start, end)}
    missed = tuple(
        case.text[start:end]
        for start, end in case.private
        if any(case.text[at].isalnum() and at not in covered for at in range(start, end))
    )
    over = tuple(
        case.text[start:end]
        for start, end in words(case.text)
        if not any(start < stop and begin < end for begin, stop in case.private)
        and any(at in covered for at in range(start, end))
    )
    return Outcome(missed, over)


def words(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand."""
    places = []
    at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        places.append((start, at))
    return places


def _case(group: str, marked: str) -> Case:
    pieces = re.split("[«»]", marked)
    text, private = "", []
    for number, piece in enumerate(pieces):
        if number % 2:
            private.append((len(text), len(text) + len(piece)))
        text += piece
    return Case(group, text, tuple(private))


def _gate(group: dict[str, Any]) -> EgressGate:
    if "profile" not in group:
        values = [
            PrivateValue(kind, value)
            for kind, known in group.get("values", {}).items()
            for value in known
        ]
        return EgressGate(PrivateLexicon(values, events=group.get("events", ())))
    profile = {**group["profile"], "facts": tuple(group["profile"].get("facts", ()))}
    activities = tuple(Activity(**activity) for activity in group.get("activities", ()))
    context = PrivateContext(profile=UserProfile(**profile), activities=activities)
    detectors = (PatternDetector(), build_echoes(context))
    return EgressGate(build_lexicon(context), detectors=detectors)
