"""Real records, where their file is at hand: they import, and none of their values leaves.

Set COGENESIS_RECORDS to the published context-aware records (a JSON list) to run this.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import (
    Recorder,
    decoded_texts,
    find_values,
    recorded_requests,
    recording_server,
)
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.server.process import serve_in_child

RECORDS = os.environ.get("COGENESIS_RECORDS", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(RECORDS).is_file(), reason="COGENESIS_RECORDS names no file"),
]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A remote that records."""
    with recording_server(tmp_path_factory.mktemp("record")) as running:
        yield running


def _field(record: dict[str, str], name: str) -> str:
    match = re.search(rf"^{name}: (.+)$", record["additional_profile"], re.MULTILINE)
    return match.group(1).strip() if match else ""


def _values(record: dict[str, str]) -> set[str]:
    """Name, parts of the name, location, its parts, and the employer that an occupation names."""
    name, location = _field(record, "Name"), _field(record, "Location")
    employer = re.search(r"\b(?:at|for) ([A-Z].+)$", _field(record, "Occupation"))
    parts = [*name.split(), *(part.strip() for part in location.split(","))]
    titles = {"Dr.", "Mr.", "Mrs.", "Ms.", "Prof."}
    values = {name, location, *parts, *([employer.group(1)] if employer else [])}
    return {value for value in values - titles if len(value) > 2}


def _found(
    recorder: Recorder, values: set[str], vocabulary: dict[int, bytes] | None = None
) -> list[str]:
    """What left: long values anywhere, short ones ("Lin") as words of their own."""
    long = {value for value in values if len(value) >= 6}
    texts = "\n".join(text for _, text in decoded_texts(recorder.record_file, vocabulary))
    words = [v for v in values - long if re.search(rf"\b{re.escape(v)}\b", texts, re.IGNORECASE)]
    return [*words, *(value for value, _ in find_values(recorder.record_file, long, vocabulary))]


def test_all_records_import_and_the_first_twenty_write(recorder: Recorder, tmp_path: Path) -> None:
    """Each record becomes the user of its `tid`; in each mode a text comes back."""
    records = json.loads(Path(RECORDS).read_text(encoding="utf-8"))
    store = ["--store", str(tmp_path)]
    runner = CliRunner()
    told = runner.invoke(app, ["import", RECORDS, "--format", "cogenesis", "--json", *store])
    imported = json.loads(told.stdout)
    assert imported["problems"] == []
    assert set(imported["users"]) == {record["tid"] for record in records}
    for record in records[:20]:
        task = record["conversations"][0]["value"]
        before = recorder.record_file.stat().st_size
        for mode in ("local", "remote", "sketch"):
            result = runner.invoke(
                app,
                ["write", task, "--user", record["tid"], "-m", mode, "--max-tokens", "16",
                 "--remote", recorder.base_url, "--remote-model", "recorded", "--json", *store],
            )  # fmt: skip
            assert result.exit_code == 0, result.output
            assert json.loads(result.stdout)["mode"] == mode
        assert recorder.record_file.stat().st_size > before
        assert _found(recorder, _values(record)) == [], record["tid"]
    assert len(recorded_requests(recorder.record_file)) >= 40


def test_twenty_records_write_in_logit_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fused with a real endpoint, in fewer requests than tokens; nothing of the user leaves."""
    records = json.loads(Path(RECORDS).read_text(encoding="utf-8"))[:20]
    store, runner = ["--store", str(tmp_path / "users")], CliRunner()
    assert not runner.invoke(app, ["import", RECORDS, "--format", "cogenesis", *store]).exit_code
    engine = LlamaCppEngine.shared("house-small")
    vocabulary = {token: engine.token_bytes(token) for token in range(engine.n_vocab)}
    calls = tokens = asked = 0
    with serve_in_child("house-large") as child:
        monkeypatch.setenv("COGENESIS_REMOTE_KEY", child.api_key)
        for record in records:
            task, user = record["conversations"][0]["value"], record["tid"]
            (tmp_path / user).mkdir()
            with recording_server(tmp_path / user) as recorder:
                recorder.set_upstream(child.base_url.removesuffix("/v1"))
                result = runner.invoke(
                    app,
                    ["write", task, "--user", user, "-m", "logits", "--max-tokens", "48",
                     "--remote", recorder.base_url, "--remote-model", child.model, "--json",
                     *store],
                )  # fmt: skip
            assert result.exit_code == 0, result.output
            told = json.loads(result.stdout)
            calls += told["remote_calls"]
            tokens += sum(told["tokens"].values())
            asked += told["tokens"].get("asked", 0)
            assert recorded_requests(recorder.record_file)
            assert _found(recorder, _values(record), vocabulary) == [], user
    with capsys.disabled():
        sys.stdout.write(f"\n{calls} requests, {tokens} tokens, {asked} of them fused\n")
    assert asked > tokens / 2
    assert calls < tokens / 2
