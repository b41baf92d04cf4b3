"""The remote model: what it takes from the environment (nothing), and how its faults read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from langchain.agents import create_agent
from langchain_core.messages import BaseMessage
from recorder import Recorder, decoded_texts, recorded_requests, recording_server

from langchain_cogenesis import create_remote, serve_in_child
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    RemoteError,
    RemoteResponseError,
    RemoteUnavailableError,
    UnclearedRequestError,
)
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES, public_messages


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A server that records."""
    with recording_server(tmp_path) as running:
        yield running


@pytest.fixture
async def remote(recorder: Recorder) -> AsyncIterator[ChatRemote]:
    """A remote model at the recorder."""
    made = create_remote(
        recorder.base_url,
        "recorded",
        gate=EgressGate(public_texts=PUBLIC_TEMPLATES),
        timeout=1.0,
        max_retries=0,
    )
    yield made
    await made.aclose()


def ask(remote: ChatRemote) -> list[BaseMessage]:
    text = remote.gate.require("Hello.", endpoint=remote.endpoint, conversation=Conversation()).text
    return list(public_messages(text))


async def test_the_environment_changes_nothing(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys, organisations, proxies and addresses of the environment are neither used nor sent."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-environment")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-of-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("LANGSMITH_GATEWAY", "true")
    remote = create_remote(
        recorder.base_url, "recorded", gate=EgressGate(public_texts=PUBLIC_TEMPLATES)
    )
    assert remote.invoke(ask(remote)).content
    assert (await remote.ainvoke(ask(remote))).content
    await remote.aclose()
    sent = "\n".join(text for _, text in decoded_texts(recorder.record_file))
    assert "of-the-environment" not in sent


def test_few_headers_leave(recorder: Recorder, remote: ChatRemote) -> None:
    """Nothing tells of the operating system, the architecture or versions."""
    remote.invoke(ask(remote))
    names = {name.lower() for name, _ in recorded_requests(recorder.record_file)[0].headers}
    assert names <= {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length",
        "authorization", "user-agent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("error", RemoteUnavailableError, "status 500"),
        ("rate_limit", RemoteUnavailableError, "status 429"),
        ("hang", RemoteUnavailableError, "in time"),
        ("close_mid_stream", RemoteError, "127.0.0.1"),
        ("not_json", RemoteResponseError, "protocol"),
        ("redirect", RemoteError, "127.0.0.1"),
    ],
)
async def test_faults_are_named(
    recorder: Recorder, remote: ChatRemote, fault: str, error: type[RemoteError], says: str
) -> None:
    """Whole or streamed, sync or async, a fault is a RemoteError that says where and what."""
    messages = ask(remote)
    for streamed in (False, True):
        recorder.set_fault(fault, 1)  # type: ignore[arg-type]
        with pytest.raises(error, match=says):
            _ = list(remote.stream(messages)) if streamed else remote.invoke(messages)
        recorder.set_fault(fault, 1)  # type: ignore[arg-type]
        with pytest.raises(error, match=says):
            _ = (
                [chunk async for chunk in remote.astream(messages)]
                if streamed
                else await remote.ainvoke(messages)
            )
    # A redirect is not followed: every request came to the one address.
    hosts = {request.header("host") for request in recorded_requests(recorder.record_file)}
    assert hosts == {recorder.base_url.removeprefix("http://").removesuffix("/v1")}


def test_an_endpoint_that_is_not_there() -> None:
    """Nobody listens: the error says so, and what to do."""
    remote = create_remote("http://127.0.0.1:9/v1", "m", max_retries=0)
    text = remote.gate.require("Hi.", endpoint=remote.endpoint, conversation=Conversation()).text
    with pytest.raises(RemoteUnavailableError, match="can't be reached"):
        remote.invoke(text)
    remote.close()


def test_a_wrong_key_and_a_wrong_model() -> None:
    """The real server's refusals read as what they are."""
    with serve_in_child("house-small") as child:
        for key, model, says in (("wrong", child.model, "401"), (child.api_key, "other", "404")):
            remote = create_remote(child.base_url, model, api_key=key, max_retries=0)
            asked = {"endpoint": child.base_url, "conversation": Conversation()}
            text = remote.gate.require("Hi.", **asked).text
            with pytest.raises(RemoteError, match=says):
                remote.invoke(text)
            remote.close()


def test_an_address_that_is_none() -> None:
    """What isn't an HTTP URL is refused before anything is made."""
    with pytest.raises(ConfigurationError, match="not an HTTP URL"):
        create_remote("remote.example", "m")


async def test_an_agent_without_the_middleware_is_told_of_it(
    recorder: Recorder, remote: ChatRemote
) -> None:
    """Nothing leaves, and the error names what would have cleared it."""
    agent = create_agent(remote, system_prompt="Be kind.")
    with pytest.raises(UnclearedRequestError, match=r"ChatCoGenesis.*CoGenesisMiddleware"):
        await agent.ainvoke({"messages": [("human", "Write to Tomas.")]})
    assert recorded_requests(recorder.record_file) == []
