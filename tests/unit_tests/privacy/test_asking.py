"""Where the policy says ask, somebody is asked once, and the answer is what happens."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.exceptions import EgressDeniedError, UnclearedRequestError
from langchain_cogenesis.privacy.asking import EgressQuestion
from langchain_cogenesis.privacy.cleared import ClearedText
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.privacy.preview import Denied
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.privacy.transport import EgressGuard

ENDPOINT = "https://remote.example/v1"
VALUES = [
    PrivateValue("NAME", "Tomas Reyl"),
    PrivateValue("NAME", "Renata Vexmoor"),
    PrivateValue("PLACE", "Port Ellery"),
]
TEXT = "Invite Tomas and Renata to Port Ellery."


class Person:
    """Answers by the surface form, and keeps what was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[EgressQuestion] = []

    def __call__(self, question: EgressQuestion) -> Any:
        self.asked.append(question)
        answer = self.answers[question.surface]
        if isinstance(answer, Exception):
            raise answer
        return answer


def make_gate(ask: Any, kinds: tuple[str, ...] = ("NAME",), **settings: Any) -> EgressGate:
    policy = EgressPolicy(actions=dict.fromkeys(kinds, "ask"))
    return EgressGate(PrivateLexicon(VALUES), policy=policy, ask=ask, **settings)


def clear(gate: EgressGate, text: str = TEXT, conversation: Conversation | None = None) -> Any:
    return gate.clear(text, endpoint=ENDPOINT, conversation=conversation or Conversation())


def test_each_value_goes_the_way_that_was_answered() -> None:
    """One is let through, the other masked; what isn't asked about is masked as ever."""
    person = Person({"Tomas": "allow", "Renata": "mask"})
    assert clear(make_gate(person)).text == "Invite Tomas and [NAME_1] to [PLACE_1]."
    first, second = person.asked
    assert (first.kind, first.endpoint) == ("NAME", "https://remote.example:443")
    assert first.excerpt == "Invite [NAME?] and [NAME] to [PLACE]."
    assert second.excerpt == "Invite [NAME] and [NAME?] to [PLACE]."
    assert not any(name in repr(first) for name in ("Tomas", "Renata", "Ellery", "Invite"))
    with pytest.raises(AttributeError):
        first.kind = "PLACE"  # type: ignore[misc]


def test_an_answer_holds_for_its_conversation_and_endpoint() -> None:
    """The same value in any case is asked about once, and anew elsewhere."""
    person = Person({"Tomas": "allow", "TOMAS": "allow"})
    gate, conversation = make_gate(person), Conversation()
    assert clear(gate, "for Tomas", conversation).text == "for Tomas"
    assert clear(gate, "TOMAS, Tomas!", conversation).text == "TOMAS, Tomas!"
    assert len(person.asked) == 1
    clear(gate, "for Tomas")
    gate.clear("for Tomas", endpoint="https://other.example", conversation=conversation)
    assert len(person.asked) == 3
    gate.forget_answers()
    clear(gate, "for Tomas", conversation)
    assert len(person.asked) == 4


def test_a_preview_asks_and_what_follows_does_not() -> None:
    """What was answered while looking holds when it is sent; conversations may share a thread."""
    person = Person({"Tomas": "allow"})
    gate = make_gate(person)
    seen = gate.preview("for Tomas", endpoint=ENDPOINT, conversation=Conversation("a"))
    assert seen.masked == "for Tomas"
    assert clear(gate, "for Tomas", Conversation("a")).text == "for Tomas"
    assert len(person.asked) == 1
    clear(gate, "for Tomas", Conversation("b"))
    assert len(person.asked) == 2


