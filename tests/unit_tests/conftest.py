"""Fixtures that unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.tracers.langchain import LangChainTracer
from langsmith import utils as langsmith_utils


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The texts of all runs that would be sent to LangSmith, which the environment asks for."""
    texts: list[str] = []

    def note(self: Any, run: Any = None) -> None:
        texts.append(str((run or self).inputs))

    monkeypatch.setattr(LangChainTracer, "_persist_run_single", note)
    monkeypatch.setattr(LangChainTracer, "_update_run_single", staticmethod(note))
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "none")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    langsmith_utils.get_env_var.cache_clear()
    yield texts
    langsmith_utils.get_env_var.cache_clear()
