"""Any LangChain chat model as remote or local: the gate stands at the messages.

`ChatOpenAI` as LangChain makes it has no transport of ours; what it sends is recorded all the same.
Anthropic's and Ollama's models are stood for by their interface: content in blocks, or text only.
"""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr
from recorder import find_values, recorded_requests, recording_server
from test_wire import CANARIES, INSTRUCTION, STRUCTURED, blind
from typer.testing import CliRunner

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    CoGenesisMiddleware,
    Conversation,
    SketchNode,
    UserSession,
    create_cogenesis_chain,
    create_sketch_node,
)
from langchain_cogenesis.cli.app import app
from langchain_cogenesis.exceptions import (
    CoGenesisError,
    ConfigurationError,
    LedgerError,
    RemoteError,
    RemoteUnavailableError,
    SketchError,
    UnclearedRequestError,
)

OUTLINE = "1. Greet them\n2. Tell of the otters\n3. Tell of the sundials\n4. Sign off"


class Blocks(BaseChatModel):
    """Answers in content blocks, as Anthropic's models do, and keeps what it was asked."""

    answer: str
    before: Any = None
    _seen: list[str] = PrivateAttr(default_factory=list)

    @property
    def seen(self) -> str:
        return "\n".join(self._seen)

    @property
    def _llm_type(self) -> str:
        return "blocks"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if self.before is not None:
            self.before()
        self._seen += [message.text for message in messages]
        message = AIMessage([{"type": "text", "text": self.answer}])
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.mark.parametrize("mode", ["sketch", "remote"])
async def test_a_plain_chat_openai_gets_masked_messages(
    tmp_path: Path, session: UserSession, mode: str
) -> None:
    """Sync and async; the planted leak is found."""
    with recording_server(tmp_path) as recorder:
        remote = ChatOpenAI(
            base_url=recorder.base_url, model="recorded", api_key=SecretStr("none"), timeout=5
        )
        model = ChatCoGenesis(local=ChatLocalLlama(max_tokens=8), remote=remote, session=session)
        assert model.invoke(INSTRUCTION, mode=mode).content
        assert (await model.ainvoke(INSTRUCTION, mode=mode)).content
        assert len(recorded_requests(recorder.record_file)) == 2
        assert find_values(recorder.record_file, CANARIES) == []
        blind(session.gate)
        model.invoke(INSTRUCTION, mode=mode)
        found = {value for value, _ in find_values(recorder.record_file, CANARIES)}
        assert found == set(STRUCTURED)


def test_models_that_answer_in_blocks_serve_on_either_side(session: UserSession) -> None:
    """The remote's messages hold no value; the local one reads context and outline."""
    remote, local = Blocks(answer=OUTLINE), Blocks(answer="A letter.")
    model = ChatCoGenesis(local=local, remote=remote, session=session, k=50)
    answer = model.invoke(INSTRUCTION)
    assert answer.content == "A letter."
    assert answer.response_metadata["cogenesis"]["sketch"][0] == "Greet them"
    assert [value for value in CANARIES if value in remote.seen] == []
    assert [value for value in CANARIES if value not in local.seen] == []
    assert "Tell of the sundials" in local.seen


def blocks(answer: str = OUTLINE, **more: Any) -> Blocks:
    return Blocks(answer=answer, **more)


def written(session: UserSession) -> list[dict[str, Any]]:
    return [dict(entry.content or {}) for entry in session.ledger.entries()]


def collaborating(session: UserSession, remote: BaseChatModel, **more: Any) -> ChatCoGenesis:
    return ChatCoGenesis(local=blocks("A letter."), remote=remote, session=session, **more)


