"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

BUNDLED = Path(__file__).parent.parent / "langchain_cogenesis" / "models" / "bundled"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has an empty home of its own and none of the developer's keys or tracing."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COGENESIS_HOME", str(tmp_path / "home" / "cogenesis"))


@pytest.fixture(scope="session")
def house_small() -> Path:
    """The small house model's file."""
    return BUNDLED / "house-small.gguf"


@pytest.fixture(scope="session")
def house_large() -> Path:
    """The larger house model's file."""
    return BUNDLED / "house-large.gguf"
