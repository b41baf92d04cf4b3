"""What was masked comes back as it was; what a model bent or invented stays, and is told."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_cogenesis.exceptions import PrivacyError
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_KINDS, placeholder
from langchain_cogenesis.privacy.restore import Conversation, StreamRestorer

BENT = [
    "[name_1]",
    "NAME_1",
    "[NAME 1]",
    "[NAME_1",
    "[Name_1]",
    r"\[NAME\_1\]",
    "[NAME-1]",
    "[NAME1]",
]
PIECES = st.one_of(
    st.text(max_size=12),
    st.builds(placeholder, st.sampled_from(PLACEHOLDER_KINDS), st.integers(1, 12)),
    st.sampled_from([*BENT, "[", "]", "[NAME_", "[[", "_1]", "[NUMBER_[EMAIL_1]", "jo@mail.example",
                     "+44 20 7946 0958", "order no. AB-77812"]),
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=10).map("".join)


def _streamed(restorer: StreamRestorer, text: str, cuts: list[int]) -> str:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    return "".join([*map(restorer.push, pieces), restorer.finish()])


@given(TEXTS, st.lists(st.integers(0, 300), max_size=12))
def test_masked_text_comes_back_whole_and_streamed(text: str, cuts: list[int]) -> None:
    """Any text, with placeholders that the user typed, in pieces of any size."""
    conversation = Conversation()
    masked = (
        EgressGate()
        .preview(text, endpoint="https://remote.example", conversation=conversation)
        .masked
    )
    assert masked is not None
    assert conversation.restore(masked) == text
    assert conversation.unknown(masked) == []
    restorer = StreamRestorer(conversation)
    assert _streamed(restorer, masked, cuts) == text
    assert restorer.unknown == []


@given(TEXTS, st.lists(st.integers(0, 300), max_size=12))
def test_a_stream_gives_and_tells_what_the_whole_text_does(text: str, cuts: list[int]) -> None:
    """An answer of any kind: restored, unknown and bent don't depend on where it was cut."""
    conversation = Conversation()
    conversation.mask("NAME", "Tomas")
    conversation.mask("EMAIL", "[NAME_1]")
    restorer = StreamRestorer(conversation)
    assert _streamed(restorer, text, cuts) == conversation.restore(text)
    assert restorer.unknown == conversation.unknown(text)
    assert restorer.bent == conversation.bent(text)


@pytest.mark.parametrize("mark", BENT)
@pytest.mark.parametrize("around", ["{}", "Dear {}, hello", "({})", "{}\n"])
def test_a_bent_placeholder_stays_and_is_told(mark: str, around: str) -> None:
    """It is never guessed which value was meant."""
    conversation = Conversation()
    conversation.mask("NAME", "Tomas")
    text = around.format(mark)
    assert conversation.restore(text) == text
    assert len(conversation.bent(text)) == 1
    assert conversation.unknown(text) == []


def test_an_invented_placeholder_stays_and_is_told() -> None:
    """Nothing stands for it."""
    conversation = Conversation()
    conversation.mask("NAME", "Tomas")
    assert conversation.restore("[NAME_1] and [NAME_9]") == "Tomas and [NAME_9]"
    assert conversation.unknown("[NAME_1] and [NAME_9]") == ["[NAME_9]"]


@pytest.mark.parametrize(
    "text", ["([NAME_1])", "[[NAME_1]](x)", "item 1", "(time 5)", "name_1 = 2"]
)
def test_what_is_whole_or_only_a_word_is_not_bent(text: str) -> None:
    """Brackets around a placeholder, words with numbers and names in programs are none."""
    assert Conversation().bent(text) == []


def test_surface_forms_come_back_each_as_it_was() -> None:
    """One value in two spellings has two placeholders."""
    conversation = Conversation()
    marks = [conversation.mask("PLACE", surface) for surface in ("Miami", "MIAMI", "Miami")]
    assert marks == ["[PLACE_1]", "[PLACE_2]", "[PLACE_1]"]
    assert conversation.restore(" ".join(marks)) == "Miami MIAMI Miami"


def test_more_values_than_placeholders_can_number_are_refused() -> None:
    """The ten-thousandth value of a kind could not come back: it is refused, not lost."""
    conversation = Conversation()
    for number in range(9999):
        conversation.mask("NUMBER", str(number))
    assert conversation.restore("[NUMBER_9999]") == "9998"
    with pytest.raises(PrivacyError, match="9999"):
        conversation.mask("NUMBER", "one more")
    assert conversation.mask("NAME", "Tomas") == "[NAME_1]"


OWNERS = PrivateLexicon(
    [
        PrivateValue("NAME", "Tomas Reyl"),
        PrivateValue("NAME", "Nina Groß"),
        PrivateValue("PLACE", "Karlsruhe"),
        PrivateValue("PLACE", "Bremen"),
    ]
)
ENDED = st.lists(
    st.sampled_from(
        ["Tomas", "Nina", "Groß", "Reyl", "Karlsruhe", "Bremen", "s", "er", "ern", "n", "'", " ",
         "-", "studio", "ß", "[NAME_1]", "[PLACE_1]er", "."]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(ENDED, st.lists(st.integers(0, 60), max_size=6))
def test_german_endings_come_back_as_they_were(text: str, cuts: list[int]) -> None:
    """Values with endings that restoring would otherwise fit, glued to each other in any way."""
    conversation = Conversation()
    gate = EgressGate(OWNERS)
    masked = gate.preview(text, endpoint="https://r.example", conversation=conversation).masked
    assert masked is not None
    assert conversation.restore(masked) == text
    assert _streamed(StreamRestorer(conversation), masked, cuts) == text


@pytest.mark.parametrize(
    ("kind", "value", "answer", "restored"),
    [
        ("NAME", "Tomas", "[NAME_1]s Ausstellung", "Tomas' Ausstellung"),
        ("NAME", "Groß", "Frau [NAME_1]s Katze", "Frau Groß' Katze"),
        ("NAME", "Nina", "[NAME_1]s Ausstellung", "Ninas Ausstellung"),
        ("NAME", "Tomas", "[NAME_1]'s exhibition", "Tomas's exhibition"),
        ("NAME", "Tomas", "die [NAME_1]-Ausstellung", "die Tomas-Ausstellung"),
        ("NAME", "Tomas", "im [NAME_1]studio", "im Tomasstudio"),
        ("PLACE", "Hamburg", "im [PLACE_1]er Hafen", "im Hamburger Hafen"),
        ("PLACE", "Karlsruhe", "die [PLACE_1]er Oper", "die Karlsruher Oper"),
        ("PLACE", "Karlsruhe", "den [PLACE_1]ern", "den Karlsruhern"),
        ("PLACE", "Bremen", "der [PLACE_1]er Dom", "der Bremener Dom"),
        ("EMAIL", "jo@mail.examples", "[EMAIL_1]s", "jo@mail.exampless"),
    ],
)
def test_an_ending_that_a_remote_wrote_is_fitted(
    kind: str, value: str, answer: str, restored: str
) -> None:
    """Where spelling leaves no choice; whole, and letter by letter."""
    conversation = Conversation()
    conversation.mask(kind, value)
    assert conversation.restore(answer) == restored
    cuts = list(range(len(answer)))
    assert _streamed(StreamRestorer(conversation), answer, cuts) == restored
