"""Checking a ledger: every line, every digest, every link, and the head."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger_chain import Walk, read_content, read_joint, whole_lines
from langchain_cogenesis.privacy.ledger_disk import read_bytes, size_of
from langchain_cogenesis.privacy.ledger_head import Head
from langchain_cogenesis.privacy.ledger_keys import LedgerKeys, same
from langchain_cogenesis.privacy.ledger_segments import SegmentFiles


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of `EgressLedger.verify()`.

    Attributes:
        entries: How many there are.
        removed: How many of them have no content any more, taken out by the ledger itself.
        faults: What was changed, cut, removed or reordered; no content is told.
        segments: Over how many pairs of files they are spread.
        unfinished: Whether a write was cut off (a kill, a power cut) before it was acknowledged.
            That is no fault: the next entry clears it away.
    """

    entries: int
    removed: int
    faults: tuple[str, ...]
    segments: int = 1
    unfinished: bool = False

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, cut or reordered."""
        return not self.faults


class Inspection:
    """Reads a ledger's files and compares them with its head.

    Args:
        files: The files.
        keys: The ledger's keys.
        head: The head; None where it was altered.
        whole: Whether to read all segments, or the last alone and of the others just where they
            begin and how long they are.

    Attributes:
        faults: What is wrong.
        unfinished: Whether something stands behind what the head knows, as a killed write leaves
            it.
        walk: The chain's genuine end, entries behind the head included.
        last: The number of the last segment that holds an entry.
        kept: Bytes of the last segment's files, chain and contents, that are whole.
        missing: Entries that have no content and of which no removal is noted.
        due: Entries whose contents a cut-off removal was to take out.
    """

    def __init__(
        self, files: SegmentFiles, keys: LedgerKeys, head: Head | None, *, whole: bool
    ) -> None:
        self.faults: list[str] = []
        self.unfinished = False
        self.walk = Walk(keys)
        self.kept = (0, 0)
        self.missing: set[int] = set()
        self.due: set[int] = set()
        self._files = files
        self._head = head
        self._met = head is None
        self._removed = 0
        self._settled = 0  # removals that the head knows of
        self._present: set[int] = set()
        self._bounds: dict[int, tuple[int, int]] = {}
        self.last = self._find_last()
        self._start = 0 if whole or head is None else head.segment
        self._run(whole)

    def outcome(self) -> Verification:
        """What was found."""
        return Verification(
            self.walk.count, self._removed, tuple(self.faults), self.last + 1, self.unfinished
        )

    def _run(self, whole: bool) -> None:
        if not whole:
            self._check_joints()
        for number in range(self._start, self.last + 1):
            self._read_chain(number)
        if not self._met and self._head is not None:
            self.faults.append(
                f"the chain has {self.walk.count} entries; "
                f"the head says {self._head.count} and another end"
            )
        for number in range(self._start, self.last + 1):
            self._read_contents(number)
        self._check_removals()
        if self._head is not None and self._head.format == 1:
            self._check_first_format(self._head)
        if whole and self._files.last() > self.last + 1:
            self.faults.append(f"segment {self._files.last()}: nothing leads to it")

    def _find_last(self) -> int:
        if self._head is None:
            return self._files.last()
        following = self._head.segment + 1
        if not self._files.has(following):
            return self._head.segment
        # A rotation that was killed before the first line was whole has begun nothing.
        self.unfinished = True
        begun = bool(whole_lines(read_bytes(self._files.chain(following))))
        return following if begun else self._head.segment

    def _check_joints(self) -> None:
        """Looks where closed segments end, without reading them."""
        for number in range(1, self._start + 1):
            line = self._files.first_line(number)
            joint = read_joint(line)
            genuine = Walk(self.walk.keys, segment=number - 1).open(line, None) is None
            if joint is None or not genuine:
                self.faults.append(f"segment {number}: its first line is missing or was altered")
            elif size_of(self._files.chain(number - 1)) != joint.length:
                self.faults.append(f"segment {number - 1}: it is missing, or of another length")

    def _read_chain(self, number: int) -> None:
        raw = read_bytes(self._files.chain(number))
        lines = whole_lines(raw)
        if not lines and (number or raw):
            self.faults.append(f"segment {number}: its chain is missing or can't be read")
        position = 0
        first = self.walk.count
        for line in lines:
            self._meet(number, position)
            if number and not position:
                self.walk.segment = number - 1
                length = size_of(self._files.chain(number - 1)) if number > self._start else None
                fault = self.walk.open(line, length)
                first = self.walk.count
            else:
                fault = self.walk.follow(line)
            self.faults += [fault] if fault else []
            position += len(line)
        self._meet(number, position)
        self._bounds[number] = (first, self.walk.count)
        if position < len(raw):
            self._leave(number, f"segment {number}: its chain ends in the middle of a line")
        self.kept = (position, 0)

    def _meet(self, number: int, position: int) -> None:
        """Compares with the head, where it says that the chain ends."""
        head = self._head
        if self._met:
            self.unfinished = self.unfinished or head is not None
        elif head is not None and (number, position) == (head.segment, head.sizes[0]):
            self._met = True
            self._settled = len(self.walk.removals)
            if (self.walk.count, self.walk.link) != (head.count, head.link):
                self.faults.append("the head and the chain don't fit together")

    def _leave(self, number: int, fault: str) -> None:
        """Takes note of what a killed write may have left, at the very end only."""
        if number == self.last and self._met and self._head is not None:
            self.unfinished = True
        else:
            self.faults.append(fault)

    def _read_contents(self, number: int) -> None:
        path = self._files.contents(number)
        raw = read_bytes(path)
        first, end = self._bounds[number]
        previous, kept, position = first - 1, 0, 0
        for count, line in enumerate(whole_lines(raw), start=1):
            position += len(line)
            content = read_content(line)
            if content is None:
                self.faults.append(f"{path.name}, line {count}: it can't be read")
            elif content[0] <= previous:
                self.faults.append(f"entry {content[0]}: its content is repeated or out of order")
            elif content[0] >= end:
                self._leave(number, f"entry {content[0]}: it is not in the chain")
            else:
                kept = position
                previous = content[0]
                self._check_content(*content)
        if position < len(raw):
            self._leave(number, f"{path.name}: it ends in the middle of a line")
        if number == self.last:
            self.kept = (self.kept[0], kept)

    def _check_content(self, seq: int, token: str) -> None:
        self._present.add(seq)
        digest = self.walk.digests.get(seq)
        try:
            plain = self.walk.keys.open(seq, token)
        except LedgerError as error:
            self.faults.append(error.message)
            return
        if digest is not None and not same(self.walk.keys.digest(plain), digest):
            self.faults.append(f"entry {seq}: its content is not what the chain says")

    def _check_removals(self) -> None:
        removals = self.walk.removals
        settled = _spread(removals[: self._settled] if self._head is not None else removals)
        self.due = _spread(removals[self._settled :]) if self._head is not None else set()
        back = sorted(self._present & settled)
        self.faults.extend(
            f"entry {seq}: its content was removed and is there again" for seq in back
        )
        numbers = {seq for bounds in self._bounds.values() for seq in range(*bounds)}
        self.missing = numbers - self._present - settled - self.due
        # A removal that was cut off is already true of its entries.
        self._removed = len(numbers & (settled | self.due))
        if self._head is not None and self._head.format == 1 and self.walk.noted is None:
            self._removed += len(self.missing)
        else:
            lost = sorted(self.missing)
            self.faults.extend(f"entry {seq}: its content is missing" for seq in lost)

    def _check_first_format(self, head: Head) -> None:
        """The first format noted no removals: the files' length must do."""
        known = 0
        for line in whole_lines(read_bytes(self._files.contents(0))):
            content = read_content(line)
            known += len(line) if content is None or content[0] < head.count else 0
        if known != head.sizes[1]:
            self.faults.append("a file is longer or shorter than the head says")
        # It wrote one entry at a time; and its head is older than any line of the second format,
        # but for the note that is made when it becomes one.
        grown = self.walk.noted is not None and self.walk.count > self.walk.noted
        if grown or self.walk.count > head.count + 1:
            self.faults.append("the head is older than the chain")


def _spread(removals: list[tuple[int, int]]) -> set[int]:
    return {seq for first, last in removals for seq in range(first, last + 1)}
