"""The doors nobody looks at: tracing, gateways, proxies, downloads, telemetry, logs, files.

One process writes from private context with all of them open at once, and what it connects to,
logs and leaves behind is searched. Its twin has leaks planted, which the search must find. Doors
that need no process of their own are tried one by one, next to what LangChain does there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_openai import ChatOpenAI
from recorder import Recorder, find_values, recorded_requests, recording_server

from langchain_cogenesis import ChatLocalLlama, UserSession, create_remote
from langchain_cogenesis.context.schema import Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.tracing import PrivacyWarning

SECRET = "Quillara Vexmoor"
CANARIES = (SECRET, "Osric Thandeka", "osric@thandeka.example", "welds kinetic sundials")
CONTEXT = PrivateContext(
    profile=UserProfile(
        name=SECRET,
        style=("Closing: Hugs",),
        contacts=(
            Contact(name="Osric Thandeka", relation="friend", email="osric@thandeka.example"),
        ),
        facts=("welds kinetic sundials",),
    )
)
INSTRUCTION = "Invite Osric Thandeka to see what I build."
SCRIPT = Path(__file__).with_name("door_process.py")


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """The endpoint that the user has chosen."""
    with recording_server(tmp_path_factory.mktemp("remote")) as running:
        yield running


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Recorder]:
    """Where every variable of the environment leads: tracing, gateway, proxy, telemetry."""
    with recording_server(tmp_path, "elsewhere.bin") as running:
        yield running


def open_doors(base_url: str) -> dict[str, str]:
    """An environment in which everything that can lead elsewhere does."""
    origin = base_url.removesuffix("/v1")
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "OPENAI_PROXY")
    return {
        **dict.fromkeys(names, origin),
        "NO_PROXY": "",
        "no_proxy": "",
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_BASE": base_url,
        "OPENAI_API_KEY": "sk-of-the-environment",
        "OPENAI_LOG": "debug",
        "LANGSMITH_TRACING": "true",
        "LANGCHAIN_TRACING_V2": "true",
        "LANGSMITH_ENDPOINT": origin,
        "LANGSMITH_API_KEY": "none",
        "LANGSMITH_GATEWAY": "true",
        "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
        "ANONYMIZED_TELEMETRY": "true",
        "HF_ENDPOINT": origin,
    }


def write(directory: Path, remote: Recorder, doors: dict[str, str], **more: Any) -> dict[str, Any]:
    """Runs the writing process in a directory; returns its report."""
    work = directory / "work"
    work.mkdir()
    lines = [f"{name}={value}" for name, value in doors.items()]
    lines += [f"CHROMA_OTEL_COLLECTION_ENDPOINT={doors['HF_ENDPOINT']}", "CHROMA_SERVER_HOST=x"]
    (work / ".env").write_text("\n".join(lines), encoding="utf-8")
    settings = {
        "home": str(directory / "users"),
        "report": str(directory / "report.json"),
        "remote": remote.base_url,
        "modes": ["local", "sketch", "remote"],
        **more,
    }
    paths = os.pathsep.join([str(SCRIPT.parent), os.environ.get("PYTHONPATH", "")])
    environ = {**os.environ, **doors, "PYTHONPATH": paths, "HOME": str(directory / "home")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(settings)],
        cwd=work,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    (work / "output.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    report: dict[str, Any] = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    return report


def files_with_canaries(directory: Path) -> set[str]:
    """Names of files that hold a canary as plain text, the report apart."""
    wanted = [canary.encode() for canary in CANARIES]
    return {
        path.name
        for path in directory.rglob("*")
        if path.is_file() and any(canary in path.read_bytes() for canary in wanted)
    }


def raw(recorder: Recorder) -> bytes:
    return recorder.record_file.read_bytes()


def test_with_all_doors_open_nothing_leaves(
    tmp_path: Path, remote: Recorder, elsewhere: Recorder
) -> None:
    """It speaks to the endpoint alone; no canary is in its logs, its output or any file."""
    seen = len(recorded_requests(remote.record_file))
    report = write(tmp_path, remote, open_doors(elsewhere.base_url))
    assert report["retrieved"]
    assert report["connected"] == [f"127.0.0.1:{urlsplit(remote.base_url).port}"]
    assert raw(elsewhere) == b""
    assert files_with_canaries(tmp_path) == set()
    assert "POST" in (tmp_path / "work" / "debug.log").read_text(encoding="utf-8")
    assert not any(canary in report["reprs"] for canary in CANARIES)
    assert len(recorded_requests(remote.record_file)) >= seen + 4
    assert find_values(remote.record_file, CANARIES) == []


def test_the_search_finds_what_is_planted(
    tmp_path: Path, remote: Recorder, elsewhere: Recorder
) -> None:
    """With tracing allowed, runs are sent; and a log line, a file and a connection are found."""
    port = urlsplit(elsewhere.base_url).port
    doors = {**open_doors(elsewhere.base_url), "COGENESIS_TRACING": "allow"}
    report = write(tmp_path, remote, doors, leak=port, modes=["local"])
    assert f"127.0.0.1:{port}" in report["connected"]
    assert files_with_canaries(tmp_path) == {"debug.log", "leak.txt", "elsewhere.bin"}
    traced = raw(elsewhere)
    assert b"langsmith" in traced.lower() or b"/runs" in traced
    assert traced.count(SECRET.encode()) > 1


@pytest.mark.parametrize(
    "names",
    [
        ("OPENAI_BASE_URL",),
        ("OPENAI_API_BASE",),
        ("OPENAI_PROXY",),
        ("HTTP_PROXY", "http_proxy"),
        ("ALL_PROXY", "all_proxy"),
    ],
    ids=lambda names: names[0],
)
def test_no_variable_redirects_the_remote(
    remote: Recorder, elsewhere: Recorder, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    """LangChain's own model goes where the variable says; ours goes to its endpoint."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    is_base = "BASE" in names[0]
    target = elsewhere.base_url if is_base else elsewhere.base_url.removesuffix("/v1")
    for name in names:
        monkeypatch.setenv(name, target)
    address = {} if is_base else {"base_url": remote.base_url}
    # LangChain shares a client among models of one address and timeout: a new one reads variables.
    seconds = 20.0 + len(recorded_requests(remote.record_file))
    plain = ChatOpenAI(model="m", api_key="k", max_retries=0, timeout=seconds, **address)
    plain.invoke("a plain one")
    plain.root_client.close()
    assert b"a plain one" in raw(elsewhere)
    before = raw(elsewhere)
    ours = create_remote(remote.base_url, "recorded")
    cleared = ours.gate.require(
        f"a cleared one by {names[0]}", endpoint=remote.base_url, conversation=Conversation()
    )
    ours.invoke([("human", cleared.text)])
    ours.close()
    assert raw(elsewhere) == before
    assert f"a cleared one by {names[0]}".encode() in raw(remote)


