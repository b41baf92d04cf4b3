"""Tools and structured responses of agents: the local model gives them, in every mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.structured_output import (
    MultipleStructuredOutputsError,
    ProviderStrategy,
    StructuredOutputValidationError,
    ToolStrategy,
)
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field, PrivateAttr

from langchain_cogenesis import ChatLocalLlama, CoGenesisMiddleware, UserSession
from langchain_cogenesis.exceptions import ConfigurationError

MODES = ("local", "sketch", "remote", "logits")
ASK = {"messages": [HumanMessage("Keep two seats for the concert.")]}
OUTLINE = "1. one\n2. two\n3. three\n4. four"
SECRET = "plumbago quixotry"


class Seats(BaseModel):
    """Keeps seats."""

    row: Literal["front", "back"]
    count: int = Field(ge=1, le=9)


class Refusal(BaseModel):
    """Refuses."""

    reason: Literal["full", "late"]


FORMATS: dict[str, Any] = {
    "schema": Seats,
    "dict": Seats.model_json_schema(),
    "provider": ProviderStrategy(Seats),
    "tool": ToolStrategy(Seats),
    "union": ToolStrategy(Seats | Refusal),
}
SHAPED = ("schema", "dict", "provider")


@tool
def free_rows(side: Literal["left", "right"]) -> str:
    """Tells which rows are free."""
    return f"On the {side} all are."


class Forcing(AgentMiddleware[Any, Any, Any]):
    """Asks for a call of a tool first, and for none afterwards."""

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        return handler(self._with_choice(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        return await handler(self._with_choice(request))

    def _with_choice(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        asked = request.messages[-1].type == "human"
        return request.override(tool_choice="any" if asked else "none")


class Recorded(FakeListChatModel):
    """A scripted remote that keeps what reached it."""

    _seen: list[str] = PrivateAttr(default_factory=list)

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        self._seen.append(f"{messages} {kwargs}")
        yield from super()._stream(messages, *args, **kwargs)

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        self._seen.append(f"{messages} {kwargs}")
        return super()._call(messages, *args, **kwargs)


class Scripted(BaseChatModel):
    """A local model of another kind than ours that takes tools, and answers from a script."""

    answers: list[AIMessage]
    _read: list[str] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(made) for made in tools], **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._read.append("\n".join(message.text for message in messages))
        message = self.answers[len(self._read) - 1]
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """A user of whom nothing is known."""
    with UserSession("quill", tmp_path_factory.mktemp("users"), create=True) as made:
        yield made


def called(*calls: tuple[str, dict[str, Any]]) -> AIMessage:
    """An answer that calls tools."""
    return AIMessage(
        "", tool_calls=[{"name": n, "args": a, "id": f"id-{i}"} for i, (n, a) in enumerate(calls)]
    )


def scripted_agent(session: UserSession, response_format: Any, *answers: AIMessage) -> Any:
    ours = CoGenesisMiddleware(session, local=Scripted(answers=list(answers)), mode="local")
    return create_agent(
        Recorded(responses=[OUTLINE]), middleware=[ours], response_format=response_format
    )


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_called_in_every_mode(session: UserSession, mode: Any) -> None:
    """By the local model, sync and async; the tool's result comes back to it."""
    remote = Recorded(responses=[OUTLINE])
    local = ChatLocalLlama(n_threads=1, max_tokens=60)
    direct = free_rows.model_copy(update={"return_direct": True})
    ours = CoGenesisMiddleware(session, local=local, mode=mode)
    agent = create_agent(remote, [direct], middleware=[Forcing(), ours])
    for state in (agent.invoke(ASK), await agent.ainvoke(ASK)):
        _, answer, result = state["messages"]
        told = answer.response_metadata["cogenesis"]
        assert (told["mode"], told["requested_mode"], told["warnings"]) == ("local", mode, [])
        assert answer.tool_calls[0]["args"]["side"] in ("left", "right")
        assert result.text.startswith("On the")
    assert remote._seen == []