def test_what_was_refused_refuses_the_text(tmp_path: Path) -> None:
    """No more is asked, nothing leaves, and the ledger says who decided; refusals are kept."""
    ledger = EgressLedger(tmp_path / "ledger", b"k" * 32)
    person = Person({"Tomas": "allow", "Renata": "refuse"})
    gate, conversation = make_gate(person, ledger=ledger), Conversation()
    for _ in range(2):
        with pytest.raises(EgressDeniedError, match=r"refused when asked about \(1 NAME\)") as told:
            gate.require(TEXT, endpoint=ENDPOINT, conversation=conversation)
        assert "Renata" not in str(told.value)
    assert len(person.asked) == 2
    [entry, _] = [entry.content for entry in ledger.entries()]
    assert entry["reasons"] == [
        {"kind": "NAME", "decision": "allow", "count": 1},
        {"kind": "NAME", "decision": "refuse", "count": 1},
    ]


def test_with_nobody_to_ask_nothing_leaves() -> None:
    """The error says what to do."""
    with pytest.raises(EgressDeniedError, match=r"nobody to ask.*ask=…"):
        make_gate(None).require(TEXT, endpoint=ENDPOINT, conversation=Conversation())
    assert clear(make_gate(None), "for nobody").text == "for nobody"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ValueError("Tomas!"), "raised ValueError"),
        ("yes", "a str that is no decision"),
        (None, "a NoneType that is no decision"),
        (True, "a bool that is no decision"),
        (["allow"], "a list that is no decision"),
    ],
)
def test_what_is_no_answer_refuses(answer: Any, says: str) -> None:
    """An error names its type and never the value, in no part of it."""
    gate = make_gate(Person({"Tomas": answer}))
    with pytest.raises(EgressDeniedError, match=says) as told:
        gate.require("for Tomas", endpoint=ENDPOINT, conversation=Conversation())
    error = told.value
    assert "Tomas" not in f"{error}{error.__cause__}{error.__context__}"


def test_a_question_that_failed_is_asked_again() -> None:
    """A fault is no answer: nothing is remembered of it."""
    person = Person({"Tomas": OSError()})
    gate, conversation = make_gate(person), Conversation()
    assert isinstance(clear(gate, "for Tomas", conversation), Denied)
    person.answers["Tomas"] = "allow"
    assert clear(gate, "for Tomas", conversation).text == "for Tomas"


def test_the_transport_lets_through_what_was_allowed_and_no_more(tmp_path: Path) -> None:
    """An allowed value stands in its own text; elsewhere in a request it is refused."""
    ledger = EgressLedger(tmp_path / "ledger", b"k" * 32)
    gate = make_gate(Person({"Tomas": "allow", "Renata": "mask"}), ledger=ledger)
    guard = EgressGuard(gate, ENDPOINT)
    text = clear(gate).text

    def send(**body: Any) -> None:
        guard.check("POST", f"{ENDPOINT}/chat/completions", {}, json.dumps(body).encode())

    send(messages=[{"role": "user", "content": text}])
    [entry] = [entry.content for entry in ledger.entries()]
    assert entry["reasons"] == [
        {"kind": "NAME", "decision": "allow", "count": 1},
        {"kind": "NAME", "decision": "mask", "count": 1},
    ]
    for body in ({"prompt": "Tomas"}, {"prompt": text, "model": "Tomas"}, {"prompt": text + "!"}):
        with pytest.raises(UnclearedRequestError):
            send(**body)


def test_what_was_allowed_may_stand_in_what_is_admitted() -> None:
    """A prompt that the program put together asks nothing: by the answers, or not at all."""
    person = Person({"Tomas": "allow", "Renata": "mask"})
    gate, conversation = make_gate(person), Conversation()
    text = clear(gate, TEXT, conversation).text
    where = {"endpoint": ENDPOINT, "conversation": conversation}
    assert isinstance(gate.admit(f"{text} Dear Tomas,", **where), ClearedText)
    assert isinstance(gate.admit(f"{text} Dear Renata,", **where), Denied)
    assert isinstance(gate.admit(f"{text} Dear Reyl,", **where), Denied)
    assert len(person.asked) == 2


