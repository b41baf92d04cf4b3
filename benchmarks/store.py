"""What the context store costs: `python -m benchmarks.store [--items N] [--json]`.

A store of N invented notes of about 20 words, encrypted and not, written in one addition, then
opened by a process of its own that looks at its memory. Seconds are those of the processor (user
and system, all threads), which a busy machine changes less than the clock. `items` is reading and
decrypting the texts, `index` opening the vectors (sealed ones are decrypted into memory), `lexical`
making the word index; then the milliseconds of a search among the vectors, and of a whole one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.key_sources import Encryption
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore

QUERY = "dinner at the harbour"
SEARCHES = 50
COMPARED: tuple[Encryption, ...] = ("file", "off")


def fill(directory: Path, encryption: Encryption, items: int) -> dict[str, float]:
    """Makes a store; seconds of the processor, and megabytes on disk."""
    random = Random("store")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(random.choices(letters, k=random.randint(3, 9))) for _ in range(3000)]
    notes = (f"note {number} {' '.join(random.choices(words, k=20))}" for number in range(items))
    context = PrivateContext(activities=tuple(Activity(text=note) for note in notes))
    StaticEmbeddings().embed_query("warm")
    with PrivateContextStore(directory, encryption=encryption) as store:
        seconds = _seconds(lambda: store.add(context))
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    return {"add, s": seconds, "on disk, MB": round(size / 1e6, 1)}


def look(directory: Path) -> dict[str, float]:
    """Opens a store and searches it, part by part."""
    import bm25s  # noqa: F401
    import chromadb  # noqa: F401

    StaticEmbeddings().embed_query("warm")
    found: dict[str, float] = {}
    with PrivateContextStore(directory) as store:
        shelf = store._shelf
        for name, part in (
            ("items", store.items),
            ("index", shelf.open_index),
            ("lexical", shelf.lexical),
        ):
            before = _memory()
            found[f"{name}, s"] = _seconds(part)
            found[f"{name}, MB"] = round(_memory() - before, 1)
        searches: dict[str, Callable[[], object]] = {
            "nearest 100, ms": lambda: shelf.index.nearest(QUERY, 100),
            "search, ms": lambda: store.search(QUERY),
        }
        for name, search in searches.items():
            search()
            took = sorted(_seconds(search) for _ in range(SEARCHES))
            found[name] = round(1e3 * took[SEARCHES // 2], 2)
    return found


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return round(time.process_time() - began, 5)


def _memory() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def run(items: int) -> dict[str, Any]:
    """Figures by kind of encryption."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for encryption in COMPARED:
            directory = Path(folder) / encryption
            made = fill(directory, encryption, items)
            command = [sys.executable, "-m", "benchmarks.store", "--look", str(directory)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            figures[encryption] = {**made, **json.loads(told)}
    return figures


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.store",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--items", type=int, default=10_000, help="notes in the store (10,000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.look:
        print(json.dumps(look(given.look)))
        return
    figures = run(given.items)
    if given.json:
        print(json.dumps({"items": given.items, **figures}, indent=2))
        return
    print(f"{given.items} items\n{'':18}" + "".join(f"{name:>10}" for name in COMPARED))
    for name in figures[COMPARED[0]]:
        print(f"{name:18}" + "".join(f"{figures[kind][name]:10.2f}" for kind in COMPARED))


if __name__ == "__main__":
    main()
