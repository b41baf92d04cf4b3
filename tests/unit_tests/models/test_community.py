"""With langchain-community installed: its models' weights, its loaders, its vector stores."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    LlamaCppEngine,
    UserSession,
    import_documents,
)
from langchain_cogenesis.exceptions import ConfigurationError

ASK = "Write a short note to a friend."


@pytest.fixture(scope="module", params=["ChatLlamaCpp", "LlamaCpp"])
def community(request: pytest.FixtureRequest, house_small: Path) -> Iterator[Any]:
    """A model of langchain-community that has loaded the small house model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if request.param == "ChatLlamaCpp":
            from langchain_community.chat_models import ChatLlamaCpp as Kind
        else:
            from langchain_community.llms import LlamaCpp as Kind
        yield Kind(
            model_path=str(house_small), n_ctx=512, n_threads=1, temperature=0.0, max_tokens=12,
            repeat_penalty=1.0, verbose=False,
        )  # fmt: skip


def test_loaded_weights_are_taken_over(
    community: Any, house_small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is loaded again, the text is that of a model loaded anew, and both go on working."""
    from langchain_cogenesis.models import decoder

    expected = ChatLocalLlama(max_tokens=12, n_ctx=512, n_threads=1).invoke(ASK).content

    def refuse(*args: Any) -> None:
        raise AssertionError("the weights were loaded a second time")

    monkeypatch.setattr(decoder, "_load_model", refuse)
    engine = LlamaCppEngine.adopt(community.client)
    engine.close()
    model = ChatLocalLlama.from_llama(community)
    assert (model.max_tokens, model.temperature, model.n_ctx, model.seed) == (12, 0.0, 512, None)
    assert model.engine is LlamaCppEngine.adopt(community.client)
    model.engine.close()
    assert model.invoke(ASK).content == expected
    assert ChatLocalLlama.from_llama(community, max_tokens=3).max_tokens == 3
    assert community.invoke("Hello")


def test_a_bare_llama_is_taken_over_and_other_things_are_refused(house_small: Path) -> None:
    """A `llama_cpp.Llama` has no sampling settings of its own."""
    import llama_cpp

    llama = llama_cpp.Llama(str(house_small), n_ctx=256, n_threads=1, verbose=False)
    model = ChatLocalLlama.from_llama(llama, max_tokens=5)
    assert model.engine.n_ctx == 256
    assert model.invoke(ASK).usage_metadata["output_tokens"] <= 5  # type: ignore[index]
    with pytest.raises(ConfigurationError, match="holds no loaded model"):
        ChatLocalLlama.from_llama("house-small.gguf")


def test_loaders_feed_the_store(tmp_path: Path) -> None:
    """Any loader: paragraphs become notes, whole documents writings; the gate learns from them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.document_loaders import CSVLoader, TextLoader
    path = tmp_path / "diary.txt"
    path.write_text("Bought a lute.\n\nMet Ilmari Quade at Vesper Hall. " + "It rained. " * 90)
    table = tmp_path / "table.csv"
    table.write_text("what,where\nconcert,Zinnober Quay\n")
    notes = import_documents(TextLoader(path))
    assert notes.activities[0].text == "Bought a lute."
    assert len(notes.activities) == 3
    assert max(len(activity.text) for activity in notes.activities) <= 600
    letter = Document("Dear all,\nwe won.\nHugs", metadata={"title": "victory"})
    writings = import_documents([letter, Document(" ")], kind="writing").writings
    assert [(sample.title, sample.text) for sample in writings] == [
        ("victory", letter.page_content)
    ]
    with UserSession("quill", tmp_path / "users", create=True) as session:
        session.add(notes)
        session.add(import_documents(CSVLoader(table)))
        found = session.retriever().invoke("Which concert, and where?")
        assert any("Zinnober Quay" in document.page_content for document in found)


def test_any_vector_store_is_a_retriever(tmp_path: Path) -> None:
    """A store and embeddings of the user's choice in place of ours."""
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    store.add_documents([Document("Closing: Tschüss", id="a"), Document("Name: Ada", id="b")])
    model = ChatCoGenesis(local=ChatLocalLlama(max_tokens=4), retriever=store.as_retriever())
    account = model.invoke(ASK, mode="local").response_metadata["cogenesis"]
    assert len(account["context_ids"]) == 2
