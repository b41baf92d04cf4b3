"""The ledger's files: two per segment, the chain and the contents."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path

from langchain_cogenesis.privacy.ledger_chain import read_content, whole_lines
from langchain_cogenesis.privacy.ledger_disk import (
    read_bytes,
    replace_file,
    size_of,
)
from langchain_cogenesis.syncing import sync_directory

_CHAIN, _CONTENTS = "chain", "entries"
_NAME = re.compile(rf"(?:{_CHAIN}|{_CONTENTS})-(\d+)\.jsonl")


class SegmentFiles:
    """Names and sizes of a ledger's files.

    The first segment's are `chain.jsonl` and `entries.jsonl`; later ones carry a number.

    Args:
        directory: Where they lie.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def chain(self, number: int) -> Path:
        """The chain file of a segment."""
        return self._path(_CHAIN, number)

    def contents(self, number: int) -> Path:
        """The file with a segment's contents."""
        return self._path(_CONTENTS, number)

    def sizes(self, number: int) -> tuple[int, int]:
        """Bytes of a segment's two files, chain and contents."""
        return size_of(self.chain(number)), size_of(self.contents(number))

    def has(self, number: int) -> bool:
        """Whether a segment has any file."""
        return self.chain(number).exists() or self.contents(number).exists()

    def first_line(self, number: int) -> bytes:
        """The first line of a segment's chain; empty where there is none."""
        try:
            with self.chain(number).open("rb") as file:
                return file.readline()
        except FileNotFoundError:
            return b""

    def last(self) -> int:
        """The highest number that any file has."""
        found = (_NAME.fullmatch(path.name) for path in self.directory.glob("*-*.jsonl"))
        return max((int(match[1]) for match in found if match), default=0)

    def drop_contents(self, number: int, removed: Container[int]) -> None:
        """Takes contents out of a segment.

        Args:
            number: The segment's number.
            removed: Numbers of the entries whose contents go.

        Raises:
            OSError: The file can't be rewritten.
        """
        path = self.contents(number)
        lines = whole_lines(read_bytes(path))
        kept = []
        for line in lines:
            content = read_content(line)
            if content is None or content[0] not in removed:
                kept.append(line)
        if len(kept) < len(lines):
            replace_file(path, b"".join(kept))

    def drop(self, number: int) -> None:
        """Removes what a rotation that was killed left of its new segment."""
        self.chain(number).unlink(missing_ok=True)
        self.contents(number).unlink(missing_ok=True)
        sync_directory(self.directory)

    def _path(self, kind: str, number: int) -> Path:
        return self.directory / (f"{kind}-{number:06d}.jsonl" if number else f"{kind}.jsonl")
