"""Killed at any moment, two at once, no room left: what was acknowledged is there afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vectors_on_disk import sealed_vectors

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.exceptions import StoreCorruptError

USER = "Wilhelmina"
WRITER = """
import sys, time
from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.exceptions import StoreError
root, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with UserDirectories(root, lock_timeout=60).open_store("Wilhelmina") as store:
    store.search("warm")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        try:
            note = Activity(text=f"{name} wrote number {number}")
            store.add(PrivateContext(activities=(note,)))
        except StoreError as error:
            print(f"refused {error}", flush=True)
            break
        print(f"Note: {note.text}", flush=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with one user and one note."""
    with UserDirectories(tmp_path / "root").open_store(USER, create=True) as store:
        store.add(PrivateContext(activities=(Activity(text="bought a sousaphone"),)))
    return tmp_path / "root"


def _writer(root: Path, name: str, count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _begin(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def _end(process: subprocess.Popen[str]) -> list[str]:
    """What a writer had acknowledged, or was told."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    process.wait(60)
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()
    return lines


def _assert_whole(root: Path, acknowledged: list[str], spare: int = 0) -> None:
    """Everything acknowledged is stored, found, and there is at most `spare` more."""
    with UserDirectories(root).open_store(USER) as store:
        held = [entry.item.text for entry in store.items()]
        assert set(acknowledged) <= set(held)
        assert len(held) == len(set(held)) <= len(acknowledged) + 1 + spare
        store.search("sousaphone")
        assert store.check() == ()
        for text in acknowledged[-3:]:
            assert store.search(text, 1)[0].item.text == text


@pytest.mark.parametrize("delay", [0.0, 0.11, 0.35, 0.7])
def test_killed_while_writing(root: Path, delay: float) -> None:
    """Wherever in a row of additions the process is killed, those it told of are there."""
    process = _writer(root, "one", 10_000)
    _begin(process)
    assert process.stdout is not None
    first = process.stdout.readline().strip()
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    # The pipe may end in the middle of a line: that one was not acknowledged.
    lines = [line for line in _end(process) if line.startswith("Note: one wrote number ")]
    _assert_whole(root, [first, *lines], spare=1)


def test_two_writers_at_once_are_both_served(root: Path) -> None:
    """Two processes add twelve notes each, and all 24 are there and found."""
    processes = [_writer(root, name, 12) for name in ("one", "other")]
    _begin(*processes)
    lines = [line for process in processes for line in _end(process)]
    assert len(lines) == 24
    assert not [line for line in lines if line.startswith("refused")]
    _assert_whole(root, lines)


def test_a_writer_meets_a_change_of_the_secret(root: Path) -> None:
    """While one process adds, another changes the secret: nothing acknowledged is lost."""
    process = _writer(root, "one", 10_000)
    _begin(process)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(3)]
    UserDirectories(root, lock_timeout=60).rekey(USER, new_secret=True)
    *rest, last = _end(process)
    assert last.startswith("refused ")
    assert "since this store was opened" in last
    _assert_whole(root, acknowledged + rest)


def test_a_writer_meets_forget(root: Path) -> None:
    """While one process adds, another forgets the user: it is refused, and nothing comes back."""
    process = _writer(root, "one", 10_000)
    _begin(process)
    assert process.stdout is not None
    process.stdout.readline()
    UserDirectories(root, lock_timeout=60).forget(USER)
    assert _end(process)[-1].startswith("refused ")
    assert [path.name for path in root.iterdir()] == ["salt"]


FILLER = """
import resource, sys
from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.exceptions import StoreError
with UserDirectories(sys.argv[1]).open_store("Wilhelmina") as store:
    store.search("warm")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    notes = tuple(Activity(text=f"filler {n} " + "text " * 40) for n in range(int(sys.argv[3])))
    for attempt in range(2):
        try:
            store.add(PrivateContext(activities=notes))
            print("stored")
        except StoreError as error:
            print(f"refused {error}")
    print(len(store.items()))
"""


