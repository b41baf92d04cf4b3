"""`cogenesis audit` end to end with the house models, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.evaluation.audit.canaries import plant
from langchain_cogenesis.evaluation.audit.grammar_users import grammar_subject
from langchain_cogenesis.evaluation.audit.recorded import recorded_requests


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["audit", *arguments, "--json"])
    # 1 says that something leaked, which is for the gate's tests to mind.
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def test_sketch_mode_is_recorded_attacked_and_reported(tmp_path: Path) -> None:
    """A handful of users: private recordings, a table without values, and reports."""
    folder = tmp_path / "audit"
    told = run("--limit", "12", "--max-tokens", "2", "--out", str(folder))
    [mode] = told["modes"]
    assert (mode["mode"], mode["users"]) == ("sketch", 12)
    assert mode["requests"] >= 12
    rows = {(row["attack"], row["what"]): row for row in mode["attacks"]}
    canaries = rows["canaries", "all, exact"]
    assert canaries["raw"]["value"] == 1.0
    assert 0 < canaries["typed"]["value"] < 1
    assert canaries["floor"]["value"] == 0
    assert canaries["ours"]["value"] < canaries["typed"]["value"] or not canaries["typed"]["value"]
    assert rows["linkability", "1 of 12 users"]["raw"]["value"] == 1.0
    assert rows["attribute", "tone"]["n"] == 12
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    records = sorted(folder.glob("*.wire"))
    assert len(records) == 12
    assert all(recorded_requests(record) for record in records)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert json.loads((folder / "report.json").read_text()) == told
    reports = (folder / "report.md").read_text() + (folder / "report.json").read_text()
    for number in range(12):
        for canary in plant(grammar_subject(0, number), 0).canaries:
            assert canary.text not in reports
    assert not list(folder.glob("store-*"))


def test_local_mode_sends_nothing(tmp_path: Path) -> None:
    """Not a byte, and so nothing is found; for people there is a table."""
    result = CliRunner().invoke(
        app, ["audit", "--mode", "local", "--limit", "2", "--max-tokens", "2"]
    )
    assert result.exit_code == 0, result.output
    assert "local: 2 users, 0 requests, 0 bytes" in result.stdout
    assert "Writing" not in result.stdout


def test_logit_mode_is_timed(tmp_path: Path) -> None:
    """Two users, each in four ways; so few are no measurement of time, and the table says so."""
    folder = tmp_path / "audit"
    told = run("-m", "logits", "--limit", "2", "--max-tokens", "12", "--out", str(folder))
    [mode] = told["modes"]
    assert mode["requests"] > 4
    assert len(list(folder.glob("logits-*.wire"))) == 8
    rows = {(row["attack"], row["what"]): row for row in mode["attacks"]}
    assert rows["canaries", "all, exact"]["raw"]["value"] == 1.0
    assert rows["timing", "fixed rate or not, AUC"]["verdict"] == "not measured"
    # The trusted runs see what is private: they are for times alone.
    fixed = next(folder.glob("logits-fixed-0*.wire"))
    assert recorded_requests(fixed)


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_audit_goes_on(tmp_path: Path) -> None:
    """What was recorded before the kill isn't recorded again, and nothing half is taken."""
    folder = tmp_path / "audit"
    arguments = ["audit", "--limit", "6", "--max-tokens", "2", "--out", str(folder), "--json"]
    program = "from langchain_cogenesis.cli import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(before := sorted(folder.glob("*.wire"))) < 2:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = sorted(folder.glob("*.wire"))
    assert len(before) < 6
    written = {path: path.stat().st_mtime_ns for path in before}
    [mode] = run("--limit", "6", "--max-tokens", "2", "--out", str(folder))["modes"]
    assert mode["users"] == 6
    assert {path: path.stat().st_mtime_ns for path in before} == written
    assert len(list(folder.glob("*.wire"))) == 6
    assert not [*folder.glob("*.part"), *folder.glob("store-*")]


def test_what_cannot_work_says_what_to_do(tmp_path: Path) -> None:
    """Unknown modes and schedules, files of something else, folders open to others."""
    broken = tmp_path / "broken.json"
    broken.write_text("no json")
    tmp_path.chmod(0o755)
    for arguments, word in (
        (("--mode", "telepathy"), "telepathy"),
        (("--schedule", "never"), "never"),
        (("--data", str(broken)), "broken.json"),
        (("--out", str(tmp_path)), "open to others"),
    ):
        told = run("--limit", "2", *arguments)
        assert word in told["error"]["message"]
