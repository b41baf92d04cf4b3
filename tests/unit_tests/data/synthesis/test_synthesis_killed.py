"""A run that is killed goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from scripted_endpoint import Script, scripted
from synthesis_process import CONCURRENCY

from langchain_cogenesis.data.task.loading import load_examples

HERE = Path(__file__).parent
KILLED_AFTER = (1, 6, 14)
"""Requests in all after which the process is killed: in a step's middle each time."""
USERS, TASKS = 4, 3
NEEDED = 1 + USERS + USERS + USERS * TASKS


def test_nothing_is_paid_twice_after_kill_9(tmp_path: Path) -> None:
    """Killed again and again: what was noted is never asked again, and the set is the same."""
    with scripted(Script()) as script:
        for after in KILLED_AFTER:
            _run_and_kill(script, tmp_path / "run", after)
            noted = _noted(tmp_path / "run")
            assert len(noted) >= after - CONCURRENCY
            assert len(noted) < NEEDED
        # Requests under way at the moment of the kill are the only ones that are lost.
        assert _start(script, tmp_path / "run").wait() == 0
        counts = Counter(script.prompts)
        assert len(counts) == NEEDED
        assert sum(counts.values()) - NEEDED <= CONCURRENCY * len(KILLED_AFTER)
        lost_at_most = 1 + len(KILLED_AFTER)
        assert max(counts.values()) <= lost_at_most
        asked = len(script.prompts)
        assert _start(script, tmp_path / "other").wait() == 0
        assert len(script.prompts) == asked + NEEDED
    assert load_examples(tmp_path / "run") == load_examples(tmp_path / "other")
    assert len(load_examples(tmp_path / "run")) == USERS * TASKS


def _run_and_kill(script: Script, directory: Path, after: int) -> None:
    before = _noted(directory)
    asked = len(script.prompts)
    process = _start(script, directory)

    def kill(total: int) -> None:
        if total - asked + len(before) >= after:
            os.kill(process.pid, signal.SIGKILL)

    script.on_request = kill
    assert process.wait() == -signal.SIGKILL
    script.on_request = lambda total: None
    # What was on disk before is there, as it was, at the beginning.
    assert _noted(directory)[: len(before)] == before


def _start(script: Script, directory: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "synthesis_process.py"), script.base_url]
    return subprocess.Popen([*command, str(directory), str(USERS), str(TASKS)])


def _noted(directory: Path) -> list[str]:
    path = directory / "answers.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line)["key"] for line in lines]
