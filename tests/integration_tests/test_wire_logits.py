"""What really leaves in logit mode: a recorder stands between the package and a real endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.tools import tool
from recorder import Recorder, find_values, recorded_requests, recording_server
from test_wire import CANARIES, FREE, STRUCTURED, blind

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    CoGenesisMiddleware,
    LlamaCppEngine,
    create_remote,
)
from langchain_cogenesis.exceptions import ModeError, RemoteError
from langchain_cogenesis.logit_settings import LogitSettings
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.server.process import Endpoint, serve_in_child
from langchain_cogenesis.session import UserSession

INSTRUCTION = "Invite Osric to the dinner at Vesper Hall, from Quillara Vexmoor in Zarnholt."
VALUES = [value for value in STRUCTURED if value != "14 Umberlane Rise"]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """The larger house model behind our endpoint, in a process of its own."""
    with serve_in_child("house-large") as running:
        yield running


@pytest.fixture
def recorder(tmp_path: Path, endpoint: Endpoint) -> Iterator[Recorder]:
    """Records everything on its way there."""
    with recording_server(tmp_path) as running:
        running.set_upstream(endpoint.base_url.removesuffix("/v1"))
        yield running


@pytest.fixture(scope="module")
def vocabulary() -> dict[int, bytes]:
    """Bytes of each token, with which the recorder reads token-id prompts."""
    engine = LlamaCppEngine.shared("house-small")
    return {token: engine.token_bytes(token) for token in range(engine.n_vocab)}


def _model(
    recorder: Recorder, endpoint: Endpoint, session: UserSession, **settings: Any
) -> tuple[ChatCoGenesis, ChatRemote]:
    remote = create_remote(
        recorder.base_url,
        endpoint.model,
        api_key=endpoint.api_key,
        gate=session.gate,
        timeout=2.0,
        max_retries=1,
    )
    model = ChatCoGenesis(
        local=ChatLocalLlama(max_tokens=40),
        remote=remote,
        session=session,
        mode="logits",
        logits=LogitSettings(**settings),
        on_remote_error="local",
    )
    return model, remote


async def by_invoke(model: ChatCoGenesis) -> str:
    return str(model.invoke(INSTRUCTION).content)


async def by_astream(model: ChatCoGenesis) -> str:
    return "".join([str(chunk.content) async for chunk in model.astream(INSTRUCTION)])


@pytest.mark.parametrize("door", [by_invoke, by_astream])
@pytest.mark.parametrize(
    "settings", [{"block": None}, {"block": 4}, {"block": 4, "draft": "local"}]
)
@pytest.mark.parametrize("fault", [None, "error", "close_mid_stream", "not_json"])
async def test_no_canary_leaves(
    recorder: Recorder,
    endpoint: Endpoint,
    session: UserSession,
    vocabulary: dict[int, bytes],
    door: Callable[..., Any],
    settings: dict[str, Any],
    fault: Any,
) -> None:
    """Instruction and prefix leave masked, in every request, and each is in the ledger."""
    model, remote = _model(recorder, endpoint, session, **settings)
    text = await door(model)
    recorder.set_fault(fault, 2)
    with suppress(RemoteError):
        text = await door(model)
    recorder.set_fault(None)
    await remote.aclose()
    sent = recorded_requests(recorder.record_file)
    assert len(sent) > 5
    assert "Osric" in text
    assert find_values(recorder.record_file, CANARIES, vocabulary) == []
    noted = [e.content for e in session.ledger.entries() if e.content]
    assert [n["event"] for n in noted].count("request") == len(sent)
    assert session.ledger.verify().faults == ()


class Choosing(AgentMiddleware[Any, Any, Any]):
    """Asks for a call of a tool first, and for none afterwards."""

    def wrap_model_call(self, request: Any, handler: Callable[..., Any]) -> Any:
        first = request.messages[-1].type == "human"
        return handler(request.override(tool_choice="any" if first else "none"))


def test_no_canary_leaves_from_an_agent(
    recorder: Recorder,
    endpoint: Endpoint,
    session: UserSession,
    vocabulary: dict[int, bytes],
) -> None:
    """The local model calls the tool; then both write, and no result of it leaves."""

    @tool
    def free_hours(day: Literal["Friday", "Saturday"]) -> str:
        """Tells which hours of a day are free."""
        return f"On {day} there is {FREE[4]} at seven."

    _, remote = _model(recorder, endpoint, session)
    local = ChatLocalLlama(max_tokens=120)
    ours = CoGenesisMiddleware(session, local=local, mode="logits", logits=LogitSettings(block=4))
    agent = create_agent(remote, [free_hours], middleware=[Choosing(), ours])
    call, result, answer = agent.invoke({"messages": [("human", INSTRUCTION)]})["messages"][1:]
    remote.close()
    assert call.response_metadata["cogenesis"]["mode"] == "local"
    told = answer.response_metadata["cogenesis"]
    assert told["mode"] == "logits"
    assert told["blocks"]
    assert FREE[4] in result.text
    # Those that learn what the endpoint can do come first.
    assert len(recorded_requests(recorder.record_file)) >= told["remote_calls"] > 5
    assert find_values(recorder.record_file, CANARIES, vocabulary) == []


async def test_a_planted_leak_is_found(
    recorder: Recorder,
    endpoint: Endpoint,
    session: UserSession,
    vocabulary: dict[int, bytes],
) -> None:
    """Past a gate that knows nothing, the recorder finds what the instruction and text hold."""
    blind(session.gate)
    model, remote = _model(recorder, endpoint, session)
    await by_invoke(model)
    await remote.aclose()
    found = {value for value, _ in find_values(recorder.record_file, VALUES, vocabulary)}
    assert {"Quillara Vexmoor", "Zarnholt", "Vesper Hall"} <= found


async def test_a_raw_prefix_is_for_trusted_endpoints(
    recorder: Recorder, endpoint: Endpoint, session: UserSession, vocabulary: dict[int, bytes]
) -> None:
    """Untrusted, raw is refused before anything is sent; trusted, the text goes as it is."""
    model, remote = _model(recorder, endpoint, session, prefix="raw")
    with pytest.raises(ModeError, match="trusted"):
        model.invoke(INSTRUCTION, on_remote_error="raise")
    sent = len(recorded_requests(recorder.record_file))
    assert find_values(recorder.record_file, CANARIES, vocabulary) == []
    session.gate.policy = EgressPolicy(trusted=(recorder.base_url,))
    model.invoke(INSTRUCTION, on_remote_error="raise")
    await remote.aclose()
    assert len(recorded_requests(recorder.record_file)) > sent
    found = {value for value, _ in find_values(recorder.record_file, VALUES, vocabulary)}
    assert "Vesper Hall" in found


async def test_modes_switch_in_one_object(
    recorder: Recorder, endpoint: Endpoint, session: UserSession
) -> None:
    """The same model answers in logits, sketch and local mode, as the config says."""
    model, remote = _model(recorder, endpoint, session)
    answered = {
        mode: model.invoke(INSTRUCTION, {"configurable": {"cogenesis_mode": mode}})
        for mode in ("logits", "sketch", "local")
    }
    await remote.aclose()
    for mode, answer in answered.items():
        told = answer.response_metadata["cogenesis"]
        assert told["mode"] == mode, told["warnings"]
    tokens = answered["logits"].response_metadata["cogenesis"]["tokens"]
    assert tokens["asked"] > 0
    assert tokens["open end"] > 0
    calls = answered["logits"].response_metadata["cogenesis"]["remote_calls"]
    assert 0 < calls < sum(tokens.values())
