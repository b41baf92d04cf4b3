"""Agents at the wire and in their checkpoints: private context stays inside the model call.

Other middleware stands on either side. Each search has a twin with a planted leak.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    PIIMiddleware,
    SummarizationMiddleware,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from pydantic import PrivateAttr
from recorder import Recorder, find_values, normalized, recorded_requests, recording_server
from test_wire import CANARIES, FREE, INSTRUCTION, STRUCTURED, blind

from langchain_cogenesis import ChatLocalLlama, CoGenesisMiddleware, UserSession, create_remote
from langchain_cogenesis.exceptions import UnclearedRequestError
from langchain_cogenesis.models.remote import ChatRemote

ASK = "Write about the otters and the sundials."
UNKNOWN = "plumbago quixotry"
"""Private in effect, and known to no lexicon: what an answer holds and no value names."""


class Reader(BaseChatModel):
    """A local model that keeps what it read, calls tools when it has some, and fails when told."""

    answer: str = "Done."
    failing: bool = False
    _read: list[str] = PrivateAttr(default_factory=list)

    @property
    def read(self) -> str:
        return "\n".join(self._read)

    @property
    def _llm_type(self) -> str:
        return "reader"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(made) for made in tools], **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._read.append("\n".join(message.text for message in messages))
        if self.failing:
            raise RuntimeError("the local model failed")
        calls = []
        if kwargs.get("tools") and messages[-1].type == "human":
            name = kwargs["tools"][0]["function"]["name"]
            calls = [{"name": name, "args": {"day": "Saturday"}, "id": "call-1"}]
        message = AIMessage("" if calls else self.answer, tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
def free_hours(day: str) -> str:
    """Tells which hours of a day are free."""
    return f"On {day} there is {FREE[4]} at seven."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A server that records, for the checks that must find nothing."""
    with recording_server(tmp_path_factory.mktemp("record")) as made:
        yield made


@pytest.fixture
async def remote(running: Recorder, session: UserSession) -> AsyncIterator[ChatRemote]:
    """The remote, behind the session's gate."""
    made = make_remote(running, session)
    yield made
    await made.aclose()


def make_remote(recorder: Recorder, session: UserSession) -> ChatRemote:
    return create_remote(recorder.base_url, "recorded", gate=session.gate, timeout=2, max_retries=0)


OTHERS: dict[str, Callable[[BaseChatModel, BaseChatModel], AgentMiddleware[Any, Any, Any]]] = {
    "fallback": lambda local, remote: ModelFallbackMiddleware(remote),
    "retry": lambda local, remote: ModelRetryMiddleware(max_retries=1, initial_delay=0),
    "pii": lambda local, remote: PIIMiddleware("email", strategy="redact", apply_to_output=True),
    "summary": lambda local, remote: SummarizationMiddleware(
        local, trigger=("messages", 2), keep=("messages", 1)
    ),
}
SIDES = ("outside", "inside")
ROUND = [(other, side) for other in OTHERS for side in SIDES]


def make_agent(
    ours: CoGenesisMiddleware, remote: BaseChatModel, other: str, side: str, **more: Any
) -> Any:
    around = OTHERS[other](ours.local, remote)
    middleware = [around, ours] if side == "outside" else [ours, around]
    return create_agent(
        remote, more.pop("tools", []), middleware=middleware, system_prompt=FREE[1], **more
    )


def said(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


async def by_invoke(agent: Any, text: str, config: Any) -> None:
    agent.invoke(said(text), config)


async def by_ainvoke(agent: Any, text: str, config: Any) -> None:
    await agent.ainvoke(said(text), config)


async def by_stream(agent: Any, text: str, config: Any) -> None:
    assert list(agent.stream(said(text), config, stream_mode="messages"))


async def by_astream(agent: Any, text: str, config: Any) -> None:
    assert [part async for part in agent.astream(said(text), config, stream_mode="updates")]


DOORS = (by_invoke, by_ainvoke, by_stream, by_astream)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("other", "side"), ROUND)
async def test_nothing_private_leaves_whatever_stands_around(
    running: Recorder, session: UserSession, remote: ChatRemote, other: str, side: str, door: Any
) -> None:
    """The local model reads context, system prompt and tools' results; the remote none of them."""
    before = len(recorded_requests(running.record_file))
    local = Reader()
    ours = CoGenesisMiddleware(session, local=local)
    agent = make_agent(ours, remote, other, side, tools=[free_hours])
    await door(agent, INSTRUCTION, None)
    # For a tool's call the remote isn't needed; and once a summary holds what was typed, it isn't
    # asked any more.
    asked = 0 if other == "summary" else 1
    assert len(recorded_requests(running.record_file)) == before + asked
    assert find_values(running.record_file, CANARIES) == []
    assert all(value in local.read for value in (FREE[1], FREE[2], FREE[4]))


