"""What really leaves the process: no private value, in any mode, by any door, in any fault.

A recorder in a process of its own keeps the raw bytes. The values it is searched for come from the
raw context below, not from the package's lexicon. Every check has a twin with a planted leak, which
the recorder must find: a search that can't find anything proves nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from recorder import Recorder, find_values, recorded_requests, recording_server

from langchain_cogenesis import ChatCoGenesis, ChatLocalLlama, LlamaCppEngine, create_remote
from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.exceptions import RemoteError, UnclearedRequestError
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES
from langchain_cogenesis.session import UserSession

STRUCTURED = (
    "Quillara Vexmoor",
    "Brontide Foundry",
    "Zarnholt",
    "quill@vexmoor.example",
    "+49 170 555 0123",
    "14 Umberlane Rise",
    "Osric Thandeka",
    "osric@thandeka.example",
    "+1 415-555-0177",
    "Vesper Hall",
    "Ilmari Quade",
    "Pernelle Oxbridge",
    "ZX-88123",
)
FREE = (
    "collects moonlit tessellations",
    "underline the gerunds",
    "welds kinetic sundials",
    "allergic to persimmon varnish",
    "quarterly otter symposium",
    "signed with a wax comet",
    "dreams of basalt harpsichords",
    "brass-goggled enamellist",
)
CANARIES = STRUCTURED + FREE
CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Quillara Vexmoor",
        age=47,
        occupation="brass-goggled enamellist",
        company="Brontide Foundry",
        location="Zarnholt",
        email="quill@vexmoor.example",
        phone="+49 170 555 0123",
        address="14 Umberlane Rise",
        traits=("collects moonlit tessellations",),
        style=("underline the gerunds", "Closing: Hugs"),
        contacts=(
            Contact(
                name="Osric Thandeka",
                relation="friend",
                email="osric@thandeka.example",
                phone="+1 415-555-0177",
            ),
        ),
        facts=("welds kinetic sundials", "allergic to persimmon varnish, order no. ZX-88123"),
    ),
    activities=(
        Activity(
            kind="calendar",
            when="2025-06-14T19:00",
            text="quarterly otter symposium",
            place="Vesper Hall",
            people=("Ilmari Quade",),
        ),
        Activity(kind="note", text="dreams of basalt harpsichords"),
    ),
    writings=(
        WritingSample(
            text="signed with a wax comet", title="to a patron", recipient="Pernelle Oxbridge"
        ),
    ),
)
INSTRUCTION = f"Write about the otters and the sundials. Mention {', '.join(STRUCTURED)}."
FAULTS = (None, "error", "rate_limit", "close_mid_stream", "not_json", "redirect", "hang", "echo")


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A server that records, for the checks that must find nothing."""
    with recording_server(tmp_path_factory.mktemp("record")) as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> LlamaCppEngine:
    """The local model's engine, whose vocabulary reads token ids."""
    return LlamaCppEngine.shared("house-small")


def blind(gate: EgressGate) -> EgressGate:
    """Plants the leak: a gate that knows no value, where one that knows all should stand."""
    gate.lexicon = PrivateLexicon()
    gate.detectors = ()
    return gate


class Maker:
    """Makes models, and closes their connections when the test is over."""

    def __init__(self) -> None:
        self.made: list[ChatRemote] = []

    def remote(self, recorder: Recorder, gate: EgressGate, **more: Any) -> ChatRemote:
        made = create_remote(
            recorder.base_url, "recorded", gate=gate, timeout=1.0, max_retries=1, **more
        )
        self.made.append(made)
        return made

    def model(self, recorder: Recorder, session: UserSession) -> ChatCoGenesis:
        return ChatCoGenesis(
            local=ChatLocalLlama(max_tokens=8),
            remote=self.remote(recorder, session.gate),
            session=session,
            on_remote_error="local",
        )


@pytest.fixture
async def make() -> AsyncIterator[Maker]:
    """Makes models whose connections are closed afterwards."""
    maker = Maker()
    yield maker
    for remote in maker.made:
        await remote.aclose()


async def by_invoke(model: ChatCoGenesis, mode: str) -> str:
    return str(model.invoke(INSTRUCTION, mode=mode).content)


async def by_ainvoke(model: ChatCoGenesis, mode: str) -> str:
    return str((await model.ainvoke(INSTRUCTION, mode=mode)).content)


async def by_stream(model: ChatCoGenesis, mode: str) -> str:
    return "".join(str(chunk.content) for chunk in model.stream(INSTRUCTION, mode=mode))


async def by_astream(model: ChatCoGenesis, mode: str) -> str:
    return "".join([str(c.content) async for c in model.astream(INSTRUCTION, mode=mode)])


DOORS = (by_invoke, by_ainvoke, by_stream, by_astream)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", ["remote", "sketch"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_no_canary_leaves(
    recorder: Recorder,
    session: UserSession,
    make: Maker,
    mode: str,
    door: Callable[..., Any],
    fault: Any,
) -> None:
    """Whatever the mode, the door and the remote's fault, no value of the context is recorded."""
    before = len(recorded_requests(recorder.record_file))
    recorder.set_fault(fault, 1 if fault in ("error", "rate_limit") else None)
    # A stream that breaks off after text was shown is an error; all else is answered.
    with suppress(RemoteError):
        await door(make.model(recorder, session), mode)
    recorder.set_fault(None)
    sent = len(recorded_requests(recorder.record_file)) - before
    assert sent >= (2 if fault in ("error", "rate_limit") else 1)
    assert find_values(recorder.record_file, CANARIES) == []
    requests = [e.content for e in session.ledger.entries() if e.content]
    assert [content["event"] for content in requests] == ["request"] * sent


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", ["remote", "sketch"])
@pytest.mark.parametrize("fault", [None, "error"])
async def test_a_planted_leak_is_found(
    tmp_path: Path,
    session: UserSession,
    make: Maker,
    mode: str,
    door: Callable[..., Any],
    fault: Any,
) -> None:
    """The same runs past a gate that knows nothing: the recorder finds every structured value."""
    blind(session.gate)
    with recording_server(tmp_path) as leaky:
        leaky.set_fault(fault)
        await door(make.model(leaky, session), mode)
        found = {value for value, _ in find_values(leaky.record_file, CANARIES)}
    assert found == set(STRUCTURED)


