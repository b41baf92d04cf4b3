"""The values of a private context that a lexicon should know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile
from langchain_cogenesis.privacy import rarity
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.echo import EchoDetector
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.moments import find_amounts, find_dates, parse_moment
from langchain_cogenesis.privacy.normalize import canonicalize
from langchain_cogenesis.privacy.noted_words import named_runs, telling_nouns
from langchain_cogenesis.privacy.own_words import (
    age_values,
    german_values,
    purchase_values,
    rare_words,
    title_values,
    told_values,
)

_AT_EMPLOYER = re.compile(
    r"\b(?:at|for|with|bei|beim|für) ((?:[A-ZÄÖÜ0-9][\w&.'-]*)(?: (?:[A-ZÄÖÜ0-9&][\w&.'-]*|of))*)"
)
_EMAIL_LIKE = re.compile(r"\S+@\S+")
_ADDRESSED = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>\s]+@[^<>\s]+)>")
_HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z_][\w.]{1,29}\b")
_NUMBERED_LINE = re.compile(r".*\d.*")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_QUOTED = re.compile(
    r"[\"“„«]([^\"“”„«»\n]{2,60})[\"”“»]|(?<!\w)['‘]([A-Z][^'‘’\n]{2,60})['’](?!\w)"
)
_PROPER = re.compile(
    r"(?<=[a-z,] )((?:[A-Z][\w'’-]+)(?:\s+(?:(?:of|the|de|and)\s+)?[A-Z][\w'’-]+)*)"
)


def build_lexicon(context: PrivateContext) -> PrivateLexicon:
    """Makes the lexicon of the values that a context holds.

    These are the values of structured fields (names, places, employer, contacts, addresses, days
    and times of events), whatever has the shape of an e-mail address, a phone number, an order
    number, a URL, a handle, a date or a sum anywhere, and what facts and activities call by name
    or in quotes, or by a word that English hardly has: ages with their unit, rare titles of jobs,
    illnesses and hobbies, things that were bought, codes and handles. Of what the user wrote it is
    what stands there with capitals within a sentence, two words or more of which one is rare.

    What is merely told there (`merely_told`) is noted, and never certain.
    """
    named = [run for sample in context.writings for run in named_runs(sample.text)]
    rare = (PrivateValue(run.kind, run.text) for run in named if run.is_rare)
    other = (PrivateValue(run.kind, run.text) for run in named if not run.is_rare)
    return PrivateLexicon(
        chain(private_values(context), rare),
        events=private_events(context),
        told=chain(merely_told(context), other),
    )


def build_echoes(context: PrivateContext) -> EchoDetector:
    """Makes the detector of what is copied from a context, and of its distinctive phrases."""
    texts = (item.text for item in context.items())
    return EchoDetector(texts, facts=_facts(context), in_german=_is_german(context))


def private_values(context: PrivateContext) -> Iterator[PrivateValue]:
    """Yields the private values of a context; the same one may come more than once."""
    in_german = _is_german(context)
    if context.profile is not None:
        yield from _profile_values(context.profile, in_german)
    for activity in context.activities:
        yield from _activity_values(activity, in_german)
    for sample in context.writings:
        yield from _people(sample.recipient or "")
    for item in context.items():
        yield from _shaped_values(item.text)
    for fact in _facts(context):
        yield from _named_values(fact, in_german)
        yield from told_values(fact, in_german=in_german)


def private_events(context: PrivateContext) -> Iterator[str]:
    """Yields day and time of a context's events, as `2026-06-12T19:00` or without the time."""
    for activity in context.activities:
        moment = parse_moment(activity.when or "")
        if moment is not None and activity.when is not None:
            yield activity.when.strip().replace(" ", "T")


def merely_told(context: PrivateContext) -> Iterator[PrivateValue]:
    """Yields what a context tells and many people say: to be shown where it stands, not masked.

    These are nouns of facts, notes and the occupation, the age by itself, names of several words
    in facts and activities, and days in what the user wrote.
    """
    in_german = _is_german(context)
    noted = [activity.text for activity in context.activities if activity.kind == "note"]
    if context.profile is not None:
        noted += [context.profile.occupation or "", *context.profile.facts]
        if context.profile.age is not None:
            yield PrivateValue("NUMBER", str(context.profile.age))
    for text in noted:
        for noun in telling_nouns(text, in_german=in_german):
            yield PrivateValue("ITEM", noun)
    for fact in _facts(context):
        for run in named_runs(fact):
            yield PrivateValue(run.kind, run.text)
    for sample in context.writings:
        # Most lines of a mail hold no number, and needn't be looked at.
        for line in _NUMBERED_LINE.findall(sample.text):
            yield from _dates(line)


