"""ChatCoGenesis calls tools on the local side; what the remote sees of them passes the gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel, Field

from langchain_cogenesis import ChatCoGenesis, ChatLocalLlama, UserSession
from langchain_cogenesis.context.schema import Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import ConfigurationError

ASK = "Invite Tomas to the dinner in Port Ellery"
SAID = {"messages": [HumanMessage(ASK)]}
OUTLINE = "1. Greet [NAME_1]\n2. Name the day\n3. Say it is in [PLACE_1]\n4. Ask for a reply"
CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        location="Port Ellery",
        contacts=(Contact(name="Tomas Reyl", relation="friend"),),
    )
)
CALL = {"name": "seats", "args": {"n": 2}, "id": "abcdefghi", "type": "tool_call"}


RING = {
    "type": "object",
    "properties": {"metal": {"enum": ["gold", "tin"]}},
    "required": ["metal"],
}


class Seats(BaseModel):
    """Keeps seats."""

    row: Literal["front", "back"]
    count: int = Field(ge=1, le=9)


class Recorded(FakeListChatModel):
    """A scripted remote that keeps what reached it."""

    seen: list[str]

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        assert "tools" not in kwargs
        self.seen.append("\n".join(message.text for message in messages))
        yield from super()._stream(messages, *args, **kwargs)

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        assert "tools" not in kwargs
        self.seen.append("\n".join(message.text for message in messages))
        return super()._call(messages, *args, **kwargs)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """Nora's session."""
    with UserSession("nora", tmp_path_factory.mktemp("home"), create=True) as made:
        made.add(CONTEXT)
        yield made


def _make(session: UserSession, reply: str = OUTLINE, **more: Any) -> tuple[Any, Recorded]:
    remote = Recorded(responses=[reply], seen=[])
    local = ChatLocalLlama(n_threads=1, max_tokens=120)
    return ChatCoGenesis(local=local, remote=remote, session=session, **more), remote


@pytest.mark.parametrize("mode", ["local", "sketch", "remote", "logits"])
async def test_a_call_is_made_here_in_every_mode(session: UserSession, mode: str) -> None:
    """Asked for a call, the local model makes a valid one, and nothing leaves."""
    model, remote = _make(session, mode=mode)
    bound = model.bind_tools([Seats], tool_choice="any")
    answer = bound.invoke(ASK)
    [call] = answer.tool_calls
    Seats.model_validate(call["args"])
    told = answer.response_metadata["cogenesis"]
    assert (told["mode"], told["requested_mode"], told["fallback"]) == ("local", mode, None)
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    assert answer.usage_metadata["output_tokens"] > 5
    merged = None
    async for chunk in bound.astream(ASK):
        merged = chunk if merged is None else merged + chunk
    assert merged.tool_calls[0]["args"] == call["args"]
    assert remote.seen == []
    assert told["remote_calls"] == 0


def test_left_to_choose_it_calls_or_writes_by_the_mode(session: UserSession) -> None:
    """Without a call the mode's own answer comes; its account has what deciding took."""
    model, remote = _make(session, "Dear [NAME_1], come!")
    answer = model.bind_tools([Seats]).invoke(ASK, mode="remote")
    told = answer.response_metadata["cogenesis"]
    if answer.tool_calls or answer.invalid_tool_calls:
        assert remote.seen == []
    else:
        assert answer.text == "Dear Tomas, come!"
        assert len(remote.seen) == 1
        assert told["usage"]["local"]["input_tokens"] > 0
    none = model.bind_tools([Seats], tool_choice="none").invoke(ASK, mode="remote")
    assert none.text == "Dear Tomas, come!"
    assert none.response_metadata["cogenesis"]["usage"]["local"]["total_tokens"] == 0


def _history(result: str) -> list[BaseMessage]:
    return [
        HumanMessage(ASK),
        AIMessage("", tool_calls=[CALL]),
        ToolMessage(result, tool_call_id="abcdefghi"),
    ]


def test_the_remote_sees_no_results_unless_they_are_shared(session: UserSession) -> None:
    """Results stay here by default; shared ones pass the gate, and previews show them."""
    history = _history("Tomas Reyl took the 4 seats of Quorbin")
    model, remote = _make(session)
    model.invoke(history)
    assert "seats" not in remote.seen[0]
    sharing, remote = _make(session, remote_reads_tools=("seats",))
    answer = sharing.invoke(history)
    assert "took the 4 seats of Quorbin" in remote.seen[0]
    assert "Tomas" not in remote.seen[0]
    assert "Reyl" not in remote.seen[0]
    assert answer.response_metadata["cogenesis"]["masked"]["NAME"] >= 2
    assert remote.seen[0].endswith(sharing.preview(history).masked)
    other, remote = _make(session, remote_reads_tools=("other",))
    other.invoke(history)
    assert "seats" not in remote.seen[0]


