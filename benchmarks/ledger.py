"""What the ledger costs who sends a request: `python -m benchmarks.ledger [--json]`.

Microseconds that the caller sees, median and 95th percentile, for entries with a body of 4 KB, on
the disk where the directory lies. All ways of writing take turns within each round, so that a disk
or a machine whose speed drifts touches all alike. The floor is one `fsync` of the same bytes; the
alternative is a row of an SQLite database that is synced as strictly.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from langchain_cogenesis.privacy.ledger import EgressLedger

ROUNDS = 300
PREPARING_SECONDS = 0.002
THREADS = 4
ENTRY = {
    "event": "request",
    "endpoint": "https://remote.example",
    "path": "/v1/chat/completions",
    "method": "POST",
    "bytes": 4096,
    "digest": "0" * 64,
    "masked": {"NAME": 1},
    "trusted": False,
    "body": "x" * 4096,
}


@dataclass(frozen=True)
class Row:
    """Microseconds that the caller waits."""

    what: str
    median_us: int
    p95_us: int


def turns(root: Path) -> list[Row]:
    """Times all ways of writing one entry, in turn."""
    ledger = EgressLedger(root / "ledger", b"k" * 32, root / "ledger.head")
    plain = os.open(root / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    body = json.dumps(ENTRY).encode()
    database = sqlite3.connect(root / "ledger.db", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE entry (body BLOB)"
    )

    def floor() -> None:
        os.write(plain, body)
        os.fsync(plain)

    def prepared() -> float:
        future = ledger.submit(ENTRY)
        began = time.perf_counter()
        time.sleep(PREPARING_SECONDS)
        meanwhile = time.perf_counter() - began
        future.result()
        return meanwhile

    pending = []
    ways: dict[str, Callable[[], object]] = {
        "floor: write and fsync": floor,
        "SQLite, WAL, synchronous=FULL": lambda: database.execute(
            "INSERT INTO entry VALUES (?)", (body,)
        ),
        "append()": lambda: ledger.append(ENTRY),
        "submit(), result() at once": lambda: ledger.submit(ENTRY).result(),
        f"submit(), {1e3 * PREPARING_SECONDS:g} ms of work, result()": prepared,
        "submit() alone": lambda: pending.append(ledger.submit(ENTRY)),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 5):
        for name, way in ways.items():
            began = time.perf_counter()
            own = way()
            spent = time.perf_counter() - began
            # Work that would have been done anyway is not the ledger's.
            spent -= own if isinstance(own, float) else 0.0
            if number >= 5:
                times[name].append(spent)
            while pending:
                pending.pop().result()
    os.close(plain)
    database.close()
    return [_row(name, found) for name, found in times.items()]


def threads(root: Path) -> Row:
    """Several threads append at once: microseconds of each append, as its thread sees it."""
    ledger = EgressLedger(root / "threads", b"k" * 32)
    times: list[float] = []

    def write() -> None:
        for _ in range(ROUNDS // THREADS):
            began = time.perf_counter()
            ledger.append(ENTRY)
            times.append(time.perf_counter() - began)

    workers = [threading.Thread(target=write) for _ in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return _row(f"append(), {THREADS} threads at once", times)


def growth(root: Path) -> list[Row]:
    """A new process's first entry, and one after it, in ledgers of more and more entries."""
    rows = []
    ledger = EgressLedger(root / "grown", b"k" * 32)
    count = 0
    for size in (100, 1000, 10_000):
        while count < size:
            futures = [ledger.submit(ENTRY) for _ in range(50)]
            count = futures[-1].result() + 1
        first: list[float] = []
        later: list[float] = []
        for _ in range(15):
            opened = EgressLedger(root / "grown", b"k" * 32)
            for times in (first, later):
                began = time.perf_counter()
                count = opened.append(ENTRY) + 1
                times.append(time.perf_counter() - began)
        rows.append(_row(f"{size} entries: first append of a process", first))
        rows.append(_row(f"{size} entries: later append", later))
    began = time.perf_counter()
    outcome = ledger.verify()
    spent = time.perf_counter() - began
    assert outcome.intact
    name = f"verify(), per entry of {outcome.entries} in {outcome.segments} segments"
    rows.append(_row(name, [spent / outcome.entries] * 2))
    return rows


def _row(what: str, seconds: list[float]) -> Row:
    cut = statistics.quantiles(seconds, n=20)[-1]
    return Row(what, round(1e6 * statistics.median(seconds)), round(1e6 * cut))


def main() -> None:
    """Runs all and prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.ledger", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        root = Path(directory)
        rows = [*turns(root), threads(root), *growth(root)]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{'µs that the caller sees':62} {'median':>8} {'p95':>8}")
    for row in rows:
        print(f"{row.what:62} {row.median_us:8} {row.p95_us:8}")


if __name__ == "__main__":
    main()
