"""Which private values of a context can be read in what left the device."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile, spell_when
from langchain_cogenesis.evaluation.metrics.german import holds_german
from langchain_cogenesis.evaluation.metrics.matching import holds, words_of

_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "the", "van", "von", "del"})
_SHORTEST_PART = 3


def leaked_values(
    values: Iterable[str], texts: Iterable[str], language: str = "en"
) -> tuple[int, int]:
    """Values that can be read in texts that left, and values in all.

    Args:
        values: What is private, from the raw context.
        texts: What was sent, decoded.
        language: With `de`, a value counts in any of its German forms.
    """
    wanted = list(dict.fromkeys(values))
    sent = list(texts)
    reads = holds_german if language == "de" else holds
    return sum(any(reads(text, value) for text in sent) for value in wanted), len(wanted)


def values_of(context: PrivateContext) -> tuple[str, ...]:
    """What is private of a user: every value of a structured field, and every fact as a whole.

    It is read off the raw context, apart from the gate's lexicon, so that what the lexicon doesn't
    know counts as well. Of a name each part is a value too, of a place each part between commas.
    """
    found: list[str] = []
    if context.profile is not None:
        found += _of_profile(context.profile)
    for activity in context.activities:
        found += _of_activity(activity)
    for sample in context.writings:
        found += [*_names(sample.recipient or "")]
    return tuple(dict.fromkeys(value for value in found if words_of(value)))


def _of_profile(profile: UserProfile) -> Iterator[str]:
    yield from _names(profile.name)
    for place in (profile.location, profile.address):
        yield from (part.strip() for part in (place or "").split(",") if part.strip())
    yield from filter(None, (profile.company, profile.email, profile.phone))
    for contact in profile.contacts:
        yield from _names(contact.name)
        yield from filter(None, (contact.email, contact.phone))
    yield from profile.facts


def _of_activity(activity: Activity) -> Iterator[str]:
    for person in activity.people:
        yield from _names(person)
    # "home" names no place.
    if activity.place and not activity.place.islower():
        yield activity.place
    if activity.when and (spelled := spell_when(activity.when)) != activity.when:
        # Day and month; the year is left out of most texts.
        yield " ".join(spelled.split(",")[0].split()[1:3])
    yield from (match[0] for match in re.finditer(r"\b[A-Z]{1,4}-?\d{3,}\b", activity.text))


def _names(name: str) -> Iterator[str]:
    if not name.strip():
        return
    yield name
    for part in name.split():
        bare = part.strip(".,")
        if len(bare) >= _SHORTEST_PART and bare.lower() not in _TITLES:
            yield bare
