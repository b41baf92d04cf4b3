"""What leaves in a comparison: context goes to addresses declared trusted, and to no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import Recorder, find_values, recorded_requests, recording_server
from test_wire import CANARIES, CONTEXT, STRUCTURED

from langchain_cogenesis import LlamaCppEngine
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.evaluation.comparison.results import ResultFile
from langchain_cogenesis.evaluation.comparison.rows import comparison_rows
from langchain_cogenesis.evaluation.comparison.runner import run_rows
from langchain_cogenesis.evaluation.comparison.studies import find_study
from langchain_cogenesis.evaluation.comparison.world import PairSettings, open_world
from langchain_cogenesis.server.process import Endpoint, serve_in_child

INSTRUCTION = "Invite Osric to the dinner at Vesper Hall, from Quillara Vexmoor in Zarnholt."
EXAMPLE = TaskExample(
    id="canaries",
    user="quill",
    instruction=INSTRUCTION,
    context=CONTEXT,
    reference="Dear Osric,\n\nCome to the dinner at Vesper Hall in Zarnholt.\n\nHugs, Quillara",
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """The larger house model behind our endpoint, in a process of its own."""
    with serve_in_child("house-large") as running:
        yield running


@pytest.fixture
def recorder(tmp_path: Path, endpoint: Endpoint) -> Iterator[Recorder]:
    """Records everything on its way there."""
    with recording_server(tmp_path) as running:
        running.set_upstream(endpoint.base_url.removesuffix("/v1"))
        yield running


def _run(
    recorder: Recorder,
    endpoint: Endpoint,
    folder: Path,
    *,
    trusted: bool,
    studies: tuple[str, ...] = (),
) -> ResultFile:
    pair = PairSettings(
        remote=recorder.base_url,
        remote_model=endpoint.model,
        remote_key=endpoint.api_key,
        trusted=trusted,
        max_tokens=24,
    )
    results = ResultFile(folder, {"trusted": trusted})
    with open_world(pair) as world:
        rows = [row for study in studies for row in find_study(study).rows(pair)]
        rows = list({row.key: row for row in rows or comparison_rows(pair)}.values())
        if trusted:
            rows = [row for row in rows if row.trusts]
        assert [tick.fresh for tick in run_rows(world, rows, [EXAMPLE], results)] == [len(rows)]
    return results


def test_no_canary_leaves_for_an_address_that_is_not_trusted(
    recorder: Recorder, endpoint: Endpoint, tmp_path: Path
) -> None:
    results = _run(recorder, endpoint, tmp_path / "out", trusted=False)
    rows = {result.row: result for result in results}
    assert not rows.keys() & {"llm-context", "llm", "draft-raw"}
    assert {key: result.error for key, result in rows.items()} == dict.fromkeys(rows)
    sent = sum(result.measures["requests"][0] for result in results)
    assert sent > 10
    assert len(recorded_requests(recorder.record_file)) >= sent
    engine = LlamaCppEngine.shared("house-small")
    vocabulary = {token: engine.token_bytes(token) for token in range(engine.n_vocab)}
    assert find_values(recorder.record_file, CANARIES, vocabulary) == []
    assert all(result.measures["leaked"][0] == 0 for result in results)


def test_no_study_sends_a_canary_to_an_address_that_is_not_trusted(
    recorder: Recorder, endpoint: Endpoint, tmp_path: Path
) -> None:
    """Outlines of other kinds, several of them, and every mask that is left without trust."""
    studies = ("outlines", "mask")
    results = _run(recorder, endpoint, tmp_path / "out", trusted=False, studies=studies)
    rows = {result.row: result for result in results}
    assert {"detail-8", "choice-3", "logits-standard", "sketch-names"} <= rows.keys()
    assert not {key for key in rows if key.endswith(("-leaky", "-unmasked", "-values"))}
    assert {key: result.error for key, result in rows.items()} == dict.fromkeys(rows)
    assert rows["choice-3"].measures["requests"][0] >= 3
    engine = LlamaCppEngine.shared("house-small")
    vocabulary = {token: engine.token_bytes(token) for token in range(engine.n_vocab)}
    assert find_values(recorder.record_file, CANARIES, vocabulary) == []
    assert all(result.measures["leaked"][0] == 0 for result in results)


def test_the_upper_bound_leaks_and_is_seen_to(
    recorder: Recorder, endpoint: Endpoint, tmp_path: Path
) -> None:
    """The twin: declared trusted, the address gets the context, on the wire and in the figures."""
    results = _run(recorder, endpoint, tmp_path / "out", trusted=True)
    engine = LlamaCppEngine.shared("house-small")
    vocabulary = {token: engine.token_bytes(token) for token in range(engine.n_vocab)}
    found = {value for value, _ in find_values(recorder.record_file, CANARIES, vocabulary)}
    assert {"Osric Thandeka", "Vesper Hall", "Quillara Vexmoor"} <= found
    assert found & set(STRUCTURED)
    leaked = {result.row: result.measures["leaked"][0] for result in results}
    assert leaked["llm-context"] > leaked["llm"] > 0
