"""The README's commands and its Python run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def environment(home: Path) -> dict[str, str]:
    """Nothing of another run is found, neither a user nor a folder of results."""
    own = {"COGENESIS_HOME": str(home / "home"), "TMPDIR": str(home), "OMP_NUM_THREADS": "1"}
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **own}


def test_every_command_runs(tmp_path: Path) -> None:
    """The shell blocks run from top to bottom; of `make`, what it would do is asked."""
    script = "\n".join(blocks("sh"))
    assert script.count("cogenesis ") >= 8
    script = re.sub(r"^make ", "make -n ", script, flags=re.MULTILINE)
    done = subprocess.run(
        ["sh", "-euc", script], cwd=ROOT, env=environment(tmp_path), capture_output=True,
        text=True, check=False, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "nora is forgotten" in done.stdout


@pytest.mark.parametrize("program", blocks("python"))
def test_every_program_runs(program: str, tmp_path: Path) -> None:
    """The Python blocks run in a process of their own and print a text."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(tmp_path),
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Tomas" in done.stdout
    if "verify()" in program:
        assert "faults=()" in done.stdout


def test_the_profile_is_read_in_full(tmp_path: Path) -> None:
    """The profile that is shown has no field that is left out."""
    from langchain_cogenesis.context.importers import import_files

    [profile] = blocks("yaml")
    file = tmp_path / "profile.yaml"
    file.write_text(profile, encoding="utf-8")
    found = import_files([file])
    assert not found.problems
    [context] = found.contexts.values()
    assert context.profile is not None
    assert context.profile.contacts
    assert context.activities


def test_links_lead_to_files() -> None:
    """What the README points to in the repository is there."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
