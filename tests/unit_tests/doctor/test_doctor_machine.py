"""What the doctor says of variables, files, models and memory."""

from __future__ import annotations

import base64
import hashlib
import os
import resource
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from langchain_cogenesis.context.schema import PrivateContext, UserProfile
from langchain_cogenesis.doctor import machine
from langchain_cogenesis.doctor.environment import check_environment
from langchain_cogenesis.doctor.finding import Finding, host, is_loopback
from langchain_cogenesis.doctor.machine import check_machine
from langchain_cogenesis.doctor.stored import check_stored
from langchain_cogenesis.session import UserSession

SECRET = "sk-verysecret"


def by_check(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def test_a_bare_environment_is_fine(tmp_path: Path) -> None:
    """Nothing set, nothing found."""
    found = list(check_environment({"PATH": "/bin", "OPENAI_API_KEY": SECRET}, tmp_path))
    assert [finding for finding in found if finding.status != "ok"] == []
    assert len(found) == 10


@pytest.mark.parametrize(
    ("check", "name", "status"),
    [
        ("LangSmith tracing", "LANGSMITH_TRACING", "warn"),
        ("LangSmith tracing", "LANGCHAIN_TRACING_V2", "warn"),
        ("LangSmith tracing", "COGENESIS_TRACING", "ok"),
        ("other tracers", "OTEL_EXPORTER_OTLP_ENDPOINT", "warn"),
        ("other tracers", "LANGFUSE_HOST", "warn"),
        ("other tracers", "SENTRY_DSN", "warn"),
        ("gateways", "OPENAI_BASE_URL", "warn"),
        ("gateways", "OPENAI_API_BASE", "warn"),
        ("gateways", "LANGSMITH_GATEWAY", "warn"),
        ("proxies", "HTTPS_PROXY", "warn"),
        ("proxies", "all_proxy", "warn"),
        ("proxies", "OPENAI_PROXY", "warn"),
        ("certificates", "SSL_CERT_FILE", "warn"),
        ("TLS keys", "SSLKEYLOGFILE", "fail"),
        ("index server", "CHROMA_API_IMPL", "fail"),
        ("index server", "CHROMA_OTEL_COLLECTION_ENDPOINT", "fail"),
        ("model hub", "HF_ENDPOINT", "warn"),
    ],
)
def test_each_variable_is_found_by_name_and_its_value_is_not_shown(
    tmp_path: Path, check: str, name: str, status: str
) -> None:
    """The finding names the variable and says what to do; the value may be a secret."""
    finding = by_check(check_environment({name: SECRET}, tmp_path))[check]
    assert finding.status == status
    assert (name in finding.found) is (status != "ok")
    assert bool(finding.advice) is (status != "ok")
    assert SECRET not in repr(finding)


def test_tracing_that_is_hidden_is_fine_and_one_that_is_allowed_fails(tmp_path: Path) -> None:
    """What is decided is whether texts are sent."""
    on = {"LANGSMITH_TRACING": "true"}
    hiding = {"LANGSMITH_HIDE_INPUTS": "true", "LANGCHAIN_HIDE_OUTPUTS": "true"}
    allowing = {"COGENESIS_TRACING": "allow"}
    for environ, status in (
        (on | hiding, "ok"),
        (on | allowing, "fail"),
        (on | allowing | hiding, "ok"),
        (allowing, "warn"),
        ({"LANGSMITH_TRACING": "false"}, "ok"),
        (on | {"LANGSMITH_HIDE_INPUTS": "true"}, "warn"),
    ):
        found = by_check(check_environment(environ, tmp_path))
        assert found["LangSmith tracing"].status == status, environ


def test_request_logs_are_warned_of_when_they_hold_bodies(tmp_path: Path) -> None:
    """At `info` the openai client logs no body."""
    for level, status in (("debug", "warn"), ("info", "ok")):
        found = by_check(check_environment({"OPENAI_LOG": level}, tmp_path))
        assert found["request logs"].status == status


def test_a_dotenv_file_is_read_for_names_only(tmp_path: Path) -> None:
    """What matters in it is named; what doesn't, isn't."""
    file = tmp_path / ".env"
    file.write_text(f"OPENAI_API_KEY={SECRET}\n", encoding="utf-8")
    assert by_check(check_environment({}, tmp_path))[".env file"].status == "ok"
    file.write_text(f"export LANGSMITH_TRACING={SECRET}\nHTTPS_PROXY=x\n", encoding="utf-8")
    finding = by_check(check_environment({}, tmp_path))[".env file"]
    assert finding.status == "warn"
    assert "LANGSMITH_TRACING, HTTPS_PROXY" in finding.found
    assert SECRET not in repr(finding)


def test_this_machine_runs_the_house_models(tmp_path: Path) -> None:
    """Python, both files, memory and llama.cpp, by loading the smaller model."""
    found = by_check(check_machine("house-small", tmp_path))
    for check in ("Python", "house-small", "house-large", "llama.cpp", "shell history"):
        assert found[check].status == "ok", found[check]
    assert "GB needed" in found["memory"].found


def test_a_house_model_that_is_cut_or_changed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, house_small: Path, house_large: Path
) -> None:
    """A cut file by its head, a changed one by the digest that the installer noted."""
    whole = house_small.read_bytes()
    (tmp_path / "house-small.gguf").write_bytes(whole[:-1000])
    changed = bytearray(house_large.read_bytes())
    changed[-1] ^= 1
    (tmp_path / "house-large.gguf").write_bytes(changed)
    monkeypatch.setattr(machine, "BUNDLED", tmp_path)
    digest = base64.urlsafe_b64encode(hashlib.sha256(house_large.read_bytes()).digest())
    entry = SimpleNamespace(
        name="house-large.gguf",
        hash=SimpleNamespace(mode="sha256", value=digest.decode().rstrip("=")),
    )
    monkeypatch.setattr(machine.metadata, "files", lambda name: [entry])
    found = by_check(check_machine("house-small", tmp_path))
    assert found["house-small"].status == "fail"
    assert found["house-large"].status == "fail"
    (tmp_path / "house-large.gguf").write_bytes(house_large.read_bytes())
    assert by_check(check_machine("house-small", tmp_path))["house-large"].status == "ok"


