"""ChatCoGenesis answers in every mode, says how, and never crosses modes or users."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tracers.context import register_configure_hook

from langchain_cogenesis import ChatCoGenesis, create_cogenesis_chain
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    EgressDeniedError,
    ModeError,
    RemoteUnavailableError,
)
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.remote import create_remote
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.session import UserSession

ASK = "Invite Tomas to the dinner in Port Ellery"
OUTLINE = "1. Greet [NAME_1]\n2. Name the day\n3. Say it is in [PLACE_1]\n4. Ask for a reply"
CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        location="Port Ellery",
        style=("Closing: Hugs",),
        contacts=(Contact(name="Tomas Reyl", relation="friend"),),
    ),
    activities=(Activity(kind="calendar", when="2025-06-14T19:00", text="dinner"),),
)


class Remote(FakeListChatModel):
    """A scripted remote that keeps what reached it and fails when told to."""

    seen: list[str]
    failing: bool = False
    breaking: bool = False

    def _note(self, messages: list[BaseMessage]) -> None:
        self.seen.append("\n".join(message.text for message in messages))
        if self.failing:
            raise RemoteUnavailableError("the remote is away.")

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        self._note(messages)
        return super()._call(messages, *args, **kwargs)

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        self._note(messages)
        for number, chunk in enumerate(super()._stream(messages, *args, **kwargs)):
            if self.breaking and number == 5:
                raise RemoteUnavailableError("the remote broke off.")
            yield chunk


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """Nora's session."""
    with UserSession("nora", tmp_path_factory.mktemp("home"), create=True) as made:
        made.add(CONTEXT)
        yield made


@pytest.fixture(scope="module")
def local() -> ChatLocalLlama:
    """The small house model."""
    return ChatLocalLlama(max_tokens=24)


def make(session: UserSession, local: ChatLocalLlama, *replies: str, **more: Any) -> Any:
    remote = Remote(responses=list(replies) or [OUTLINE], seen=[], **more.pop("remote", {}))
    return ChatCoGenesis(local=local, remote=remote, session=session, **more), remote


def test_sketch_mode_masks_asks_restores_and_writes(
    session: UserSession, local: ChatLocalLlama
) -> None:
    """The remote sees placeholders; the outline comes back restored; the local model writes."""
    model, remote = make(session, local)
    answer = model.invoke(ASK)
    account = answer.response_metadata["cogenesis"]
    assert account["mode"] == "sketch"
    assert account["sketch"][0] == "Greet Tomas"
    assert account["sketch"][2] == "Say it is in Port Ellery"
    assert account["masked"] == {"NAME": 1, "PLACE": 1}
    assert len(account["context_ids"]) >= 4
    assert remote.seen[0].endswith("Invite [NAME_1] to the dinner in [PLACE_1]")
    assert answer.usage_metadata["output_tokens"] > 0
    with_outline = local.invoke(ASK).usage_metadata["input_tokens"]
    assert answer.usage_metadata["input_tokens"] > with_outline


def test_remote_mode_restores_the_answer(session: UserSession, local: ChatLocalLlama) -> None:
    """What the remote wrote comes back with its private values in place."""
    model, remote = make(session, local, "Dear [NAME_1], come to [PLACE_1]! [NAME_9]")
    answer = model.invoke(ASK, mode="remote")
    assert answer.content == "Dear Tomas, come to Port Ellery! [NAME_9]"
    account = answer.response_metadata["cogenesis"]
    assert account["usage"]["local"]["total_tokens"] == 0
    assert account["context_ids"] == []
    assert any("[NAME_9]" in warning for warning in account["warnings"])
    assert "Tomas" not in remote.seen[0]


