"""`cogenesis synthesize` and its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app

sys.path.append(str(Path(__file__).parent.parent / "data" / "synthesis"))
from scripted_endpoint import MODEL, Script, scripted

PRICES = f'{{"{MODEL}": {{"input": 10, "output": 100}}}}'


def call(*arguments: str | Path, expected: int = 0) -> str:
    done = CliRunner().invoke(app, ["synthesize", *map(str, arguments)])
    assert done.exit_code == expected, done.output
    return done.stdout


def told(*arguments: str | Path, expected: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(*arguments, "--json", expected=expected))
    return found


def test_invented_users_and_their_report(tmp_path: Path) -> None:
    """Users without any model, then how they are, as table and as JSON."""
    made = told("--users", "6", "--tasks", "2", "--out", tmp_path / "run")
    assert (made["users"], made["stopped"], made["usage"]["cost"]) == (6, "", None)
    assert "12 examples of 6 users" in call(
        "--users", "6", "--tasks", "2", "--out", tmp_path / "run"
    )
    report = told("report", tmp_path / "run", "--reference", "grammar:12:3")
    assert report["set"]["users"] == 6
    assert report["reference"]["users"] == 12
    assert 0 < report["distance"]["words"] < 1
    table = call("report", tmp_path / "run", "--reference", "grammar:12:3")
    assert "of these, signed by the user" in table
    assert "not measured" in table


def test_a_remote_writes_within_a_budget(tmp_path: Path) -> None:
    """The estimate asks for nothing; the run does, and says what it has cost."""
    prices = tmp_path / "prices.json"
    prices.write_text(PRICES)
    with scripted(Script()) as script:
        remote = ("--remote", script.base_url, "--remote-model", MODEL, "--prices", prices)
        run = ("--users", "2", "--tasks", "2", "--out", tmp_path / "run", *remote)
        expected = told(*run, "--estimate")
        assert (expected["calls"], script.prompts) == (9, [])
        assert expected["cost"] > 0
        assert "more than --max-cost" in json.dumps(told(*run, "--max-cost", "0.001", expected=1))
        assert script.prompts == []
        made = told(*run)
        assert (made["users"], made["examples"], made["calls"]) == (2, 4, 9)
        assert made["usage"]["cost"] == 0.018
        assert len(script.prompts) == 9


def test_what_is_missing_makes_the_command_fail(tmp_path: Path) -> None:
    """Exit status 1, and the same command again is right."""
    with scripted(Script(lambda step, number: "400" if step == "text" else "good")) as script:
        run = (
            "--users",
            "1",
            "--tasks",
            "2",
            "--out",
            tmp_path / "run",
            "--remote",
            script.base_url,
        )
        run = (*run, "--remote-model", MODEL)
        assert told(*run, expected=1)["missing"] == 2
        script.fault = lambda step, number: "good"
        assert told(*run)["examples"] == 2


def test_wrong_options_are_said(tmp_path: Path) -> None:
    """Missing options, a missing file and a price table that isn't there."""
    call("--users", "3", expected=2)
    call("--out", tmp_path / "run", expected=2)
    assert "can't be read" in json.dumps(told("report", tmp_path / "none", expected=1))
    help_text = call("--help")
    assert "Example: cogenesis synthesize --users 1000" in " ".join(help_text.split())


def test_invented_users_who_write_german(tmp_path: Path) -> None:
    """Every example says its language; a run of one language isn't gone on with in another."""
    run = ("--users", "4", "--tasks", "3", "--out", tmp_path / "run")
    assert told(*run, "--language", "de")["examples"] == 12
    lines = (tmp_path / "run" / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["language"] for line in lines} == {"de"}
    assert "another generator" in json.dumps(told(*run, expected=1))
    call(*run, "--language", "de", "--remote", "http://127.0.0.1:9", expected=2)
