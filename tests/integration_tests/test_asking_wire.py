"""What was answered to a question is what leaves, at every door of the chat models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from recorder import Recorder, find_values, recorded_requests, recording_server

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    ChatLogitFusion,
    EgressGate,
    EgressPolicy,
    FusionHelper,
    LocalNextTokenModel,
    PrivateLexicon,
    PrivateValue,
    UserSession,
    connect,
    create_remote,
    serve_in_child,
)
from langchain_cogenesis.context.schema import Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import EgressDeniedError
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES

CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Quillara Vexmoor",
        contacts=(
            Contact(name="Osric Thandeka", relation="friend"),
            Contact(name="Pernelle Oxbridge", relation="friend"),
        ),
    )
)
INSTRUCTION = "Invite Osric and Pernelle to the lake."
POLICY = EgressPolicy(actions={"NAME": "ask"})


class Person:
    """Lets Osric through and no other; counts; as a function or a coroutine function."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.loops: list[object] = []

    def answer(self, question: Any) -> str:
        self.asked.append(question.surface)
        return "allow" if question.surface == "Osric" else "mask"

    async def answer_later(self, question: Any) -> str:
        self.loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return self.answer(question)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Recorder]:
    """The endpoint."""
    with recording_server(tmp_path) as running:
        yield running


@pytest.fixture
def session(tmp_path: Path) -> Iterator[UserSession]:
    """A user with two friends, who is asked about names."""
    with UserSession("quill", tmp_path / "home", policy=POLICY, create=True) as made:
        made.add(CONTEXT)
        yield made


@contextmanager
def make(session: UserSession, wire: Recorder, ask: Any, **more: Any) -> Iterator[ChatCoGenesis]:
    session.gate.ask = ask
    remote = create_remote(wire.base_url, "m", gate=session.gate, **more)
    yield ChatCoGenesis(local=ChatLocalLlama(max_tokens=8), remote=remote, session=session)
    remote.close()


async def _use(model: ChatCoGenesis, door: str, mode: str) -> str:
    if door == "invoke":
        return str(model.invoke(INSTRUCTION, mode=mode).content)
    if door == "stream":
        return "".join(str(chunk.content) for chunk in model.stream(INSTRUCTION, mode=mode))
    if door == "ainvoke":
        return str((await model.ainvoke(INSTRUCTION, mode=mode)).content)
    return "".join([str(chunk.content) async for chunk in model.astream(INSTRUCTION, mode=mode)])


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("door", ["invoke", "stream", "ainvoke", "astream"])
async def test_what_was_allowed_leaves_and_nothing_else(
    session: UserSession, wire: Recorder, door: str, later: bool
) -> None:
    """One name was allowed: it stands in the request, in the ledger is who said so."""
    person = Person()
    with make(session, wire, person.answer_later if later else person.answer) as model:
        await _use(model, door, "remote")
        # Once more, and in another mode: it is the same conversation.
        await _use(model, door, "sketch")
    assert find_values(wire.record_file, ["Osric"])
    assert not find_values(wire.record_file, ["Pernelle", "Thandeka", "Quillara", "Oxbridge"])
    assert person.asked == ["Osric", "Pernelle"]
    if later and door.startswith("a"):
        assert person.loops == [asyncio.get_running_loop()] * 2
    entry, *_ = [entry.content for entry in session.ledger.entries()]
    assert entry["reasons"] == [
        {"kind": "NAME", "decision": "allow", "count": 1},
        {"kind": "NAME", "decision": "mask", "count": 1},
    ]


def test_a_retry_of_the_client_does_not_ask(session: UserSession, wire: Recorder) -> None:
    """A request that is sent again is in the ledger again, and was asked about once."""
    person = Person()
    wire.set_fault("error", 1)
    with make(session, wire, person.answer, max_retries=1) as model:
        model.invoke(INSTRUCTION, mode="remote")
    assert len(recorded_requests(wire.record_file)) == 2
    assert person.asked == ["Osric", "Pernelle"]
    reasons = [entry.content["reasons"] for entry in session.ledger.entries()]
    assert len(reasons) == 2
    assert reasons[0] == reasons[1]


def test_a_mode_that_answers_for_another_does_not_ask(session: UserSession, wire: Recorder) -> None:
    """The remote gives no log-probabilities, so an outline is asked for: with the same answers."""
    person = Person()
    with make(session, wire, person.answer) as model:
        answer = model.invoke(INSTRUCTION, mode="logits", on_remote_error="local")
    assert answer.response_metadata["cogenesis"]["mode"] == "sketch"
    assert person.asked == ["Osric", "Pernelle"]


@pytest.mark.parametrize("ask", [None, lambda question: 1 / 0])
def test_without_an_answer_nothing_leaves(session: UserSession, wire: Recorder, ask: Any) -> None:
    """Refused by default; with `on_remote_error="local"` the local model answers alone."""
    with make(session, wire, ask) as model:
        with pytest.raises(EgressDeniedError, match="ask"):
            model.invoke(INSTRUCTION, mode="remote")
        answer = model.invoke(INSTRUCTION, on_remote_error="local")
    assert answer.response_metadata["cogenesis"]["mode"] == "local"
    assert recorded_requests(wire.record_file) == []


def test_logit_mode_asks_once_for_the_whole_text() -> None:
    """The instruction is asked about; what the models write is masked without a question."""
    person = Person()
    values = [PrivateValue("NAME", "Osric Thandeka"), PrivateValue("NAME", "Pernelle Oxbridge")]
    gate = EgressGate(
        PrivateLexicon(values), policy=POLICY, ask=person.answer_later,
        public_texts=PUBLIC_TEMPLATES,
    )  # fmt: skip
    local = ChatLocalLlama(max_tokens=12)
    with serve_in_child("house-large") as endpoint:
        vocabulary = LocalNextTokenModel(local.engine).vocabulary
        remote = connect(
            endpoint.base_url, endpoint.model, api_key=endpoint.api_key, gate=gate,
            local_vocabulary=vocabulary,
        )  # fmt: skip
        model = ChatLogitFusion(local=local, helpers=(FusionHelper(remote),), gate=gate)
        answer = asyncio.run(_ainvoke(model, person))
        tokens = answer.response_metadata["cogenesis"]["tokens"]
        remote.close()
    assert person.asked == ["Osric", "Pernelle"]
    assert tokens.get("asked", 0) > 0


async def _ainvoke(model: ChatLogitFusion, person: Person) -> Any:
    answer = await model.ainvoke(INSTRUCTION)
    assert person.loops == [asyncio.get_running_loop()] * 2
    return answer
