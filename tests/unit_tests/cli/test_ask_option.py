"""`--ask KIND` asks at the terminal, and refuses where there is none."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app

PROFILE = "name: Nora Lindqvist\ncontacts:\n  - {name: Tomas Reyl, relation: friend}\n"
ASK = "Invite Tomas to the lake"


@pytest.fixture
def nora(tmp_path: Path) -> None:
    """Nora's profile, imported."""
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    assert CliRunner().invoke(app, ["import", str(path), "--user", "nora"]).exit_code == 0


@pytest.mark.usefixtures("nora")
@pytest.mark.parametrize("command", ["preview", "write"])
def test_without_a_terminal_nothing_is_sent(command: str) -> None:
    """The error names the option and the mend."""
    result = CliRunner().invoke(app, [command, ASK, "--user", "nora", "--ask", "NAME", "--json"])
    assert result.exit_code == 1
    message = json.loads(result.stdout)["error"]["message"]
    assert "standard input isn't one" in message
    assert "leave --ask out" in message


@pytest.mark.usefixtures("nora")
def test_an_unknown_kind_is_named() -> None:
    """With those that there are."""
    result = CliRunner().invoke(app, ["preview", ASK, "--user", "nora", "--ask", "SHOE"])
    assert result.exit_code == 1
    assert "'SHOE'" in result.output
    assert "NAME, PLACE" in result.output.replace("\n", " ")


@pytest.mark.usefixtures("nora")
@pytest.mark.parametrize(
    ("typed", "leaves"), [(b"what\nallow\n", ASK), (b"\n", "Invite [NAME_1] to the lake")]
)
def test_at_a_terminal_there_is_an_answer(typed: bytes, leaves: str) -> None:
    """What is no answer is asked again; Enter masks."""
    code = "from langchain_cogenesis.cli.app import app; app()"
    command = ["preview", ASK, "--user", "nora", "--ask", "name", "--json"]
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed)
        done = subprocess.run(
            [sys.executable, "-c", code, *command],
            stdin=theirs,
            capture_output=True,
            timeout=120,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert json.loads(done.stdout)["leaves"] == leaves
    assert b"A NAME would go to" in done.stderr
    assert b"Invite [NAME?] to the lake" in done.stderr
