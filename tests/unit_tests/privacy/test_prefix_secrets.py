"""A value of any length that is written token by token never leaves in part, nor does an echo."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.echo import EchoDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation

ALNUM = string.ascii_letters + string.digits


def make(echoes: EchoDetector | None = None) -> tuple[PrefixMask, Conversation]:
    detectors = (PatternDetector(), *([echoes] if echoes else []))
    gate, conversation = EgressGate(PrivateLexicon(), detectors=detectors), Conversation()
    return PrefixMask(gate.find, conversation.mask, gate.lexicon, gate.grows), conversation


def shown(mask: PrefixMask) -> str:
    """What a remote has seen."""
    parts, at = [], 0
    for span in mask.spans:
        parts += [mask.text[at : span.start], span.mark]
        at = span.end
    return "".join([*parts, mask.text[at : mask.settled]])


def follow(before: str, secret: str, after: str, cuts: list[int]) -> None:
    """Pushes a text in pieces, and checks at each that nothing of the secret was shown."""
    mask, conversation = make()
    text = before + secret + after
    ends = sorted({cut % len(text) for cut in cuts} | {len(text)})
    reached = 0
    for end in ends:
        mask.push(text[reached:end])
        reached = end
        seen = shown(mask)
        assert before.startswith(seen[: len(before)])
        assert "[" in seen[len(before) :] or mask.settled <= len(before)
    mask.finish()
    seen = shown(mask)
    assert conversation.restore(seen) == text
    assert seen.startswith(before + "[")
    assert secret[-6:] not in seen


def cuts(secret: int) -> st.SearchStrategy[list[int]]:
    return st.one_of(
        st.just(list(range(secret + 200))),
        st.lists(st.integers(0, secret + 200), max_size=60),
    )


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_known_token_of_any_length_never_leaves_in_part(data: st.DataObject) -> None:
    """By its first letters it is held, until it is whole and masked."""
    marker = data.draw(st.sampled_from(["sk-proj-", "ghp_", "hf_", "npm_", "xai-", "glpat-"]))
    size = data.draw(st.integers(36, 600))
    body = data.draw(st.text(ALNUM, min_size=size, max_size=size))
    follow("Use this one: ", marker + body, " and no other.", data.draw(cuts(size)))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_long_url_never_leaves_in_part(data: st.DataObject) -> None:
    """However long its path is."""
    size = data.draw(st.integers(4, 500))
    path = "/".join([data.draw(st.text(ALNUM + "-_", min_size=size, max_size=size)), "end1"])
    follow("It is at ", f"https://files.example/{path}", " for you.", data.draw(cuts(size)))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_pem_block_never_leaves_in_part(data: st.DataObject) -> None:
    """From its first hyphen to its last, over many lines."""
    lines = data.draw(st.integers(1, 12))
    body = "\n".join(
        data.draw(st.text(ALNUM + "+/", min_size=64, max_size=64)) for _ in range(lines)
    )
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    follow("Here it is:\n", block, "\nKeep it safe.", data.draw(cuts(len(block))))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_password_after_its_word_never_leaves_in_part(data: st.DataObject) -> None:
    """What stands behind the word is held from its first letter on."""
    size = data.draw(st.integers(6, 200))
    value = data.draw(st.text(ALNUM, min_size=size, max_size=size)) + "x7Q"
    mask, _ = make()
    for character in f"the password: {value} works.":
        mask.push(character)
        seen = shown(mask)
        assert len(seen) <= len("the password: ") or "[NUMBER_1]" in seen
    assert shown(mask).startswith("the password: [NUMBER_1] work")


@pytest.mark.parametrize(
    "text", ["I do like the key of it, so. ", "It is at ten. See you ", "Yours "]
)
def test_plain_words_are_not_held_once_a_space_follows(text: str) -> None:
    """What no pattern begins with is settled."""
    mask, _ = make()
    for character in text:
        mask.push(character)
    assert not mask.is_open


FACT = "repairs a walnut harmonium beside the derelict lighthouse on Sundays"
LETTER = "Old friend, we never did find out who painted those seven boats blue that spring."


@pytest.mark.parametrize("size", [1, 2, 3, 5, 40])
def test_no_word_of_an_echoed_phrase_leaves(size: int) -> None:
    """A distinctive sequence of a private fact, in another sentence, in pieces of any size."""
    text = "My uncle keeps the walnut harmonium beside a shed, and a derelict lighthouse on Sunday."
    mask, conversation = make(EchoDetector(facts=[FACT]))
    for at in range(0, len(text), size):
        mask.push(text[at : at + size])
        assert "walnut" not in shown(mask)
        assert "harmon" not in shown(mask)
        assert "besid" not in shown(mask)
        assert "waln" not in shown(mask)
    mask.finish()
    assert conversation.restore(shown(mask)) == text
    assert shown(mask).startswith("My uncle keeps the [ITEM_1] a shed")


def test_of_a_copied_text_three_words_leave_at_most() -> None:
    """Eight words in a row are held from the fourth on; a line of a few from the first."""
    mask, conversation = make(EchoDetector([LETTER, "painted seven blue boats"]))
    for character in f"I said: {LETTER} And painted seven blue boats again":
        mask.push(character)
    mask.finish()
    seen = shown(mask)
    assert conversation.restore(seen).startswith("I said: Old friend, we never did")
    assert "did find" not in seen
    assert "painted" not in seen
    assert "boats" not in seen
