"""LangChain's standard suite for chat models, on the small house model."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from limits import HouseModel

from langchain_cogenesis import ChatLocalLlama


class TestChatLocalLlama(HouseModel, ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLocalLlama

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"n_threads": 1, "temperature": 1.0, "seed": 3, "max_tokens": 120}

    @property
    def model_override_value(self) -> str:
        return "house-large"
