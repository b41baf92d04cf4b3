"""`cogenesis doctor`: its table, its JSON and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from langchain_cogenesis import serve_in_child
from langchain_cogenesis.cli.app import app
from langchain_cogenesis.session import UserSession

SECRET = "sk-verysecret"


@pytest.fixture(autouse=True)
def _quiet_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and none of this machine's own variables."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("COGENESIS_HOME", str(tmp_path / "users"))


def doctor(*arguments: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["doctor", *arguments, "--json"])
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    return {finding["check"]: finding for finding in told["findings"]}


def test_a_sound_machine_passes(tmp_path: Path) -> None:
    """Every check is there, with status, finding and advice; exit status 0."""
    UserSession("quill", tmp_path / "users", create=True).close()
    found = doctor("--user", "quill")
    assert found["user"]["status"] == "ok"
    assert not [f for f in found.values() if f["status"] == "fail"]
    result = CliRunner().invoke(app, ["doctor", "--user", "quill"])
    assert result.exit_code == 0
    assert "what to do" in result.stdout
    assert "llama.cpp" in result.stdout


def test_a_failure_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table names the variable and not its value; a warning alone does not fail."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://{SECRET}@proxy.example")
    assert doctor()["proxies"]["status"] == "warn"
    monkeypatch.setenv("CHROMA_SERVER_HOST", SECRET)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "CHROMA_SERVER_HOST" in result.stdout
    assert SECRET not in result.stdout
    assert doctor("--user", "nobody", code=1)["store"]["status"] == "fail"


def test_an_endpoint_is_asked_what_it_can_do() -> None:
    """Ours serves all modes; a port where nobody listens fails, with what to check."""
    with serve_in_child("house-large") as child:
        found = doctor("--base-url", child.base_url, "--remote-key", child.api_key or "")
        assert found["endpoint"]["status"] == "ok"
        assert "house-large" in found["endpoint"]["found"]
        assert found["log-probabilities"]["status"] == "ok"
        assert "logit mode" in found["log-probabilities"]["found"]
    gone = doctor("--base-url", "http://127.0.0.1:9/v1", code=1)["endpoint"]
    assert "can't be reached" in gone["found"]
    assert gone["advice"]


def test_an_app_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hosted model without our gate fails, with its place; the app's own prints aren't JSON."""
    Path("commanded_app.py").write_text(
        "from langchain_openai import ChatOpenAI\nprint('noise')\n"
        f"model = ChatOpenAI(model='m', base_url='https://api.example/v1', api_key='{SECRET}')\n",
        encoding="utf-8",
    )
    found = doctor("--app", "commanded_app:model", code=1)["model"]
    assert (found["status"], found["place"]) == ("fail", "commanded_app:model")
    result = CliRunner().invoke(app, ["doctor", "--app", "commanded_app:gone"])
    assert result.exit_code == 1
    assert "can't be loaded" in result.output
