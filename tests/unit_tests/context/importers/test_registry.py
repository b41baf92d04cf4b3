from __future__ import annotations

from pathlib import Path

import pytest

from langchain_cogenesis.context.importers import import_file, import_files
from langchain_cogenesis.context.importers.registry import EXTENSIONS, READERS
from langchain_cogenesis.context.schema import UserProfile
from langchain_cogenesis.exceptions import ConfigurationError, SourceError


def _problem(path: Path, format: str | None = None, **options: int) -> SourceError:
    result = import_files([path], format, **options)
    assert not result.contexts
    (problem,) = result.problems
    assert problem.source == path.name
    return problem


def test_every_extension_has_a_reader() -> None:
    """Extensions lead to formats that exist."""
    assert set(EXTENSIONS.values()) <= set(READERS)


def test_an_unknown_extension_lists_the_formats(tmp_path: Path) -> None:
    """The hint names the option, the formats and the extensions."""
    path = tmp_path / "letter.docx"
    path.write_text("text")
    problem = str(_problem(path))
    assert "unknown extension (.docx)" in problem
    assert all(name in problem for name in ("--format", *READERS, *EXTENSIONS))


def test_an_unknown_format_is_an_error(tmp_path: Path) -> None:
    """A wrong option is no matter of the file."""
    with pytest.raises(ConfigurationError, match=r"'word'\. Formats are profile, notes, mail"):
        import_file(tmp_path / "x.md", "word")


def test_a_format_overrides_the_extension(tmp_path: Path) -> None:
    """With a format named, any extension will do."""
    path = tmp_path / "notes.data"
    path.write_text("a note")
    assert import_file(path, "notes").contexts[None].activities[0].text == "a note"
    assert import_file(path, "Markdown").contexts == import_file(path, "notes").contexts


@pytest.mark.parametrize("name", [f"x{extension}" for extension in EXTENSIONS])
def test_missing_empty_and_binary_files_are_named(tmp_path: Path, name: str) -> None:
    """For every format: no file, a directory, an empty and a binary one are reported."""
    path = tmp_path / name
    assert "can't be read (no such file" in str(_problem(path))
    path.mkdir()
    assert "is a directory" in str(_problem(path))
    path.rmdir()
    for content in (b"", b"\xef\xbb\xbf", b" \n"):
        path.write_bytes(content)
        result = import_file(path)
        assert not result.contexts
        assert result.problems or content == b"\xef\xbb\xbf"
    path.write_bytes(b"\x89PNG\r\n\0\0\0")
    assert not import_file(path).contexts
    assert import_file(path).problems


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """The limit and the size are named."""
    path = tmp_path / "notes.md"
    path.write_text("x" * 3 * 2**20)
    assert "has 3 MiB; at most 1 MiB" in str(_problem(path, max_bytes=2**20))
    yaml = tmp_path / "p.yaml"
    yaml.write_text("name: " + "x" * 3 * 2**20)
    assert "at most 2 MiB" in str(_problem(yaml))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, encoding: str) -> None:
    """A mark at the beginning decides, and isn't part of the text."""
    path = tmp_path / "notes.txt"
    text = "\ufeffCafé 🌿" if encoding == "utf-16-be" else "Café 🌿"
    path.write_bytes(text.encode(encoding))
    result = import_file(path)
    assert result.problems == ()
    assert [item.text for item in result.contexts[None].activities] == ["Café 🌿"]


def test_other_encodings_are_read_with_a_note(tmp_path: Path) -> None:
    """What is not UTF-8 is read as Windows-1252, and the line is named."""
    path = tmp_path / "notes.md"
    path.write_bytes("one\n\nCafé".encode("cp1252"))
    result = import_file(path)
    assert [item.text for item in result.contexts[None].activities] == ["one", "Café"]
    (problem,) = result.problems
    assert problem.line == 3
    assert "Windows-1252" in str(problem)


def test_files_are_joined_and_broken_ones_left_out(tmp_path: Path) -> None:
    """Several files make one context; a broken one doesn't keep the others out."""
    (tmp_path / "a.md").write_text("- one\n- two\n")
    (tmp_path / "b.md").write_text("- two\n- three\n")
    (tmp_path / "p.json").write_text('{"name": "Wren", "facts": ["x"]}')
    (tmp_path / "q.yaml").write_text("name: Other\nfacts: [x, y]\ncompany: Quill\n")
    (tmp_path / "c.ics").write_text("broken")
    result = import_files(sorted(tmp_path.iterdir()))
    context = result.contexts[None]
    assert [item.text for item in context.activities] == ["one", "two", "three"]
    assert context.profile == UserProfile(name="Wren", company="Quill", facts=("x", "y"))
    assert [problem.source for problem in result.problems] == ["c.ics"]


def test_results_withhold_their_content(tmp_path: Path) -> None:
    """The result's repr counts and doesn't show."""
    (tmp_path / "a.md").write_text("sekrit")
    assert repr(import_file(tmp_path / "a.md")) == "ImportResult(1 contexts, 0 problems)"
