"""Runs all attacks on the texts of all users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from langchain_cogenesis.evaluation.audit.exposure import (
    Exposure,
    canary_exposures,
    unit_exposures,
)
from langchain_cogenesis.evaluation.audit.inference import Guesses, guess_attribute, link
from langchain_cogenesis.evaluation.audit.report import TEXTS, Attack, Leak, Row
from langchain_cogenesis.evaluation.audit.subjects import Subject
from langchain_cogenesis.evaluation.audit.texts import Texts
from langchain_cogenesis.evaluation.audit.timing import Rhythm, tell_apart
from langchain_cogenesis.evaluation.records import estimate, estimate_share

AUC_CHANCE = 0.5


def find_values(
    subjects: Sequence[Subject], texts: Sequence[Texts]
) -> tuple[list[Row], list[Leak]]:
    """Looks for what was planted, and for the private information that the data names.

    Args:
        subjects: The users.
        texts: Theirs, in the same order.
    """
    pairs = list(zip(subjects, texts, strict=True))
    canaries = [e for pair in pairs for e in canary_exposures(*pair)]
    units = [e for pair in pairs for e in unit_exposures(*pair)]
    rows = [*_all_and_by_kind("canaries", canaries)]
    for promised in (True, False):
        rows += _all_and_by_kind("units", [e for e in units if e.promised is promised])
    leaks = [
        Leak(attack, e.number, e.kind, e.exact["ours"], e.promised)
        for attack, found in _named(canaries, units)
        for e in found
        if e.near["ours"]
    ]
    return rows, leaks


def _named(
    canaries: list[Exposure], units: list[Exposure]
) -> Iterator[tuple[Attack, list[Exposure]]]:
    yield "canaries", canaries
    yield "units", units


def _all_and_by_kind(attack: Attack, exposures: Sequence[Exposure]) -> Iterator[Row]:
    if not exposures:
        return
    yield _exposure_row(attack, "all, exact", exposures, lambda e: e.exact)
    yield _exposure_row(attack, "all, exact or near", exposures, lambda e: e.near)
    for kind in dict.fromkeys(e.kind for e in exposures):
        some = [e for e in exposures if e.kind == kind]
        yield _exposure_row(attack, kind, some, lambda e: e.near)


def _exposure_row(
    attack: Attack,
    what: str,
    exposures: Sequence[Exposure],
    which: Callable[[Exposure], Mapping[str, bool]],
) -> Row:
    by_user: dict[int, list[Exposure]] = {}
    for exposure in exposures:
        by_user.setdefault(exposure.number, []).append(exposure)
    results = {
        text: estimate_share(
            [(sum(which(e)[text] for e in some), len(some)) for some in by_user.values()]
        )
        for text in TEXTS
    }
    return Row(attack, what, results, promised=exposures[0].promised)


def infer_attribute(
    name: str, subjects: Sequence[Subject], texts: Sequence[Texts], seed: int
) -> Row | None:
    """Guesses one attribute from each text; None if too few users have it.

    Args:
        name: The attribute.
        subjects: The users.
        texts: Theirs, in the same order.
        seed: Of folds and resampling.
    """
    pairs = [pair for pair in zip(subjects, texts, strict=True) if name in pair[0].attributes]
    labels = [subject.attributes[name] for subject, _ in pairs]
    guesses = {
        text: guess_attribute([getattr(own, text) for _, own in pairs], labels, seed)
        for text in TEXTS
    }
    return _guess_row("attribute", name, guesses, seed)


def link_users(subjects: Sequence[Subject], texts: Sequence[Texts], seed: int) -> Row | None:
    """Guesses whose text each is; None with a single user.

    Args:
        subjects: The users.
        texts: Theirs, in the same order.
        seed: Of the resampling.
    """
    if len(subjects) < 2:
        return None
    histories = [subject.history() for subject in subjects]
    guesses: dict[str, Guesses | None] = {
        text: link([getattr(own, text) for own in texts], histories) for text in TEXTS
    }
    return _guess_row("linkability", f"1 of {len(subjects)} users", guesses, seed)


def _guess_row(
    attack: Attack, what: str, guesses: Mapping[str, Guesses | None], seed: int
) -> Row | None:
    made = {text: found for text, found in guesses.items() if found is not None}
    if set(made) != set(TEXTS):
        return None
    results = {
        text: estimate_share([(hit, 1) for hit in found.hits], seed) for text, found in made.items()
    }
    both = zip(made["ours"].hits, made["floor"].hits, strict=True)
    excess = estimate([(ours - floor, 1) for ours, floor in both], seed)
    return Row(attack, what, results, chance=made["ours"].chance, excess=excess)


def attributes_of(subjects: Iterable[Subject]) -> list[str]:
    """Names of all attributes that some user has."""
    return list(dict.fromkeys(name for subject in subjects for name in subject.attributes))


def time_requests(rhythms: Mapping[str, Sequence[Rhythm]], seed: int) -> Row:
    """Tells rhythms from those of a fixed rate.

    Args:
        rhythms: By variant: `ours`, `fixed`, `fixed again`, `entropy`.
        seed: Of the resampling.
    """
    fixed = rhythms["fixed"]
    results = {
        "ours": tell_apart(rhythms["ours"], fixed, seed),
        "raw": tell_apart(rhythms["entropy"], fixed, seed),
        "typed": None,
        "floor": tell_apart(rhythms["fixed again"], fixed, seed),
    }
    return Row("timing", "fixed rate or not, AUC", results, chance=AUC_CHANCE)
