"""What keeps a user's key, and the care of a store, on the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app

OLD, NEW = "the old passphrase", "the new passphrase"
COMMAND = Path(sys.executable).parent / "cogenesis"


def run(*arguments: str, code: int = 0, **environment: str) -> Any:
    result = CliRunner().invoke(app, list(arguments), env=environment)
    assert result.exit_code == code, result.output
    return result


def run_json(*arguments: str, code: int = 0, **environment: str) -> Any:
    return json.loads(run(*arguments, "--json", code=code, **environment).stdout)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "profile.yaml"
    path.write_text("name: Nora Lindqvist\ncompany: Kilnhouse Studio\n", encoding="utf-8")
    return path


def test_a_passphrase_from_the_environment(profile: Path) -> None:
    """Import, show, and change it; the old one is refused then, and neither is ever printed."""
    outputs = [
        run("import", str(profile), "-u", "nora", "--key", "passphrase", COGENESIS_PASSPHRASE=OLD),
        run("context", "show", "-u", "nora", COGENESIS_PASSPHRASE=OLD),
    ]
    assert "Kilnhouse Studio" in outputs[-1].output
    without = run("context", "show", "-u", "nora", code=1)
    assert "COGENESIS_PASSPHRASE" in without.output
    changed = run_json(
        "context", "rekey", "-u", "nora", "--to", "passphrase", "--new-secret",
        COGENESIS_PASSPHRASE=OLD, COGENESIS_NEW_PASSPHRASE=NEW,
    )  # fmt: skip
    assert changed == {"user": "nora", "key": "passphrase", "new_secret": True}
    wrong = run_json("context", "show", "-u", "nora", code=1, COGENESIS_PASSPHRASE=OLD)
    assert "it is wrong" in wrong["error"]["message"]
    outputs.append(run("context", "export", "-u", "nora", COGENESIS_PASSPHRASE=NEW))
    assert "Kilnhouse Studio" in outputs[-1].output
    for text in (*(output.output for output in outputs), without.output, json.dumps(wrong)):
        assert OLD not in text
        assert NEW not in text


def test_a_passphrase_is_asked_for_at_the_terminal(profile: Path) -> None:
    """At a terminal it is asked for, twice for a new one, and not shown."""
    store = os.environ["COGENESIS_HOME"]
    words = ["import", str(profile), "-u", "nora", "--key", "passphrase", "--store", store]
    shown = _at_terminal([str(COMMAND), *words], ["New passphrase", "Repeat"], OLD)
    assert "2 items added" in shown
    assert OLD not in shown
    words = ["context", "show", "-u", "nora", "--store", store]
    assert "Kilnhouse" in _at_terminal([str(COMMAND), *words], ["Passphrase"], OLD)
    assert "it is wrong" in _at_terminal([str(COMMAND), *words], ["Passphrase"], NEW)


def _at_terminal(command: list[str], prompts: list[str], answer: str) -> str:
    """Runs a command at a terminal of its own, and answers its prompts."""
    main, terminal = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if "PASSPHRASE" not in k}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    shown, answered = "", 0
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline:
            try:
                piece = os.read(main, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece.decode(errors="replace")
            if answered < len(prompts) and shown.count(":") and prompts[answered] in shown:
                # Not before the echo is off, or the answer would be shown.
                time.sleep(0.3)
                os.write(main, (answer + "\n").encode())
                answered += 1
    finally:
        process.wait(30)
        os.close(main)
    assert answered == len(prompts), shown
    return shown


def test_a_plain_store_says_so_everywhere(profile: Path) -> None:
    """Import, show, search, export and check say that nothing is encrypted; rekey ends that."""
    notice = "This store is not encrypted"
    assert notice in run("import", str(profile), "-u", "nora", "--plain").stderr
    assert notice in run("import", str(profile), "-u", "nora").stderr
    for words in (("show",), ("search", "studio"), ("export",), ("check",)):
        assert notice in run("context", *words, "-u", "nora").stderr
    assert run_json("context", "show", "-u", "nora")["encrypted"] is False
    assert run_json("context", "check", "-u", "nora")["encryption"] == "off"
    home = Path(os.environ["COGENESIS_HOME"])
    assert _holds(home, b"Kilnhouse")
    run("context", "rekey", "-u", "nora", "--to", "file")
    assert not _holds(home, b"Kilnhouse")
    shown = run("context", "show", "-u", "nora")
    assert notice not in shown.output
    assert "Kilnhouse" in shown.output


def _holds(root: Path, text: bytes) -> bool:
    return any(text in path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("import", "FILE", "-u", "nora", "--plain", "--key", "file"), "Leave out --key or"),
        (("import", "FILE", "-u", "nora", "--key", "vault"), "file, keyring or passphrase"),
        (("import", "FILE", "-u", "nora", "--key", "off"), "file, keyring or passphrase"),
        (("import", "FILE", "-u", "nora", "--key", "passphrase"), "COGENESIS_PASSPHRASE"),
        (("context", "rekey", "-u", "tomas", "--to", "passphrase"), "cogenesis import"),
        (("context", "check", "-u", "tomas"), "cogenesis import"),
        (("context", "rebuild", "-u", "tomas"), "cogenesis import"),
    ],
)
def test_what_cannot_be_says_what_to_do(
    profile: Path, arguments: tuple[str, ...], says: str
) -> None:
    """Contradictions, unknown places and users are errors with the mend, exit status 1."""
    words = [str(profile) if word == "FILE" else word for word in arguments]
    assert says in run(*words, code=1).output.replace("\n", " ")
    assert says in run_json(*words, code=1)["error"]["message"]


def test_nothing_to_change_is_told(profile: Path) -> None:
    """A key file is a key file already."""
    run("import", str(profile), "-u", "nora")
    told = run_json("context", "rekey", "-u", "nora", code=1)
    assert "--new-secret" in told["error"]["message"]
    text = run("context", "rekey", "-u", "nora", "--new-secret").output
    assert "kept by: file" in text


def test_damage_is_found_named_and_mended(profile: Path) -> None:
    """`check` names the file and exits with 1; `rebuild --salvage` keeps what can be read."""
    run("import", str(profile), "-u", "nora")
    assert "whole: 2 items" in run("context", "check", "-u", "nora").output
    [documents] = Path(os.environ["COGENESIS_HOME"]).rglob("documents")
    first = documents.stat().st_size
    notes = profile.with_name("notes.md")
    notes.write_text("- the kiln needs a new shelf\n", encoding="utf-8")
    run("import", str(notes), "-u", "nora")
    content = bytearray(documents.read_bytes())
    content[first // 2] ^= 1
    documents.write_bytes(content)
    told = run_json("context", "check", "-u", "nora", code=1)
    assert told["items"] == 1
    assert "documents is damaged: addition 1" in told["faults"][0]
    assert "fault:" in run("context", "check", "-u", "nora", code=1).output
    run("context", "rebuild", "-u", "nora", code=1)
    assert run_json("context", "rebuild", "-u", "nora", "--salvage") == {"items": 1}
    assert run_json("context", "check", "-u", "nora")["faults"] == []
