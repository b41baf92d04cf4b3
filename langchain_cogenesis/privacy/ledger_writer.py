"""Writing to the ledger's files, in an order in which a kill at any moment loses nothing.

Contents first, then the chain, then the head: what the head knows is whole, and what stands
behind it is either whole, and then taken up, or cut away.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger_chain import (
    Walk,
    content_line,
    entry_line,
    opening_line,
    read_content,
    removal_line,
    whole_lines,
)
from langchain_cogenesis.privacy.ledger_check import Inspection
from langchain_cogenesis.privacy.ledger_disk import append, read_bytes, truncate
from langchain_cogenesis.privacy.ledger_head import Head, HeadFile
from langchain_cogenesis.privacy.ledger_keys import LedgerKeys
from langchain_cogenesis.privacy.ledger_segments import SegmentFiles
from langchain_cogenesis.syncing import sync_directory


class LedgerWriter:
    """Adds to a ledger. Its callers hold the ledger's lock.

    Args:
        files: The ledger's files.
        keys: Its keys.
        head: Its head.
        segment_bytes: From this size on, a segment takes no more entries.
    """

    def __init__(
        self, files: SegmentFiles, keys: LedgerKeys, head: HeadFile, segment_bytes: int
    ) -> None:
        self._files = files
        self._keys = keys
        self._head = head
        self._segment_bytes = segment_bytes
        self._checked = False

    def write(self, payloads: Sequence[bytes]) -> int:
        """Puts entries on disk, all or none.

        Returns:
            The number of the first.

        Raises:
            OSError: They can't be written.
            LedgerError: The ledger doesn't hold together.
        """
        head = self._tip()
        number, link, sizes = head.segment, head.link, head.sizes
        chain = []
        if sum(sizes) >= self._segment_bytes:
            number += 1
            walk = Walk(self._keys, link, head.count, number)
            chain.append(opening_line(walk, sizes[0]))
            link, sizes = self._keys.opening(link, number, head.count, sizes[0]), (0, 0)
        contents = []
        for seq, payload in enumerate(payloads, start=head.count):
            contents.append(content_line(self._keys, seq, payload))
            line, link = entry_line(self._keys, link, seq, payload)
            chain.append(line)
        grown = self._append(number, sizes, b"".join(contents), b"".join(chain))
        self._head.write(Head(head.count + len(payloads), link, grown, number))
        return head.count

    def remove(self, numbers: Container[int]) -> int:
        """Takes contents out, and notes in the chain that they were.

        Returns:
            How many were there.

        Raises:
            OSError: The files can't be written; what was begun is finished with the next entry.
            LedgerError: The ledger doesn't hold together.
        """
        if not self._head.path.exists() and not self._files.has(0):
            return 0
        head = self._tip()
        present: set[int] = set()
        for number in range(head.segment + 1):
            rows = map(read_content, whole_lines(read_bytes(self._files.contents(number))))
            present.update(row[0] for row in rows if row is not None and row[0] in numbers)
        if present:
            # From here on the removal is a fact; a kill leaves the rest to the next entry.
            line, link = removal_line(self._keys, head.link, present)
            sizes = self._append(head.segment, head.sizes, b"", line)
            self._drop(head.segment, present)
            sizes = (sizes[0], self._files.sizes(head.segment)[1])
            self._head.write(Head(head.count, link, sizes, head.segment))
        return len(present)

    def _append(
        self, number: int, sizes: tuple[int, int], contents: bytes, chain: bytes
    ) -> tuple[int, int]:
        """Writes both files, and takes back what was written if not all could be."""
        try:
            if contents:
                append(self._files.contents(number), contents)
            append(self._files.chain(number), chain)
            if 0 in sizes:
                sync_directory(self._files.directory)
        except BaseException:
            # If this fails too, the next entry finds the remains.
            with suppress(OSError):
                truncate(self._files.chain(number), sizes[0])
                truncate(self._files.contents(number), sizes[1])
            raise
        return sizes[0] + len(chain), sizes[1] + len(contents)

    def _tip(self) -> Head:
        """The head, with the remains of a write that was cut off mended."""
        head = self._head.read()
        if head is None:
            if self._head.path.exists() or self._files.has(0):
                raise self._broken("its head is missing or was altered")
            head = Head()
            # Before any other file: a chain without a head was robbed of it.
            self._head.write(head, anew=True)
        sizes = self._files.sizes(head.segment)
        settled = head.format > 1 and sizes == head.sizes and not self._files.has(head.segment + 1)
        if settled and self._checked:
            return head
        # Once per process in any case: nothing is added to an altered ledger.
        found = Inspection(self._files, self._keys, head, whole=False)
        if found.faults:
            raise self._broken(found.faults[0])
        self._checked = True
        return head if settled else self._mend(head, found)

    def _mend(self, head: Head, found: Inspection) -> Head:
        if found.last == head.segment and self._files.has(head.segment + 1):
            self._files.drop(head.segment + 1)
        truncate(self._files.chain(found.last), found.kept[0])
        truncate(self._files.contents(found.last), found.kept[1])
        if found.due:
            self._drop(found.last, found.due)
        walk, link = found.walk, found.walk.link
        if head.format == 1 and walk.noted is None:
            # The first format noted no removals: those that were made are noted here, if any.
            line, link = removal_line(self._keys, link, found.missing)
            append(self._files.chain(found.last), line)
        mended = Head(walk.count, link, self._files.sizes(found.last), found.last)
        self._head.write(mended, anew=head.format == 1)
        return mended

    def _drop(self, last: int, removed: Container[int]) -> None:
        for number in range(last + 1):
            self._files.drop_contents(number, removed)

    def _broken(self, what: str) -> LedgerError:
        return LedgerError(
            f"the ledger in {self._files.directory} doesn't hold together: {what}.",
            hint="Nothing was sent. Run `cogenesis ledger verify`; then move the directory and "
            f"{self._head.path.name} aside to begin a new one.",
        )
