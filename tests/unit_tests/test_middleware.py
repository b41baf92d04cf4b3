"""The middleware: what it takes, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from langchain_cogenesis import (
    ChatCoGenesis,
    CoGenesisMiddleware,
    EgressGate,
    UserSession,
    create_remote,
)
from langchain_cogenesis.exceptions import ConfigurationError, ModeError, PrivacyError

ASK = {"messages": [HumanMessage("Write about the river.")]}
OUTLINE = "1. one\n2. two\n3. three\n4. four"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """A user of whom nothing is known."""
    with UserSession("quill", tmp_path_factory.mktemp("users"), create=True) as made:
        yield made


def scripted(*replies: str) -> FakeListChatModel:
    return FakeListChatModel(responses=list(replies))


def test_the_agents_model_is_the_remote(session: UserSession) -> None:
    """If no other is given; the local model is none."""
    local = scripted("a letter")
    ours = CoGenesisMiddleware(session, local=local)
    answer = create_agent(scripted(OUTLINE), middleware=[ours]).invoke(ASK)["messages"][-1]
    assert answer.text == "a letter"
    assert answer.response_metadata["cogenesis"]["sketch"][0] == "one"
    with pytest.raises(ModeError, match="needs a remote"):
        create_agent(local, middleware=[ours]).invoke(ASK)
    given = CoGenesisMiddleware(session, local=local, remote=scripted(OUTLINE))
    assert create_agent(local, middleware=[given]).invoke(ASK)["messages"][-1].text == "a letter"


def test_tools_that_nobody_can_call_are_told(session: UserSession) -> None:
    """A local model without `bind_tools` answers without tools, and the account says so."""

    @tool
    def look(day: str) -> str:
        """Looks."""
        return day

    ours = CoGenesisMiddleware(session, local=scripted("a letter"))
    answer = create_agent(scripted(OUTLINE), [look], middleware=[ours]).invoke(ASK)["messages"][-1]
    assert any("no tools" in told for told in answer.response_metadata["cogenesis"]["warnings"])


def test_what_it_cannot_do_is_refused(session: UserSession) -> None:
    """A mode that isn't, a remote with another gate."""
    ours = CoGenesisMiddleware(session, local=scripted("a letter"))
    bad: Any = "best"
    with pytest.raises(ModeError):
        CoGenesisMiddleware(session, local=scripted("x"), mode=bad)
    other = create_remote("http://127.0.0.1:9/v1", "m", gate=EgressGate())
    with pytest.raises(ConfigurationError, match="not the gate"):
        CoGenesisMiddleware(session, local=scripted("x"), remote=other)
    with pytest.raises(ConfigurationError, match="not the gate"):
        create_agent(other, middleware=[ours]).invoke(ASK)
    other.close()


def test_a_traced_agent_is_refused(traced: list[str], session: UserSession) -> None:
    """A hosted tracer would take the answer from the agent's runs."""
    ours = CoGenesisMiddleware(session, local=scripted("a letter"))
    with pytest.raises(PrivacyError, match="LangSmith"):
        create_agent(scripted(OUTLINE), middleware=[ours]).invoke(ASK)
    assert "a letter" not in "".join(traced)


def test_after_a_summary_the_local_model_answers_alone(session: UserSession) -> None:
    """Where nothing that was typed is left, the remote isn't asked, and the account says so."""
    remote = scripted(OUTLINE)
    summary = HumanMessage("Summary: a river.", additional_kwargs={"lc_source": "summarization"})
    agent = create_agent(
        remote, middleware=[CoGenesisMiddleware(session, local=scripted("a letter"))]
    )
    account = agent.invoke({"messages": [summary]})["messages"][-1].response_metadata["cogenesis"]
    assert account["mode"] == "local"
    assert any("summary" in told for told in account["warnings"])
    with pytest.raises(ModeError, match="summary"):
        ChatCoGenesis(local=scripted("a letter"), remote=remote).invoke([summary])


def test_its_repr_names_classes_only(session: UserSession) -> None:
    """Nothing of the user."""
    ours = CoGenesisMiddleware(session, local=scripted("a letter"))
    assert repr(ours) == "CoGenesisMiddleware(mode='sketch', local=FakeListChatModel)"