def _facts(context: PrivateContext) -> Iterator[str]:
    if context.profile is not None:
        yield from context.profile.facts
    yield from (activity.text for activity in context.activities)


def _is_german(context: PrivateContext) -> bool:
    """Whether what the context says of its user is said in German; one fact may be too short."""
    return canonicalize("\n".join(_facts(context))).is_german


def _profile_values(profile: UserProfile, in_german: bool) -> Iterator[PrivateValue]:
    yield PrivateValue("NAME", profile.name)
    fields = {
        "PLACE": profile.location,
        "ORG": profile.company,
        "EMAIL": profile.email,
        "PHONE": profile.phone,
        "ADDRESS": profile.address,
    }
    yield from (PrivateValue(kind, text) for kind, text in fields.items() if text)
    if profile.age is not None:
        yield from age_values(profile.age)
    yield from title_values(profile.occupation or "", in_german=in_german)
    for trait in profile.traits:
        yield from german_values(trait) if in_german else rare_words(trait)
    employers = _AT_EMPLOYER.findall(profile.occupation or "")
    yield from (PrivateValue("ORG", employer) for employer in employers)
    for contact in profile.contacts:
        details = {"NAME": contact.name, "EMAIL": contact.email, "PHONE": contact.phone}
        yield from (PrivateValue(kind, text) for kind, text in details.items() if text)


def _activity_values(activity: Activity, in_german: bool) -> Iterator[PrivateValue]:
    for name in activity.people:
        yield from _people(name)
    # "home" or "office" names no place; "Casa Lume" does.
    if activity.place and not activity.place.islower():
        yield PrivateValue("PLACE", activity.place)
    if activity.kind == "purchase":
        yield from purchase_values(activity.text, in_german=in_german)
    if activity.when and parse_moment(activity.when) is None:
        yield from _dates(activity.when)


def _people(names: str) -> Iterator[PrivateValue]:
    """The people of a header: `Nora Vexmoor <nora@mail.example>, Tomas Reyl`."""
    for name in re.split(r"[,;]", names):
        addressed = _ADDRESSED.fullmatch(name.strip())
        parts = addressed.groups() if addressed else (name.strip(),)
        for part in filter(None, (p.strip(" \"'") for p in parts)):
            if part.startswith("@") or not _EMAIL_LIKE.fullmatch(part):
                yield PrivateValue("NAME", part)
            else:
                yield PrivateValue("EMAIL", part)


def _shaped_values(text: str) -> Iterator[PrivateValue]:
    for match in PatternDetector().find(text):
        yield PrivateValue(match.kind, text[match.start : match.end])
    for url in _URL.findall(text):
        yield PrivateValue("URL", url.rstrip(".,;:!?"))
    for handle in _HANDLE.findall(text):
        yield PrivateValue("NAME", handle.rstrip("."))


def _named_values(fact: str, in_german: bool) -> Iterator[PrivateValue]:
    """What a fact calls by name: in quotes, with capitals within a sentence, a date, a sum."""
    for quoted in _QUOTED.findall(fact):
        yield PrivateValue("ITEM", "".join(quoted))
    for proper in () if in_german else _PROPER.findall(fact):
        if not _is_public(proper):
            yield PrivateValue("ITEM", proper)
    yield from _dates(fact)
    for start, end in find_amounts(fact):
        yield PrivateValue("AMOUNT", fact[start:end])


def _dates(text: str) -> Iterator[PrivateValue]:
    for _, _, found in find_dates(text):
        yield PrivateValue("DATE", found)


def _is_public(proper: str) -> bool:
    """Whether everybody uses this word with a capital: "English", "Google", "Monday"."""
    words: Iterable[str] = proper.lower().split()
    return all(rarity.is_frequent(word) for word in words)
