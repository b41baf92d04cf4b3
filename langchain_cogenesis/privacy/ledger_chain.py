"""The lines of the ledger's files, and following the chain from one line to the next.

A chain file has lines of three kinds: an entry (the digest of its content), a removal (whose
contents were taken out by the ledger itself), and, first in every segment but the first, an opening
that joins the segment to the one before. Each ends with a keyed link over it and the link before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from langchain_cogenesis.privacy.ledger_keys import GENESIS, LedgerKeys, same

_ENTRY = ["seq", "entry", "link"]
_REMOVAL = ["removed", "link"]
_OPENING = ["segment", "first", "before", "bytes", "link"]
_CONTENT = ["seq", "sealed"]


@dataclass(frozen=True, slots=True)
class Joint:
    """Where one segment ends and the next begins.

    Attributes:
        first: The number of the first entry that the new segment may hold.
        before: The last link of the segment before.
        length: Bytes of that segment's chain file.
        link: The new segment's first link.
    """

    first: int
    before: str
    length: int
    link: str


@dataclass(slots=True)
class Walk:
    """How far a chain was followed.

    Attributes:
        keys: The ledger's keys.
        link: The last link.
        count: Entries up to here.
        segment: The number of the segment.
        digests: Of the entries that were passed, by number; None where a line couldn't be read.
        removals: Runs of entries, first and last number, whose contents were removed.
        noted: Entries up to the first line that the ledger's first format doesn't have, if any.
    """

    keys: LedgerKeys
    link: str = GENESIS
    count: int = 0
    segment: int = 0
    digests: dict[int, str | None] = field(default_factory=dict)
    removals: list[tuple[int, int]] = field(default_factory=list)
    noted: int | None = None

    def follow(self, line: bytes) -> str | None:
        """Goes on by a line that is no opening; returns what is wrong with it, if anything is."""
        row = read_row(line)
        if list(row) == _REMOVAL:
            return self._follow_removal(row)
        seq, digest, link = self.count, row.get("entry"), row.get("link")
        self.count += 1
        if list(row) != _ENTRY or not isinstance(digest, str) or not isinstance(link, str):
            self.digests[seq] = None
            return f"entry {seq}: its line in the chain can't be read"
        self.digests[seq] = digest
        expected = self.keys.link(self.link, seq, digest)
        # What follows is judged by what this line says, so that one fault is told once.
        self.link = link
        if line != spell({"seq": seq, "entry": digest, "link": expected}):
            return f"entry {seq}: it was altered, or doesn't follow the one before"
        return None

    def open(self, line: bytes, length: int | None) -> str | None:
        """Goes on by the first line of the next segment.

        Args:
            line: The line.
            length: Bytes of the chain file of the segment before; None where only the line itself
                is to be checked, and where it leaves off is taken from it.
        """
        self.segment += 1
        self._note()
        wrong = f"segment {self.segment}: it doesn't begin where the one before ends"
        joint = read_joint(line)
        if joint is None:
            return wrong
        if length is None:
            self.count, self.link, length = joint.first, joint.before, joint.length
        honest = opening_line(self, length)
        self.link = joint.link
        return None if line == honest else wrong

    def _follow_removal(self, row: dict[str, Any]) -> str | None:
        expected = self.keys.removal(self.link, json.dumps(row["removed"]))
        self.link = str(row["link"])
        self._note()
        if not same(self.link, expected):
            return f"a note of a removal before entry {self.count} was altered or doesn't belong"
        self.removals.extend((int(first), int(last)) for first, last in row["removed"])
        return None

    def _note(self) -> None:
        self.noted = self.count if self.noted is None else self.noted


def entry_line(keys: LedgerKeys, link: str, seq: int, payload: bytes) -> tuple[bytes, str]:
    """Spells an entry's line in the chain; returns it and its link."""
    digest = keys.digest(payload)
    link = keys.link(link, seq, digest)
    return spell({"seq": seq, "entry": digest, "link": link}), link


def content_line(keys: LedgerKeys, seq: int, payload: bytes) -> bytes:
    """Spells an entry's content, sealed."""
    return spell({"seq": seq, "sealed": keys.seal(seq, payload)})


def removal_line(keys: LedgerKeys, link: str, numbers: Iterable[int]) -> tuple[bytes, str]:
    """Spells the note that the contents of some entries were removed; returns it and its link."""
    ranges = _runs(sorted(numbers))
    link = keys.removal(link, json.dumps(ranges))
    return spell({"removed": ranges, "link": link}), link


def read_joint(line: bytes) -> Joint | None:
    """What the first line of a segment says, or None where it is no such line."""
    row = read_row(line)
    if list(row) != _OPENING:
        return None
    joint = Joint(row["first"], row["before"], row["bytes"], row["link"])
    # Not isinstance(): JSON's `true` is no number.
    kinds = (int, str, int, str)
    values = (joint.first, joint.before, joint.length, joint.link)
    return joint if all(type(v) is k for v, k in zip(values, kinds, strict=True)) else None


def opening_line(walk: Walk, length: int) -> bytes:
    """Spells the first line of segment `walk.segment`, which begins where the walk has come to.

    Args:
        walk: The chain up to the end of the segment before, with the new segment's number.
        length: Bytes of the chain file of the segment before.
    """
    row = {"segment": walk.segment, "first": walk.count, "before": walk.link, "bytes": length}
    link = walk.keys.opening(walk.link, walk.segment, walk.count, length)
    return spell({**row, "link": link})


def read_content(line: bytes) -> tuple[int, str] | None:
    """Number and sealed content of a line, or None where it can't be read."""
    row = read_row(line)
    if list(row) != _CONTENT or not isinstance(row["sealed"], str):
        return None
    return (row["seq"], row["sealed"]) if type(row["seq"]) is int else None


def is_entry(line: bytes) -> bool:
    """Whether a line of a chain stands for an entry, however damaged it is."""
    return list(read_row(line)) not in (_REMOVAL, _OPENING)


def read_row(line: bytes) -> dict[str, Any]:
    """A line's object; an empty one where the line isn't spelled as the ledger spells it.

    Any other spelling of the same object was not written by the ledger.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) and spell(row) == line else {}


def spell(row: dict[str, Any]) -> bytes:
    """A line of a file, with its end."""
    return json.dumps(row).encode() + b"\n"


def whole_lines(raw: bytes) -> list[bytes]:
    """The lines of a file that are complete, each with its end."""
    return raw[: raw.rfind(b"\n") + 1].splitlines(keepends=True)


def _runs(numbers: Iterable[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs
