"""LangChain's standard suite on ChatCoGenesis, in each of its modes, with a real remote."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from limits import HouseModel

from langchain_cogenesis import ChatCoGenesis, ChatLocalLlama, UserSession
from langchain_cogenesis.models.remote import ChatRemote


class _InMode(HouseModel):
    mode: str

    @pytest.fixture(autouse=True)
    def _opened(self, user: UserSession, remote: ChatRemote) -> None:
        self._parts = {"session": user, "remote": remote}

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatCoGenesis

    @property
    def chat_model_params(self) -> dict[str, Any]:
        local = ChatLocalLlama(n_threads=1, temperature=1.0, seed=3, max_tokens=120)
        return {"local": local, "mode": self.mode, "max_tokens": 120, **self._parts}

    @property
    def model_override_value(self) -> str:
        return "house-large"


class TestLocal(_InMode, ChatModelIntegrationTests):
    mode = "local"


class TestSketch(_InMode, ChatModelIntegrationTests):
    """Where a toy gives no outline for 'hi', the local model answers: that is no fault here."""

    mode = "sketch"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "on_remote_error": "local"}


class TestRemote(_InMode, ChatModelIntegrationTests):
    mode = "remote"

    @property
    def supports_model_override(self) -> bool:
        return False  # The endpoint serves one model.


class TestLogits(_InMode, ChatModelIntegrationTests):
    mode = "logits"

    @property
    def supports_model_override(self) -> bool:
        return False  # Both models must have one vocabulary.
