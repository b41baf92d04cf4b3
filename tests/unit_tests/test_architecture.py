"""Who may import whom, what an import costs, and what the package offers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import langchain_cogenesis

PACKAGE = Path(langchain_cogenesis.__file__).parent
HEAVY = (
    "chromadb",
    "fastapi",
    "langchain_core",
    "langchain_openai",
    "llama_cpp",
    "numpy",
    "openai",
    "pydantic",
    "torch",
    "wordllama",
)


def test_layers_are_kept() -> None:
    """import-linter finds no module that imports one above it."""
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names load when they are first used."""
    program = f"import sys, langchain_cogenesis; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_loads_and_nothing_else_is_offered() -> None:
    """The public surface is this list."""
    assert set(langchain_cogenesis.__all__) == set(langchain_cogenesis._HOMES) | {"__version__"}
    for name in langchain_cogenesis.__all__:
        assert getattr(langchain_cogenesis, name) is not None
    assert dir(langchain_cogenesis) == sorted(langchain_cogenesis.__all__)


def test_http_clients_are_used_in_two_places_only() -> None:
    """Everything that reaches a network goes through the models' adapters and the transport."""
    users = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(n.split(".")[0] in ("httpx", "httpx2", "requests", "urllib3") for n in names):
                users.add(path.relative_to(PACKAGE).parts[0])
    assert users <= {"models"}
