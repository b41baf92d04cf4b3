"""Agents' tools and structured responses at the wire: the local model makes them, in every mode."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel, Field
from recorder import Recorder, find_values, recorded_requests, recording_server
from test_wire import CANARIES, FREE, INSTRUCTION, STRUCTURED
from test_wire_middleware import ASK, DOORS, Reader, free_hours, holds, make_remote, said

from langchain_cogenesis import ChatLocalLlama, CoGenesisMiddleware, UserSession
from langchain_cogenesis.collaboration import MODES, Mode
from langchain_cogenesis.models.remote import ChatRemote


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A server that records."""
    with recording_server(tmp_path_factory.mktemp("record")) as made:
        yield made


@pytest.fixture
async def remote(running: Recorder, session: UserSession) -> AsyncIterator[ChatRemote]:
    """The remote, behind the session's gate."""
    made = make_remote(running, session)
    yield made
    await made.aclose()


class Plan(BaseModel):
    """Plans an evening."""

    day: Literal["Friday", "Saturday"]
    guests: int = Field(ge=1, le=9)


@pytest.mark.parametrize("response_format", [Plan, ToolStrategy(Plan)])
@pytest.mark.parametrize("mode", MODES)
async def test_structured_responses_are_made_here(
    running: Recorder, session: UserSession, remote: ChatRemote, mode: Mode, response_format: Any
) -> None:
    """The house model fills the schema; the remote sees at most what was typed, masked."""
    before = len(recorded_requests(running.record_file))
    local, saver = ChatLocalLlama(max_tokens=60), InMemorySaver()
    ours = CoGenesisMiddleware(session, local=local, mode=mode, k=50)
    agent = create_agent(
        remote,
        middleware=[ours],
        system_prompt=FREE[1],
        response_format=response_format,
        checkpointer=saver,
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    state = agent.invoke(said(INSTRUCTION), config)
    assert isinstance(state["structured_response"], Plan)
    config["configurable"]["thread_id"] = "2"
    assert isinstance((await agent.ainvoke(said(ASK), config))["structured_response"], Plan)
    sent = 2 if mode == "sketch" and response_format is Plan else 0
    assert len(recorded_requests(running.record_file)) == before + sent
    assert find_values(running.record_file, CANARIES) == []
    kept = repr((dict(saver.storage), dict(saver.writes), dict(saver.blobs))).encode()
    assert b"guests" in kept
    assert holds(kept) <= set(STRUCTURED)  # what was typed


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", ["local", "remote"])
async def test_tools_in_modes_where_one_side_writes(
    running: Recorder, session: UserSession, remote: ChatRemote, mode: Mode, door: Any
) -> None:
    """The local model calls the tool and reads its result; the remote gets what was typed."""
    before = len(recorded_requests(running.record_file))
    local = Reader()
    ours = CoGenesisMiddleware(session, local=local, mode=mode)
    agent = create_agent(remote, [free_hours], middleware=[ours], system_prompt=FREE[1])
    await door(agent, INSTRUCTION, None)
    assert len(recorded_requests(running.record_file)) == before + (mode == "remote")
    assert find_values(running.record_file, CANARIES) == []
    assert FREE[4] in local.read


async def test_results_are_shared_by_name(tmp_path: Path, session: UserSession) -> None:
    """A tool that is named lets the remote read its results, and those pass the gate."""

    @tool
    def weather(day: str) -> str:
        """Tells the weather."""
        return f"Snow over {STRUCTURED[2]} on {day}."

    with recording_server(tmp_path) as own:
        named = make_remote(own, session)
        ours = CoGenesisMiddleware(session, local=Reader(), remote_reads_tools=["weather"])
        create_agent(named, [weather], middleware=[ours]).invoke(said(ASK))
        assert find_values(own.record_file, ("Snow over",))
        assert find_values(own.record_file, CANARIES) == []
        await named.aclose()
