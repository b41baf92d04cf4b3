"""`kill -9` before every single step on the disk: nothing acknowledged is lost, keys included."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kill_points import FIRST, USER, run
from vectors_on_disk import turn_vectors

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.session import UserSession


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one user: two notes, and a ledger of one entry."""
    root = tmp_path_factory.mktemp("prepared") / "root"
    with UserSession(USER, root, create=True) as session:
        session.add(FIRST)
        session.ledger.append({"event": "request"})
    return root


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("action", ["add", "rebuild", "rewrap", "renew", "forget"])
def test_killed_before_any_step(prepared: Path, tmp_path: Path, action: str) -> None:
    """Whatever the step, what was there is there, or the new is, whole."""
    steps = run(action, prepared, tmp_path / "work")["steps"]
    assert len(steps) >= {"add": 8, "rebuild": 16, "rewrap": 12, "renew": 25, "forget": 12}[action]
    assert UserDirectories(prepared).users() == (USER,)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_while_vectors_are_sealed(prepared: Path, tmp_path: Path) -> None:
    """A store with turned vectors, of an earlier version: sealed as before, and none left over."""
    old = shutil.copytree(prepared, tmp_path / "old")
    users = UserDirectories(old)
    turn_vectors(users.path(USER) / "context", users.keys(USER))
    assert len(run("migrate", old, tmp_path / "work")["steps"]) >= 8
