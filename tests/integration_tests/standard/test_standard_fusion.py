"""LangChain's standard suite on ChatLogitFusion, over a real endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_cogenesis import ChatLocalLlama, ChatLogitFusion, FusionHelper, LocalNextTokenModel
from langchain_cogenesis.models.remote import ChatRemote


@pytest.fixture(scope="module")
def helper(remote: ChatRemote) -> FusionHelper:
    """The larger house model, by its log-probabilities."""
    vocabulary = LocalNextTokenModel(ChatLocalLlama(n_threads=1).engine).vocabulary
    return FusionHelper(remote.distributions(vocabulary))


class TestChatLogitFusion(ChatModelIntegrationTests):
    """It takes no tools: the suite reads that off the class."""

    @pytest.fixture(autouse=True)
    def _opened(self, helper: FusionHelper) -> None:
        self._helper = helper

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLogitFusion

    @property
    def chat_model_params(self) -> dict[str, Any]:
        local = ChatLocalLlama(n_threads=1, temperature=1.0, seed=3)
        return {"local": local, "helpers": (self._helper,), "max_tokens": 24}

    @property
    def supports_model_override(self) -> bool:
        return False  # All models must have one vocabulary.
