"""Private facts that a text states, found in the context of its writer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_cogenesis.context.schema import PrivateContext, UserProfile, spell_when
from langchain_cogenesis.data.task.example import Fact

_FIELDS = ("occupation", "company", "location", "email", "phone", "address")
_RUN = 4
"""Words in a row that a text must share with a sentence of the context to state its fact."""
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


def facts_in(context: PrivateContext, text: str) -> tuple[Fact, ...]:
    """Finds facts of a context that a text states in the same words.

    It is a lower bound: what the text says in other words is not found.

    Args:
        context: What is known of the writer.
        text: What the writer wrote.

    Returns:
        Facts with their values as the text says them, each value once.
    """
    found: dict[str, Fact] = {}
    for name, value in _values(context):
        said = _said(value, text)
        if said is not None:
            found.setdefault(said.casefold(), Fact(name=name, value=said))
    for name, sentence in _sentences(context):
        said = _shared_run(sentence, text)
        if said is not None and not any(said.casefold() in known for known in found):
            found[said.casefold()] = Fact(name=name, value=said)
    return tuple(found.values())


def _values(context: PrivateContext) -> Iterator[tuple[str, str]]:
    if context.profile is not None:
        yield from _profile_values(context.profile)
    for activity in context.activities:
        yield from (("person", person) for person in activity.people)
        if activity.place:
            yield "place", activity.place
        if activity.when:
            day, _, time = spell_when(activity.when).partition(", ")
            # `Saturday 14 June 2025` is said as `14 June`; a weekday alone is too common.
            parts = day.split(" ")
            yield "day", " ".join(parts[1:3]) if len(parts) == 4 else day
            if time:
                yield "time", time


def _profile_values(profile: UserProfile) -> Iterator[tuple[str, str]]:
    yield "name", profile.name
    yield "name", profile.name.split(" ")[0]
    for field in _FIELDS:
        value = getattr(profile, field)
        if value:
            yield field, value
    if profile.location and "," in profile.location:
        yield "location", profile.location.split(",")[0]
    if profile.age is not None:
        yield "age", f"{profile.age} years"
        yield "age", f"{profile.age}-year-old"
    for contact in profile.contacts:
        yield from (("contact", name) for name in (contact.name, contact.name.split(" ")[0]))
        yield from (("contact", value) for value in (contact.email, contact.phone) if value)


def _sentences(context: PrivateContext) -> Iterator[tuple[str, str]]:
    if context.profile is not None:
        yield from (("fact", fact) for fact in context.profile.facts)
    yield from ((activity.kind, activity.text) for activity in context.activities)


def _said(value: str, text: str) -> str | None:
    words = value.split()
    if not words or len(value.strip()) < 2:
        return None
    pattern = r"\s+".join(re.escape(word) for word in words)
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return match.group() if match else None


def _shared_run(sentence: str, text: str) -> str | None:
    """The longest run of words that both have, as the text says it; None if it is short."""
    theirs = [word.casefold() for word in _WORD.findall(sentence)]
    spans = [(m.group().casefold(), m.start(), m.end()) for m in _WORD.finditer(text)]
    best, end = 0, -1
    # lengths[j]: how many words in a row are shared that end at word j of the text.
    lengths = [0] * (len(spans) + 1)
    for word in theirs:
        before = 0
        for j, (other, _, _) in enumerate(spans, start=1):
            before, lengths[j] = lengths[j], before + 1 if word == other else 0
            if lengths[j] > best:
                best, end = lengths[j], j - 1
    if best < _RUN:
        return None
    return text[spans[end - best + 1][1] : spans[end][2]]
