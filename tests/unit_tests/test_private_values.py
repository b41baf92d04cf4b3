"""A context's private values are found with no hand work, wherever the context has them."""

from __future__ import annotations

import pytest

from langchain_cogenesis.context.importers import import_files
from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.data.persona import DEMO_INSTRUCTION, persona_files
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.preview import Preview
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.private_values import build_echoes, build_lexicon

CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Dr. Ingrid van der Thorsby",
        occupation="Surveyor at Marlcombe & Sons",
        company="Gullhaven Partners Ltd",
        location="Lower Tarnbrae, Eskmark",
        email="ingrid@gullhaven.example",
        phone="+49 170 555 0199",
        address="7 Quay Lane, 24103 Port Sele",
        contacts=(Contact(name="Bo Rehm", relation="friend"),),
        facts=(
            "has a boat called 'Kittiwake Dawn'",
            "paid 1,850 euros for the mast of the boat on 3 March",
            "posts as @tarn_sailor at https://photos.example/tarnsailor/2026",
            "limps since the accident with the ferry near Gannet Beach",
        ),
    ),
    activities=(
        Activity(kind="calendar", when="2026-06-12T19:00", text="regatta", place="Saltmarsh Pier"),
        Activity(kind="purchase", when="20 May 2026", text="anchor, order no. KX-48213"),
        Activity(
            kind="message", text="see you", people=("@juna_k", "Osk Vanter <ov@post.example>")
        ),
    ),
    writings=(WritingSample(text="Dear all", recipient="Adisa Mbeki, Oke, Renata"),),
)
LEXICON = build_lexicon(CONTEXT)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("Ingrid", "NAME"),
        ("Thorsby", "NAME"),
        ("I. Thorsby", "NAME"),
        ("Thorsby, Ingrid", "NAME"),
        ("Marlcombe & Sons", "ORG"),
        ("Gullhaven Partners", "ORG"),
        ("Gullhaven", "ORG"),
        ("Eskmark", "PLACE"),
        ("Tarnbrae", "PLACE"),
        ("0170 5550199", "PHONE"),
        ("0049 170 555 0199", "PHONE"),
        ("Quay Lane", "ADDRESS"),
        ("Rehm", "NAME"),
        ("Kittiwake Dawn", "ITEM"),
        ("€1850", "AMOUNT"),
        ("March 3rd", "DATE"),
        ("tarn_sailor", "NAME"),
        ("photos.example/tarnsailor/2026", "URL"),
        ("Gannet Beach", "ITEM"),
        ("12 June", "DATE"),
        ("Saltmarsh Pier", "PLACE"),
        ("20 May", "DATE"),
        ("KX 48213", "NUMBER"),
        ("48213", "NUMBER"),
        ("juna_k", "NAME"),
        ("Osk Vanter", "NAME"),
        ("ov@post.example", "EMAIL"),
        ("Adisa Mbeki", "NAME"),
        ("Renata", "NAME"),
    ],
)
def test_values_are_found_in_the_forms_that_people_use(written: str, kind: str) -> None:
    """Parts, initials, headers, handles, shapes, quoted items and the days of events."""
    text = f"about {written} today"
    matches = LEXICON.find(text)
    covered = {at for match in matches for at in range(match.start, match.end)}
    assert kind in {match.kind for match in matches}
    assert all(n in covered for n in range(6, 6 + len(written)) if text[n].isalnum())


def test_time_and_day_of_an_event_belong_together() -> None:
    """The time of the regatta is private beside its day, and nobody's alone."""
    assert [m.kind for m in LEXICON.find("on 12 June at 7 pm!")] == ["DATE", "TIME"]
    assert LEXICON.find("we close at 7 pm!") == []
    assert [m.kind for m in LEXICON.noted("we close at 7 pm!")] == ["TIME"]


@pytest.mark.parametrize(
    "text",
    [
        "see you at the pier of the port",
        "a boat, an anchor and a friend",
        "the accident was bad",
        "Surveyor wanted",
        "posts and photos",
    ],
)
def test_common_words_of_the_context_stay(text: str) -> None:
    """Words of facts and titles that anybody uses are no values."""
    assert LEXICON.find(text) == []
    assert list(build_echoes(CONTEXT).find(text)) == []


