"""What is released: built, looked into, installed into an environment of its own, and used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from langchain_cogenesis import __version__

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NEEDED = (
    "langchain_cogenesis/models/bundled/house-small.gguf",
    "langchain_cogenesis/models/bundled/house-large.gguf",
    "langchain_cogenesis/models/bundled/house-small.md",
    "langchain_cogenesis/data/persona/profile.yaml",
    "langchain_cogenesis/data/grammar/common.yaml",
    "langchain_cogenesis/data/free_english.yaml",
    "langchain_cogenesis/py.typed",
)
LARGEST = 20_000_000
"""Bytes of either archive: two house models of 25 MB at most are most of it, compressed."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    [found] = built.glob("*.whl")
    return found


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Models, data and types are in it; tests, runs, notebooks and keys are not."""
    names = zipfile.ZipFile(wheel).namelist()
    assert set(NEEDED) <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"langchain_cogenesis", f"langchain_cogenesis-{__version__}.dist-info"}
    odd = [name for name in names if not name.endswith((".py", ".typed", ".gguf", ".md", ".yaml"))]
    allowed = r"(?:\.jinja|\.mbox|\.ics|\.json|\.html|\.css|\.gbnf)$|\.dist-info/"
    assert [name for name in odd if not re.search(allowed, name)] == []
    assert wheel.stat().st_size < LARGEST


def test_source_archive_builds_and_tests(built: Path) -> None:
    """It has what is needed to build and to test, and no leftovers of work."""
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/conftest.py", *NEEDED} <= names
    assert not [name for name in names if re.match(r"(?:runs|\.venv|\.git/|dist|build)", name)]
    assert archive.stat().st_size < LARGEST


@pytest.mark.timeout(240)
def test_an_installed_wheel_runs_the_readmes_first_program(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has the wheel and its dependencies, but not this checkout."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=True, symlinks=os.name == "posix")
    python = home / ("bin" if os.name == "posix" else "Scripts") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # The dependencies of this environment come after the wheel; its own installed ones are hidden.
    dependencies = Path(purelib) / "dependencies.pth"
    dependencies.write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    program = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    told = "\nimport langchain_cogenesis\nprint(langchain_cogenesis.__file__)\n"
    done = subprocess.run(
        [python, "-I", "-c", program + told],
        cwd=tmp_path,
        env={**os.environ, "COGENESIS_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(home) in done.stdout
    assert "Tomas" in done.stdout
    command = subprocess.run(
        [python.with_name("cogenesis"), "--version"], capture_output=True, text=True, check=False
    )
    assert command.returncode == 0, command.stderr
    assert __version__ in command.stdout
