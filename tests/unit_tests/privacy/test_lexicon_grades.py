"""What is certainly the user's is masked; what may be a common word is left, and noted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation

LEXICON = PrivateLexicon(
    [
        PrivateValue("NAME", "Will Thorsby"),
        PrivateValue("NAME", "Grace May"),
        PrivateValue("NAME", "Asher Vexmoor"),
        PrivateValue("PLACE", "Reading"),
        PrivateValue("PLACE", "Main Street"),
        PrivateValue("ITEM", "lamp"),
        PrivateValue("DATE", "1985-05-03"),
        PrivateValue("AMOUNT", "$1,250.00"),
        PrivateValue("NAME", "@will"),
        PrivateValue("URL", "https://www.vexmoor.example/asher/"),
    ],
    events=["2026-06-12T19:00", "2026-07-05"],
)


def found(text: str) -> list[tuple[str, str]]:
    return [(text[m.start : m.end], m.kind) for m in LEXICON.find(text)]


def noted(text: str) -> list[str]:
    return [text[m.start : m.end] for m in LEXICON.noted(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("please ask Will about it", "Will"),
        ("Dear Will,", "Will"),
        ("Will's boat is late", "Will"),
        ("will thorsby is late", "will thorsby"),
        ("W. Thorsby is late", "W. Thorsby"),
        ("so Will T. is late", "Will T"),
        ("thank Dr. Will for it", "Will"),
        ("she lives in Reading now", "Reading"),
        ("the letter for Grace came", "Grace"),
        ("12 Main Street", "Main Street"),
        ("hello @will there", "will"),
        ("see vexmoor.example/asher for it", "vexmoor.example/asher"),
        ("A s h e r is here", "A s h e r"),
        ("Will, come in", "Will"),
        ("It is late. “Grace, come in”", "Grace"),
        ("best wishes,\nGrace", "Grace"),
        ("name: (Will)", "Will"),
        ("with Osk, Grace, Juna", "Grace"),
    ],
)
def test_a_common_word_that_is_written_as_a_name_is_certain(text: str, value: str) -> None:
    """With a capital within a sentence, with `'s`, or beside another part of the name."""
    assert [surface for surface, _ in found(text)] == [value]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("you will see", ["will"]),
        ("Will you come?", ["Will"]),
        ("It is late. May I come?", ["May"]),
        ("they say grace and enjoy reading", ["grace", "reading"]),
        ("A Guide To Reading Music", ["Reading"]),
        ("a house on a main street", ["main street"]),
        ("a red lamp and a Lamp", ["lamp", "Lamp"]),
        ("it was as her mother said", []),
        ("AND SO IT WILL BE", ["WILL"]),
        ("come at 7 pm", ["7 pm"]),
    ],
)
def test_a_common_word_is_left_and_noted(text: str, left: list[str]) -> None:
    """In small type, at the beginning of a sentence, in a heading; a time of day alone."""
    assert found(text) == []
    assert noted(text) == left
    assert all(match.grade == "ambiguous" for match in LEXICON.noted(text))


def test_a_name_is_a_name_wherever_it_has_a_capital() -> None:
    """Once it surely is one, it is at the beginning of a sentence too, and not in small type."""
    text = "Will barely spoke. We will ask Will. Will he?"
    assert [m.start for m in LEXICON.find(text)] == [0, 31, 37]
    assert noted(text) == ["will"]


@pytest.mark.parametrize(
    "written",
    [
        "12 June",
        "12th June 2026",
        "June 12",
        "June 12th, 2026",
        "the 12th of June",
        "Jun 12",
        "Friday 12 June 2026",
        "Fri, Jun 12, 2026",
        "12/06/2026",
        "06/12/2026",
        "12.6.2026",
        "12.06.26",
        "12/06",
        "2026-06-12",
        "20260612",
        "5 July",
        "3 May 1985",
        "May 3rd",
    ],
)
def test_days_of_private_events_are_found(written: str) -> None:
    """In the usual ways to write them."""
    assert (written, "DATE") in found(f"we meet on {written}, as you know")


@pytest.mark.parametrize("text", ["page 1206", "in 2026", "13 June", "3/4 of it", "May 12", "June"])
def test_other_numbers_and_days_are_left(text: str) -> None:
    """Numbers without a sign between them are no date, and other days are nobody's."""
    assert found(text) == []


