"""Users and texts for the tests of attacks, where the right answer is known."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile
from langchain_cogenesis.evaluation.audit.subjects import Canary, Subject, Unit
from langchain_cogenesis.evaluation.audit.texts import Texts


def subject(
    number: int = 0,
    *,
    instruction: str = "Write to Wilmar about the boat.",
    fact: str = "likes boats",
    units: tuple[Unit, ...] = (),
    canaries: tuple[Canary, ...] = (),
    attributes: Mapping[str, str] | None = None,
) -> Subject:
    """A user with one fact and one activity."""
    context = PrivateContext(
        profile=UserProfile(name="Ada Lund", facts=(fact,)), activities=(Activity(text=fact),)
    )
    return Subject(number, instruction, context, units, attributes or {}, canaries)


def texts(ours: str, *, raw: str = "", typed: str = "", floor: str = "", number: int = 0) -> Texts:
    """One user's texts."""
    return Texts(number, ours, ours, raw, typed, floor, bytes=len(ours), requests=1)
