"""One endpoint in a child process for all tests of the server, and clients for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.server.process import Endpoint, serve_in_child


@pytest.fixture(scope="session")
def endpoint(house_small: Path) -> Iterator[Endpoint]:
    """The small house model, served by a child process."""
    with serve_in_child(house_small) as running:
        yield running


@pytest.fixture(scope="session")
def engine(house_small: Path) -> LlamaCppEngine:
    """The same model in this process, to compare with."""
    return LlamaCppEngine.shared(house_small)


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[openai.OpenAI]:
    """The official client; it doesn't retry, so that faults show."""
    with openai.OpenAI(
        base_url=endpoint.base_url, api_key=endpoint.api_key, max_retries=0
    ) as opened:
        yield opened
