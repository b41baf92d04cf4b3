"""Each language's examples are written by its own house models, in one comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.evaluation.comparison.languages import split_by_language
from langchain_cogenesis.evaluation.comparison.rows import Row, comparison_rows
from langchain_cogenesis.evaluation.comparison.world import PairSettings
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.models.model_source import HOUSE_MODELS, house_pair, house_remote

BOTH = load_task_examples("grammar:en,de", limit=6)


def _rows(pair: PairSettings) -> list[Row]:
    return [row for row in comparison_rows(pair) if row.key == "slm-context"]


def test_house_models_go_in_pairs() -> None:
    """Beside a model that isn't one of ours stands the English remote."""
    assert house_pair("en") == house_pair("fr") == ("house-small", "house-large")
    assert {name for code in ("en", "de") for name in house_pair(code)} == set(HOUSE_MODELS)
    assert house_remote("house-small") == house_remote("house-large") == "house-large"
    assert house_remote("house-small-de") == "house-large-de"
    assert house_remote("my.gguf") == house_remote(Path("my.gguf")) == "house-large"


@pytest.mark.parametrize(
    ("local", "remote", "pairs"),
    [
        (None, None, [("house-small-de", "house-large-de"), ("house-small", "house-large")]),
        ("a.gguf", None, [("a.gguf", "house-large-de"), ("a.gguf", "house-large")]),
        ("a.gguf", "b.gguf", [("a.gguf", "b.gguf")]),
    ],
)
def test_who_writes_which_language(
    local: str | None, remote: str | None, pairs: list[tuple[str, str]]
) -> None:
    """What was named is taken for all; no example is lost."""
    settings = PairSettings(max_tokens=7)
    parts = split_by_language(settings, BOTH, _rows, local=local, remote=remote)
    assert [(part.pair.local, part.pair.remote) for part in parts] == pairs
    assert {part.pair.max_tokens for part in parts} == {7}
    examples = [example.id for part in parts for example in part.examples]
    assert sorted(examples) == sorted(example.id for example in BOTH)
    if len(parts) == 2:
        assert [{e.language for e in part.examples} for part in parts] == [{"de"}, {"en"}]


def test_the_command_writes_both_languages_and_tells_them_apart(tmp_path: Path) -> None:
    """By their own models: a German letter by the German one is likelier than by chance."""
    command = ["bench", "quality", "--data", "grammar:en,de", "--limit", "4"]
    command += ["--rows", "slm-context", "--max-tokens", "60", "--json", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["settings"]["local"] == "house-small-de, house-small"
    assert told["settings"]["remote"] == "house-large-de, house-large"
    [row] = told["rows"]
    assert row["texts"] == 4
    assert set(row["by language"]) == {"de", "en"}
    # The English model takes more than 7 nats for a token of German.
    assert row["by language"]["de"]["nll"][0] < 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--data", "grammar:fr"), "grammar:de"),
        (("--local", "missing.gguf"), "missing.gguf"),
        (("--local", "missing.gguf"), "house-small-de"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    options: tuple[str, str], told: str, tmp_path: Path
) -> None:
    """Before anything is written."""
    command = ["bench", "quality", "--limit", "2", *options, "--json", "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert told in f"{error['message']} {error.get('hint')}"
    assert not (tmp_path / "o").exists()
