"""The post agent from end to end: the house model, a recorder for a remote, a human's choice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recorder import Recorder, find_values, recorded_requests, recording_server
from typer.testing import CliRunner

from examples.post_agent import NETWORKS, app, fit

PRIVATE = ("Saltmarsh", "Tomas", "Reyl", "Juna", "Kilnhouse", "Nora", "Lindqvist", "Gannet",
           "Zinnober Quay", "Ottoline", "Biscuit", "Port Ellery")  # fmt: skip
ABOUT = "Write a post about the raku evening at Zinnober Quay with Ottoline Quibberdyne."


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """Stands for the remote, and records."""
    with recording_server(tmp_path) as running:
        yield running


@pytest.fixture
def calendar(tmp_path: Path) -> Path:
    """A calendar of the user's."""
    path = tmp_path / "more.ics"
    path.write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:raku evening\nDTSTART:20270620T190000\n"
        "LOCATION:Zinnober Quay\nATTENDEE;CN=Ottoline Quibberdyne:mailto:o@q.example\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )
    return path


def run(recorder: Recorder, *options: str, **more: Any) -> Any:
    ours = ["--remote", recorder.base_url, "--remote-model", "recorded", *options]
    return CliRunner().invoke(app, ours, **more)


def test_an_unattended_run_writes_a_file(
    tmp_path: Path, recorder: Recorder, calendar: Path
) -> None:
    """Candidates fit the network; the first goes to the outbox; nothing private left."""
    outbox = tmp_path / "outbox"
    done = run(
        recorder, ABOUT, "--notes", str(calendar), "-n", "x", "--yes", "--json",
        "--candidates", "2", "--outbox", str(outbox),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["left"].startswith("Write a post about")
    assert not any(value in told["left"] for value in PRIVATE)
    assert all(0 < len(post) <= 280 for post in told["candidates"])
    assert told["chosen"] == told["candidates"][0]
    assert Path(told["file"]).read_text().strip() == told["chosen"]
    assert recorded_requests(recorder.record_file)
    assert find_values(recorder.record_file, PRIVATE) == []


def test_a_human_picks_or_takes_none(tmp_path: Path, recorder: Recorder) -> None:
    """By number; none writes nothing."""
    outbox = tmp_path / "outbox"
    options = ("--candidates", "1", "--outbox", str(outbox))
    none = run(recorder, *options, input="seven\nn\n")
    assert none.exit_code == 0, none.output
    assert not outbox.exists()
    picked = run(recorder, *options, input="1\n")
    assert picked.exit_code == 0, picked.output
    [post] = outbox.glob("mastodon-*.txt")
    assert post.read_text().strip()[:40] in picked.stdout
    assert find_values(recorder.record_file, PRIVATE) == []


def test_form_and_length() -> None:
    """One paragraph without greeting and signature, cut at a sentence."""
    letter = "Hi all,\n\nThe show opens on Saturday! Come early.\n\nHugs, Nora"
    assert fit(letter, NETWORKS["x"]) == "The show opens on Saturday! Come early."
    assert fit(letter, NETWORKS["linkedin"]) == letter
    long = "One sentence of words. " * 30
    assert len(fit(long, NETWORKS["bluesky"])) == len("One sentence of words. " * 13) - 1
    assert fit("word " * 200, NETWORKS["x"]) == ""


def test_what_cannot_be_done_is_told(recorder: Recorder) -> None:
    """A network that isn't, and JSON without --yes."""
    assert "no network 'fax'" in run(recorder, "-n", "fax", "--json", "--yes").stdout
    assert "nobody can be asked" in run(recorder, "--json").stdout
    assert "Example: python -m examples.post_agent" in run(recorder, "--help").stdout