def test_log_probabilities_are_of_local_text(session: UserSession, local: ChatLocalLlama) -> None:
    """Where the local model writes they are reported; where the remote does, a warning says so."""
    model, _ = make(session, local, OUTLINE, "Dear [NAME_1], come!")
    written = model.invoke(ASK, logprobs=True).response_metadata
    assert written["logprobs"]["content"]
    assert written["cogenesis"]["warnings"] == []
    remote = model.invoke(ASK, mode="remote", logprobs=True).response_metadata
    assert "logprobs" not in remote
    assert any("log-probabilities" in text for text in remote["cogenesis"]["warnings"])


def test_bent_placeholders_are_left_and_told(session: UserSession, local: ChatLocalLlama) -> None:
    """A placeholder that the remote bent stays visible, in texts and outlines, and is named."""
    model, _ = make(session, local, "Dear [name_1], see you at [PLACE 1")
    answer = model.invoke(ASK, mode="remote")
    assert answer.content == "Dear [name_1], see you at [PLACE 1"
    told = answer.response_metadata["cogenesis"]["warnings"]
    assert any("[name_1]" in text and "[PLACE 1" in text for text in told)
    model, _ = make(session, local, "1. Greet [Name_1]\n2. Name the day\n3. Say where\n4. Sign off")
    told = model.invoke(ASK).response_metadata["cogenesis"]
    assert told["sketch"][0] == "Greet [Name_1]"
    assert any("[Name_1]" in text for text in told["warnings"])


def test_local_mode_asks_no_remote(session: UserSession, local: ChatLocalLlama) -> None:
    """The local model alone needs no remote and reaches none."""
    model, remote = make(session, local)
    answer = model.invoke(ASK, mode="local")
    assert remote.seen == []
    assert answer.response_metadata["cogenesis"]["mode"] == "local"
    alone = ChatCoGenesis(local=local, session=session)
    assert alone.invoke(ASK, mode="local").content == answer.content


@pytest.mark.parametrize("mode", ["local", "remote", "sketch"])
async def test_streams_and_async_calls_give_the_same_text(
    session: UserSession, local: ChatLocalLlama, mode: str
) -> None:
    """invoke, stream, ainvoke, astream and batch agree, and the last chunk has the account."""
    model, _ = make(session, local)
    whole = model.invoke(ASK, mode=mode)
    chunks = list(model.stream(ASK, mode=mode))
    achunks = [chunk async for chunk in model.astream(ASK, mode=mode)]
    texts = [
        "".join(str(chunk.content) for chunk in chunks),
        "".join(str(chunk.content) for chunk in achunks),
        (await model.ainvoke(ASK, mode=mode)).content,
        model.batch([ASK, ASK], mode=mode)[1].content,
    ]
    assert texts == [whole.content] * 4
    assert "mode" in chunks[-1].response_metadata["cogenesis"]
    first = chunks[0].response_metadata.get("cogenesis", {})
    assert list(first) == (["sketch"] if mode == "sketch" else [])
    total = AIMessageChunk(content="")
    for chunk in chunks:
        total = total + chunk  # type: ignore[assignment]
    assert total.usage_metadata == whole.usage_metadata
    assert total.response_metadata["cogenesis"] == whole.response_metadata["cogenesis"]


def test_the_mode_comes_from_the_config_too(session: UserSession, local: ChatLocalLlama) -> None:
    """In a chain, `configurable` switches the mode of the same object; a keyword goes first."""
    model, remote = make(session, local)
    chain = create_cogenesis_chain(session, local=local, remote=remote)
    chain.invoke(ASK, {"configurable": {"cogenesis_mode": "local"}})
    assert remote.seen == []
    assert chain.invoke({"instruction": ASK}) == model.invoke(ASK).content
    assert len(remote.seen) == 2
    config: Any = {"configurable": {"cogenesis_mode": "remote"}}
    assert model.invoke(ASK, config, mode="local").response_metadata["cogenesis"]["mode"] == "local"
    assert "".join(chain.stream(ASK, config)).startswith("1. Greet Tomas")
    with pytest.raises(ConfigurationError, match="without an instruction"):
        chain.invoke({"question": ASK})


