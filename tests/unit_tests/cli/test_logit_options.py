"""`cogenesis write --mode logits`: its options, the attribution page, and how they fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.cli.logits import read_block
from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN, kind_of
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES
from langchain_cogenesis.server.process import Endpoint, serve_in_child
from langchain_cogenesis.session import open_ledger

PROFILE = """\
name: Nora Lindqvist
location: Port Ellery
style: ["Greeting: Dear", "Closing: Hugs"]
contacts:
  - {name: Tomas Reyl, relation: friend}
"""
ASK = "Invite Tomas to the dinner in Port Ellery"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """The larger house model in a process of its own, one for all commands here."""
    with serve_in_child("house-large") as running:
        yield running


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nora's context."""
    folder = tmp_path_factory.mktemp("store")
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    told = CliRunner().invoke(
        app, ["import", str(profile), "--user", "nora", "--store", str(folder)]
    )
    assert told.exit_code == 0, told.output
    return folder


@pytest.fixture
def run(store: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `write` in logit mode and returns the outcome."""
    monkeypatch.setenv("COGENESIS_REMOTE_KEY", endpoint.api_key)

    def invoke(*arguments: str) -> Any:
        shared = ["--user", "nora", "--store", str(store), "--remote", endpoint.base_url]
        command = ["write", ASK, "-m", "logits", "--max-tokens", "20", *shared, *arguments]
        return CliRunner().invoke(app, command)

    return invoke


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--block", "none"),
        ("--block", "4", "--draft", "local"),
        ("--schedule", "rate:3", "--weight", "0.5"),
    ],
)
def test_tokens_and_requests_are_told(run: Any, options: tuple[str, ...]) -> None:
    """JSON has the text, how many tokens were fused and why others weren't, and the requests."""
    result = run("--json", *options)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["mode"] == "logits"
    tokens = told["tokens"]
    assert 0 < told["remote_calls"] <= sum(tokens.values()) + 1
    assert tokens["asked"] > 0
    assert ("schedule" in tokens) == ("--schedule" in options)
    assert ("blocks" in told) == ("none" not in options)


def test_the_way_of_asking_makes_no_difference_to_the_text(run: Any) -> None:
    """One request per token, remote drafts and local drafts write the same."""
    ways = [("--block", "none"), ("--block", "4"), ("--block", "4", "--draft", "local")]
    told = [json.loads(run("--json", *way).stdout) for way in ways]
    assert len({one["text"] for one in told}) == 1
    assert told[1]["remote_calls"] < told[0]["remote_calls"]


def test_the_account_and_the_ledger_agree(run: Any, store: Path) -> None:
    """Calls, bytes, kinds of values and tokens are those of the ledger, which can be read."""
    ledger = open_ledger(UserDirectories(store).path("nora"), UserDirectories(store).keys("nora"))
    before = ledger.count()
    result = run("--json", "--block", "4", "--seed", "1", "--max-tokens", "60")
    told = json.loads(result.stdout)
    entries = [entry.content or {} for entry in ledger.entries(before)]
    assert told["remote_calls"] + told["probe_calls"] == len(entries)
    assert told["remote_bytes"] + told["probe_bytes"] == sum(e["bytes"] for e in entries)
    # The model's name is asked for, then what can be asked of it.
    assert told["probe_calls"] >= 5
    answer = entries[told["probe_calls"] :]
    sent = [e for e in answer if "prompts" in e]
    ids = [json.loads(e["body"])["prompt"] for e in sent]
    wanted = [json.loads(e["body"])["max_tokens"] for e in sent]
    assert told["usage"]["remote"]["input_tokens"] == sum(map(len, ids)) > 0
    assert told["usage"]["remote"]["output_tokens"] == sum(wanted)
    marks: set[str] = set()
    for entry in sent:
        [prompt] = entry["prompts"]
        assert "Invite [NAME_1] to the dinner in [PLACE_1]" in prompt
        for template in sorted(PUBLIC_TEMPLATES, key=len, reverse=True):
            # It speaks of placeholders that stand for nothing.
            prompt = prompt.replace(template, "")
        found = [match.group() for match in PLACEHOLDER_PATTERN.finditer(prompt)]
        assert entry["masked"] == Counter(map(kind_of, found))
        marks.update(found)
    assert told["masked"] == Counter(map(kind_of, marks))
    assert len(sent[-1]["prompts"][0]) > len(sent[0]["prompts"][0])


def test_attribution_is_a_page_and_colours(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is one file that needs nothing else; the text is printed once, with a legend."""
    page = tmp_path / "who.html"
    result = run("--attribution", str(page), "--show-attribution")
    assert result.exit_code == 0, result.output
    assert "tokens fused:" in result.output
    assert "to learn about the endpoint)" in result.output
    assert "pieces of context: " in result.output
    plain = run().stdout
    assert len(plain.strip()) > 20
    assert result.stdout == plain
    assert "in a terminal with colours" in result.stderr
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = run("--show-attribution").stdout
    assert "\x1b[" in coloured
    assert click.unstyle(coloured) == plain
    assert "blue: local" in result.output
    html = page.read_text(encoding="utf-8")
    assert "<html" in html
    assert "http" not in html.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--block", "many"), "no length of a block"),
        (("--block", "0"), "no length of a block"),
        (("--draft", "nobody"), "remote or local"),
        (("--schedule", "sometimes"), "sometimes"),
        (("--fusion", "missing.safetensors"), "missing.safetensors"),
        (("--attribution", "no/such/folder/page.html"), "page.html"),
    ],
)
def test_what_cannot_be_read_is_named(run: Any, options: tuple[str, ...], says: str) -> None:
    """The error names the value and what would do."""
    result = run(*options)
    assert result.exit_code != 0
    assert says in result.output


def test_blocks_as_users_write_them() -> None:
    """A number, auto or none."""
    assert (read_block("7"), read_block("auto"), read_block("none")) == (7, "auto", None)
    with pytest.raises(ConfigurationError, match="auto or none"):
        read_block("-1")