def test_a_local_model_that_is_missing_or_too_large_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path without a file fails, a hub name isn't downloaded, and memory is counted."""
    found = by_check(check_machine(str(tmp_path / "gone.gguf"), tmp_path))
    assert found["local model"].status == "fail"
    assert "gone" in found["local model"].found
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    found = by_check(check_machine("owner/repository:file.gguf", tmp_path))
    assert found["local model"].status == "warn"
    monkeypatch.setattr(machine, "available_memory", lambda: 1_000_000)
    found = by_check(check_machine("house-small", tmp_path))
    assert found["memory"].status == "fail"
    assert "llama.cpp" not in found


def test_instructions_in_the_shell_history_are_counted(tmp_path: Path) -> None:
    """Those from files or standard input aren't in it; nothing of the text is shown."""
    (tmp_path / ".bash_history").write_text(
        'cogenesis write "Tell Osric" --user q\ncogenesis write @ask.txt\ncogenesis write - -u q\n'
        "cogenesis preview 'Tell Osric'\ncogenesis ledger show\n",
        encoding="utf-8",
    )
    finding = by_check(check_machine("house-small", tmp_path))["shell history"]
    assert finding.status == "warn"
    assert "2 in .bash_history" in finding.found
    assert "Osric" not in repr(finding)


def test_core_dumps_are_warned_of(tmp_path: Path) -> None:
    """By the limit of the process itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
        assert by_check(check_machine("house-small", tmp_path))["core dumps"].status == "ok"
        if hard:
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            assert by_check(check_machine("house-small", tmp_path))["core dumps"].status == "warn"
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A user's store, made while the process would let everybody read new files."""
    root = tmp_path / "users"
    before = os.umask(0)
    try:
        with UserSession("quill", root, create=True) as session:
            session.add(PrivateContext(profile=UserProfile(name="Quillara Vexmoor")))
    finally:
        os.umask(before)
    return root


def test_a_store_is_private_whatever_the_umask(stored: Path) -> None:
    """Directories 0700, files 0600, keys among them."""
    found = list(check_stored(stored, "quill"))
    assert [finding for finding in found if finding.status != "ok"] == []
    assert {finding.check for finding in found} >= {"store", "user", "keys", "stored files"}


@pytest.mark.parametrize(
    ("pattern", "mode", "check"),
    [("*/key", 0o640, "keys"), ("*/context", 0o755, "stored files"), (".", 0o755, "store")],
)
def test_what_others_can_read_is_found(stored: Path, pattern: str, mode: int, check: str) -> None:
    """The finding names the file and the mend."""
    [path] = [stored] if pattern == "." else stored.glob(pattern)
    path.chmod(mode)
    finding = by_check(check_stored(stored))[check]
    assert finding.status == "fail"
    assert str(path) in finding.found
    assert "chmod" in finding.advice


def test_looking_at_a_store_makes_nothing(tmp_path: Path) -> None:
    """A root that isn't there is fine, but not for a user who should be there."""
    root = tmp_path / "none"
    assert by_check(check_stored(root))["store"].status == "ok"
    assert by_check(check_stored(root, "quill"))["store"].status == "fail"
    assert not root.exists()
    root.mkdir(mode=0o700)
    assert by_check(check_stored(root, "quill"))["user"].status == "fail"
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "shown", "here"),
    [
        ("https://user:pass@api.example/v1?key=1", "api.example", False),
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000", True),
        ("http://localhost/v1", "localhost", True),
        ("http://[::1]:9/v1", "[::1]:9", True),
        ("http://127.0.0.1.evil.example/v1", "127.0.0.1.evil.example", False),
        ("nonsense", "", False),
    ],
)
def test_addresses_are_shown_without_secrets(address: str, shown: str, here: bool) -> None:
    """Host and port only, and whether that is this machine."""
    assert host(address) == shown
    assert is_loopback(address) is here
