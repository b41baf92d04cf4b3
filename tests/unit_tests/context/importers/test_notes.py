from __future__ import annotations

from pathlib import Path

import pytest

from langchain_cogenesis.context.importers import import_file


def _notes(tmp_path: Path, text: str, name: str = "notes.md") -> list[str]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    result = import_file(path)
    assert result.problems == ()
    context = result.contexts.get(None)
    return [activity.text for activity in context.activities] if context else []


def test_bullets_and_paragraphs_become_notes(tmp_path: Path) -> None:
    """Each bullet and each paragraph is one note, under the heading above it."""
    text = (
        "---\ntitle: x\n---\n# Garden ##\n\nThe **roses** need\ncutting.\n\n- [ ] buy twine\n"
        "- [x] see [the shop](https://x.example)\n  - open till six\n1. third\n\n***\n"
        "<!-- hidden -->\n## Boat\n* paint `hull`\n> quoted line\n\nno_emphasis_here 2*3*4\n"
    )
    assert _notes(tmp_path, text) == [
        "Garden: The roses need cutting.",
        "Garden: buy twine",
        "Garden: see the shop open till six",
        "Garden: third",
        "Boat: paint hull quoted line",
        "Boat: no_emphasis_here 2*3*4",
    ]


def test_plain_text(tmp_path: Path) -> None:
    """A text file without marks gives a note per paragraph, in any script."""
    text = "\ufeffFirst note\nwraps.\r\n\r\nשלום עולם 🌿\n"
    assert _notes(tmp_path, text, "notes.txt") == ["First note wraps.", "שלום עולם 🌿"]


@pytest.mark.parametrize("text", ["# only a heading\n", "***\n\n---\n", "<!-- x -->"])
def test_nothing_to_note(tmp_path: Path, text: str) -> None:
    """A file without notes gives no context and no problem."""
    assert _notes(tmp_path, text) == []