@pytest.mark.parametrize("mode", ["sketch", "remote"])
@pytest.mark.parametrize("door", ["invoke", "ainvoke", "stream", "astream", "agent", "chain"])
async def test_every_door_notes_the_messages_before_the_remote_is_called(
    session: UserSession, mode: str, door: str
) -> None:
    """The entry holds what the remote then sees, and the account counts the same bytes."""
    noted: list[int] = []
    remote = blocks(before=lambda: noted.append(session.ledger.count()))
    account = await through(door, mode, session, remote)
    (entry,) = written(session)
    assert noted == [1]
    assert entry["event"] == "message"
    assert entry["endpoint"] == "https://blocks.invalid:443"
    texts = [message["content"] for message in json.loads(entry["body"])["messages"]]
    assert "\n".join(texts) == remote.seen
    assert entry["bytes"] == sum(len(text.encode()) for text in texts) > 0
    assert sum(entry["masked"].values()) > 0
    assert [value for value in CANARIES if value in entry["body"]] == []
    assert session.ledger.verify().intact
    if account is not None:
        assert (account["remote_calls"], account["remote_bytes"]) == (1, entry["bytes"])


async def through(
    door: str, mode: str, session: UserSession, remote: BaseChatModel
) -> dict[str, Any] | None:
    """Asks by one of the doors; returns the account, which a chain's text has none of."""
    local = blocks("A letter.")
    if door == "chain":
        chain = create_cogenesis_chain(session, local=local, remote=remote)
        assert await chain.ainvoke(INSTRUCTION, {"configurable": {"cogenesis_mode": mode}})
        return None
    if door == "agent":
        ours = CoGenesisMiddleware(session, local=local, mode=mode)  # type: ignore[arg-type]
        agent = create_agent(remote, middleware=[ours])
        state = agent.invoke({"messages": [("human", INSTRUCTION)]})
        return dict(state["messages"][-1].response_metadata["cogenesis"])
    model = ChatCoGenesis(local=local, remote=remote, session=session)
    if door == "invoke":
        answer = model.invoke(INSTRUCTION, mode=mode)
    elif door == "ainvoke":
        answer = await model.ainvoke(INSTRUCTION, mode=mode)
    elif door == "stream":
        return dict([*model.stream(INSTRUCTION, mode=mode)][-1].response_metadata["cogenesis"])
    else:
        chunks = [chunk async for chunk in model.astream(INSTRUCTION, mode=mode)]
        return dict(chunks[-1].response_metadata["cogenesis"])
    return dict(answer.response_metadata["cogenesis"])


async def test_the_sketch_nodes_note_each_attempt(session: UserSession) -> None:
    """Sync and async, with a gate of its own or by a cleared text alone; a retry is an entry."""
    node = create_sketch_node(blocks(), gate=session.gate)
    node.invoke(INSTRUCTION)
    await node.ainvoke(INSTRUCTION)
    assert len(written(session)) == 2
    cleared = session.gate.require(
        INSTRUCTION, endpoint="https://blocks.invalid", conversation=Conversation()
    )
    SketchNode(blocks()).invoke(cleared)
    await SketchNode(blocks()).ainvoke(cleared)
    assert len(written(session)) == 4
    prose = create_sketch_node(blocks("No list."), gate=session.gate)
    with pytest.raises(SketchError, match="numbered or bulleted list, a JSON list"):
        prose.invoke(INSTRUCTION)
    assert [entry["event"] for entry in written(session)] == ["message"] * 6


@pytest.mark.parametrize("mode", ["sketch", "remote"])
async def test_without_a_ledger_the_remote_is_not_called(session: UserSession, mode: str) -> None:
    """A ledger that can't be written keeps the call back, and nothing answers in its place."""
    (session.directory / "ledger").write_text("a file where the directory should be")
    remote = blocks()
    model = collaborating(session, remote, on_remote_error="local")
    with pytest.raises(LedgerError, match="can't be written"):
        model.invoke(INSTRUCTION, mode=mode)
    with pytest.raises(LedgerError, match="can't be written"):
        await create_sketch_node(remote, gate=session.gate).ainvoke(INSTRUCTION)
    assert remote.seen == ""