@pytest.mark.parametrize("mode", ["local", "sketch", "remote"])
def test_after_a_call_the_mode_answers(session: UserSession, mode: Any) -> None:
    """The text comes from whom the mode names; the remote is told of no tool and no result."""
    remote = Recorded(responses=[OUTLINE])
    local = ChatLocalLlama(n_threads=1, max_tokens=60)
    ours = CoGenesisMiddleware(session, local=local, mode=mode)
    agent = create_agent(remote, [free_rows], middleware=[Forcing(), ours], name="usher")
    answer = agent.invoke(ASK)["messages"][-1]
    assert answer.response_metadata["cogenesis"]["mode"] == mode
    assert answer.name == "usher"
    assert len(remote._seen) == (mode != "local")
    assert "rows" not in "".join(remote._seen)
    assert (answer.text == OUTLINE) == (mode == "remote")


@pytest.mark.parametrize("mode", ["local", "sketch", "remote"])
async def test_only_the_answer_is_streamed(session: UserSession, mode: Any) -> None:
    """By messages and by events: nothing of the outline, or of a text that has placeholders yet."""
    remote = Recorded(responses=[OUTLINE.replace("one", "one of [EMAIL_1]")])
    ours = CoGenesisMiddleware(session, local=ChatLocalLlama(n_threads=1, max_tokens=20), mode=mode)
    agent = create_agent(remote, middleware=[ours])
    ask = {"messages": [HumanMessage("Write to tomas@reyl.example, please.")]}
    parts = [part for part, _ in agent.stream(ask, stream_mode="messages")]
    parts += [part async for part, _ in agent.astream(ask, stream_mode="messages")]
    answer = agent.invoke(ask)["messages"][-1].text
    assert answer
    assert "".join(part.text for part in parts) == 2 * answer
    assert len({part.id for part in parts}) == 2
    events = [event async for event in agent.astream_events(ask, version="v2")]
    talking = {event["name"] for event in events if "chat_model" in event["event"]}
    assert talking == {"ChatCoGenesis"}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", MODES)
async def test_a_structured_response_in_every_mode(
    session: UserSession, mode: Any, kind: str
) -> None:
    """Whatever the strategy, by `invoke` and `ainvoke`; the remote never sees the schema."""
    remote = Recorded(responses=[OUTLINE])
    local = ChatLocalLlama(n_threads=1, max_tokens=60)
    ours = CoGenesisMiddleware(session, local=local, mode=mode)
    agent = create_agent(remote, middleware=[ours], response_format=FORMATS[kind])
    for state in (agent.invoke(ASK), await agent.ainvoke(ASK)):
        made = state["structured_response"]
        if kind == "union":
            assert isinstance(made, Seats | Refusal)
        else:
            assert Seats.model_validate(made)
        assert isinstance(made, dict) == (kind == "dict")
        answer = state["messages"][1]
        told = answer.response_metadata["cogenesis"]
        outlined = mode == "sketch" and kind in SHAPED
        assert (told["mode"], told["requested_mode"]) == ("sketch" if outlined else "local", mode)
        assert (told["sketch"] != []) == outlined
        assert (answer.text == "") == (kind not in SHAPED)
    assert len(remote._seen) == (2 if outlined else 0)
    assert "row" not in "".join(remote._seen)


@pytest.mark.parametrize("kind", ["schema", "provider"])
def test_a_structured_response_after_a_call(session: UserSession, kind: str) -> None:
    """A tool first, then the response, which ends the agent."""
    local = ChatLocalLlama(n_threads=1, max_tokens=60)
    ours = CoGenesisMiddleware(session, local=local)
    agent = create_agent(
        Recorded(responses=[OUTLINE]),
        [free_rows],
        middleware=[Forcing(), ours],
        response_format=FORMATS[kind],
    )
    state = agent.invoke(ASK)
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]
    assert isinstance(state["structured_response"], Seats)


