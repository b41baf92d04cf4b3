"""LangChain's standard suites, on the real model."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLocalLlama

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"n_threads": 1}


class TestIntegration(ChatModelIntegrationTests):
    """What needs tools, images or a schema is skipped by the suite: the model has none of them."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLocalLlama

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"n_threads": 1, "temperature": 1.0, "seed": 3, "max_tokens": 60}

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "house-large"
