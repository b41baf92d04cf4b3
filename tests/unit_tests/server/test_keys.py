"""The key of `cogenesis serve`: made, written, given, or none in so many words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.server.keys import choose_key, make_key, write_key

GIVEN = "a-key-of-my-own-choice"


def test_without_options_a_key_is_made() -> None:
    """Each time another one, long enough not to be found by trying."""
    keys = {choose_key(None)[0] for _ in range(5)}
    assert len(keys) == 5
    assert all(key is not None and len(key) == 32 for key in keys)


def test_none_has_to_be_said() -> None:
    """No key only with `--no-auth`, and a key that was given is taken."""
    assert choose_key(None, no_auth=True) == (None, False)
    assert choose_key(GIVEN) == (GIVEN, False)


@pytest.mark.parametrize(
    "options",
    [
        {"given": GIVEN, "no_auth": True},
        {"given": None, "no_auth": True, "key_file": Path("key")},
        {"given": GIVEN, "key_file": Path("key")},
        {"given": ""},
        {"given": "short"},
        {"given": "a key with a line\nbreak in it"},
        {"given": "ein Schlüssel mit Umlaut"},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object]) -> None:
    """Options that contradict each other, and keys that are easy to find or fit no header."""
    with pytest.raises(ConfigurationError) as caught:
        choose_key(**options)  # type: ignore[arg-type]
    assert GIVEN not in str(caught.value)


def test_the_file_is_the_users_own(tmp_path: Path) -> None:
    """Mode 0600, also where an open file lay before."""
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    key = make_key()
    write_key(path, key)
    assert path.read_text() == key + "\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error names the file, and not the key."""
    with pytest.raises(ConfigurationError, match="missing") as caught:
        write_key(tmp_path / "missing" / "key", GIVEN)
    assert GIVEN not in str(caught.value)


def serve(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "langchain_cogenesis.cli", "serve", "house-small"]
    code = "from langchain_cogenesis.cli import main; main()"
    command = [sys.executable, "-c", code, *command[3:], "--port", "0", "--json", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_object(process: subprocess.Popen[str]) -> dict[str, str | None]:
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        text += line
    told: dict[str, str | None] = json.loads(text)
    return told


def status(url: str, key: str | None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{url}/models", headers=headers, trust_env=False, timeout=20).status_code


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("how", ["shown", "file", "none"])
def test_serve(tmp_path: Path, how: str) -> None:
    """The command asks for the key that it showed or wrote, and for none only if told so."""
    path = tmp_path / "key.txt"
    options = {"shown": (), "file": ("--key-file", str(path)), "none": ("--no-auth",)}[how]
    with serve(*options) as process:
        try:
            told = first_object(process)
            url = str(told["base_url"])
            key = path.read_text().strip() if how == "file" else told["api_key"]
            assert (told["api_key"] is not None) is (how == "shown")
            assert (key is None) is (how == "none")
            assert status(url, key) == 200
            assert status(url, None) == (200 if how == "none" else 401)
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert key is None or key not in complaints


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_serve_where_the_key_cannot_be_written(tmp_path: Path) -> None:
    """Then it does not serve, and says why."""
    with serve("--key-file", str(tmp_path / "missing" / "key")) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "missing" in json.loads(out)["error"]["message"]


def test_help_says_how_to_use_it() -> None:
    """The options and a request with the key."""
    text = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "120"}).output
    for word in ("--key-file", "--no-auth", "--rate", "Authorization: Bearer", "curl", "0600"):
        assert word in text
