"""The text written so far, as a remote may see it."""

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
        PrivateValue("NAME", "Isabel Marín"),
        PrivateValue("PLACE", "Saltmarsh Hall"),
        PrivateValue("ORG", "Kilnhouse Studio"),
    ]
)
TEXT = (
    "Dear Isabel,\n\nThe show is at Saltmarsh Hall on 12 June. Isabel Marin from Kilnhouse Studio "
    "will speak; write to isabel@kiln.example or call +49 170 1234567.\n\nIs a hall free? Salt!"
)


def _mask() -> tuple[PrefixMask, Conversation]:
    gate, conversation = EgressGate(LEXICON), Conversation()
    return PrefixMask(gate.find, conversation.mask, LEXICON), conversation


def _masked(mask: PrefixMask) -> str:
    text, parts, at = mask.text, [], 0
    for span in mask.spans:
        parts += [text[at : span.start], span.mark]
        at = span.end
    return "".join([*parts, text[at : mask.settled]])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 400])
def test_pieces_make_no_difference(size: int) -> None:
    """Cut anywhere, the same spans come out, and nothing private is ever settled."""
    mask, conversation = _mask()
    shown: list[str] = []
    for at in range(0, len(TEXT), size):
        mask.push(TEXT[at : at + size])
        shown.append(_masked(mask))
    mask.finish()
    final = _masked(mask)
    assert conversation.restore(final) == TEXT
    assert final.startswith("Dear [NAME_1],\n\nThe show is at [PLACE_1] on 12 June. [NAME_2] from ")
    for seen in shown:
        assert final.startswith(seen)
        assert not LEXICON.find(seen)
        for part in ("isabel", "marin", "saltmarsh", "kilnhouse", "1234567"):
            assert part not in seen.lower()


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("Dear ", False),
        ("Dear I", True),
        ("Dear Isab", True),
        ("Dear Isabel", True),
        ("Dear Isabel ", True),
        ("Dear Isabel,", True),
        ("Dear Isabel,\n\nT", False),
        ("Dear Isabel M", True),
        ("Dear Isabel Marín", True),
        ("Dear Isabel Marín!", False),
        ("It is", True),
        ("It is a", True),
        ("It is at", False),
        ("at salt-", True),
        ("call 0170", True),
        ("call 0170 12", True),
        ("write to a@b", True),
        ("The end.", False),
    ],
)
def test_open_ends(text: str, is_open: bool) -> None:
    """An end is open while it could become a private value, or grow into a longer one."""
    mask, _ = _mask()
    for character in text:
        mask.push(character)
    assert mask.is_open is is_open


def test_what_is_settled_is_never_taken_back() -> None:
    """Spans lie behind what was settled before, and do not overlap."""
    mask, _ = _mask()
    reached = 0
    for character in TEXT:
        before = mask.settled
        known = len(mask.spans)
        mask.push(character)
        for span in mask.spans[known:]:
            assert span.start >= max(before, reached)
            reached = span.end


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.sampled_from(
            [
                "Isabel",
                " ",
                "Marin",
                "Salt",
                "marsh",
                "Hall",
                ".",
                "kiln",
                "house",
                "\n",
                "é",
                "42",
                "@",
            ]
        ),
        max_size=14,
    )
)
def test_no_known_value_is_ever_settled(pieces: list[str]) -> None:
    """Whatever is written, in whatever pieces, what may be shown holds no known value."""
    mask, conversation = _mask()
    for piece in pieces:
        mask.push(piece)
        assert not LEXICON.find(_masked(mask))
    mask.finish()
    assert not LEXICON.find(_masked(mask))
    assert conversation.restore(_masked(mask)) == "".join(pieces)
