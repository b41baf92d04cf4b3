"""Markdown and plain notes: each bullet or paragraph becomes a note."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
from langchain_cogenesis.context.importers.sources import read_text
from langchain_cogenesis.context.schema import Activity, PrivateContext

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.+?)\s*#*\s*")
_BULLET = re.compile(r"(\s*)(?:[-*+•–]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)")
_RULE = re.compile(r"\s*([-*_=])(?:\s*\1){2,}\s*")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_EMPHASIS = re.compile(r"(\*\*|__|~~|`)(?=\S)(.+?)(?<=\S)\1")
_LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]*)[^)]*\)")


def read(path: Path, options: ImportOptions) -> Parsed:
    """Reads notes; the heading above a note is put in front of it.

    Raises:
        SourceError: The file can't be read as text.
    """
    parsed = Parsed()
    text = read_text(path, parsed.problems, options.max_bytes)
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", text))
    notes = tuple(Activity(kind="note", text=note) for note in _notes(text))
    parsed.contexts[None] = PrivateContext(activities=notes)
    return parsed


def _notes(text: str) -> Iterator[str]:
    heading, block, indent = "", list[str](), 0
    for line in [*text.split("\n"), ""]:
        bullet, title = _BULLET.fullmatch(line), _HEADING.fullmatch(line)
        nested = bullet is not None and bool(block) and len(bullet[1]) > indent
        ends = title is not None or not line.strip() or _RULE.fullmatch(line) is not None
        if block and (ends or (bullet is not None and not nested)):
            yield _titled(heading, block)
            block = []
        if title is not None:
            heading = _plain(title[1])
        elif bullet is not None and not ends:
            indent = indent if nested else len(bullet[1])
            block.append(_plain(bullet[2]))
        elif not ends:
            block.append(_plain(line))


def _titled(heading: str, block: list[str]) -> str:
    body = " ".join(part for part in block if part)
    return f"{heading}: {body}" if heading else body


def _plain(text: str) -> str:
    without_links = _LINK.sub(lambda found: found[1] or found[2], text)
    return _EMPHASIS.sub(r"\2", without_links).strip().lstrip(">").strip()
