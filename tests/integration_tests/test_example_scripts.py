"""The short examples run as they stand, on the house models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENTS = {"post_agent"}
"""They have tests of their own."""
SHARED = {"__init__", "editing", "persona"}
SCRIPTS = sorted(
    path.stem for path in (ROOT / "examples").glob("*.py") if path.stem not in AGENTS | SHARED
)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"examples.{script}", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_writes_to_tomas(script: str) -> None:
    """Without any argument: a text for the bundled persona, or for what the script holds itself."""
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert "Tomas" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_takes_real_models(script: str) -> None:
    """Each can be pointed at a GGUF and at an endpoint."""
    told = run(script, "--help").stdout
    assert "--local" in told
    assert "--remote" in told


def test_a_wrong_mode_is_told() -> None:
    """Errors are sentences, as on the command line."""
    done = run("own_chain", "--mode", "magic")
    assert done.returncode == 1
    assert "magic" in done.stderr
    assert "Traceback" not in done.stderr
