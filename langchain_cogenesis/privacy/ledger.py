"""The record of what left the device: appended to, chained, verifiable, never rewritten.

Three files. `chain.jsonl` holds, per entry, a keyed digest of its content and a
keyed link over it and the link before. `entries.jsonl` holds the contents as ciphertext; one of
them can be removed and the chain still verifies. The head holds the last link, outside the chain,
so that a cut tail is found. Whoever lacks the key can neither alter an entry nor recompute
the chain.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger_head import Head, HeadFile, write_synced
from langchain_cogenesis.privacy.ledger_keys import GENESIS, LedgerKeys, same

_CHAIN, _ENTRIES, _HEAD = "chain.jsonl", "entries.jsonl", "head.json"
_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, repr=False)
class LedgerEntry:
    """One entry: its number from 0, and its content, or None where that was removed."""

    seq: int
    content: Mapping[str, Any] | None

    def __repr__(self) -> str:
        return f"LedgerEntry(seq={self.seq}, content=<withheld>)"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of `EgressLedger.verify()`: entries counted, contents removed, faults found."""

    entries: int
    removed: int
    faults: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, cut or reordered."""
        return not self.faults


class EgressLedger:
    """An append-only, hash-chained record of the egress of one user.

    An entry is on disk before `append()` returns. Safe to use from several threads and processes.

    Args:
        directory: Where the files lie; made (0700) when the first entry is written.
        key: 32 secret bytes; digests and ciphertexts are keyed with it.
        head: Where the head lies; best outside the directory, so that a directory that was
            removed or put back from an older copy is found. By default inside.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        key: bytes,
        head: str | os.PathLike[str] | None = None,
    ) -> None:
        self.directory = Path(directory)
        self._verified = False
        self._keys = LedgerKeys(key)
        self._head = HeadFile(
            Path(head) if head is not None else self.directory / _HEAD, self._keys
        )
        self._mutex = threading.Lock()

    def __repr__(self) -> str:
        return f"EgressLedger(directory={str(self.directory)!r})"

    def append(self, content: Mapping[str, Any]) -> int:
        """Adds an entry; `time` (UTC, ISO 8601) is filled in.

        Returns:
            The entry's number.

        Raises:
            LedgerError: The files can't be written, or don't fit together.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        payload = json.dumps({"time": time, **content}, ensure_ascii=False, sort_keys=True)
        try:
            with self._mutex, self._file_lock():
                head = self._tip()
                self._check_once()
                self._write(head, payload.encode("utf-8", "surrogatepass"))
                return head.count
        except OSError as error:
            raise LedgerError(
                f"the ledger in {self.directory} can't be written: {error.strerror or error}.",
                hint="Nothing was sent. Free disk space or mend the permissions, then try again.",
            ) from error

    def entries(self) -> Iterator[LedgerEntry]:
        """Yields all entries in order, contents decrypted.

        Raises:
            LedgerError: An entry can't be read; `verify()` says which.
        """
        sealed = {seq: token for seq, token in self._sealed() if seq is not None}
        for seq in range(len(self._lines(_CHAIN))):
            token = sealed.get(seq)
            content = None if token is None else json.loads(self._keys.open(seq, token))
            yield LedgerEntry(seq, content)

    def verify(self) -> Verification:
        """Checks every digest, every link and the head."""
        faults: list[str] = []
        sealed: dict[int, str] = {}
        for number, (seq, token) in enumerate(self._sealed(), start=1):
            if seq is None:
                faults.append(f"{_ENTRIES}, line {number}: it can't be read")
            elif seq in sealed:
                faults.append(f"entry {seq}: it has two contents")
            else:
                sealed[seq] = token
        lines = self._lines(_CHAIN)
        link = GENESIS
        for seq, line in enumerate(lines):
            link, digest, fault = self._follow(link, seq, line)
            faults += [fault] if fault else []
            if digest is not None and seq in sealed:
                faults.extend(self._content_faults(seq, sealed[seq], digest))
        faults.extend(f"entry {seq}: it is not in the chain" for seq in sealed if seq >= len(lines))
        faults.extend(self._head_faults(len(lines), link))
        removed = sum(1 for seq in range(len(lines)) if seq not in sealed)
        return Verification(len(lines), removed, tuple(faults))

    def redact(self, numbers: Container[int]) -> None:
        """Removes the contents of some entries; their place in the chain stays.

        Args:
            numbers: The entries' numbers.

        Raises:
            LedgerError: The ledger doesn't hold together.
        """
        with self._mutex, self._file_lock():
            head = self._tip()
            lines = self._lines(_ENTRIES)
            kept = [line for line in lines if json.loads(line)["seq"] not in numbers]
            temporary = self._path(_ENTRIES + ".new")
            write_synced(temporary, b"".join(line + b"\n" for line in kept), os.O_TRUNC)
            temporary.replace(self._path(_ENTRIES))
            self._head.write(Head(head.count, head.link, (head.sizes[0], self._size(_ENTRIES))))

    def _follow(self, link: str, seq: int, line: bytes) -> tuple[str, str | None, str | None]:
        """The link after a line of the chain, the digest that it claims, and what is wrong."""
        try:
            row = json.loads(line)
            number, digest, claimed = int(row["seq"]), str(row["entry"]), str(row["link"])
        except (ValueError, KeyError, TypeError):
            return link, None, f"entry {seq}: its line in the chain can't be read"
        expected = self._keys.link(link, seq, digest)
        if number != seq or not same(expected, claimed):
            return (
                claimed,
                digest,
                f"entry {seq}: it was altered, or doesn't follow the one before",
            )
        return expected, digest, None

    def _content_faults(self, seq: int, token: str, digest: str) -> Iterator[str]:
        try:
            plain = self._keys.open(seq, token)
        except LedgerError as error:
            yield error.message
            return
        if not same(self._keys.digest(plain), digest):
            yield f"entry {seq}: its content is not what the chain says"

    def _head_faults(self, count: int, link: str) -> Iterator[str]:
        head = self._head.read()
        if head is None:
            if count or self._head.path.exists():
                yield "the head is missing or was altered"
        elif (head.count, head.link) != (count, link):
            yield f"the chain has {count} entries; the head says {head.count} and another end"
        elif head.sizes != (self._size(_CHAIN), self._size(_ENTRIES)):
            yield "a file is longer or shorter than the head says"

    def _tip(self) -> Head:
        """The head, with the remains of a write that was killed mended."""
        head = self._head.read()
        if head is not None and head.sizes == (self._size(_CHAIN), self._size(_ENTRIES)):
            return head
        if head is None and self._head.path.exists():
            raise self._broken("its head was altered")
        known = head or Head()
        lines = self._lines(_CHAIN)
        # A killed write leaves at most one entry that the head doesn't know yet.
        if not known.count <= len(lines) <= known.count + 1:
            raise self._broken(f"it has {len(lines)} entries and its head says {known.count}")
        count, link = known.count, known.link
        for line in lines[count:]:
            link, _, fault = self._follow(link, count, line)
            if fault:
                raise self._broken(fault)
            count += 1
        self._cut(_CHAIN, count)
        self._cut(_ENTRIES, count)
        mended = Head(count, link, (self._size(_CHAIN), self._size(_ENTRIES)))
        if count:
            self._head.write(mended)
        return mended

    def _broken(self, what: str) -> LedgerError:
        return LedgerError(
            f"the ledger in {self.directory} doesn't hold together: {what}.",
            hint="Nothing was sent. Run `cogenesis ledger verify`; then move the directory and "
            f"{self._head.path.name} aside to begin a new one.",
        )

    def _check_once(self) -> None:
        """Verifies everything before the first entry: nothing is added to an altered ledger."""
        if not self._verified:
            faults = self.verify().faults
            if faults:
                raise self._broken(faults[0])
            self._verified = True

    def _write(self, head: Head, payload: bytes) -> None:
        digest = self._keys.digest(payload)
        link = self._keys.link(head.link, head.count, digest)
        # Content first: a chain entry without content reads as one that was removed.
        sealed = {"seq": head.count, "sealed": self._keys.seal(head.count, payload)}
        self._write_line(_ENTRIES, sealed)
        self._write_line(_CHAIN, {"seq": head.count, "entry": digest, "link": link})
        sizes = (self._size(_CHAIN), self._size(_ENTRIES))
        self._head.write(Head(head.count + 1, link, sizes))

    def _cut(self, name: str, count: int) -> None:
        """Takes away what a killed write left behind: a broken last line, entries from `count`."""
        path = self._path(name)
        if not path.exists():
            return
        raw = path.read_bytes()
        rows = raw[: raw.rfind(b"\n") + 1].splitlines(keepends=True)
        while rows and json.loads(rows[-1])["seq"] >= count:
            rows.pop()
        with path.open("r+b") as file:
            file.truncate(sum(map(len, rows)))

    def _lines(self, name: str) -> list[bytes]:
        path = self._path(name)
        if not path.exists():
            return []
        raw = path.read_bytes()
        return raw[: raw.rfind(b"\n") + 1].splitlines()

    def _sealed(self) -> Iterator[tuple[int | None, str]]:
        for line in self._lines(_ENTRIES):
            try:
                row = json.loads(line)
                yield int(row["seq"]), str(row["sealed"])
            except (ValueError, KeyError, TypeError):
                yield None, ""

    def _write_line(self, name: str, row: Mapping[str, Any]) -> None:
        write_synced(self._path(name), json.dumps(row).encode() + b"\n", os.O_APPEND)

    def _size(self, name: str) -> int:
        path = self._path(name)
        return path.stat().st_size if path.exists() else 0

    def _path(self, name: str) -> Path:
        return self.directory / name

    def _file_lock(self) -> Any:
        from filelock import FileLock

        # Without its parent the user was forgotten: no remnant may come up again.
        self.directory.mkdir(mode=0o700, exist_ok=True)
        return FileLock(self.directory / "lock", timeout=_LOCK_SECONDS, mode=0o600)
