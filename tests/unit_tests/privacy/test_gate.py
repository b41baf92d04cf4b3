"""The gate masks, refuses, restores exactly, and remembers what it cleared."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.exceptions import EgressDeniedError, PrivacyError
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.policy import EgressPolicy, origin
from langchain_cogenesis.privacy.preview import Denied
from langchain_cogenesis.privacy.restore import Conversation, StreamRestorer

ENDPOINT = "https://remote.example/v1"
VALUES = [
    PrivateValue("NAME", "Nora Lindqvist"),
    PrivateValue("NAME", "Tomas Reyl"),
    PrivateValue("PLACE", "Port Ellery"),
]


def make_gate(**settings: object) -> EgressGate:
    return EgressGate(PrivateLexicon(VALUES), **settings)  # type: ignore[arg-type]


def cleared(gate: EgressGate, text: str, conversation: Conversation | None = None) -> ClearedText:
    return gate.require(text, endpoint=ENDPOINT, conversation=conversation or Conversation())


def test_values_become_typed_placeholders() -> None:
    """Each surface form gets a placeholder of its kind, the same one every time."""
    out = cleared(make_gate(), "Nora meets Tomas in Port Ellery. Tomas pays, TOMAS!")
    assert out.text == "[NAME_1] meets [NAME_2] in [PLACE_1]. [NAME_2] pays, [NAME_3]!"
    assert dict(out.masked) == {"NAME": 4, "PLACE": 1}


def test_values_known_by_their_shape_are_masked_too() -> None:
    """E-mail addresses, phones, order numbers, IBANs and cards need no lexicon."""
    text = (
        "mail jo@x.example or call +1 415-555-0134, order no. AB-77812, "
        "DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111"
    )
    out = cleared(EgressGate(), text)
    assert out.text == (
        "mail [EMAIL_1] or call [PHONE_1], order no. [NUMBER_1], [NUMBER_2], card [NUMBER_3]"
    )


def test_an_address_that_holds_a_name_is_masked_whole() -> None:
    """A known value inside a longer shape does not leave the rest of it standing."""
    out = cleared(make_gate(), "write to nora.lindqvist@kiln.example")
    assert out.text == "write to [EMAIL_1]"


@pytest.mark.parametrize("text", ["in 2024-05-01", "3 of 10 people", "at 19:30", "1,000,000 euros"])
def test_dates_and_plain_numbers_are_left(text: str) -> None:
    """What only looks a little like a number of somebody's is left alone."""
    assert cleared(EgressGate(), text).text == text


# The counts of German words are read within the first text that may be German.
@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["Nora", "TOMAS REYL", "port  ellery", "[NAME_1]", "[ITEM_2]", "["]),
            st.text(max_size=12),
        ),
        max_size=12,
    )
)
def test_restoring_undoes_masking(parts: list[str]) -> None:
    """restore(mask(text)) == text, for texts that hold values and literal placeholders."""
    text = " ".join(parts)
    gate, conversation = make_gate(), Conversation()
    outcome = gate.clear(text, endpoint=ENDPOINT, conversation=conversation)
    assert isinstance(outcome, ClearedText)
    assert conversation.restore(outcome.text) == text
    assert not gate.known_values(outcome.text, ENDPOINT)


# The counts of German words are read within the first text that may be German.
@settings(deadline=None)
@given(st.data())
def test_restoring_a_stream_that_is_cut_anywhere(data: st.DataObject) -> None:
    """Pieces of any size give the same text as the whole."""
    conversation = Conversation()
    masked = cleared(make_gate(), "Nora, [x] Tomas [NAME_9] in Port Ellery [", conversation).text
    cuts = sorted(data.draw(st.lists(st.integers(0, len(masked)), max_size=8)))
    restorer = StreamRestorer(conversation)
    pieces = [masked[a:b] for a, b in zip([0, *cuts], [*cuts, len(masked)], strict=True)]
    text = "".join(restorer.push(piece) for piece in pieces) + restorer.finish()
    assert text == conversation.restore(masked)


def test_an_invented_placeholder_stays_and_is_reported() -> None:
    """A placeholder that the conversation never made is left visible."""
    conversation = Conversation()
    cleared(make_gate(), "for Nora", conversation)
    restorer = StreamRestorer(conversation)
    text = restorer.push("[NAME_1] and [NAME_7]") + restorer.finish()
    assert text == "Nora and [NAME_7]"
    assert restorer.unknown == ["[NAME_7]"]


def test_only_the_gate_makes_a_cleared_text() -> None:
    """The constructor, attributes and pickles are no way around the gate."""
    with pytest.raises(PrivacyError, match="by the egress gate only"):
        ClearedText("secret", ENDPOINT, {}, seal=object(), gate=EgressGate())
    out = cleared(make_gate(), "hello")
    with pytest.raises(AttributeError):
        out.text = "secret"
    with pytest.raises(TypeError):
        pickle.dumps(out)


def test_a_clearance_holds_for_its_endpoint_and_its_text() -> None:
    """What was cleared for one endpoint is not cleared for another, nor is anything like it."""
    gate = make_gate()
    out = cleared(gate, "for Nora")
    assert gate.clearance(out.text, ENDPOINT).masked == {"NAME": 1}
    assert gate.clearance(out.text, "https://other.example/v1") is None
    assert gate.clearance(out.text + " ", ENDPOINT) is None