@pytest.mark.parametrize("door", DOORS)
async def test_local_mode_sends_nothing(
    tmp_path: Path, session: UserSession, make: Maker, door: Callable[..., Any]
) -> None:
    """The local model alone reaches no remote, though one is configured."""
    with recording_server(tmp_path) as silent:
        assert await door(make.model(silent, session), "local") is not None
        assert recorded_requests(silent.record_file) == []
    assert list(session.ledger.entries()) == []


async def test_private_context_pushed_past_the_gate_is_refused(
    recorder: Recorder, session: UserSession, make: Maker
) -> None:
    """The private half of a prompt, handed to the remote by mistake, does not leave."""
    before = recorder.record_file.read_bytes()
    remote = make.remote(recorder, session.gate)
    private = session.retriever().invoke(INSTRUCTION)
    for text in (private[0].page_content, FREE[0], "nothing private, but nobody cleared it"):
        with pytest.raises(UnclearedRequestError):
            remote.invoke(text)
        with pytest.raises(UnclearedRequestError):
            list(remote.stream(text))
    assert recorder.record_file.read_bytes() == before


async def test_the_async_client_is_guarded_too(
    recorder: Recorder, session: UserSession, make: Maker
) -> None:
    """`ainvoke` and `astream` of the remote itself pass the same transport."""
    before = recorder.record_file.read_bytes()
    remote = make.remote(recorder, session.gate)
    with pytest.raises(UnclearedRequestError):
        await remote.ainvoke(FREE[0])
    with pytest.raises(UnclearedRequestError):
        async for _ in remote.astream(FREE[0]):
            pass
    assert recorder.record_file.read_bytes() == before


@pytest.mark.parametrize("as_ids", [False, True])
async def test_prompts_as_string_and_as_token_ids(
    tmp_path: Path, session: UserSession, engine: LlamaCppEngine, make: Maker, as_ids: bool
) -> None:
    """Completions take the cleared prompt in either spelling, and a private one in neither."""
    vocabulary = {number: engine.token_bytes(number) for number in range(engine.n_vocab)}

    def spell(text: str) -> Any:
        return engine.tokenize(text) if as_ids else text

    with recording_server(tmp_path) as own:
        remote = make.remote(
            own, session.gate, detokenize=lambda ids: engine.detokenize(ids).decode()
        )
        asked = {"endpoint": own.base_url, "conversation": Conversation()}
        cleared = session.gate.require(INSTRUCTION, **asked)
        remote.root_client.completions.create(model="recorded", prompt=spell(cleared.text))
        await remote.root_async_client.completions.create(
            model="recorded", prompt=[spell(cleared.text), spell(cleared.text)]
        )
        for private in (INSTRUCTION, FREE[0]):
            with pytest.raises(UnclearedRequestError):
                remote.root_client.completions.create(model="recorded", prompt=spell(private))
            with pytest.raises(UnclearedRequestError):
                await remote.root_async_client.completions.create(
                    model="recorded", prompt=[spell(cleared.text), spell(private)]
                )
        assert find_values(own.record_file, CANARIES, vocabulary) == []
        # The planted leak, in the same spelling.
        leaked = blind(session.gate).require(INSTRUCTION, **asked)
        remote.root_client.completions.create(model="recorded", prompt=spell(leaked.text))
        found = {value for value, _ in find_values(own.record_file, CANARIES, vocabulary)}
    assert found == set(STRUCTURED)


@pytest.mark.parametrize("mode", ["remote", "sketch"])
async def test_context_that_an_app_pastes_into_the_prompt_is_masked(
    tmp_path: Path, session: UserSession, make: Maker, mode: str
) -> None:
    """Documents that a chain put before the instruction are found word for word, and masked."""
    documents = session.retriever(k=50).invoke(INSTRUCTION)
    pasted = "Context:\n" + "\n".join(d.page_content for d in documents) + f"\n{INSTRUCTION}"
    with recording_server(tmp_path) as own:
        make.model(own, session).invoke(pasted, mode=mode)
        assert recorded_requests(own.record_file)
        assert find_values(own.record_file, CANARIES) == []
        # The planted leak: a gate that knows nothing lets all of it out.
        blind(session.gate)
        make.model(own, session).invoke(pasted, mode=mode)
        found = {value for value, _ in find_values(own.record_file, CANARIES)}
    assert found == set(CANARIES)


async def test_a_model_without_a_session_still_masks_by_shape(
    recorder: Recorder, make: Maker
) -> None:
    """Where no context is known, addresses and numbers are found by their shape."""
    gate = EgressGate(public_texts=PUBLIC_TEMPLATES)
    model = ChatCoGenesis(local=ChatLocalLlama(), remote=make.remote(recorder, gate))
    recorder.set_fault("echo")
    answer = model.invoke("mail quill@vexmoor.example", mode="remote")
    recorder.set_fault(None)
    assert answer.content == "mail quill@vexmoor.example"
    assert find_values(recorder.record_file, CANARIES) == []