@pytest.mark.parametrize(("other", "side"), ROUND)
async def test_a_planted_leak_is_found(
    tmp_path: Path, session: UserSession, other: str, side: str
) -> None:
    """The same agents past a gate that knows nothing: the recorder finds every structured value."""
    blind(session.gate)
    with recording_server(tmp_path) as leaky:
        remote = make_remote(leaky, session)
        agent = make_agent(CoGenesisMiddleware(session, local=Reader()), remote, other, side)
        agent.invoke(said(INSTRUCTION))
        await remote.aclose()
        found = {value for value, _ in find_values(leaky.record_file, CANARIES)}
    # That middleware looks at mail addresses itself, before ours is reached.
    masked = {value for value in STRUCTURED if "@" in value} if other == "pii" else set()
    assert found == set(STRUCTURED) - masked


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("other", ["fallback", "retry"])
async def test_a_local_failure_sends_no_context(
    running: Recorder, session: UserSession, remote: ChatRemote, other: str, side: str
) -> None:
    """Fallbacks and retries ask the remote again for an outline, never with what the local read."""
    local = Reader(failing=True)
    agent = make_agent(CoGenesisMiddleware(session, local=local), remote, other, side)
    failed = ""
    try:
        failed = agent.invoke(said(INSTRUCTION))["messages"][-1].text
    except RuntimeError as error:
        failed = str(error)
    assert "the local model failed" in failed
    assert FREE[2] in local.read
    assert find_values(running.record_file, CANARIES) == []


async def test_the_fallback_model_becomes_the_remote(tmp_path: Path, session: UserSession) -> None:
    """Fallback middleware outside of ours replaces a remote that is down."""
    down = create_remote("http://127.0.0.1:9/v1", "m", gate=session.gate, max_retries=0)
    with recording_server(tmp_path) as second:
        spare, local = make_remote(second, session), Reader()
        agent = create_agent(
            down,
            middleware=[ModelFallbackMiddleware(spare), CoGenesisMiddleware(session, local=local)],
        )
        assert agent.invoke(said(INSTRUCTION))["messages"][-1].text == "Done."
        assert len(recorded_requests(second.record_file)) == 1
        assert find_values(second.record_file, CANARIES) == []
        await spare.aclose()
    await down.aclose()


