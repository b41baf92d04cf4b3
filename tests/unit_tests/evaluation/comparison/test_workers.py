"""Several processes write one comparison: the same texts, and clear ends when something breaks."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.evaluation.comparison.languages import Part, usual_workers
from langchain_cogenesis.evaluation.comparison.results import ResultFile, Results
from langchain_cogenesis.evaluation.comparison.rows import Row, local_row
from langchain_cogenesis.evaluation.comparison.workers import run_in_workers
from langchain_cogenesis.evaluation.comparison.world import PairSettings
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.exceptions import CoGenesisError, ModelError

EXAMPLES = load_task_examples("grammar", limit=4)
SHORT = PairSettings(max_tokens=12)


def local_rows(pair: PairSettings) -> list[Row]:
    """The local model alone; at the top level, so that other processes find it."""
    return [local_row()]


def deadly_rows(pair: PairSettings) -> list[Row]:
    """Kills the process that would write."""
    if "PARENT" in os.environ and os.environ["PARENT"] != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    return [local_row()]


def _run(folder: Path, *options: str) -> dict[str, object]:
    command = ["bench", "quality", "--limit", "4", "--rows", "slm-context,sketch", "--json"]
    command += ["--max-tokens", "40", "--out", str(folder), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.stdout)
    return told


def _texts(folder: Path) -> dict[tuple[str, str], str]:
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    return {(r["row"], r["example"]): r["text"] for r in map(json.loads, lines)}


def test_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    """Text by text, and the figures but for speeds; the reader is told."""
    one = _run(tmp_path / "one", "--workers", "1")
    two = _run(tmp_path / "two", "--workers", "2")
    assert _texts(tmp_path / "one") == _texts(tmp_path / "two")
    assert len(_texts(tmp_path / "two")) == 8
    for before, after in zip(one["rows"], two["rows"], strict=True):  # type: ignore[call-overload]
        for name in ("facts", "coverage", "rougeL", "nll", "leaked"):
            assert before["measures"][name] == after["measures"][name]
    assert not [note for note in one["notes"] if "at once" in note]  # type: ignore[attr-defined]
    assert "Speeds are those of 2 texts written at once." in two["notes"]  # type: ignore[operator]


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    """A tick for those, then one for each text."""
    results = ResultFile(tmp_path, {})
    list(run_in_workers(SHORT, local_rows, EXAMPLES[:2], results, workers=2))
    before = {result.example: result.text for result in results}
    again = ResultFile(tmp_path, {})
    ticks = list(run_in_workers(SHORT, local_rows, EXAMPLES, again, workers=2))
    assert [(tick.done, tick.total, tick.fresh) for tick in ticks] == [
        (2, 4, 0), (3, 4, 1), (4, 4, 2),
    ]  # fmt: skip
    assert {r.example: r.text for r in again}.items() >= before.items()
    ticks = list(run_in_workers(SHORT, local_rows, EXAMPLES, again, workers=2))
    assert [(tick.done, tick.fresh) for tick in ticks] == [(4, 0)]


def test_an_error_in_a_process_is_the_users_error(tmp_path: Path) -> None:
    """With its words and its advice."""
    missing = PairSettings(local=str(tmp_path / "missing.gguf"))
    with pytest.raises(CoGenesisError, match=r"missing\.gguf") as caught:
        list(run_in_workers(missing, local_rows, EXAMPLES, Results(), workers=2))
    assert caught.value.hint


@pytest.mark.skipif(os.name != "posix", reason="kills a process by a signal")
def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for texts that never come."""
    monkeypatch.setenv("PARENT", str(os.getpid()))
    with pytest.raises(ModelError, match="died"):
        list(run_in_workers(SHORT, deadly_rows, EXAMPLES, Results(), workers=2))


@pytest.mark.skipif(os.name != "posix", reason="looks for processes")
def test_no_process_is_left_behind(tmp_path: Path) -> None:
    """Neither when all is written nor when the run is given up in the middle."""
    import multiprocessing

    results = Results()
    ticks = run_in_workers(SHORT, local_rows, EXAMPLES, results, workers=2)
    assert next(ticks).done == 0
    assert next(ticks).fresh == 1
    assert multiprocessing.active_children()
    ticks.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []
    before = threading.active_count()
    list(run_in_workers(SHORT, local_rows, EXAMPLES, results, workers=2))
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before
    assert multiprocessing.active_children() == []


def test_only_small_models_of_ours_are_loaded_several_times() -> None:
    """An address is asked for one text at a time, and a large file is loaded once."""
    cores = os.cpu_count() or 1

    def usual(**models: str) -> int:
        return usual_workers([Part(PairSettings(**models), [], [])])  # type: ignore[arg-type]

    assert usual() == usual(local="house-small-de", remote="house-large-de") == cores
    assert usual(remote="http://127.0.0.1:8000/v1") == 1
    assert usual(local="my.gguf") == usual(third="my.gguf") == 1
    other = Row("r", "r", "logits", local_row().write, pair=PairSettings(remote="my.gguf"))
    assert usual_workers([Part(PairSettings(), [other], [])]) == 1
