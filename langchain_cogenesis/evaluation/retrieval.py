"""What the local model reads of an example's context."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from langchain_core.documents import Document

from langchain_cogenesis.context.retrievers import PrivateContextRetriever
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.models.llamacpp import LlamaCppEngine

_OUTLINE_ROOM = 400
_MARGIN = 32


def retrieve_documents(
    engine: LlamaCppEngine, example: TaskExample, *, k: int, max_tokens: int
) -> tuple[Document, ...]:
    """Retrieves an example's context from a store of its own, as a session would.

    Args:
        engine: The local model, whose window bounds what is read.
        example: The example.
        k: Items at most.
        max_tokens: Room that the answer needs.
    """
    taken = engine.count_tokens(example.instruction) + _OUTLINE_ROOM + _MARGIN
    budget = max(1, engine.n_ctx - taken - min(max_tokens, engine.n_ctx // 2))
    with (
        TemporaryDirectory(prefix="cogenesis-") as folder,
        PrivateContextStore(folder, encryption="off") as store,
    ):
        store.add(example.context)
        retriever = PrivateContextRetriever(
            store=store, k=k, token_budget=budget, count_tokens=engine.count_tokens
        )
        return tuple(retriever.invoke(example.instruction))
