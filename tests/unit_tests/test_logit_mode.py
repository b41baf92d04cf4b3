"""Logit mode of ChatCoGenesis: switching, caching, falling back, settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import FakeListChatModel

from langchain_cogenesis import ChatCoGenesis, LlamaCppEngine
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import (
    ContextLengthError,
    ModeError,
    RemoteUnavailableError,
    VocabularyMismatchError,
)
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.logit_settings import LogitSettings
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.vocabulary import Vocabulary
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.testing import RemoteStandIn

ASK = "Invite Tomas to the dinner in Port Ellery."
CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        location="Port Ellery",
        style=("Greeting: Hi", "Closing: Hugs", "Tone: casual"),
        contacts=(Contact(name="Tomas Reyl", relation="friend"),),
    ),
    activities=(
        Activity(kind="calendar", when="2025-06-14T19:00", text="dinner", place="Casa Lume"),
    ),
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """Nora's session."""
    with UserSession("nora", tmp_path_factory.mktemp("home"), create=True) as made:
        made.add(CONTEXT)
        yield made


@pytest.fixture(scope="module")
def large(house_large: Path) -> Iterator[LocalNextTokenModel]:
    """The larger house model, in this process."""
    engine = LlamaCppEngine(house_large, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


def _model(session: UserSession, stand_in: Any, **more: Any) -> ChatCoGenesis:
    outline = "1. Greet [NAME_1]\n2. Name the day\n3. Say where\n4. Sign off"
    return ChatCoGenesis(
        local=ChatLocalLlama(max_tokens=30),
        remote=FakeListChatModel(responses=[outline]),
        session=session,
        mode="logits",
        next_token_remote=stand_in,
        **more,
    )


def test_the_account_tells_what_was_asked_and_why_not(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """Tokens are counted by reason, the steps come if asked for, and streaming gives the same."""
    remote = RemoteStandIn(large)
    model = _model(session, remote)
    answer = model.invoke(ASK, attribution=True)
    told = answer.response_metadata["cogenesis"]
    assert told["mode"] == "logits"
    assert told["tokens"]["asked"] > 0
    assert sum(told["tokens"].values()) == len(told["steps"]) == 30
    assert "".join(step["text"] for step in told["steps"]) == answer.content
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.usage_metadata["output_tokens"] == 30  # type: ignore[index]
    assert 0 < remote.requests < 30
    streamed = [str(chunk.content) for chunk in model.stream(ASK)]
    assert "".join(streamed) == answer.content
    assert sum(map(bool, streamed)) > 10


async def test_asynchronous_calls_give_the_same(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """`ainvoke` and `astream` write what `invoke` writes."""
    model = _model(session, RemoteStandIn(large))
    answer = model.invoke(ASK).content
    assert (await model.ainvoke(ASK)).content == answer
    assert "".join([str(c.content) async for c in model.astream(ASK)]) == answer


def test_modes_never_cross_in_the_cache(session: UserSession, large: LocalNextTokenModel) -> None:
    """With LangChain's cache on, each mode keeps its own answer, and each setting too."""
    set_llm_cache(InMemoryCache())
    try:
        model = _model(session, RemoteStandIn(large))
        chain = model
        first = {
            mode: chain.invoke(ASK, {"configurable": {"cogenesis_mode": mode}})
            for mode in ("logits", "sketch", "local")
        }
        for mode in ("local", "sketch", "logits"):
            again = chain.invoke(ASK, {"configurable": {"cogenesis_mode": mode}})
            assert again.content == first[mode].content
            assert again.response_metadata["cogenesis"]["mode"] == mode
        other = _model(
            session, RemoteStandIn(large), logits=LogitSettings(LinearFusion((0.0, 1.0)))
        )
        assert other.invoke(ASK).content != first["logits"].content
    finally:
        set_llm_cache(None)


def test_a_remote_that_dies_is_an_error_or_leaves_the_rest_to_the_local_model(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """In mid-text the local model goes on and the account says so; otherwise it is raised."""

    def failing() -> RemoteStandIn:
        return RemoteStandIn(large, fails_at=2, error=RemoteUnavailableError("gone."))

    with pytest.raises(RemoteUnavailableError):
        _model(session, failing()).invoke(ASK)
    answer = _model(session, failing(), on_remote_error="local").invoke(ASK)
    told = answer.response_metadata["cogenesis"]
    assert told["fallback"] == "RemoteUnavailableError"
    assert told["tokens"]["fault: RemoteUnavailableError"] > 0
    assert "went on alone" in told["warnings"][0]


def test_another_vocabulary_is_named_and_sketch_mode_offered(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """Two models with different tokens can't be fused; the error names both and the way out."""

    class Other(RemoteStandIn):
        @property
        def vocabulary(self) -> Vocabulary:
            own = super().vocabulary
            return Vocabulary(own.size, lambda token: b"x", own.tokenize, own.eog_ids)

    with pytest.raises(VocabularyMismatchError, match=r"house-small.*house-large.*sketch"):
        _model(session, Other(large)).invoke(ASK)
    answer = _model(session, Other(large), on_remote_error="local").invoke(ASK)
    told = answer.response_metadata["cogenesis"]
    assert (told["requested_mode"], told["mode"]) == ("logits", "sketch")
    assert told["fallback"] == "VocabularyMismatchError"
    assert told["sketch"][0] == "Greet Tomas"
    assert "in sketch mode" in told["warnings"][0]


def test_the_way_down_ends_with_the_local_model(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """No distributions and no outline: the local model answers, and both faults are told."""
    model = _model(session, None, on_remote_error="local")
    model.remote = FakeListChatModel(responses=[""])
    told = model.invoke(ASK).response_metadata["cogenesis"]
    assert (told["mode"], told["fallback"]) == ("local", "ModeError")
    assert ["sketch" in text for text in told["warnings"]] == [True, False]
    assert "local model alone" in told["warnings"][1]


def test_a_remote_that_is_down_is_not_asked_for_an_outline_too(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """What can't be reached, or was refused the instruction, has no outline either."""
    down = RemoteStandIn(large, fails_at=0, error=RemoteUnavailableError("gone."))
    answer = _model(session, down, on_remote_error="local").invoke(ASK)
    assert answer.response_metadata["cogenesis"]["sketch"] == []


def test_a_remote_without_distributions_is_named(session: UserSession) -> None:
    """A chat model that gives no log-probabilities can't serve the mode, and the error says so."""
    with pytest.raises(ModeError, match="sketch"):
        _model(session, None).invoke(ASK)


def test_a_prompt_that_leaves_no_room_is_an_error_before_the_first_token(
    session: UserSession, large: LocalNextTokenModel
) -> None:
    """Nothing is shown when the window is full."""
    long = ASK + " word" * 1100
    with pytest.raises(ContextLengthError):
        next(iter(_model(session, RemoteStandIn(large)).stream(long)))
