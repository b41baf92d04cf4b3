"""Commands as processes: a server that is interrupted, an import that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from langchain_cogenesis import create_remote
from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.privacy.restore import Conversation

COMMAND = Path(sys.executable).parent / "cogenesis"


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [COMMAND, "serve", "house-small", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = "".join(iter(process.stdout.readline, "}\n")) + "}"
            yield process, json.loads(told)
        finally:
            process.kill()


def test_serve_answers_until_it_is_interrupted() -> None:
    """It tells where it is, serves the openai client, and ends cleanly on Ctrl-C."""
    with serving("--api-key", "open-sesame-open-sesame") as (process, told):
        remote = create_remote(told["base_url"], told["model"], api_key="open-sesame-open-sesame")
        asked = {"endpoint": told["base_url"], "conversation": Conversation()}
        cleared = remote.gate.require("Invite a friend.", **asked)
        reply = remote.invoke([("human", cleared.text)], max_tokens=4)
        remote.close()
        assert reply.usage_metadata is not None
        assert remote.list_models.__doc__
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_port_in_use_is_named() -> None:
    """The error says which port, and how to take another."""
    with serving() as (_, told):
        port = told["base_url"].rsplit(":", 1)[1].removesuffix("/v1")
        done = subprocess.run(
            [COMMAND, "serve", "house-small", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert port in done.stderr
    assert "--port" in done.stderr


def _record(number: int) -> dict[str, object]:
    return {
        "tid": f"u_{number}",
        "conversations": [{"from": "user", "value": "Write."}],
        "profile": [{"title": f"t{number}", "text": f"Sample {number}. " * 40, "id": "1"}],
        "additional_profile": "\n".join(
            [
                "Age: 40",
                f"Name: Person Number{number}",
                "Occupation: Baker",
                "Location: Zarnholt",
                "Personal_traits: calm; kind",
                "Writing_style: short",
                "Privacy_info: " + "; ".join(f"fact {n} of {number}" for n in range(8)),
                "Smart_device_usage: a; b",
                "Ai_assistant_usage: c; d",
            ]
        ),
        "additional_tasks": [],
    }


@pytest.mark.parametrize("delay", [0.0, 0.15, 0.4])
def test_a_killed_import_leaves_whole_records_only(tmp_path: Path, delay: float) -> None:
    """After `kill -9` in the middle, every user that is there has everything, and more can come."""
    records = tmp_path / "records.json"
    records.write_text(json.dumps([_record(number) for number in range(40)]), encoding="utf-8")
    home = tmp_path / "users"
    command = [COMMAND, "import", records, "--format", "cogenesis", "--store", home]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while len(list(home.glob("*/*/documents"))) < 3 and process.poll() is None:
        time.sleep(0.02)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    directories = UserDirectories(home)
    sizes = {user: _size(directories, user) for user in directories.users()}
    assert len(sizes) >= 3
    assert set(sizes.values()) <= {0, 20}
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["users"]) == 40
    assert {_size(directories, f"u_{number}") for number in range(40)} == {20}


def _size(directories: UserDirectories, user: str) -> int:
    with directories.open_store(user) as store:
        return len(store.items())