@pytest.mark.parametrize("side", SIDES)
async def test_what_an_answer_told_is_not_sent_in_a_summary(
    tmp_path: Path, session: UserSession, side: str
) -> None:
    """A summary stands as a human message in the state; the remote gets what was typed alone."""
    with recording_server(tmp_path) as own:
        remote = make_remote(own, session)
        local = Reader(answer=f"It was {UNKNOWN}.")
        ours = CoGenesisMiddleware(session, local=local)
        agent = make_agent(ours, remote, "summary", side, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        for text in (ASK, "And the harpsichords?", "Now shorter."):
            state = agent.invoke(said(text), config)
        summaries = [m for m in state["messages"] if "lc_source" in m.additional_kwargs]
        assert UNKNOWN in summaries[0].text
        assert len(recorded_requests(own.record_file)) == 3
        assert find_values(own.record_file, (UNKNOWN, *CANARIES)) == []
        assert find_values(own.record_file, ("Now shorter",))
        await remote.aclose()


async def test_a_summary_by_the_remote_is_refused(
    running: Recorder, session: UserSession, remote: ChatRemote
) -> None:
    """Other middleware that hands the conversation to our remote is stopped by its transport."""
    local = Reader(answer=f"It was {UNKNOWN}.")
    summary = SummarizationMiddleware(remote, trigger=("messages", 2), keep=("messages", 1))
    agent = create_agent(
        remote,
        middleware=[summary, CoGenesisMiddleware(session, local=local)],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    agent.invoke(said(ASK), config)
    with pytest.raises(UnclearedRequestError):
        agent.invoke(said("And the harpsichords?"), config)
    assert find_values(running.record_file, (UNKNOWN, *CANARIES)) == []


def in_memory(agent: Callable[[Any], Any], tmp_path: Path) -> bytes:
    """Runs an agent twice with checkpoints in memory; all that they hold."""
    saver = InMemorySaver()
    run_twice(agent(saver))
    return repr((dict(saver.storage), dict(saver.writes), dict(saver.blobs))).encode()


def in_sqlite(agent: Callable[[Any], Any], tmp_path: Path) -> bytes:
    """The same in a file, read byte by byte; the log beside it too."""
    path = tmp_path / "checkpoints.sqlite"
    connection = sqlite3.connect(path, check_same_thread=False)
    run_twice(agent(SqliteSaver(connection)))
    connection.commit()
    content = b"".join(file.read_bytes() for file in tmp_path.glob("checkpoints.sqlite*"))
    connection.close()
    return content


def run_twice(agent: Any) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    for text in (ASK, "Now shorter."):
        agent.invoke(said(text), config)


def holds(content: bytes) -> set[str]:
    plain = normalized(content.decode("utf-8", "replace"))
    return {value for value in CANARIES if normalized(value) in plain}


class Leaky(AgentMiddleware[Any, Any, Any]):
    """Plants the leak: private documents in the agent's state."""

    def __init__(self, session: UserSession) -> None:
        super().__init__()
        self.session = session

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any]:
        documents = self.session.retriever(k=50).invoke(ASK)
        return {"messages": [AIMessage("\n".join(d.page_content for d in documents))]}


@pytest.mark.parametrize("read", [in_memory, in_sqlite])
async def test_checkpoints_hold_no_private_document(
    read: Any, tmp_path: Path, session: UserSession, remote: ChatRemote
) -> None:
    """No canary in the bytes of any checkpoint, though the local model read them."""
    local = Reader()
    ours = CoGenesisMiddleware(session, local=local, k=50)

    def agent(saver: Any) -> Any:
        return create_agent(remote, middleware=[ours], checkpointer=saver)

    content = read(agent, tmp_path)
    assert b"Now shorter." in content
    assert holds(content) == set()
    assert {value for value in CANARIES if value in local.read} >= set(FREE)

    def leaky(saver: Any) -> Any:
        around = [Leaky(session), ours]
        return create_agent(remote, middleware=around, checkpointer=saver)

    (tmp_path / "leaky").mkdir()
    assert holds(read(leaky, tmp_path / "leaky")) >= set(FREE)


async def test_the_real_local_model_answers_an_agent(
    running: Recorder, session: UserSession, remote: ChatRemote
) -> None:
    """With the house model: tokens stream, the account is in the message, the mode switches."""
    local = ChatLocalLlama(max_tokens=12)
    agent = create_agent(remote, middleware=[CoGenesisMiddleware(session, local=local)])
    parts = list(agent.stream(said(INSTRUCTION), stream_mode="messages"))
    assert len([message for message, _ in parts if message.text]) > 3
    answer = agent.invoke(said(INSTRUCTION))["messages"][-1]
    account = answer.response_metadata["cogenesis"]
    assert account["mode"] == "sketch"
    assert account["remote_calls"] == 1
    assert len(account["context_ids"]) > 1
    before = running.record_file.read_bytes()
    config: Any = {"configurable": {"cogenesis_mode": "local"}}
    alone = (await agent.ainvoke(said(INSTRUCTION), config))["messages"][-1]
    assert alone.response_metadata["cogenesis"]["mode"] == "local"
    assert running.record_file.read_bytes() == before
    assert find_values(running.record_file, CANARIES) == []
