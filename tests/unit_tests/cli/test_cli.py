"""The command line: what each command prints, for people and as JSON, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from langchain_cogenesis._version import __version__
from langchain_cogenesis.cli.app import app
from langchain_cogenesis.models.model_source import HOUSE_MODELS

PROFILE = """\
name: Nora Lindqvist
company: Kilnhouse Studio
location: Port Ellery
style: ["Greeting: Dear", "Closing: Hugs"]
contacts:
  - {name: Tomas Reyl, relation: friend, email: tomas@reyl.example}
activity:
  - {kind: calendar, when: "2025-06-14T19:00", text: dinner}
"""
ASK = "Invite Tomas to the dinner in Port Ellery"


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exit_code == code, result.output
    return result.output


def run_json(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def nora(tmp_path: Path) -> Path:
    """Nora's profile, imported."""
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    run("import", str(path), "--user", "nora")
    return path


def _commands(group: Any, *path: str) -> list[tuple[tuple[str, ...], Any]]:
    found = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found += _commands(command, *path, name)
        else:
            found.append(((*path, name), command))
    return found


COMMANDS = _commands(typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(p) for p, _ in COMMANDS])
def test_every_command_has_help_with_an_example_and_json(path: Any, command: Any) -> None:
    """`--help` shows an example that names the command, and `--json` is offered."""
    text = click.unstyle(run(*path, "--help"))
    assert "Example: cogenesis" in text
    assert path[-1] in text.split("Example: cogenesis")[1]
    assert "--json" in text


def test_version() -> None:
    """`--version` prints the package's version."""
    assert run("--version").strip() == f"cogenesis {__version__}"


def test_import_is_idempotent(nora: Path) -> None:
    """The same file twice adds nothing."""
    counts = run_json("import", str(nora), "--user", "nora")["users"]["nora"]
    assert counts["added"] == 0
    assert counts["unchanged"] >= 6


def test_import_reports_what_is_broken_and_takes_the_rest(nora: Path, tmp_path: Path) -> None:
    """A broken file is named, the others are imported, and the exit status says so."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [unclosed", encoding="utf-8")
    notes = tmp_path / "notes.md"
    notes.write_text("- the kiln needs a new shelf\n", encoding="utf-8")
    told = run_json("import", str(broken), str(notes), "--user", "nora", code=1)
    assert told["users"]["nora"]["added"] == 1
    assert "broken.yaml" in told["problems"][0]


def test_import_needs_to_know_whose_it_is(nora: Path) -> None:
    """Without a user, a file that names none is an error with the mend."""
    assert "--user" in run("import", str(nora), code=1)


def test_context_is_shown_searched_and_exported(nora: Path, tmp_path: Path) -> None:
    """show lists everything, search what fits, and export can be imported again."""
    assert "Tomas Reyl" in run("context", "show", "--user", "nora")
    texts = [item["text"] for item in run_json("context", "show", "--user", "nora")["items"]]
    assert "Closing: Hugs" in texts
    found = run_json("context", "search", "dinner", "--user", "nora", "-k", "1")["items"]
    assert "dinner" in found[0]["text"]
    exported = tmp_path / "export.json"
    exported.write_text(run("context", "export", "--user", "nora"), encoding="utf-8")
    run("import", str(exported), "--user", "copy")
    again = [item["text"] for item in run_json("context", "show", "--user", "copy")["items"]]
    assert sorted(again) == sorted(texts)


def test_forget_asks_and_forgets(nora: Path) -> None:
    """Without a yes nothing goes; with one, the user is unknown."""
    run("context", "forget", "--user", "nora", code=1, stdin="n\n")
    assert "--yes" in run_json("context", "forget", "--user", "nora", code=1)["error"]["message"]
    run("context", "show", "--user", "nora")
    run("context", "forget", "--user", "nora", "--yes")
    assert "cogenesis import" in run("context", "show", "--user", "nora", code=1)
    assert "no user 'nora'" in run("context", "forget", "--user", "nora", "--yes", code=1)


def test_preview_sends_nothing_and_shows_the_replacements(nora: Path) -> None:
    """What would leave is shown, and no ledger is written."""
    told = run_json("preview", ASK, "--user", "nora")
    assert told["leaves"] == "Invite [NAME_1] to the dinner in [PLACE_1]"
    assert [r["kind"] for r in told["replacements"]] == ["NAME", "PLACE"]
    assert told["messages"][-1]["content"] == told["leaves"]
    text = run("preview", ASK, "--user", "nora")
    assert "[NAME_1]  stands for  Tomas" in text
    assert run_json("preview", ASK, "--user", "nora", "--mode", "local")["leaves"] is None
    assert told["text_leaves"] is False
    assert "leaves too" not in text
    assert run_json("ledger", "show", "--user", "nora")["entries"] == []


def test_preview_of_logit_mode_says_that_the_text_leaves_too(nora: Path) -> None:
    """What is written leaves with the instruction, masked; where nothing leaves, neither does."""
    asked = ("preview", ASK, "--user", "nora", "--mode")
    assert run_json(*asked, "logits")["text_leaves"] is True
    assert run_json(*asked, "local")["text_leaves"] is False
    assert "The text leaves too, as it is written" in run(*asked, "logits")
    assert "logits" in click.unstyle(run("preview", "--help"))


@pytest.mark.parametrize("mode", ["local", "remote", "sketch"])
def test_write_in_every_mode(nora: Path, mode: str) -> None:
    """Without options, `write` uses the house models and a remote of its own."""
    told = run_json(
        "write", ASK, "--user", "nora", "-m", mode, "--max-tokens", "24", "--seed", "1",
        "--on-remote-error", "local",
    )  # fmt: skip
    assert list(told) == [
        "text", "mode", "sketch", "usage",
        "remote_calls", "remote_bytes", "probe_calls", "probe_bytes",
        "masked", "context_ids", "context_pieces", "warnings",
    ]  # fmt: skip
    assert told["mode"] == mode
    assert told["text"]
    assert told["masked"] == ({} if mode == "local" else {"NAME": 1, "PLACE": 1})
    assert (told["usage"]["remote"]["total_tokens"] > 0) is (mode != "local")
    assert told["probe_calls"] == 0
    # The core of the profile is one piece of several items.
    assert (0 < told["context_pieces"] < len(told["context_ids"])) is (mode != "remote")
    assert (told["remote_calls"] >= 1) is (mode != "local")
    assert (told["remote_bytes"] > 0) is (mode != "local")
    entries = run_json("ledger", "show", "--user", "nora")["entries"]
    assert len(entries) == told["remote_calls"]
    assert sum(entry["bytes"] for entry in entries) == told["remote_bytes"]
    assert "Tomas" not in json.dumps(entries)
    assert run_json("ledger", "verify", "--user", "nora")["intact"] is True


def test_write_takes_a_file_or_standard_input(nora: Path, tmp_path: Path) -> None:
    """`@file` and `-` give the instruction too; what can't be read is named."""
    asked = tmp_path / "ask.txt"
    asked.write_text(ASK, encoding="utf-8")
    assert run_json("preview", f"@{asked}", "--user", "nora")["leaves"].startswith("Invite")
    assert "Invite" in run("preview", "-", "--user", "nora", stdin=ASK)
    assert "gone.txt" in run("preview", "@gone.txt", "--user", "nora", code=1)
    asked.write_bytes(b"\xff\xfe\xff")
    assert "UTF-8" in run("preview", f"@{asked}", "--user", "nora", code=1)
    assert "empty" in run("preview", "  ", "--user", "nora", code=1)


