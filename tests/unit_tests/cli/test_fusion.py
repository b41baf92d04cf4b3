"""`cogenesis fusion`: fitting with the house models, showing, and what goes wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.evaluation.likelihood import chat_ids, reference_logprobs
from langchain_cogenesis.fusion.learned import LearnedFusion
from langchain_cogenesis.fusion.recordings import load_recordings
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel

TEXTS = ("Hey, see you soon.", "Thank you!", "I miss you.", "Come over.", "Until Friday then.")


def run(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["fusion", *arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Five short letters as JSONL."""
    path = tmp_path / "letters.jsonl"
    chat = [["user", "Write a line to Tomas."]]
    lines = [{"private": chat, "public": chat, "reference": text} for text in TEXTS]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    return path


def test_a_fit_on_letters_of_ones_own(letters: Path, tmp_path: Path) -> None:
    """Figures, a file for the models' vocabulary, private recordings that are taken again."""
    target, folder = tmp_path / "own.safetensors", tmp_path / "recordings"
    arguments = ("fit", "--data", str(letters), "--out", str(target), "--epochs", "2")
    told = run(*arguments, "--recordings", str(folder))
    assert told["outcomes"] == {"recorded": 5}
    assert told["examples"] == {"train": 3, "stop": 1, "held_out": 1}
    assert set(told["nll"]) == {"local", "helper", "fixed", "learned"}
    assert told["weights"] <= 1000
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    engine = LlamaCppEngine("house-small", n_threads=1)
    digest = LocalNextTokenModel(engine).vocabulary.digest
    LearnedFusion.load(target, vocabulary_digest=digest)
    assert run("show", str(target))["vocabulary"] == digest
    # What was recorded is what the evaluation measures.
    ids, first = engine.tokenize(TEXTS[0]), next(load_recordings(folder))
    prompt = chat_ids(engine, [("user", "Write a line to Tomas.")])
    rows = reference_logprobs(engine, prompt, ids)
    engine.close()
    assert np.log(first.local) == pytest.approx(rows[np.arange(len(ids)), ids], abs=1e-4)
    again = run(*arguments, "--recordings", str(folder))
    assert again["outcomes"] == {"kept": 5}
    assert again["nll"] == told["nll"]


def test_a_fit_on_made_up_letters_leaves_no_recordings(tmp_path: Path) -> None:
    """`grammar` needs no file; for people there is a table, progress goes to stderr."""
    target = tmp_path / "grammar.safetensors"
    arguments = ["fusion", "fit", "--count", "5", "--epochs", "1", "--out", str(target)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "learned weight" in result.stdout
    assert "Recording" not in result.stdout
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [target.name]
    shown = CliRunner().invoke(app, ["fusion", "show", str(target)]).stdout
    assert "local_entropy" in shown


def test_what_cannot_work_says_what_to_do(letters: Path, tmp_path: Path) -> None:
    """Broken records by line, missing files, places that can't be written; all before recording."""
    out = ("--out", str(tmp_path / "x.safetensors"))
    with letters.open("a") as file:
        file.write('{"private": "secret-word"}\n')
    told = run("fit", "--data", str(letters), *out, code=1)["error"]["message"]
    assert "letters.jsonl, line 6" in told
    assert "secret-word" not in told
    told = run("fit", "--data", "gone.jsonl", *out, code=1)["error"]["message"]
    assert "gone.jsonl" in told
    told = run("fit", "--out", str(tmp_path / "no" / "x"), code=1)["error"]["message"]
    assert "can't be written" in told
    assert "x.safetensors" in run("show", out[1], code=1)["error"]["message"]