def test_structured_output_is_written_here(session: UserSession) -> None:
    """The local model fills the schema, in sketch mode with the outline in sight."""
    model, remote = _make(session)
    assert isinstance(model.with_structured_output(Seats).invoke(ASK, mode="local"), Seats)
    assert remote.seen == []
    found = model.with_structured_output(Seats, include_raw=True).invoke(ASK)
    assert isinstance(found["parsed"], Seats)
    assert found["raw"].response_metadata["cogenesis"]["sketch"][0] == "Greet Tomas"
    assert "row" not in remote.seen[0]


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize("mode", ["remote", "logits"])
async def test_structured_output_in_modes_where_the_remote_writes(
    session: UserSession, mode: str, method: str
) -> None:
    """The local model alone writes it, the account says so, and nothing leaves."""
    model, remote = _make(session, mode=mode)
    shape = {"type": "object"} if method == "json_mode" else Seats
    bound = model.with_structured_output(shape, method=method, include_raw=True)
    for found in (bound.invoke(ASK), await bound.ainvoke(ASK)):
        if method == "json_mode":  # A toy's objects may have no end.
            assert found["raw"].text.startswith("{")
        else:
            assert isinstance(found["parsed"], Seats)
        told = found["raw"].response_metadata["cogenesis"]
        assert (told["mode"], told["requested_mode"], told["fallback"]) == ("local", mode, None)
        assert any(f"in {mode} mode" in said for said in told["warnings"]) == (
            method != "function_calling"
        )
    assert remote.seen == []


def test_a_shape_with_tools_in_sight(session: UserSession) -> None:
    """Where both are given, the answer is a call or keeps to the schema, in every mode."""
    model, _ = _make(session)
    shape = {"type": "json_schema", "json_schema": {"name": "s", "schema": RING}}
    for mode in ("local", "sketch", "remote", "logits"):
        bound = model.bind_tools([Seats], response_format=shape)
        answer = bound.invoke(ASK, mode=mode)
        if not answer.tool_calls:
            assert json.loads(answer.text)["metal"] in ("gold", "tin")
    text = model.bind(response_format={"type": "text"}).invoke(ASK, mode="remote")
    assert text.response_metadata["cogenesis"]["mode"] == "remote"


def test_a_local_model_without_tools_is_named(session: UserSession) -> None:
    """A local model of another kind that takes no tools is told when they are bound."""
    model = ChatCoGenesis(local=FakeListChatModel(responses=["x"]), session=session)
    with pytest.raises(ConfigurationError, match="FakeListChatModel takes none"):
        model.bind_tools([Seats])


@pytest.mark.parametrize("mode", ["local", "sketch", "remote", "logits"])
async def test_an_agent_gets_a_structured_response(session: UserSession, mode: Any) -> None:
    """As the model of an agent without our middleware, with and without tools."""
    model, remote = _make(session, mode=mode)
    for asked in (Seats, ProviderStrategy(Seats), ToolStrategy(Seats)):
        agent = create_agent(model, response_format=asked)
        for state in (agent.invoke(SAID), await agent.ainvoke(SAID)):
            assert isinstance(state["structured_response"], Seats)
    assert len(remote.seen) == (4 if mode == "sketch" else 0)
    assert "row" not in "".join(remote.seen)


def test_no_tools_bind_the_options_alone(session: UserSession) -> None:
    """As agents without tools bind them."""
    model, _ = _make(session)
    answer = model.bind_tools([], max_tokens=3).invoke(ASK, mode="local")
    assert answer.usage_metadata["output_tokens"] == 3


def test_the_profile_is_that_of_the_local_model(session: UserSession) -> None:
    """What middleware reads off it: the window where it is set, and whether schemas are kept to."""
    local = ChatLocalLlama(n_ctx=512)
    profile = ChatCoGenesis(local=local, session=session).profile
    assert profile == local.profile
    assert profile["max_input_tokens"] == 512
    assert profile["structured_output"]
    assert not profile["image_inputs"]
    assert "max_input_tokens" not in ChatLocalLlama().profile
    unknown = ChatCoGenesis(local=FakeListChatModel(responses=["x"]), session=session).profile
    assert not unknown["tool_calling"]
    assert not unknown["structured_output"]


def test_tokens_are_the_local_models(session: UserSession) -> None:
    """So that histories are trimmed to its window; nothing is downloaded to count them."""
    model, _ = _make(session)
    history = [HumanMessage(ASK), AIMessage("Dear Tomas, come!")] * 4 + [HumanMessage("Shorter.")]
    count = model.get_num_tokens_from_messages(history)
    assert count == model.local.get_num_tokens_from_messages(history)
    assert model.get_num_tokens(ASK) == model.local.get_num_tokens(ASK)
    kept = trim_messages(history, max_tokens=count // 2, token_counter=model, start_on="human")
    assert 0 < model.get_num_tokens_from_messages(kept) <= count // 2
