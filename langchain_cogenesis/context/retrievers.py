"""What the local model is given to read: private context chosen for an instruction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import run_in_executor
from pydantic import Field

from langchain_cogenesis.context.documents import StoredItem
from langchain_cogenesis.context.schema import ItemKind
from langchain_cogenesis.context.selection import (
    Budget,
    choose,
    is_core,
    named_contacts,
    select_core,
)
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.exceptions import ConfigurationError

_ORDER: tuple[ItemKind, ...] = ("profile", "activity", "writing")
# Searched for beyond what is needed: core items are left out, and some won't fit the budget.
_SPARE = 20


class PrivateDocument(Document):
    """A document whose `repr` and `str` withhold its content.

    Metadata: `kind`, `field`, `id` (of the item, or of the first of several), `ids` (of all items
    in it) and `score`.
    """

    def __repr__(self) -> str:
        kind = self.metadata.get("kind")
        return f"PrivateDocument(<withheld, {len(self.page_content)} characters>, kind={kind!r})"

    __str__ = __repr__

    def __rich_repr__(self) -> Iterable[Any]:
        yield f"<withheld, {len(self.page_content)} characters>"


class PrivateContextRetriever(BaseRetriever):
    """Retrieves what is needed to write for the user: who they are, and what fits the instruction.

    The first document is always the core of the profile (name, occupation, company, location and
    the lines on style, in one document). Contacts whom the instruction names or implies by their
    relation follow; then activities, facts and earlier writings fill what is left, by quotas and
    relevance. Documents come in the order profile, activity, writing, each by relevance.

    Attributes:
        store: The user's store.
        k: Number of documents at most.
        token_budget: Number of tokens at most, of all documents together; None for no limit. Only
            an earlier writing is ever cut, at the end of a sentence.
        count_tokens: Counts the tokens of a text; by default an estimate on the safe side.
    """

    store: PrivateContextStore = Field(repr=False, exclude=True)
    k: int = Field(default=12, ge=1)
    token_budget: int | None = Field(default=None, ge=1)
    count_tokens: Callable[[str], int] | None = Field(default=None, repr=False, exclude=True)

    def invoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """Retrieves for an instruction, keeping query and documents out of hosted tracing.

        Args:
            input: The instruction.
            config: As for any Runnable.
            kwargs: `k` and `token_budget`, for this call.

        Raises:
            ConfigurationError: `k` or `token_budget` is below 1.
        """
        from langsmith import tracing_context

        with tracing_context(enabled=False):
            return super().invoke(input, config, **kwargs)

    async def ainvoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """As `invoke`, in a thread."""
        from langsmith import tracing_context

        with tracing_context(enabled=False):
            return await super().ainvoke(input, config, **kwargs)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        token_budget: int | None = None,
    ) -> list[Document]:
        limit = self.k if k is None else k
        tokens = self.token_budget if token_budget is None else token_budget
        for name, value in (("k", limit), ("token_budget", tokens)):
            if value is not None and value < 1:
                raise ConfigurationError(f"{name} is {value}.", hint="Use at least 1.")
        budget = Budget(documents=limit, tokens=tokens, count=self.count_tokens or estimate_tokens)
        stored = self.store.items()
        core, core_text = select_core(stored, budget)
        documents = [_document(core[0], core_text, core)] if core else []
        contacts = []
        for entry in named_contacts(query, stored)[: max(1, limit // 2)]:
            if budget.take(entry.item.text):
                contacts.append(entry)
                documents.append(_document(entry, entry.item.text))
        pools: dict[ItemKind, list[StoredItem]] = {}
        for kind in _ORDER:
            ranked = self.store.search(query, 2 * limit + _SPARE, [kind])
            taken = {entry.id for entry in contacts}
            pools[kind] = [
                entry for entry in ranked if not is_core(entry) and entry.id not in taken
            ]
        return documents + [_document(entry, text) for entry, text in choose(pools, budget)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        token_budget: int | None = None,
    ) -> list[Document]:
        return await run_in_executor(
            None,
            partial(
                self._get_relevant_documents,
                query,
                run_manager=run_manager.get_sync(),
                k=k,
                token_budget=token_budget,
            ),
        )


def _document(first: StoredItem, text: str, items: Sequence[StoredItem] = ()) -> Document:
    return PrivateDocument(
        id=first.id,
        page_content=text,
        metadata={
            "kind": first.item.kind,
            "field": "core" if items else first.item.field,
            "id": first.id,
            "ids": [entry.id for entry in items or [first]],
            "score": first.score,
        },
    )


def estimate_tokens(text: str) -> int:
    """Estimates a number of tokens from the length, rather too high than too low."""
    return len(text.encode("utf-8", "replace")) // 3 + 1
