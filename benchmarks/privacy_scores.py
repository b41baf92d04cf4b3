"""What of a record's private units can still be read, and what was masked for nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.privacy_records import Record
from benchmarks.privacy_systems import Spans, System

_WORD = re.compile(r"\w+")
_SHAPED = re.compile(r"\d{3}|@|://|\.\w+/")
_RESAMPLES = 1000


@dataclass(frozen=True)
class Counts:
    """Counts of one record.

    Attributes:
        units: Private units that stand in the raw text; `leaked_units` of them can be read whole in
            what would leave.
        shaped: Those of them that hold three digits in a row, an `@` or a URL.
        values: Places where a unit stands; at `leaked_values` of them some letter or digit of it
            would leave.
        words: Words outside of any unit; `masked_words` of them would be masked.
    """

    units: int
    leaked_units: int
    shaped: int
    leaked_shaped: int
    values: int
    leaked_values: int
    words: int
    masked_words: int


@dataclass(frozen=True)
class Share:
    """A count out of another, and its share with a 95 % interval (bootstrap over records)."""

    count: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """One system on one source.

    Attributes:
        source: Where the records are from.
        system: What was run.
        records: How many.
        refused: Texts that would not be sent at all.
        leaked_units: See `Counts`, as the others.
        leaked_shaped: Of units with a shape.
        leaked_values: Of places where a unit stands.
        masked_words: Of words outside of units.
        us_per_kb: Microseconds of processor time for 1024 bytes of text.
    """

    source: str
    system: str
    records: int
    refused: int
    leaked_units: Share
    leaked_shaped: Share
    leaked_values: Share
    masked_words: Share
    us_per_kb: float


def score(source: str, name: str, system: System, records: Sequence[Record]) -> Scores:
    """Runs a system over records, twice: once to get warm, once measured."""
    counted: list[Counts] = []
    refused, seconds, size = 0, 0.0, 0
    for record in records:
        mask = system(record)
        spans = mask()
        began = time.process_time()
        mask()
        seconds += time.process_time() - began
        size += len(record.text.encode())
        refused += spans is None
        counted.append(count(record, [(0, len(record.text))] if spans is None else spans))
    table = np.array([list(vars(c).values()) for c in counted], dtype=np.int64)
    pairs = [share_of(table[:, 2 * n + 1], table[:, 2 * n]) for n in range(4)]
    return Scores(source, name, len(records), refused, *pairs, 1e6 * seconds / max(1, size / 1024))


def count(record: Record, spans: Spans) -> Counts:
    """Counts what leaks of a record, and what is masked for nothing, with these spans masked."""
    text = record.text
    hidden = np.zeros(len(text) + 1, dtype=bool)
    for start, end in spans:
        hidden[start:end] = True
    sent = _masked(text, hidden)
    private = np.zeros(len(text) + 1, dtype=bool)
    units = leaked_units = shaped = leaked_shaped = values = leaked_values = 0
    for unit in {value.text for value in record.values}:
        places = list(occurrences(unit, text))
        if not places:
            continue
        readable = any(True for _ in occurrences(unit, sent))
        has_shape = _SHAPED.search(unit) is not None
        units, leaked_units = units + 1, leaked_units + readable
        shaped, leaked_shaped = shaped + has_shape, leaked_shaped + (has_shape and readable)
        for start, end in places:
            private[start:end] = True
            seen = any(text[i].isalnum() and not hidden[i] for i in range(start, end))
            values, leaked_values = values + 1, leaked_values + seen
    others = [m for m in _WORD.finditer(text) if not private[m.start() : m.end()].any()]
    masked = sum(bool(hidden[m.start() : m.end()].any()) for m in others)
    return Counts(
        units, leaked_units, shaped, leaked_shaped, values, leaked_values, len(others), masked
    )


def occurrences(unit: str, text: str) -> Iterable[tuple[int, int]]:
    """Where a unit stands in a text: in any case and spacing, not within a longer word."""
    words = unit.split()
    if not words:
        return
    pattern = r"\s+".join(map(re.escape, words))
    for match in re.finditer(pattern, text, re.IGNORECASE):
        start, end = match.span()
        if not (_joined(text, start) or _joined(text, end)):
            yield start, end


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of a position belong to one word."""
    if not 0 < at < len(text):
        return False
    return all(c.isdigit() or c.islower() or c.isupper() for c in text[at - 1 : at + 1])


def _masked(text: str, hidden: np.ndarray) -> str:
    """The text with a mark for each hidden stretch, as a remote would see it."""
    pieces: list[str] = []
    for index, character in enumerate(text):
        if not hidden[index]:
            pieces.append(character)
        elif index == 0 or not hidden[index - 1]:
            pieces.append(" \ufffc ")
    return "".join(pieces)


def share_of(counts: np.ndarray, of: np.ndarray) -> Share:
    """A share over records, each with a count and what it is of, with its interval."""
    chosen = np.random.default_rng(0).integers(0, len(of), (_RESAMPLES, len(of)))
    totals = of[chosen].sum(axis=1)
    shares = counts[chosen].sum(axis=1) / np.maximum(1, totals)
    low, high = np.quantile(shares, (0.025, 0.975))
    total = int(of.sum())
    if total and counts.sum() in (0, total):
        # A bootstrap of nothing but zeros says nothing: Wilson's interval then.
        low, high = _wilson(int(counts.sum()), total)
    return Share(
        int(counts.sum()), total, float(counts.sum() / max(1, total)), float(low), float(high)
    )


def _wilson(count: int, of: int) -> tuple[float, float]:
    z = 1.959964
    middle, half = (count + z * z / 2), z * (count * (of - count) / of + z * z / 4) ** 0.5
    return max(0.0, (middle - half) / (of + z * z)), min(1.0, (middle + half) / (of + z * z))