def test_what_must_be_masked_does_not_leave_within_what_may_not() -> None:
    """An address that holds a name is not asked about where names are masked anyhow."""
    person = Person({"tomas.reyl@x.example": "allow"})
    gate = make_gate(person, ("EMAIL",))
    assert clear(gate, "to tomas.reyl@x.example").text == "to [EMAIL_1]"
    assert not person.asked
    gate = make_gate(person, ("EMAIL", "NAME"))
    out = clear(gate, "to tomas.reyl@x.example")
    assert out.text == "to tomas.reyl@x.example"
    assert not gate.known_values(out.text, ENDPOINT, gate.clearance(out.text, ENDPOINT).answers)


def test_a_typed_placeholder_is_masked_whatever_is_answered() -> None:
    """It would come back as another's value."""
    gate = make_gate(lambda question: "allow", ("ITEM", "NAME"))
    assert clear(gate, "[NAME_1] for Tomas").text == "[ITEM_1] for Tomas"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["Tomas", "Renata", "REYL", "Port Ellery", "and", "\n"]), max_size=10),
    st.dictionaries(
        st.sampled_from(["Tomas", "Renata", "REYL", "Port Ellery"]),
        st.sampled_from(["allow", "mask"]),
    ),
)
def test_only_allowed_values_are_left(words: list[str], said: dict[str, str]) -> None:
    """Whatever is answered: what leaves holds no value but those that were allowed."""
    gate = make_gate(lambda question: said.get(question.surface, "mask"), ("NAME", "PLACE"))
    conversation = Conversation()
    out = clear(gate, " ".join(words), conversation)
    # Two names side by side may be one value, which is asked about as one.
    found = {out.text[m.start : m.end] for m in gate.lexicon.find(out.text)}
    assert found <= {surface for surface, answer in said.items() if answer == "allow"}
    assert conversation.restore(out.text) == " ".join(words)


async def test_a_coroutine_function_answers_on_the_waiting_loop() -> None:
    """From `arequire` it runs where the caller runs, which goes on meanwhile."""
    loop, answered = asyncio.get_running_loop(), asyncio.Event()

    async def ask(question: EgressQuestion) -> str:
        assert asyncio.get_running_loop() is loop
        await answered.wait()
        return "allow"

    gate = make_gate(ask)
    waiting = asyncio.create_task(
        gate.arequire("for Tomas", endpoint=ENDPOINT, conversation=Conversation())
    )
    await asyncio.sleep(0.05)
    assert not waiting.done()
    answered.set()
    assert (await waiting).text == "for Tomas"


async def test_a_coroutine_function_answers_a_blocking_call_too() -> None:
    """On a loop of its own: inside a running loop, and outside of any."""

    async def ask(question: EgressQuestion) -> str:
        await asyncio.sleep(0)
        return "allow"

    assert clear(make_gate(ask), "for Tomas").text == "for Tomas"
    outside = asyncio.to_thread(clear, make_gate(ask), "for Tomas")
    assert (await outside).text == "for Tomas"


async def test_a_question_that_nobody_waits_for_is_withdrawn() -> None:
    """A cancelled call leaves no thread that waits for ever."""
    asked, withdrawn = asyncio.Event(), asyncio.Event()

    async def ask(question: EgressQuestion) -> str:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        return "allow"

    gate = make_gate(ask)
    waiting = asyncio.create_task(
        gate.arequire("for Tomas", endpoint=ENDPOINT, conversation=Conversation())
    )
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(withdrawn.wait(), 10)


def test_many_threads_ask_once() -> None:
    """Those who come while a question is open wait for its answer."""
    open_question, count = threading.Event(), []

    def ask(question: EgressQuestion) -> str:
        count.append(question)
        open_question.wait(0.2)
        return "allow"

    gate, conversation = make_gate(ask), Conversation()
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda n: clear(gate, f"{n} Tomas", conversation).text, range(4)))
    assert texts == [f"{n} Tomas" for n in range(4)]
    assert len(count) == 1