def test_the_cache_never_crosses_modes_or_users(
    session: UserSession, local: ChatLocalLlama, tmp_path: Path
) -> None:
    """With LangChain's cache on, each mode and each user's context has answers of its own."""
    set_llm_cache(InMemoryCache())
    try:
        model, _ = make(session, local, "a remote answer")
        config: Any = {"configurable": {"cogenesis_mode": "remote"}}
        assert model.invoke(ASK, config).content == "a remote answer"
        assert model.invoke(ASK, mode="local").content != "a remote answer"
        assert model.invoke(ASK, mode="remote").content == "a remote answer"
        with UserSession("other", tmp_path, create=True) as other:
            other.add(PrivateContext(profile=UserProfile(name="Ada Ost")))
            theirs = ChatCoGenesis(local=local, session=other)
            before = theirs.invoke(ASK, mode="local").response_metadata["cogenesis"]
            assert len(before["context_ids"]) == 1
    finally:
        set_llm_cache(None)


@pytest.mark.parametrize("mode", ["remote", "sketch"])
def test_a_remote_that_fails_is_an_error_or_answered_for(
    session: UserSession, local: ChatLocalLlama, mode: str
) -> None:
    """By default an error; with on_remote_error="local" the local text, which says so."""
    model, _ = make(session, local, remote={"failing": True})
    with pytest.raises(RemoteUnavailableError):
        model.invoke(ASK, mode=mode)
    answer = model.invoke(ASK, mode=mode, on_remote_error="local")
    account = answer.response_metadata["cogenesis"]
    assert (account["mode"], account["requested_mode"]) == ("local", mode)
    assert account["fallback"] == "RemoteUnavailableError"
    assert "remote is away" in account["warnings"][0]
    assert answer.content == model.invoke(ASK, mode="local").content


def test_a_stream_that_breaks_off(session: UserSession, local: ChatLocalLlama) -> None:
    """Once text was shown, a break is an error; an answer that is given whole falls back."""
    model, _ = make(session, local, "a long remote answer", remote={"breaking": True})
    shown = []
    stream = model.stream(ASK, mode="remote", on_remote_error="local")
    with pytest.raises(RemoteUnavailableError):
        shown.extend(str(chunk.content) for chunk in stream)
    assert "".join(shown) == "a lon"
    answer = model.invoke(ASK, mode="remote", on_remote_error="local")
    assert answer.response_metadata["cogenesis"]["mode"] == "local"


def test_only_what_the_human_typed_goes_to_the_remote(
    session: UserSession, local: ChatLocalLlama
) -> None:
    """System prompts, earlier answers and tool results may hold private context: they stay."""
    model, remote = make(session, local)
    model.invoke(
        [
            SystemMessage("system secret"),
            HumanMessage("Write to Tomas"),
            AIMessage("answer secret"),
            HumanMessage("Shorter, please"),
        ]
    )
    assert "secret" not in remote.seen[0]
    assert remote.seen[0].endswith("Write to [NAME_1]\n\nShorter, please")


def test_a_preview_shows_what_would_leave(session: UserSession, local: ChatLocalLlama) -> None:
    """It is the text that the remote then gets, and asking for it sends nothing."""
    model, remote = make(session, local)
    seen = model.preview([SystemMessage("system secret"), HumanMessage(ASK)])
    assert seen.original == ASK
    assert remote.seen == []
    model.invoke(ASK)
    assert seen.masked is not None
    assert remote.seen[0].endswith(seen.masked)


def test_stop_strings_cut_the_remote_answer_here(
    session: UserSession, local: ChatLocalLlama
) -> None:
    """A stop string may be private: it is applied after restoring and never sent."""
    model, _ = make(session, local, "Dear [NAME_1], bye")
    assert model.invoke(ASK, mode="remote", stop=["Tomas,"]).content == "Dear "


