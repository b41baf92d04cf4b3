"""The user whose every private value the wire tests look for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_wire import CONTEXT

from langchain_cogenesis import UserSession


@pytest.fixture
def session(tmp_path: Path) -> Iterator[UserSession]:
    """A user with a canary in every field of their context."""
    with UserSession("quill", tmp_path / "users", create=True) as made:
        made.add(CONTEXT)
        yield made