def test_an_altered_ledger_fails_verification(nora: Path, tmp_path: Path) -> None:
    """`verify` exits with 1 and names the entry."""
    run("write", ASK, "--user", "nora", "-m", "remote", "--max-tokens", "2")
    [chain] = tmp_path.rglob("chain.jsonl")
    chain.write_bytes(chain.read_bytes().replace(b"0", b"1", 1))
    assert "fault" in run("ledger", "verify", "--user", "nora", code=1)


def test_one_entry_of_the_ledger_in_full(nora: Path) -> None:
    """`--entry` shows the body as it left; a number that isn't there is an error."""
    run("write", ASK, "--user", "nora", "-m", "remote", "--max-tokens", "2")
    shown = run_json("ledger", "show", "--user", "nora", "--entry", "0")
    assert "[NAME_1]" in shown["body"]
    assert "entry 9" in run("ledger", "show", "--user", "nora", "--entry", "9", code=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--mode", "telepathy"), "local, remote, sketch"),
        (("--local", "missing.gguf", "-m", "local"), "missing.gguf"),
        (("--remote", "nonsense"), "http"),
        (("--remote", "http://127.0.0.1:9/v1", "--remote-model", "m"), "--on-remote-error local"),
    ],
)
def test_what_cannot_work_says_what_to_do(nora: Path, arguments: Any, says: str) -> None:
    """Errors name the input and the mend, on stderr or as JSON, and exit with 1."""
    assert says in run("write", ASK, "--user", "nora", *arguments, code=1)
    told = run_json("write", ASK, "--user", "nora", *arguments, code=1)
    assert says in told["error"]["message"]


def test_a_local_model_that_is_missing_costs_no_request(nora: Path) -> None:
    """The local model is loaded before the remote is asked."""
    run("write", ASK, "--user", "nora", "--local", "missing.gguf", code=1)
    assert run_json("ledger", "show", "--user", "nora")["entries"] == []


def test_models_lists_the_house_models() -> None:
    """All files are there, in pairs of one vocabulary."""
    listed = run_json("models")["models"]
    assert tuple(model["name"] for model in listed) == HOUSE_MODELS
    for small, large in (listed[:2], listed[2:]):
        assert small["n_vocab"] == large["n_vocab"]
        assert small["bytes"] < large["bytes"]