def test_a_preview_clears_nothing() -> None:
    """Looking at what would leave does not let it leave."""
    gate = make_gate()
    seen = gate.preview("for Nora", endpoint=ENDPOINT, conversation=Conversation())
    assert seen.masked == "for [NAME_1]"
    assert gate.clearance("for [NAME_1]", ENDPOINT) is None
    assert "Nora" not in repr(seen)


def test_the_policy_can_refuse(tmp_path) -> None:
    """A refused kind denies the whole text, says kinds and counts, and is in the ledger."""
    ledger = EgressLedger(tmp_path / "ledger", b"k" * 32)
    gate = make_gate(policy=EgressPolicy(actions={"PLACE": "refuse"}), ledger=ledger)
    outcome = gate.clear("Nora in Port Ellery", endpoint=ENDPOINT, conversation=Conversation())
    assert isinstance(outcome, Denied)
    assert dict(outcome.kinds) == {"PLACE": 1}
    with pytest.raises(EgressDeniedError, match="1 PLACE") as caught:
        cleared(gate, "Nora in Port Ellery")
    assert "Ellery" not in str(caught.value)
    assert [entry.content["event"] for entry in ledger.entries()] == ["denied", "denied"]


def test_a_trusted_endpoint_sees_everything() -> None:
    """Declared in so many words, an endpoint gets the text as it is; its neighbours don't."""
    gate = make_gate(policy=EgressPolicy(trusted=frozenset({"https://remote.example"})))
    assert cleared(gate, "for Nora").text == "for Nora"
    other = gate.require("for Nora", endpoint="https://x.example", conversation=Conversation())
    assert other.text == "for [NAME_1]"


@pytest.mark.parametrize("url", ["", "remote.example", "ftp://x", "http://", "http://x:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """An endpoint is an HTTP URL with a host."""
    from langchain_cogenesis.exceptions import ConfigurationError

    with pytest.raises(ConfigurationError, match="not an HTTP URL"):
        origin(url)


def test_what_was_masked_before_is_admitted_as_it_is() -> None:
    """Text with this conversation's placeholders goes out unchanged; a value left in it doesn't."""
    gate = EgressGate(
        PrivateLexicon([PrivateValue("NAME", "Tomas Reyl")]), public_texts=("Keep [NAME_9].",)
    )
    conversation = Conversation()
    mark = conversation.mask("NAME", "Tomas")
    where = {"endpoint": "http://127.0.0.1:1/v1", "conversation": conversation}
    text = f"Keep [NAME_9].\nDear {mark}, I hope"
    admitted = gate.admit(text, **where)
    assert isinstance(admitted, ClearedText)
    assert admitted.text == text
    assert dict(admitted.masked) == {"NAME": 1}
    assert gate.clearance(text, where["endpoint"]) is not None
    for refused, kind in ((f"Dear {mark} Reyl", "NAME"), ("Dear [PLACE_7]", "PLACE")):
        denied = gate.admit(refused, **where)
        assert isinstance(denied, Denied)
        assert denied.kinds[kind] == 1
        assert gate.clearance(refused, where["endpoint"]) is None


def test_every_placeholder_counts_though_only_new_text_is_looked_at() -> None:
    """The counts of text that grows are those of the whole text, wherever it was cut."""
    gate = EgressGate(public_texts=("Keep [NAME_9].",))
    conversation = Conversation()
    name, place = conversation.mask("NAME", "Tomas"), conversation.mask("PLACE", "Wexford")
    where: Any = {"endpoint": "http://127.0.0.1:1/v1", "conversation": conversation}
    letter = f"Keep [NAME_9]. Dear {name}, come to {place}. " + "It is far. " * 30
    text = f"{letter}Yours, {name}, in {place}, {place}"
    whole = gate.admit(text, **where)
    assert isinstance(whole, ClearedText)
    assert dict(whole.masked) == {"NAME": 2, "PLACE": 3}
    for size in (1, 5, 120):
        known: ClearedText | None = None
        for end in [*range(len("Keep [NAME_9]."), len(text), size), len(text)]:
            since, before = (len(known.text), known.masked) if known else (0, None)
            found = gate.admit(text[:end], since=since, before=before, **where)
            assert isinstance(found, ClearedText)
            known = found
        assert known is not None
        assert known.masked == whole.masked
        clearance = gate.clearance(text, where["endpoint"])
        assert clearance is not None
        assert clearance.masked == whole.masked


def test_what_is_looked_at_again_may_begin_inside_a_template() -> None:
    """A template's own placeholders stand for nothing, wherever the new text begins."""
    template = "Keep placeholders such as [NAME_9] or [PLACE_9] as they are."
    gate = EgressGate(public_texts=(template,))
    text = f"{template}Write a post.I am selling"
    for since in range(len(text)):
        found = gate.admit(
            text, endpoint="http://127.0.0.1:1/v1", conversation=Conversation(), since=since
        )
        assert isinstance(found, ClearedText)


def test_a_preview_notes_what_may_be_private_and_is_left() -> None:
    """A name that is a common word too is left in lower case, and shown to the user."""
    gate = EgressGate(PrivateLexicon([PrivateValue("NAME", "Grace Vexmoor")]))
    text = "Ask about the grace period, then thank Grace."
    seen = gate.preview(text, endpoint="https://x.example", conversation=Conversation())
    assert seen.masked == "Ask about the grace period, then thank [NAME_1]."
    assert [text[m.start : m.end] for m in seen.noted] == ["grace"]
