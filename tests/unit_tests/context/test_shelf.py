"""Crashes and rivals, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore

# Adds batches of five notes without end (or `count` of them), and says so after each.
WRITER = """
import sys
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore

directory, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = PrivateContextStore(directory, lock_timeout=60)
for batch in range(count):
    notes = tuple(Activity(text=f"{name} batch {batch} note {n}") for n in range(5))
    store.add(PrivateContext(activities=notes))
    sys.stdout.write(f"{batch}\\n")
    sys.stdout.flush()
store.close()
"""


def _writer(directory: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(directory), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _batches(store: PrivateContextStore) -> dict[str, int]:
    """How many notes there are of each batch."""
    found: dict[str, int] = {}
    for entry in store.items():
        batch = entry.item.text.rsplit(" note ", 1)[0]
        found[batch] = found.get(batch, 0) + 1
    return found


@pytest.mark.parametrize("delay", [0.0, 0.006, 0.017])
def test_a_killed_writer_leaves_whole_additions(tmp_path: Path, delay: float) -> None:
    """After `kill -9` the store opens at once, holds whole additions, and finds all of them."""
    directory = tmp_path / "store"
    with _writer(directory, "killed", 100_000) as writer:
        assert writer.stdout is not None
        reported = [int(writer.stdout.readline()) for _ in range(4)][-1]
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
    with PrivateContextStore(directory) as store:
        batches = _batches(store)
        assert set(batches.values()) == {5}
        assert len(batches) > reported
        # No word of the query is stored: the vectors alone find them.
        assert len(store.search("melody", 5 * len(batches))) == 5 * len(batches)
        assert store.add(PrivateContext(activities=(Activity(text="afterwards"),))).added == 1
        assert store.search("afterwards", 1)[0].item.text.endswith("afterwards")


@pytest.mark.parametrize("left", [1, 7, 40, -1])
def test_an_addition_cut_short_is_rolled_back(tmp_path: Path, left: int) -> None:
    """If only some bytes of an addition reached the disk, it never happened."""
    documents = tmp_path / "documents"
    with PrivateContextStore(tmp_path) as store:
        store.add(PrivateContext(activities=(Activity(text="whole"),)))
        manifest = (tmp_path / "manifest.json").read_bytes()
        start = documents.stat().st_size
        store.add(PrivateContext(activities=(Activity(text="cut short"),)))
    # The crash came before the index and the manifest knew of it.
    content = documents.read_bytes()
    documents.write_bytes(content[: start + left] if left > 0 else content[:left])
    (tmp_path / "manifest.json").write_bytes(manifest)
    with PrivateContextStore(tmp_path) as store:
        assert [entry.item.text for entry in store.items()] == ["Note: whole"]
        assert len(store.search("cut short", 5)) == 1
        assert store.add(PrivateContext(activities=(Activity(text="again"),))).added == 1
    with PrivateContextStore(tmp_path) as store:
        assert [entry.item.text for entry in store.items()] == ["Note: whole", "Note: again"]


def test_a_crash_before_the_index_is_mended(tmp_path: Path) -> None:
    """An addition that reached the documents alone counts, and is found."""
    with PrivateContextStore(tmp_path) as store:
        store.add(PrivateContext(activities=(Activity(text="one"),)))
        manifest = (tmp_path / "manifest.json").read_bytes()
        (index,) = tmp_path.glob("index-*")
        store.close()
        saved = {path: path.read_bytes() for path in index.rglob("*") if path.is_file()}
        store.add(PrivateContext(activities=(Activity(text="sousaphone"),)))
    for path, content in saved.items():
        path.write_bytes(content)
    (tmp_path / "manifest.json").write_bytes(manifest)
    with PrivateContextStore(tmp_path) as store:
        # No word of the query is stored: the vectors alone find them.
        found = {entry.item.text for entry in store.search("melody", 5)}
        assert found == {"Note: one", "Note: sousaphone"}


def test_a_rebuild_loses_nothing(tmp_path: Path) -> None:
    """At any moment of a rebuild readers see everything, and a crash leaves everything."""
    with PrivateContextStore(tmp_path) as store:
        for number in range(5):
            store.add(PrivateContext(activities=(Activity(text=f"note {number}"),)))
    script = (
        "import itertools, sys\n"
        "from langchain_cogenesis.context.schema import Activity, PrivateContext\n"
        "from langchain_cogenesis.context.store import PrivateContextStore\n"
        "store = PrivateContextStore(sys.argv[1])\n"
        "for number in itertools.count():\n"
        "    note = Activity(text=f'further {number}')\n"
        "    store.add(PrivateContext(activities=(note,)))\n"
        "    sys.stdout.write('.'); sys.stdout.flush(); store.rebuild()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(2)
        known = 7
        for _ in range(400):
            count = len(PrivateContextStore(tmp_path))
            assert count >= known
            known = count
        process.kill()
    with PrivateContextStore(tmp_path) as store:
        assert len(store) >= known
        assert len(store.search("melody", len(store))) == len(store)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """Two processes that write at the same time take turns, while a third one reads."""
    directory = tmp_path / "store"
    with (
        # A reader that meets a half-written index waits for its writer; machines can be busy.
        PrivateContextStore(directory, lock_timeout=60) as store,
        _writer(directory, "left", 9) as left,
        _writer(directory, "right", 9) as right,
    ):
        while left.poll() is None or right.poll() is None:
            assert set(_batches(store).values()) <= {5}
            store.search("note", 3)
        assert (left.returncode, right.returncode) == (0, 0)
        assert len(_batches(store)) == 18
        assert len(store.search("melody", 200)) == 90