def test_distinctive_phrases_of_facts_are_found() -> None:
    """Three words that English seldom puts together, in the middle of another sentence."""
    echoes = build_echoes(CONTEXT)
    said = "I see that he limps since the accident with the ferry near us, has a boat and posts"
    # Overlapping runs of three words: from "limps" on, each holds two words that say something.
    covered = {at for match in echoes.find(said) for at in range(match.start, match.end)}
    assert "ferry" in "".join(said[at] for at in sorted(covered))
    assert not covered & set(range(said.index("has a boat"), len(said)))


TOLD = PrivateContext(
    profile=UserProfile(
        name="Nora Vexmoor",
        age=41,
        occupation="Harpsichord Restorer at Kiln House",
        traits=("introverted", "likes yoga and kayaking"),
        facts=(
            "has psoriasis and takes methotrexate",
            "her son is 6 years old, her library card is 2910445",
            "posts as tarn_sailor, and as u/quay-lane",
            "bought a walnut harmonium for 1,850 euros",
            "works with people, in 2024-25 walked 10000 steps",
        ),
    ),
    activities=(Activity(kind="purchase", text="Bosch jigsaw, order no. KX-48213"),),
)


@pytest.mark.parametrize(
    "written",
    [
        "41 years old",
        "41-year-old",
        "aged 41",
        "a 6 year old",
        "harpsichord restorer",
        "harpsichord",
        "kayaking",
        "psoriasis",
        "Methotrexate",
        "2910445",
        "tarn_sailor",
        "quay-lane",
        "walnut harmonium",
        "€1850",
        "bosch jigsaw",
        "KX 48213",
    ],
)
def test_what_somebody_tells_of_themselves_is_found(written: str) -> None:
    """Ages with a unit, rare jobs, illnesses and hobbies, things, codes and handles."""
    text = f"say: {written}, please"
    covered = {at for m in build_lexicon(TOLD).find(text) for at in range(m.start, m.end)}
    told = written.removeprefix("a ")
    begin = text.index(told)
    assert all(n in covered for n in range(begin, begin + len(told)) if text[n].isalnum())


@pytest.mark.parametrize(
    "text",
    [
        "42 years old, page 41, and she managed 41 people",
        "yoga with people on 41 steps",
        "in 2024-25, or 10000 of them",
        "a piano, a teacher and a son",
        "likes to post a card",
    ],
)
def test_what_anybody_tells_of_themselves_stays(text: str) -> None:
    """Another age, numbers without a unit, words that many use, round numbers, years."""
    assert build_lexicon(TOLD).find(text) == []


NEWCOMER = PrivateContext(
    profile=UserProfile(
        name="Ada Vexmoor", age=34, occupation="nurse", facts=("has diabetes", "takes walks")
    ),
    activities=(
        Activity(kind="note", text="Dr Okonkwo, next appointment 3 March, St James clinic"),
        Activity(kind="note", text="is allergic to nuts"),
        Activity(kind="message", text="the lawyer called"),
    ),
    writings=(
        WritingSample(
            text="Hi Juna,\n\nWe meet at Casa Lume Friday, then at Faena Hotel’s bar in San\n"
            "Francisco on Friday 30 April at 7:30 pm. I'm at Green Park on Monday.\n\nHugs, Ada"
        ),
        WritingSample(text="Liebe Juna,\nwir treffen uns nicht im Haus Zarnholt, und sind da."),
    ),
)


def _seen(text: str, context: PrivateContext = NEWCOMER) -> Preview:
    detectors = (PatternDetector(), build_echoes(context))
    gate = EgressGate(build_lexicon(context), detectors=detectors)
    return gate.preview(text, endpoint="https://x.example", conversation=Conversation())


