"""The demonstration in German: the same steps, another user, other models."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.data.persona import demo_persona
from langchain_cogenesis.evaluation.metrics.german import holds_german


def test_the_letter_has_its_facts_and_nothing_left(tmp_path: Path) -> None:
    """Recipient, day, time, place and sender; the remote's text has none of what it can't know."""
    result = CliRunner().invoke(
        app, ["demo", "--language", "de", "--keep", str(tmp_path), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["private_values_found"] == 0
    persona = demo_persona("de")
    for mode in ("sketch", "local"):
        for value in persona.facts.values():
            assert value in told["letters"][mode]["text"], mode
    assert not holds_german(told["letters"]["remote"]["text"], persona.facts["day"])


def test_another_language_is_told() -> None:
    """With those that there are."""
    result = CliRunner().invoke(app, ["demo", "--language", "fr", "--json"])
    assert result.exit_code == 1
    assert "en, de" in json.loads(result.stdout)["error"]["message"]
