from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from langchain_cogenesis.context.retrievers import (
    PrivateContextRetriever,
    PrivateDocument,
    estimate_tokens,
)
from langchain_cogenesis.context.schema import Activity, PrivateContext, WritingSample
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.prompts import render_context


@pytest.fixture
def retriever(store: PrivateContextStore) -> PrivateContextRetriever:
    return PrivateContextRetriever(store=store)


def _text(documents: list[Document]) -> str:
    return render_context(documents)


def test_the_core_of_the_profile_is_always_there(retriever: PrivateContextRetriever) -> None:
    """Whatever is asked, the first document says who writes, and how."""
    core = (
        "Name: Wilhelmina Thistlewood\nOccupation: Cartographer\nCompany: Quillford Maps\n"
        "Location: Tarnbrook\nClosing: Toodle-pip"
    )
    for query in ("", "the weather on Mars", "晩ご飯 🍽", "dinner"):
        first = retriever.invoke(query, k=1)
        assert [document.page_content for document in first] == [core]


def test_named_and_implied_contacts_follow(retriever: PrivateContextRetriever) -> None:
    """The contact who is named, or implied by a relation, comes right after the core."""
    for query, name in (("invite Ottoline", "Ottoline"), ("tell my boss", "Jago")):
        second = retriever.invoke(query)[1]
        assert second.metadata["field"] == "contact"
        assert name in second.page_content


def test_every_part_of_the_context_is_there(retriever: PrivateContextRetriever) -> None:
    """The kinds are balanced, in the order profile, activity, writing, without repetition."""
    documents = retriever.invoke("the regatta dinner", k=6)
    kinds = [document.metadata["kind"] for document in documents]
    assert set(kinds) == {"profile", "activity", "writing"}
    assert kinds == sorted(kinds, key=("profile", "activity", "writing").index)
    ids = [key for document in retriever.invoke("x") for key in document.metadata["ids"]]
    assert len(ids) == len(set(ids))


def test_what_fits_comes_first_within_a_kind(store: PrivateContextStore) -> None:
    """Among many activities those that fit the instruction are taken, the best first."""
    notes = tuple(Activity(text=f"took bus number {number}") for number in range(60))
    store.add(PrivateContext(activities=notes))
    found = PrivateContextRetriever(store=store).invoke("what about the theodolite and the regatta")
    activities = [found for found in found if found.metadata["kind"] == "activity"]
    assert {document.metadata["field"] for document in activities[:2]} == {"purchase", "calendar"}
    scores = [document.metadata["score"] for document in activities]
    assert scores == sorted(scores, reverse=True)


def test_documents_name_the_items_they_hold(
    retriever: PrivateContextRetriever, store: PrivateContextStore
) -> None:
    """Metadata tell kind, field, score and the ids of the stored items."""
    known = {entry.id: entry.item for entry in store.items()}
    for document in retriever.invoke("dinner"):
        assert set(document.metadata) == {"kind", "field", "id", "ids", "score"}
        assert document.id == document.metadata["id"] == document.metadata["ids"][0]
        for key in document.metadata["ids"]:
            assert known[key].kind == document.metadata["kind"]
            assert known[key].text in document.page_content


@pytest.mark.parametrize("budget", [1, 8, 20, 60, 200])
def test_the_token_budget_holds(store: PrivateContextStore, budget: int) -> None:
    """The rendered context never has more tokens than the budget; only writings are cut."""
    store.add(PrivateContext(writings=(WritingSample(text="A sentence of six words. " * 80),)))
    retriever = PrivateContextRetriever(
        store=store, token_budget=budget, count_tokens=lambda text: len(text.split())
    )
    documents = retriever.invoke("a letter about words")
    assert len(_text(documents).split()) <= budget
    whole = "\n".join(entry.item.text for entry in store.items())
    assert all(
        line in whole for document in documents for line in document.page_content.split("\n")
    )
    if budget >= 60:
        assert {document.metadata["kind"] for document in documents} == {
            "profile", "activity", "writing",
        }  # fmt: skip


def test_budget_and_k_of_a_call_come_first(retriever: PrivateContextRetriever) -> None:
    """Keywords of `invoke` win over those of the constructor; below 1 they are an error."""
    assert len(retriever.invoke("dinner", k=2)) == 2
    assert len(_text(retriever.invoke("dinner", token_budget=30))) < 120
    with pytest.raises(ConfigurationError, match="k is 0"):
        retriever.invoke("dinner", k=0)
    with pytest.raises(ConfigurationError, match="token_budget is -1"):
        retriever.invoke("dinner", token_budget=-1)


def test_the_estimate_errs_on_the_safe_side() -> None:
    """Without a counter, texts count for at least as many tokens as they have words."""
    for text in ("a letter to my sister", "晩ご飯を食べます", "🍽🎻", ""):
        assert estimate_tokens(text) >= max(len(text.split()), 1)


async def test_async_finds_the_same(retriever: PrivateContextRetriever) -> None:
    """`ainvoke` and `abatch` give what `invoke` gives, keywords included."""
    assert await retriever.ainvoke("dinner", k=3) == retriever.invoke("dinner", k=3)
    assert await retriever.abatch(["a", "b"]) == retriever.batch(["a", "b"])


def test_it_is_a_runnable(retriever: PrivateContextRetriever) -> None:
    """It composes with other Runnables."""
    chain = retriever | RunnableLambda(_text)
    assert "Thistlewood" in chain.invoke("dinner")


def test_nothing_is_printed(retriever: PrivateContextRetriever) -> None:
    """Neither documents nor the retriever show content in repr or str."""
    documents = retriever.invoke("dinner with Ottoline")
    shown = f"{documents!r} {documents[0]} {retriever!r} {retriever}"
    assert "Thistlewood" not in shown
    assert "Ottoline" not in shown
    assert "withheld" in repr(PrivateDocument(page_content="x"))


def test_an_empty_store_gives_nothing(tmp_path: Path) -> None:
    """Where nothing is known, nothing is retrieved."""
    with PrivateContextStore(tmp_path) as store:
        assert PrivateContextRetriever(store=store).invoke("dinner") == []


def test_nothing_goes_to_hosted_tracing(
    retriever: PrivateContextRetriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tracing on in the environment, neither query nor documents reach the tracing server."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from langchain_core.tracers.langchain import wait_for_all_tracers
    from langsmith.utils import get_env_var

    requests: list[str] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_PATCH = do_POST

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("LANGSMITH_API_KEY", "not a key")
        get_env_var.cache_clear()
        try:
            RunnableLambda(len).invoke("the control: this one is traced")
            wait_for_all_tracers()
            traced = len(requests)
            retriever.invoke("dinner")
            wait_for_all_tracers()
        finally:
            get_env_var.cache_clear()
            server.shutdown()
    assert traced > 0
    assert len(requests) == traced