@pytest.mark.parametrize("kind", FORMATS)
def test_one_that_is_cut_off_is_an_error(session: UserSession, kind: str) -> None:
    """Not half a value, and not asked for again and again."""
    local = ChatLocalLlama(n_threads=1, max_tokens=3)
    ours = CoGenesisMiddleware(session, local=local, mode="local")
    agent = create_agent(local, middleware=[ours], response_format=FORMATS[kind])
    with pytest.raises(StructuredOutputValidationError, match="raise max_tokens"):
        agent.invoke(ASK, {"recursion_limit": 5})


def test_a_schema_is_a_tool_where_the_local_model_keeps_to_none(session: UserSession) -> None:
    """Of a local model of another kind it isn't known that it keeps to schemas."""
    agent = scripted_agent(session, Seats, called(("Seats", {"row": "back", "count": 2})))
    state = agent.invoke(ASK)
    assert state["structured_response"] == Seats(row="back", count=2)
    assert state["messages"][-1].text == "Returning structured response: row='back' count=2"
    shown = ToolStrategy(Seats, tool_message_content="Kept.")
    agent = scripted_agent(session, shown, called(("Seats", {"row": "back", "count": 2})))
    assert agent.invoke(ASK)["messages"][-1].text == "Kept."


WRONG = called(("Seats", {"row": SECRET, "count": 2}))
TWICE = called(*[("Seats", {"row": "back", "count": n}) for n in (1, 2)])
RIGHT = called(("Seats", {"row": "front", "count": 3}))


@pytest.mark.parametrize(
    ("handle", "told"),
    [
        (True, "Please fix your mistakes"),
        ("Try again.", "Try again."),
        (ValueError, None),
        ((ValueError, StructuredOutputValidationError), "Please fix your mistakes"),
        (lambda error: type(error).__name__, "StructuredOutputValidationError"),
        (False, None),
    ],
)
def test_a_mistake_is_told_or_raised(session: UserSession, handle: Any, told: str | None) -> None:
    """As the strategy says. What is raised names the field, and no value."""
    strategy = ToolStrategy(Seats, handle_errors=handle)
    agent = scripted_agent(session, strategy, WRONG, RIGHT)
    if told is None:
        with pytest.raises(StructuredOutputValidationError, match="literal_error at 'row'") as info:
            agent.invoke(ASK)
        assert SECRET not in str(info.value)
        assert info.value.__cause__ is None
        return
    state = agent.invoke(ASK)
    assert told in state["messages"][2].text
    assert state["structured_response"] == Seats(row="front", count=3)


def test_several_responses_are_a_mistake_too(session: UserSession) -> None:
    """Each of them is answered; without another try it is an error."""
    state = scripted_agent(session, ToolStrategy(Seats), TWICE, RIGHT).invoke(ASK)
    assert [message.type for message in state["messages"][2:4]] == ["tool", "tool"]
    assert state["structured_response"] == Seats(row="front", count=3)
    with pytest.raises(MultipleStructuredOutputsError):
        scripted_agent(session, ToolStrategy(Seats, handle_errors=False), TWICE).invoke(ASK)


def test_a_model_that_calls_nothing_is_told(session: UserSession) -> None:
    """Text in place of a call is an error; LangChain's loop would ask for ever."""
    agent = scripted_agent(session, ToolStrategy(Seats), AIMessage(SECRET))
    with pytest.raises(StructuredOutputValidationError, match="wasn't called") as info:
        agent.invoke(ASK)
    assert SECRET not in str(info.value)
    agent = scripted_agent(session, ProviderStrategy(Seats), AIMessage(f'{{"row": "{SECRET}"}}'))
    with pytest.raises(StructuredOutputValidationError, match="missing at 'count'") as info:
        agent.invoke(ASK)
    assert SECRET not in str(info.value)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_local_model_that_can_give_none_is_named(session: UserSession, kind: str) -> None:
    """Before anything is sent."""
    remote = Recorded(responses=[OUTLINE])
    ours = CoGenesisMiddleware(session, local=FakeListChatModel(responses=["x"]))
    agent = create_agent(remote, middleware=[ours], response_format=FORMATS[kind])
    with pytest.raises(ConfigurationError, match="structured response, and FakeListChatModel"):
        agent.invoke(ASK)
    assert remote._seen == []