def test_tokens_are_counted_without_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LangChain's own count fetches an encoding, which the tests' closed network shows."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    with pytest.raises(Exception, match=r"(?i)socket|connect|resolve|proxy|retries"):
        ChatOpenAI(model="gpt-4o", api_key="k").get_num_tokens("some words")
    remote = create_remote("http://127.0.0.1:9/v1", "gpt-4o")
    assert 2 <= remote.get_num_tokens("some words") <= 10
    assert remote.get_num_tokens_from_messages([]) == 0
    with pytest.raises(ConfigurationError):
        remote.get_token_ids("some words")
    remote.close()


class KeptCache(InMemoryCache):
    """A cache that LangChain doesn't keep in memory alone, as far as its class tells."""


def test_a_cache_that_keeps_private_texts_is_warned_of() -> None:
    """It does get the private prompt, so that the warning is no idle one."""
    cache = KeptCache()
    set_llm_cache(cache)
    try:
        with pytest.warns(PrivacyWarning, match="KeptCache"):
            ChatLocalLlama(max_tokens=2).invoke([("system", SECRET), ("human", "Write.")])
        assert SECRET in repr(list(cache._cache))
        cache.clear()
        ChatLocalLlama(max_tokens=2, cache=False).invoke([("system", SECRET), ("human", "Write.")])
        assert list(cache._cache) == []
    finally:
        set_llm_cache(None)


def test_the_index_follows_no_variable(
    tmp_path: Path, elsewhere: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma's variables can name a server for the vectors; the store keeps them here."""
    address = urlsplit(elsewhere.base_url)
    monkeypatch.setenv("CHROMA_API_IMPL", "chromadb.api.fastapi.FastAPI")
    monkeypatch.setenv("CHROMA_SERVER_HOST", str(address.hostname))
    monkeypatch.setenv("CHROMA_SERVER_HTTP_PORT", str(address.port))
    with UserSession("quill", tmp_path / "users", create=True) as session:
        session.add(CONTEXT)
        assert session.store.search("sundials", 3)
    assert raw(elsewhere) == b""


@pytest.mark.parametrize("ours", [True, False])
def test_a_crash_of_a_command_shows_no_local_variables(tmp_path: Path, ours: bool) -> None:
    """Typer's own tracebacks can show them; the settings of ours don't."""
    maker = (
        "from langchain_cogenesis.cli.app import app"
        if ours
        else "import typer; app = typer.Typer(pretty_exceptions_show_locals=True)"
    )
    program = (
        f"import os, sys\n{maker}\n@app.command()\ndef crash():\n"
        "    told = os.environ['TOLD']\n    raise ValueError(len(told))\n"
        "@app.command()\ndef other():\n    pass\n"
        "app(['crash'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TOLD": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ValueError" in done.stderr
    assert (SECRET in done.stderr) is not ours