@pytest.mark.parametrize(
    ("text", "masked", "noted"),
    [
        (
            "I see Dr Okonkwo about my diabetes at St James clinic. I am 34, a nurse.",
            "I see Dr [NAME_1] about my diabetes at St James clinic. I am [NUMBER_1], a nurse.",
            ["diabetes", "St James", "clinic", "nurse"],
        ),
        (
            "Thank her for the dinner at Casa Lume on Friday 30 April",
            "Thank her for the dinner at [PLACE_1] on Friday 30 April",
            ["Friday 30 April"],
        ),
        ("the bar of the faena hotel", "the bar of the [PLACE_1]", []),
        (
            "two nurses, 34 of them, no nut",
            "two nurses, 34 of them, no nut",
            ["nurses", "34", "nut"],
        ),
        ("a walk in Green Park", "a walk in Green Park", ["Green Park"]),
        # What stands within a longer span that is masked isn't left.
        ("she is allergic to nuts", "she is [ITEM_1]", []),
    ],
)
def test_what_is_merely_told_is_left_and_noted(text: str, masked: str, noted: list[str]) -> None:
    """Nouns of facts and notes, the age, days of mails are shown; rare names are masked."""
    seen = _seen(text)
    assert seen.masked == masked
    assert [text[m.start : m.end] for m in seen.noted] == noted


@pytest.mark.parametrize(
    "text",
    [
        "The lawyer takes a look, the next one has called.",
        "on 29 April, at 4/30, at 7:30 pm, Friday or Monday",
        "Haus and Zarnholt, hugs",
        "San Francisco, the park, a diabetic, 340 of 1.345",
    ],
)
def test_what_the_context_does_not_tell_is_not_noted(text: str) -> None:
    """Verbs, the commonest words, messages of others, days in numbers, German runs, other words."""
    seen = _seen(text)
    assert seen.masked == text
    assert seen.noted == ()


@pytest.mark.parametrize(
    "text",
    [
        "I am {}.",
        "I'm {}, a nurse",
        "I am now {} and well",
        "she is {}!",
        "Ada turned {} in May",
        "Ich bin {} und froh",
        "Bob's {}",
    ],
)
def test_an_age_is_certain_where_it_is_said_of_somebody(text: str) -> None:
    """The number is masked, and nothing beside it; another number is not."""
    lexicon = build_lexicon(NEWCOMER)
    said = text.format(34)
    at = said.index("34")
    assert (at, at + 2) in [(m.start, m.end) for m in lexicon.find(said)]
    assert not any(m.kind == "NUMBER" for m in lexicon.find(text.format(35)))


@pytest.mark.parametrize(
    "text",
    [
        "I am 34 minutes late",
        "it is 34.",
        "It is 34.",
        "I am 34.5 miles away",
        "the bus is 34",
        "Who is 3.4?",
        "I'm 34% sure",
        "see page 34",
    ],
)
def test_other_numbers_are_no_age(text: str) -> None:
    """With a unit, of a thing, within a longer number."""
    assert build_lexicon(NEWCOMER).find(text) == []


def test_a_number_stays_certain_until_its_sentence_tells_otherwise() -> None:
    """As a text grows, what was let through can't become an age later."""
    lexicon = build_lexicon(NEWCOMER)
    for text in ("I am 34 with three dogs", "I am 34 weeks in", "I am 34, a nurse"):
        found = [bool(lexicon.find(text[:end])) for end in range(len("I am 34"), len(text) + 1)]
        assert found == sorted(found, reverse=True)


def test_the_persona_is_masked_and_noted_by_her_mailbox() -> None:
    """A place that her mail alone names is masked, its day is shown; her demonstration reads on."""
    (context,) = import_files(persona_files()).contexts.values()
    text = "Thank Juna for the birthday dinner at Casa Lume on Friday 30 April"
    seen = _seen(text, context)
    assert seen.masked == ("Thank [NAME_1] for the birthday dinner at [PLACE_1] on Friday 30 April")
    assert [text[m.start : m.end] for m in seen.noted] == ["Friday 30 April"]
    assert _seen(DEMO_INSTRUCTION, context).noted == ()
