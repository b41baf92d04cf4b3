"""What a learned fusion is fitted on, of examples of the task: seen as in logit mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.data.task.jsonl import write_examples
from langchain_cogenesis.evaluation.fit_examples import FitExamples
from langchain_cogenesis.evaluation.metrics.leaks import leaked_values, values_of
from langchain_cogenesis.evaluation.task_sources import load_task_examples
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN

EXAMPLES = load_task_examples("grammar", limit=8, seed=3)


@pytest.fixture(scope="module")
def engine() -> Iterator[LlamaCppEngine]:
    """The small house model."""
    opened = LlamaCppEngine("house-small", n_threads=1)
    yield opened
    opened.close()


def test_the_local_model_reads_the_context_and_the_helper_marks(engine: LlamaCppEngine) -> None:
    """No private value is in what the helper reads; the reference is whole for the local model."""
    found = FitExamples(engine, EXAMPLES)
    masked = 0
    for number, (private, public, reference) in enumerate(found):
        example = EXAMPLES[number]
        assert reference == example.reference
        assert private[-1]["content"].startswith(example.instruction)
        assert example.context.profile is not None
        assert example.context.profile.name in private[0]["content"]
        tokens = engine.tokenize(reference)
        seen, places = found.view(number, tokens)
        text = b"".join(engine.token_bytes(token) for token in seen).decode()
        values = values_of(example.context)
        assert leaked_values(values, [text, public[-1]["content"]])[0] == 0
        masked += PLACEHOLDER_PATTERN.search(text) is not None
        # Where the helper has a say, it is on the very token that the reference has there.
        assert places
        assert all(seen[at] == tokens[index] for index, at in places.items())
        assert sorted(places.values()) == list(places.values())
    assert masked >= 5


def test_a_fit_on_examples_of_the_task(tmp_path: Path) -> None:
    """A file of them is told from a file of prompts by its lines."""
    data, target = tmp_path / "letters.jsonl", tmp_path / "own.safetensors"
    write_examples(data, EXAMPLES[:6])
    arguments = ["fusion", "fit", "--data", str(data), "--out", str(target), "--epochs", "2"]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["outcomes"] == {"recorded": 6}
    assert target.exists()


def test_examples_of_two_languages_are_refused(tmp_path: Path) -> None:
    """Their house models have two vocabularies."""
    target = str(tmp_path / "x.safetensors")
    arguments = ["fusion", "fit", "--data", "grammar:en,de", "--count", "6", "--out", target]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 1
    assert "de, en" in json.loads(result.stdout)["error"]["message"]