def test_what_cannot_be_served_is_said(session: UserSession, local: ChatLocalLlama) -> None:
    """Unknown modes, a missing remote and empty instructions are errors that say what to do."""
    model = ChatCoGenesis(local=local, session=session)
    with pytest.raises(ModeError, match="local, remote, sketch"):
        model.invoke(ASK, mode="telepathy")
    with pytest.raises(ModeError, match="mode='local'"):
        model.invoke(ASK)
    answered = model.invoke(ASK, on_remote_error="local").response_metadata["cogenesis"]
    assert answered["fallback"] == "ModeError"
    with pytest.raises(ConfigurationError, match="on_remote_error"):
        model.invoke(ASK, on_remote_error="ignore")
    with pytest.raises(ConfigurationError, match="nothing to write"):
        model.invoke("  ")
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    with pytest.raises(ConfigurationError, match="image_url"):
        model.invoke([HumanMessage([{"type": "text", "text": ASK}, picture])], mode="local")


def test_what_is_no_chat_model_is_named(session: UserSession, local: ChatLocalLlama) -> None:
    """A model's name, or a model with retries around it."""
    name: Any = "house-small"
    with pytest.raises(ConfigurationError, match="`local` has to be a chat model, and a str"):
        ChatCoGenesis(local=name, session=session)
    bound: Any = local.with_retry()
    with pytest.raises(ConfigurationError, match="`remote` has to be a chat model"):
        ChatCoGenesis(local=local, remote=bound, session=session)


class Heard(BaseCallbackHandler):
    """Keeps the names of the chat models whose runs it hears of."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.names.append(serialized["name"])


@pytest.mark.parametrize("mode", ["sketch", "remote"])
async def test_callbacks_around_it_hear_of_one_run(
    session: UserSession, local: ChatLocalLlama, mode: str
) -> None:
    """The remote's call within is none of the app's: its tokens would be counted twice."""
    model, remote = make(session, local)
    given, opened = Heard(), Heard()
    variable: ContextVar[Heard | None] = ContextVar("opened", default=None)
    register_configure_hook(variable, inheritable=True)  # as get_usage_metadata_callback does
    token = variable.set(opened)
    config: Any = {"callbacks": [given], "configurable": {"cogenesis_mode": mode}}
    chain = ChatPromptTemplate.from_template("{it}") | model
    chain.invoke({"it": ASK}, config)
    await chain.ainvoke({"it": ASK}, config)
    assert list(chain.stream({"it": ASK}, config))
    variable.reset(token)
    assert len(remote.seen) == 3
    assert given.names == opened.names == ["ChatCoGenesis"] * 3


def test_a_refusing_policy_sends_nothing(local: ChatLocalLlama, tmp_path: Path) -> None:
    """What the policy refuses never reaches the remote; the local model can answer for it."""
    policy = EgressPolicy(actions={"NAME": "refuse"})
    with UserSession("nora", tmp_path, create=True, policy=policy) as strict:
        strict.add(CONTEXT)
        model, remote = make(strict, local)
        with pytest.raises(EgressDeniedError, match="1 NAME"):
            model.invoke(ASK)
        answer = model.invoke(ASK, on_remote_error="local")
        assert answer.response_metadata["cogenesis"]["fallback"] == "EgressDeniedError"
        assert remote.seen == []


def test_a_remote_with_another_gate_is_refused(session: UserSession, local: ChatLocalLlama) -> None:
    """A gate that doesn't know the user's values can't guard them."""
    remote = create_remote("http://127.0.0.1:9/v1", "m")
    with pytest.raises(ConfigurationError, match=r"gate=session\.gate"):
        ChatCoGenesis(local=local, remote=remote, session=session)


def test_the_model_prints_nothing_private(session: UserSession, local: ChatLocalLlama) -> None:
    """repr shows neither the session nor what is in it."""
    model, _ = make(session, local)
    assert "Nora" not in repr(model)
    assert "Lindqvist" not in str(model)
