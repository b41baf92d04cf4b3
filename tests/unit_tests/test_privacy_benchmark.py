"""The privacy benchmark counts what leaks, and compares on a file that it is given."""

from __future__ import annotations

import csv
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from langchain_cogenesis.privacy.lexicon import PrivateValue

ROOT = Path(__file__).parents[2]
ROWS = [
    ("Write to Tomas Reyl, tomas@reyl.example, about the garden", "tomas reyl||tomas@reyl.example"),
    ("My order no. AB-77812 is late. <PRESIDIO_ANONYMIZED_X>", "AB-77812||<presidio_anonymized_x>"),
    ("Sum up the news of today", ""),
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A CSV of the columns that the benchmark reads."""
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_query", "pii_units"])
        writer.writerows(ROWS)
    return path


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.privacy", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_json_holds_every_system_with_its_counts(data: Path, tmp_path: Path) -> None:
    """Raw text leaks everything, values given nothing; what isn't installed says so."""
    records = tmp_path / "records.json"
    profile = "Name: Nora Lind\nLocation: Saltmarsh, Kent\nOccupation: Baker at Lume Bread"
    task = {"from": "user", "value": "Invite Nora's guests to Saltmarsh for Lume Bread"}
    records.write_text(json.dumps([{"conversations": [task], "additional_profile": profile}]))
    done = _run("--data", str(data), "--records", str(records), "--count", "3", "--json")
    assert done.returncode == 0, done.stderr
    rows = {(row["source"], row["system"]): row for row in json.loads(done.stdout)}
    assert {source for source, _ in rows} == {"PUPA", "profiles", "grammar"}
    assert rows["PUPA", "raw text"]["leaked_units"]["count"] == 3
    assert rows["PUPA", "ours, detectors alone"]["leaked_units"]["count"] == 1
    assert rows["PUPA", "PIIMiddleware"]["leaked_units"]["count"] == 2
    for source in ("PUPA", "profiles"):
        assert rows[source, "raw text"]["leaked_values"]["count"] == 3
        assert rows[source, "ours, values given"]["leaked_values"]["count"] == 0
    share = rows["PUPA", "ours, values given"]["leaked_units"]
    assert share["low"] == 0
    assert 0 < share["high"] < 1
    for row in rows.values():
        assert row.get("reason", "not installed") == "not installed"


def test_the_table_and_a_missing_file(data: Path) -> None:
    """The table says what was left out; a path that is none is an error in a sentence."""
    done = _run("--data", str(data), "--count", "3")
    assert done.returncode == 0, done.stderr
    assert "ours, detectors alone" in done.stdout
    assert "1 units are marks" in done.stdout
    missing = _run("--data", str(data.with_name("none.csv")))
    assert missing.returncode == 2
    assert "there is no file" in missing.stderr


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that counts."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.privacy_scores")


def test_counting(scores: Any) -> None:
    """A unit half masked leaks as a value only; a word outside of units counts as for nothing."""
    records = importlib.import_module("benchmarks.privacy_records")
    text = "Ask Ann Lee about anniversary cake"
    record = records.Record(text, (PrivateValue("NAME", "ann lee"), PrivateValue("NAME", "Bo")))
    none, half = scores.count(record, []), scores.count(record, [(4, 7), (18, 29)])
    whole = scores.count(record, [(4, 11)])
    assert (none.units, none.leaked_units, none.values, none.leaked_values) == (1, 1, 1, 1)
    assert (half.leaked_units, half.leaked_values, half.words, half.masked_words) == (0, 1, 4, 1)
    assert (whole.leaked_units, whole.leaked_values, whole.masked_words) == (0, 0, 0)


def test_a_unit_stands_as_words(scores: Any) -> None:
    """Not within a longer word, but in any case and spacing, and within unspaced scripts."""
    assert list(scores.occurrences("ann", "Ann, anna, ANN")) == [(0, 3), (11, 14)]
    assert list(scores.occurrences("ann lee", "Ann\n Lee")) == [(0, 8)]
    assert list(scores.occurrences("東京", "私は東京に")) == [(2, 4)]
