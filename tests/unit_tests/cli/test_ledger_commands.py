"""`cogenesis ledger …`: a part, one entry, all; verification; removing what old entries say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.session import open_ledger


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
    done = CliRunner().invoke(app, ["ledger", *arguments, "--user", "nora"], input=stdin)
    assert done.exit_code == code, done.output
    return done.output


def run_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EgressLedger:
    """Ten entries over several segments."""
    monkeypatch.setenv("COGENESIS_HOME", str(tmp_path / "store"))
    directories = UserDirectories()
    path = directories.create("nora")
    opened = open_ledger(path, directories.keys("nora"))
    # The same files, with segments that are soon full.
    opened._writer._segment_bytes = 1500
    for number in range(10):
        opened.append(
            {
                "event": "request",
                "endpoint": "https://remote.example",
                "path": "/v1/chat/completions",
                "bytes": 100 + number,
                "masked": {"NAME": 1},
                "body": f"Write to [NAME_1], please: {number}",
            }
        )
    assert opened.verify().segments > 2
    return opened


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ((), range(10)),
        (("--last", "3"), range(7, 10)),
        (("--last", "99"), range(10)),
        (("--from", "4"), range(4, 10)),
    ],
)
def test_show(ledger: EgressLedger, options: tuple[str, ...], shown: range) -> None:
    """All entries or the last of them, as a table and as JSON."""
    entries = run_json("show", *options)["entries"]
    assert [entry["seq"] for entry in entries] == list(shown)
    assert [entry["bytes"] for entry in entries] == [100 + number for number in shown]
    lines = run("show", *options).splitlines()[1:]
    assert [line.split()[0] for line in lines] == [str(number) for number in shown]
    assert all("1 NAME" in line for line in lines)


def test_show_one_with_token_ids(ledger: EgressLedger) -> None:
    """The text of a prompt of ids is shown under the body; pruned, neither is there."""
    noted = {"event": "request", "body": '{"prompt": [7, 8]}', "prompts": ["Dear [NAME_1],"]}
    number = str(ledger.append(noted))
    assert "Dear [NAME_1]," in run("show", "--entry", number)
    assert run_json("show", "--entry", number)["prompts"] == ["Dear [NAME_1],"]
    run("prune", "--keep", "0", "--yes")
    assert "NAME_1" not in run("show", "--entry", number)
    assert run_json("verify")["intact"] is True


def test_show_one_in_full(ledger: EgressLedger) -> None:
    """`--entry` shows the body, of any segment; a number that isn't there is an error."""
    assert run_json("show", "--entry", "0")["body"].endswith("please: 0")
    assert "please: 9" in run("show", "--entry", "9")
    assert "no entry 10" in run("show", "--entry", "10", code=1)


def test_verify(ledger: EgressLedger) -> None:
    """An intact ledger tells its size; a flipped bit in an old segment is an exit status of 1."""
    told = run_json("verify")
    assert (told["intact"], told["entries"], told["faults"]) == (True, 10, [])
    assert told["segments"] > 2
    assert "intact: 10 entries" in run("verify")
    path = ledger.directory / "entries-000001.jsonl"
    raw = bytearray(path.read_bytes())
    raw[60] ^= 1
    path.write_bytes(raw)
    assert run_json("verify", code=1)["faults"]
    assert "fault" in run("verify", code=1)
    assert "altered" in run("show", code=1)
    assert "please: 9" in run("show", "--entry", "9")


def test_a_write_that_was_cut_off_is_told(ledger: EgressLedger) -> None:
    """What a kill left behind is no fault, and is named."""
    last = sorted(ledger.directory.glob("chain-*"))[-1]
    last.write_bytes(last.read_bytes() + b'{"seq": 10, "ent')
    assert run_json("verify")["unfinished"] is True
    assert "cut off" in run("verify")


def test_prune(ledger: EgressLedger) -> None:
    """It asks; what old entries say goes, their places verify, and the rest is shown."""
    run("prune", "--keep", "4", code=1, stdin="n\n")
    assert run_json("verify")["removed"] == 0
    assert "--yes" in run_json("prune", "--keep", "4", code=1)["error"]["message"]
    run("prune", "--keep", "4", stdin="y\n")
    told = run_json("verify")
    assert (told["intact"], told["entries"], told["removed"]) == (True, 10, 6)
    events = [entry["event"] for entry in run_json("show")["entries"]]
    assert events == ["removed"] * 6 + ["request"] * 4
    assert run_json("show", "--entry", "0") == {"seq": 0, "event": "removed"}


def test_prune_by_day(ledger: EgressLedger) -> None:
    """Nothing is older than a day long past; everything is older than one far ahead."""
    assert run_json("prune", "--before", "2020-01-01", "--yes")["removed"] == 0
    assert run_json("prune", "--before", "2999-12-31", "--yes")["removed"] == 10
    assert "2026-01-31" in run("prune", "--before", "yesterday", "--yes", code=1)
    assert "--keep" in run("prune", "--yes", code=1)
    assert "--keep" in run("prune", "--keep", "1", "--before", "2020-01-01", code=1)