@pytest.mark.parametrize("clock", ["7 pm", "7pm", "7:00 p.m.", "19:00", "19.00", "19h00"])
def test_a_time_counts_beside_its_day_only(clock: str) -> None:
    """A time of day is certain near the day of the same event, on either side of it."""
    kinds = [kind for _, kind in found(f"we meet on 12 June at {clock}!")]
    assert kinds == ["DATE", "TIME"]
    assert [kind for _, kind in found(f"at {clock} on Friday, 12 June")] == ["TIME", "DATE"]
    assert [kind for _, kind in found(f"we meet on 5 July at {clock}!")] == ["DATE"]
    assert found(f"the shop closes at {clock}!") == []


@pytest.mark.parametrize(
    "written", ["$1,250", "$1250.00", "1,250 dollars", "USD 1250", "1250 $", "US$1,250"]
)
def test_sums_are_found_with_their_currency(written: str) -> None:
    """A number alone is no sum of money."""
    assert [kind for _, kind in found(f"pay {written} now")] == ["AMOUNT"]
    assert found("pay 1250 now") == []


def test_nothing_private_is_in_what_is_said_of_a_lexicon() -> None:
    """Neither its parts nor its errors show a value."""
    told = repr(LEXICON) + repr(LEXICON._typos) + repr(next(iter(LEXICON._forms.values())))
    assert "thorsby" not in told.lower()
    with pytest.raises(ValueError, match="unknown kind") as error:
        PrivateValue("NICKNAME", "Thorsby")
    assert "Thorsby" not in str(error.value)


PIECES = (
    "Will", "will", "Thorsby", "Thorsbi", "Grace", "May", "Reading", "Asher", "as her",
    "Main Street",
    " ", ". ", ", ", "\n", "\n\n", "'s", "Music", "To", "the", "[NAME_1]", "[NAME_", "12", " June",
    "7 pm", "19:00", "2026", "%41", "&#65;", "\\u0041", "QXNoZXI=", "\u200b", "é", "А", "0", "1",
    "$", "1250", "@will", "]", "王", "-",
)  # fmt: skip


def masked(text: str) -> tuple[str, Conversation]:
    conversation, parts, reached = Conversation(), [], 0
    for match in LEXICON.find(text):
        assert reached <= match.start < match.end <= len(text)
        parts += [text[reached : match.start]]
        parts += [conversation.mask(match.kind, text[match.start : match.end])]
        reached = match.end
    return "".join([*parts, text[reached:]]), conversation


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_what_was_masked_holds_nothing_more(pieces: list[str]) -> None:
    """Spans lie in the text in order, and finding again finds nothing."""
    text = "".join(pieces)
    assert LEXICON.find(masked(text)[0]) == []


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=10))
def test_certain_and_ambiguous_values_lie_apart(pieces: list[str]) -> None:
    """No character is both."""
    text = "".join(pieces)
    certain = {n for m in LEXICON.find(text) for n in range(m.start, m.end)}
    assert not certain & {n for m in LEXICON.noted(text) for n in range(m.start, m.end)}


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_a_growing_text_settles_nothing_that_is_certain(pieces: list[str]) -> None:
    """What a remote would be shown of a text, in whatever pieces it grew, holds no value."""
    gate, conversation = EgressGate(LEXICON, detectors=()), Conversation()
    mask = PrefixMask(gate.find, conversation.mask, LEXICON)
    for piece in pieces:
        mask.push(piece)
    mask.finish()
    shown, at = [], 0
    for span in mask.spans:
        shown += [mask.text[at : span.start], span.mark]
        at = span.end
    left = LEXICON.find("".join([*shown, mask.text[at:]]))
    assert left == []
