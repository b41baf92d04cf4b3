"""LangChain's standard suites on the retriever and the embeddings."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
)

from langchain_cogenesis import PrivateContextRetriever, StaticEmbeddings, UserSession


class TestPrivateContextRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _filled(self, user: UserSession) -> None:
        self._store = user.store

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return PrivateContextRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"store": self._store}

    @property
    def retriever_query_example(self) -> str:
        return "a letter about the dinner"


class TestStaticEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return StaticEmbeddings