def test_the_command_shows_messages(session: UserSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the table, and one in full."""
    monkeypatch.setenv("COGENESIS_HOME", str(session.directory.parent))
    collaborating(session, blocks()).invoke(INSTRUCTION)
    shown = CliRunner().invoke(app, ["ledger", "show", "--user", "quill"])
    assert shown.exit_code == 0, shown.output
    assert "message" in shown.output
    assert "https://blocks.invalid:443" in shown.output
    one = CliRunner().invoke(app, ["ledger", "show", "--user", "quill", "--entry", "0", "--json"])
    assert json.loads(one.output) == {"seq": 0, **written(session)[0]}


def unreachable() -> ChatOpenAI:
    return ChatOpenAI(
        base_url="http://127.0.0.1:9/v1",
        model="none",
        api_key=SecretStr("none"),
        timeout=5,
        max_retries=0,
    )


def raising(error: BaseException) -> Blocks:
    def fail() -> None:
        raise error

    return blocks(before=fail)


@pytest.mark.parametrize("mode", ["sketch", "remote"])
async def test_a_plain_remote_that_is_away_is_answered_for(session: UserSession, mode: str) -> None:
    """Whatever door: the local model answers, and the account says why."""
    model = collaborating(session, unreachable(), on_remote_error="local")
    answers = [
        model.invoke(INSTRUCTION, mode=mode),
        await model.ainvoke(INSTRUCTION, mode=mode),
    ]
    for answer in answers:
        account = answer.response_metadata["cogenesis"]
        assert answer.content == "A letter."
        assert (account["mode"], account["fallback"]) == ("local", "RemoteUnavailableError")
    chain = create_cogenesis_chain(
        session, local=blocks("A letter."), remote=unreachable(), on_remote_error="local"
    )
    config: Any = {"configurable": {"cogenesis_mode": mode}}
    assert chain.invoke(INSTRUCTION, config) == "A letter."
    assert await chain.ainvoke(INSTRUCTION, config) == "A letter."
    with pytest.raises(RemoteUnavailableError, match=r"ChatOpenAI.*can't be reached"):
        collaborating(session, unreachable()).invoke(INSTRUCTION, mode=mode)


@pytest.mark.parametrize("mode", ["sketch", "remote"])
def test_what_a_plain_remote_raises_is_named_and_not_repeated(
    session: UserSession, mode: str
) -> None:
    """The type is told; the text, which may quote anything, isn't, in no traceback either."""
    model = collaborating(session, raising(KeyError(f"rejected: {CANARIES[0]}")))
    with pytest.raises(RemoteError, match=r"\(Blocks\) failed with KeyError") as caught:
        model.invoke(INSTRUCTION, mode=mode)
    assert CANARIES[0] not in "".join(traceback.format_exception(caught.value))
    model = collaborating(session, raising(ValueError("odd")), on_remote_error="local")
    answer = model.invoke(INSTRUCTION, mode=mode)
    assert answer.response_metadata["cogenesis"]["fallback"] == "RemoteError"


@pytest.mark.parametrize("mode", ["sketch", "remote"])
@pytest.mark.parametrize("error", [UnclearedRequestError("no."), ConfigurationError("no.")])
def test_refusals_and_settings_stay_what_they_are(
    session: UserSession, mode: str, error: CoGenesisError
) -> None:
    """Even wrapped by a client; nothing answers for them. What was handled before is no cause."""

    def wrap() -> None:
        try:
            raise error
        except CoGenesisError as found:
            raise RuntimeError("the connection failed") from found

    for remote in (raising(error), blocks(before=wrap)):
        with pytest.raises(type(error), match=r"^no\.$"):
            collaborating(session, remote, on_remote_error="local").invoke(INSTRUCTION, mode=mode)
    try:
        raise error
    except CoGenesisError:
        with pytest.raises(RemoteError, match="failed with RuntimeError"):
            collaborating(session, raising(RuntimeError("?"))).invoke(INSTRUCTION, mode=mode)
