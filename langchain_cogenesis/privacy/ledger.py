"""The record of what left the device: appended to, chained, verifiable, never rewritten.

`chain.jsonl` holds, per entry, a keyed digest of its content and a keyed link over it and the
link before. `entries.jsonl` holds the contents as ciphertext; one of them can be removed, which the
chain notes. When the two grow large, a new pair is begun, whose chain goes on where the last one
ends. The head holds the last link, outside the chain, so that a cut tail is found. Whoever lacks
the key can neither alter an entry nor recompute the chain.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger_chain import is_entry, read_content, read_joint, whole_lines
from langchain_cogenesis.privacy.ledger_check import Inspection, Verification
from langchain_cogenesis.privacy.ledger_disk import read_bytes
from langchain_cogenesis.privacy.ledger_head import Head, HeadFile
from langchain_cogenesis.privacy.ledger_keys import LedgerKeys
from langchain_cogenesis.privacy.ledger_queue import WriteQueue
from langchain_cogenesis.privacy.ledger_segments import SegmentFiles
from langchain_cogenesis.privacy.ledger_writer import LedgerWriter

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["SEGMENT_BYTES", "EgressLedger", "LedgerEntry", "Verification"]

SEGMENT_BYTES = 4 * 1024 * 1024
"""From this size on, a segment takes no more entries, by default."""

_HEAD = "head.json"
_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, repr=False)
class LedgerEntry:
    """One entry: its number from 0, and its content, or None where that was removed.

    The content of a request has its `body` as it left and, where that holds token ids for a prompt,
    their text under `prompts`, which is a list.
    """

    seq: int
    content: Mapping[str, Any] | None

    def __repr__(self) -> str:
        return f"LedgerEntry(seq={self.seq}, content=<withheld>)"


class EgressLedger:
    """An append-only, hash-chained record of the egress of one user.

    An entry is on disk before `append()` returns. Safe to use from several threads and processes.

    Args:
        directory: Where the files lie; made (0700) when the first entry is written.
        key: 32 secret bytes; digests and ciphertexts are keyed with it.
        head: Where the head lies; best outside the directory, so that a directory that was
            removed or put back from an older copy is found. By default inside.
        segment_bytes: From this size on (both files together), a segment takes no more entries.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        key: bytes,
        head: str | os.PathLike[str] | None = None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.directory = Path(directory)
        self._keys = LedgerKeys(key)
        self._files = SegmentFiles(self.directory)
        self._head = HeadFile(
            Path(head) if head is not None else self.directory / _HEAD, self._keys
        )
        self._writer = LedgerWriter(self._files, self._keys, self._head, segment_bytes)
        self._queue = WriteQueue(self._write)
        self._lock_made: tuple[int, FileLock] | None = None

    def __repr__(self) -> str:
        return f"EgressLedger(directory={str(self.directory)!r})"

    def append(self, content: Mapping[str, Any]) -> int:
        """Adds an entry and returns when it is on disk; `time` (UTC, ISO 8601) is filled in.

        Returns:
            The entry's number.

        Raises:
            LedgerError: The files can't be written, or don't fit together.
        """
        return self._queue.append(_payload(content))

    def submit(self, content: Mapping[str, Any]) -> Future[int]:
        """Adds an entry while the caller goes on.

        What is to be recorded may happen only after `result()` of what this returns, which waits
        until the entry is on disk, and raises LedgerError where it can't be. In a coroutine, await
        `asyncio.wrap_future()` of it, and the event loop goes on meanwhile.

        Returns:
            The entry's number, once it is on disk.
        """
        return self._queue.submit(_payload(content))

    def count(self) -> int:
        """How many entries there are; by the head, unless that was altered."""
        head = self._head.read()
        return self.check().entries if head is None else head.count

    def entries(self, first: int = 0, stop: int | None = None) -> Iterator[LedgerEntry]:
        """Yields entries in order, contents decrypted; reads no segment that it needn't.

        Args:
            first: The number of the first one.
            stop: The number after the last one; all by default.

        Raises:
            LedgerError: An entry can't be read; `verify()` says which.
        """
        begins = [0, *(self._begin(number) for number in range(1, self._last() + 1))]
        for number, begin in enumerate(begins):
            end = begins[number + 1] if number + 1 < len(begins) else None
            if (end is not None and end <= first) or (stop is not None and begin >= stop):
                continue
            lines = whole_lines(read_bytes(self._files.chain(number)))
            end = begin + sum(map(is_entry, lines))
            rows = map(read_content, whole_lines(read_bytes(self._files.contents(number))))
            sealed = dict(row for row in rows if row is not None)
            for seq in range(max(begin, first), end if stop is None else min(end, stop)):
                token = sealed.get(seq)
                content = None if token is None else json.loads(self._keys.open(seq, token))
                yield LedgerEntry(seq, content)

    def verify(self) -> Verification:
        """Checks every line, every digest, every link and the head, of all segments.

        Raises:
            LedgerError: Another process keeps the ledger locked.
        """
        return self._inspect(whole=True)

    def check(self) -> Verification:
        """Checks the last segment in full, and of the others where they begin and their length.

        This is what an append does once per process, and takes no longer as the ledger grows.
        `verify()` reads everything.

        Raises:
            LedgerError: Another process keeps the ledger locked.
        """
        return self._inspect(whole=False)

    def redact(self, numbers: Container[int]) -> int:
        """Removes the contents of some entries; their place in the chain stays, and tells.

        The files are rewritten. What the disk keeps of freed blocks is ciphertext.

        Args:
            numbers: The entries' numbers.

        Returns:
            How many contents were removed.

        Raises:
            LedgerError: The ledger doesn't hold together, or can't be written.
        """
        with self._writing():
            return self._writer.remove(numbers)

    def _inspect(self, *, whole: bool) -> Verification:
        there = self.directory.exists() and os.access(self.directory, os.W_OK)
        try:
            with self._lock() if there else nullcontext():
                head = self._head.read()
                files = self._files.has(0)
                if head is None and (files or self._head.path.exists()):
                    outcome = Inspection(self._files, self._keys, None, whole=True).outcome()
                    faults = ("the head is missing or was altered", *outcome.faults)
                    return Verification(outcome.entries, outcome.removed, faults, outcome.segments)
                return Inspection(self._files, self._keys, head or Head(), whole=whole).outcome()
        except TimeoutError as error:
            raise LedgerError(
                f"the ledger in {self.directory} is being written to by another process.",
                hint="Wait until it is done, or end it, and try again.",
            ) from error
        except OSError as error:
            return Verification(0, 0, (f"a file can't be read: {error.strerror or error}",))

    def _begin(self, number: int) -> int:
        joint = read_joint(self._files.first_line(number))
        if joint is None:
            raise LedgerError(
                f"segment {number} of the ledger is missing or can't be read.",
                hint="Run `cogenesis ledger verify`.",
            )
        return joint.first

    def _last(self) -> int:
        head = self._head.read()
        return self._files.last() if head is None else head.segment

    def _write(self, payloads: Sequence[bytes]) -> int:
        with self._writing():
            return self._writer.write(payloads)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            # Without its parent the user was forgotten: no remnant may come up again.
            self.directory.mkdir(mode=0o700, exist_ok=True)
            with self._lock():
                yield
        except OSError as error:
            raise LedgerError(
                f"the ledger in {self.directory} can't be written: {error.strerror or error}.",
                hint="Nothing was sent. Free disk space or mend the permissions, then try again.",
            ) from error

    def _lock(self) -> FileLock:
        from filelock import FileLock

        # A lock made before a fork is the parent's.
        if self._lock_made is None or self._lock_made[0] != os.getpid():
            lock = FileLock(self.directory / "lock", timeout=_LOCK_SECONDS, mode=0o600)
            self._lock_made = (os.getpid(), lock)
        return self._lock_made[1]


def _payload(content: Mapping[str, Any]) -> bytes:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    text = json.dumps({"time": time, **content}, ensure_ascii=False, sort_keys=True)
    return text.encode("utf-8", "surrogatepass")
