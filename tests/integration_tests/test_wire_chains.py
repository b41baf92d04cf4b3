"""Chains of parts at the wire: private documents in a chain's state never reach the remote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from recorder import Recorder, find_values, recorded_requests, recording_server
from test_wire import CANARIES, INSTRUCTION, STRUCTURED, blind

from langchain_cogenesis import (
    ChatLocalLlama,
    UserSession,
    create_cogenesis_chain,
    create_context_node,
    create_private_prompt,
    create_remote,
    create_sketch_node,
    create_writer,
)
from langchain_cogenesis.exceptions import UnclearedRequestError
from langchain_cogenesis.models.remote import ChatRemote


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A server that records."""
    with recording_server(tmp_path) as running:
        yield running


@pytest.fixture
def remote(recorder: Recorder, session: UserSession) -> Iterator[ChatRemote]:
    """The remote, behind the session's gate."""
    made = create_remote(recorder.base_url, "recorded", gate=session.gate, timeout=2)
    yield made
    made.close()


def documents_first(session: UserSession, remote: ChatRemote) -> Runnable[Any, str]:
    """A chain whose state holds all private documents when the sketch node runs."""
    local = ChatLocalLlama(max_tokens=8)
    return (
        {"instruction": RunnablePassthrough(), "documents": session.retriever(k=50)}
        | RunnablePassthrough.assign(sketch=create_sketch_node(remote))
        | create_private_prompt()
        | create_writer(local)
        | StrOutputParser()
    )


def side_by_side(session: UserSession, remote: ChatRemote) -> Runnable[Any, str]:
    """Retriever and sketch node at once, the chat model itself at the end."""
    return (
        {
            "instruction": RunnablePassthrough(),
            "documents": create_context_node(session, k=50),
            "sketch": create_sketch_node(remote),
        }
        | create_private_prompt()
        | ChatLocalLlama(max_tokens=8)
        | StrOutputParser()
    )


def ready_made(session: UserSession, remote: ChatRemote) -> Runnable[Any, str]:
    """The chain of the package."""
    return create_cogenesis_chain(session, local=ChatLocalLlama(max_tokens=8), remote=remote, k=50)


@pytest.mark.parametrize("make", [documents_first, side_by_side, ready_made])
async def test_no_document_leaves(
    make: Any, session: UserSession, remote: ChatRemote, recorder: Recorder
) -> None:
    """By every door; the same chain past a gate that knows nothing shows what the search can do."""
    chain = make(session, remote)
    assert isinstance(chain.invoke(INSTRUCTION), str)
    assert isinstance(await chain.ainvoke(INSTRUCTION), str)
    assert [*chain.stream(INSTRUCTION)]
    assert [piece async for piece in chain.astream(INSTRUCTION)]
    assert len(recorded_requests(recorder.record_file)) == 4
    assert find_values(recorder.record_file, CANARIES) == []
    blind(session.gate)
    chain.invoke(INSTRUCTION)
    assert {v for v, _ in find_values(recorder.record_file, CANARIES)} == set(STRUCTURED)
    await remote.aclose()


def test_documents_piped_into_the_remote_are_refused(
    session: UserSession, remote: ChatRemote, recorder: Recorder
) -> None:
    """A chain that is put together wrongly sends nothing: the transport knows no such clearance."""
    wrong = (
        {"instruction": RunnablePassthrough(), "documents": session.retriever(k=50)}
        | create_private_prompt()
        | remote
    )
    with pytest.raises(UnclearedRequestError):
        wrong.invoke(INSTRUCTION)
    with pytest.raises(UnclearedRequestError):
        (session.retriever() | RunnableLambda(lambda d: d[0].page_content) | remote).invoke("x")
    assert recorded_requests(recorder.record_file) == []