@pytest.mark.parametrize(
    ("limit", "notes"), [(100, 1), (600, 40), (4_000, 40), (300_000, 400), (1_500_000, 1_200)]
)
def test_no_room_is_told_and_costs_nothing(root: Path, limit: int, notes: int) -> None:
    """Wherever the room ends, in documents, database or graph, what was there is there."""
    with UserDirectories(root).open_store(USER) as store:
        store.search("sousaphone")
    done = subprocess.run(
        [sys.executable, "-c", FILLER, str(root), str(limit), str(notes)],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    first, second, count = done.stdout.splitlines()
    for told in (first, second):
        assert told.startswith(("refused There is no room to write", "refused Chroma can't write"))
        assert "Nothing was stored" in told
    assert count == "1"
    assert "filler" not in done.stderr
    with UserDirectories(root).open_store(USER) as store:
        assert [entry.item.text for entry in store.items()] == ["Note: bought a sousaphone"]
        store.add(PrivateContext(activities=(Activity(text="sold a bassoon"),)))
        assert store.search("bassoon", 1)[0].item.text == "Note: sold a bassoon"
        assert store.check() == ()


def test_damage_is_named_and_the_rest_stays_readable(root: Path) -> None:
    """One flipped bit: the file is named, other additions can be read, other users don't notice."""
    directories = UserDirectories(root)
    with directories.open_store("Tomas", create=True) as store:
        store.add(PrivateContext(activities=(Activity(text="a kiln"),)))
    documents = directories.path(USER) / "context" / "documents"
    first = documents.stat().st_size
    with directories.open_store(USER) as store:
        store.add(PrivateContext(activities=(Activity(text="sold a bassoon"),)))
    content = bytearray(documents.read_bytes())
    content[first // 2] ^= 1
    documents.write_bytes(content)
    with directories.open_store(USER) as store:
        assert store.check() == (f"{documents} is damaged: addition 1 can't be opened.",)
        assert [entry.item.text for entry in store.readable()] == ["Note: sold a bassoon"]
        with pytest.raises(StoreCorruptError, match="addition 1"):
            store.items()
        assert documents.read_bytes() == content
        assert store.rebuild(salvage=True) == 1
        assert store.check() == ()
        assert store.search("bassoon", 1)[0].item.text == "Note: sold a bassoon"
    with directories.open_store("Tomas") as store:
        assert store.check() == ()
        assert len(store.items()) == 1


def test_a_damaged_index_is_named_and_mended(root: Path) -> None:
    """`check` names the index that lost its vectors; `rebuild` makes it anew."""
    path = UserDirectories(root).path(USER) / "context"
    [index] = path.glob("index-*")
    shutil.rmtree(index)
    with UserDirectories(root).open_store(USER) as store:
        assert store.check() == (f"{index} doesn't hold the vectors of what is stored.",)
        assert store.rebuild() == 1
        assert store.check() == ()


def test_a_profile_that_lost_its_name_is_told(tmp_path: Path, wren: PrivateContext) -> None:
    """Salvaged facts without the name they belong to: search goes on, export says what to do."""
    with PrivateContextStore(tmp_path / "store") as store:
        store.add(wren)
        end = (tmp_path / "store" / "documents").stat().st_size
        assert wren.profile is not None
        more = wren.profile.model_copy(update={"facts": ("keeps bees",)})
        store.add(PrivateContext(profile=more))
    content = bytearray((tmp_path / "store" / "documents").read_bytes())
    content[end // 2] ^= 1
    (tmp_path / "store" / "documents").write_bytes(content)
    with PrivateContextStore(tmp_path / "store") as store:
        assert store.rebuild(salvage=True) == 1
        assert "keeps bees" in store.search("bees", 1)[0].item.text
        with pytest.raises(StoreCorruptError, match=r"lost its name.*Import the user's profile"):
            store.export()
        store.add(wren)
        assert store.export().profile is not None


def test_users_are_apart(tmp_path: Path, wren: PrivateContext) -> None:
    """The same context of two users shares no id and no ciphertext; keys fit nowhere else."""
    from langchain_cogenesis.exceptions import StoreError

    directories = UserDirectories(tmp_path / "root")
    ids: list[set[str]] = []
    vectors: list[set[str]] = []
    for user in ("Wren", "Tomas"):
        with directories.open_store(user, create=True) as store:
            store.add(wren)
            ids.append({entry.id for entry in store.items()})
    assert not ids[0] & ids[1]
    mine, theirs = (directories.path(user) / "context" for user in ("Wren", "Tomas"))
    for context in (mine, theirs):
        [index] = context.glob("index-*")
        vectors.append({sealed[:40] for sealed in sealed_vectors(index).values()})
    assert len(vectors[0] | vectors[1]) == 2 * len(wren.items())
    with pytest.raises(StoreError, match="key doesn't belong"):
        PrivateContextStore(theirs, keys=directories.keys("Wren"))
    shutil.copy(theirs / "documents", mine / "documents")
    with (
        directories.open_store("Wren") as store,
        pytest.raises(StoreCorruptError, match="documents"),
    ):
        store.items()
