"""LangChain's standard unit suites: every class of ours that has one."""

from __future__ import annotations

from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from langchain_cogenesis import ChatCoGenesis, ChatLocalLlama, ChatLogitFusion, create_remote
from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.logit_settings import FusionHelper
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel

NOWHERE = "http://127.0.0.1:9/v1"


class TestChatLocalLlama(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLocalLlama

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"n_threads": 1}


class TestChatCoGenesis(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatCoGenesis

    @property
    def chat_model_params(self) -> dict[str, Any]:
        remote = create_remote(NOWHERE, "large")
        return {"local": ChatLocalLlama(n_threads=1), "remote": remote}


class TestChatLogitFusion(ChatModelUnitTests):
    """It takes no tools: the suite reads that off the class."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLogitFusion

    @property
    def chat_model_params(self) -> dict[str, Any]:
        helper = FusionHelper(LocalNextTokenModel(LlamaCppEngine.shared("house-large")))
        return {"local": ChatLocalLlama(n_threads=1), "helpers": (helper,)}


class TestStaticEmbeddings(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return StaticEmbeddings
