"""The lexicon finds known values however they are written, and leaves other words alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.normalize import canonicalize

NAME = PrivateValue("NAME", "Zoë Łukasz-Ferrant")
LEXICON = PrivateLexicon(
    [
        NAME,
        PrivateValue("PLACE", "Port Ellery, Dunmark"),
        PrivateValue("ORG", "Kilnhouse Studio GmbH"),
        PrivateValue("EMAIL", "zoe@kilnhouse.example"),
        PrivateValue("PHONE", "+49 170 555 0199"),
        PrivateValue("NUMBER", "KH-20871"),
        PrivateValue("NAME", "Bo Li"),
        PrivateValue("NAME", "Søren Kjær"),
        PrivateValue("NAME", "Ute Müller"),
        PrivateValue("ADDRESS", "12 Quay Lane, 4711 Port Sele"),
    ]
)


def found(text: str) -> list[str]:
    return [text[m.start : m.end] for m in LEXICON.find(text)]


@pytest.mark.parametrize(
    "written",
    [
        "Zoë Łukasz-Ferrant",
        "ZOË ŁUKASZ-FERRANT",
        "zoe łukasz ferrant",
        "Zoe\u0308 Łukasz-Ferrant",
        "Zoë\nŁukasz–Ferrant",
        "Z\u200boë Łukasz-Ferrant",
        "Ｚoë Łukasz-Ferrant",
        "ZoëŁukaszFerrant",
        "Port  Ellery",
        "port-ellery",
        "PORTELLERY",
        "kilnhouse studio",
        "KilnhouseStudio",
        "491705550199",
        "49 (170) 555-0199",
        "kh 20871",
        "ZOE@KILNHOUSE.EXAMPLE",
        "zoe lukasz ferrant",
        "Soren Kjaer",
        "Soeren",
        "MÜLLER",
        "Mueller",
        "12 Quay Lane",
        "quay lane",
        "Port Sele",
    ],
)
def test_a_value_is_found_however_it_is_written(written: str) -> None:
    """Case, accents, spacing, hyphens, zero-width and full-width forms make no difference."""
    text = f"please write to {written}, today"
    assert found(text) == [written]


@pytest.mark.parametrize("part", ["Zoë", "Ferrant", "Łukasz", "Dunmark", "Bo", "Li"])
def test_parts_of_names_and_places_are_found(part: str) -> None:
    """A name is private by its parts too, a place by what stands between its commas."""
    assert found(f"ask {part} about it") == [part]


@pytest.mark.parametrize(
    "text",
    [
        "the zoetrope is a toy",
        "he is a bold liar",
        "bo and li in small type",
        "the port was closed",
        "a studio flat with a kiln",
        "",
        "12345",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    """A value inside a longer word, or a part of a place that isn't one, is not found."""
    assert found(text) == []


def test_the_possessive_ends_before_the_apostrophe() -> None:
    """The `'s` of a possessive is not part of the value."""
    assert found("Zoë's kiln") == ["Zoë"]


def test_a_value_in_a_script_without_spaces_is_found_inside_a_sentence() -> None:
    """Chinese has no spaces between words; a value counts wherever it stands."""
    lexicon = PrivateLexicon([PrivateValue("NAME", "王小明")])
    match = lexicon.find("请给王小明写信")[0]
    assert "请给王小明写信"[match.start : match.end] == "王小明"


def test_right_to_left_text_is_matched() -> None:
    """Hebrew and Arabic names are found like any other."""
    lexicon = PrivateLexicon([PrivateValue("NAME", "נועה לוי")])
    assert len(lexicon.find("מכתב אל נועה לוי, בבקשה")) == 1


def test_placeholders_are_never_matched() -> None:
    """A user called Name is not found in `[NAME_1]`."""
    lexicon = PrivateLexicon([PrivateValue("NAME", "Name Oke")])
    assert [m.start for m in lexicon.find("dear [NAME_1], oke")] == [15]
    assert lexicon.find("[NAME_1]") == []


def test_nothing_private_is_printed() -> None:
    """Neither values nor lexicon show what they hold."""
    assert "Zo" not in repr(NAME)
    assert "Zo" not in repr(LEXICON)
    assert "Zo" not in repr(canonicalize("Zoë"))


# The counts of German words are read within the first text that may be German.
@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=20))
def test_spans_lie_in_the_text_in_order(text: str, value: str) -> None:
    """Whatever is looked for in whatever text, spans are in bounds and don't overlap."""
    matches = PrivateLexicon([PrivateValue("ITEM", value)]).find(text + value + text)
    reached = 0
    for match in matches:
        assert reached <= match.start < match.end <= len(text + value + text)
        reached = match.end


def test_a_word_that_a_value_begins_is_found_whole() -> None:
    """A model that spins a name out leaks it all the same; words of English are left alone."""
    lexicon = PrivateLexicon(
        [PrivateValue("NAME", "Madison Clark"), PrivateValue("NAME", "Martin")]
    )
    for text in ("Hello Madisonal,", "hello madisonalism", "Hello Madisonsquare!"):
        (match,) = lexicon.find(text)
        assert text[match.start : match.end].lower().startswith("madison")
        assert not text[match.end : match.end + 1].isalnum()
    for text in ("a martinet", "martini and martins"):
        assert lexicon.find(text) == []
