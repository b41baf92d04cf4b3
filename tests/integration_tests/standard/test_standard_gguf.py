"""LangChain's standard suite for chat models, whole, on a model that the environment names."""

from __future__ import annotations

import os
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_cogenesis import ChatLocalLlama

GGUF = os.environ.get("COGENESIS_TEST_GGUF", "")


@pytest.mark.skipif(
    not GGUF, reason="COGENESIS_TEST_GGUF names no GGUF of an instruction-tuned model"
)
class TestGivenModel(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLocalLlama

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": GGUF, "max_tokens": 300}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "house-small"
