"""Keys, files and embeddings that are lost, damaged or exchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.exceptions import StoreCorruptError, StoreError


def _fields(store: PrivateContextStore, query: str, k: int = 3) -> list[str]:
    return [entry.item.field for entry in store.search(query, k)]


def _index(directory: Path) -> Path:
    (found,) = directory.glob("index-*")
    return found


def test_another_key_is_refused(directory: Path, store: PrivateContextStore) -> None:
    """A store doesn't open with another key, and is not changed by the attempt."""
    store.close()
    before = (directory / "documents").read_bytes()
    with pytest.raises(StoreError, match="key doesn't belong"):
        PrivateContextStore(directory, keys=StoreKeys.generate())
    (directory / "manifest.json").unlink()
    with pytest.raises(StoreCorruptError, match="documents is damaged"):
        PrivateContextStore(directory, keys=StoreKeys.generate()).add(PrivateContext())
    assert (directory / "documents").read_bytes() == before


def test_a_lost_key_file_is_not_replaced(directory: Path, store: PrivateContextStore) -> None:
    """Without its key file the store says so, rather than making a new one."""
    store.close()
    (directory / "key").unlink()
    with pytest.raises(StoreCorruptError, match=r"key can't be read"):
        PrivateContextStore(directory)
    assert not (directory / "key").exists()


@pytest.mark.parametrize("damage", ["database", "garbage", "folder", "file", "all", "manifest"])
def test_a_damaged_index_is_mended(
    directory: Path, store: PrivateContextStore, wren: PrivateContext, damage: str
) -> None:
    """Whatever is lost of the index is found out and made anew from the documents."""
    expected = [entry.id for entry in store.search("regatta dinner", 5)]
    store.close()
    index = _index(directory)
    folder = next(path for path in index.iterdir() if path.is_dir())
    if damage == "database":
        (index / "chroma.sqlite3").unlink()
    elif damage == "garbage":
        (index / "chroma.sqlite3").write_bytes(b"no database at all" * 500)
    elif damage == "folder":
        shutil.rmtree(folder)
    elif damage == "file":
        (folder / "data_level0.bin").unlink()
    elif damage == "all":
        shutil.rmtree(index)
    else:
        (directory / "manifest.json").unlink()
    with PrivateContextStore(directory) as again:
        assert [entry.id for entry in again.search("regatta dinner", 5)] == expected
        assert again.export() == wren
    assert len(list(directory.glob("index-*"))) == 1


@pytest.mark.parametrize("lost", ["folder", "metadata", "links"])
def test_a_large_index_is_mended(directory: Path, lost: str) -> None:
    """Past the size at which Chroma moves vectors to files, their loss is found out too."""
    notes = tuple(Activity(text=f"note number {number}") for number in range(1100))
    with PrivateContextStore(directory) as store:
        store.add(PrivateContext(activities=notes))
    folder = next(path for path in _index(directory).iterdir() if path.is_dir())
    if lost == "folder":
        shutil.rmtree(folder)
    else:
        (folder / {"metadata": "index_metadata.pickle", "links": "link_lists.bin"}[lost]).unlink()
    with PrivateContextStore(directory) as store:
        # No word of the query is stored: the vectors alone find them.
        assert len(store.search("melody", 300)) == 300


def test_damaged_documents_are_reported_and_salvaged(
    directory: Path, store: PrivateContextStore, wren: PrivateContext
) -> None:
    """A flipped bit is an error; salvaging keeps the additions that can be read."""
    first_end = (directory / "documents").stat().st_size
    store.add(PrivateContext(activities=(Activity(text="first lost note"),)))
    second_end = (directory / "documents").stat().st_size
    store.add(PrivateContext(activities=(Activity(text="a later note"),)))
    store.close()
    content = bytearray((directory / "documents").read_bytes())
    content[(first_end + second_end) // 2] ^= 4
    (directory / "documents").write_bytes(content)
    with PrivateContextStore(directory) as again:
        with pytest.raises(StoreCorruptError, match="addition 2 can't be opened"):
            again.items()
        with pytest.raises(StoreCorruptError):
            again.rebuild()
        assert again.rebuild(salvage=True) == len(wren.items()) + 1
        assert again.export().activities[-1].text == "a later note"
        assert again.add(wren).added == 0


@pytest.mark.parametrize("change", ["removed", "repeated", "swapped"])
def test_additions_keep_their_place(directory: Path, change: str) -> None:
    """An addition that was taken out, doubled or moved is noticed, even without the manifest."""
    documents = directory / "documents"
    ends = []
    with PrivateContextStore(directory) as store:
        for text in ("one", "two"):
            store.add(PrivateContext(activities=(Activity(text=text),)))
            ends.append(documents.stat().st_size)
    content = documents.read_bytes()
    size = ends[1] - ends[0]
    head, first, second = (
        content[: ends[0] - size],
        content[ends[0] - size : ends[0]],
        content[ends[0] :],
    )
    changed = {
        "removed": head + second,
        "repeated": head + first + first,
        "swapped": head + second + first,
    }
    documents.write_bytes(changed[change])
    (directory / "manifest.json").unlink()
    with (
        PrivateContextStore(directory) as store,
        pytest.raises(StoreCorruptError, match=r"addition [12] can't be opened"),
    ):
        store.items()


@pytest.mark.parametrize("loss", ["file", "half"])
def test_lost_documents_are_reported(
    directory: Path, store: PrivateContextStore, loss: str
) -> None:
    """Fewer additions than the manifest counts is an error, not an empty store."""
    store.close()
    path = directory / "documents"
    if loss == "file":
        path.unlink()
        path.touch()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with (
        PrivateContextStore(directory) as again,
        pytest.raises(StoreCorruptError, match="0 of 1 additions are there"),
    ):
        again.search("x")


def test_a_broken_manifest_is_reported_and_mended(
    directory: Path, store: PrivateContextStore, wren: PrivateContext
) -> None:
    """An unreadable manifest is an error that `rebuild` mends; a later format is one it can't."""
    store.close()
    (directory / "manifest.json").write_text("{")
    with PrivateContextStore(directory) as again:
        with pytest.raises(StoreCorruptError, match=r"Call `rebuild\(\)`"):
            again.items()
        assert again.rebuild() == len(wren.items())
        assert again.export() == wren
    (directory / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="store format 99; this version reads 2"):
        PrivateContextStore(directory)


def test_rebuild_drops_what_was_replaced(
    directory: Path, store: PrivateContextStore, wren: PrivateContext
) -> None:
    """After `rebuild` the documents hold what counts, and everything works as before."""
    assert wren.profile is not None
    for number in range(20):
        profile = wren.profile.model_copy(update={"company": f"Employer {number}" * 20})
        store.add(PrivateContext(profile=profile))
    before = (directory / "documents").stat().st_size
    assert store.rebuild() == len(wren.items())
    assert (directory / "documents").stat().st_size < before / 2
    assert _fields(store, "Employer 19", 1) == ["company"]


def test_another_embedding_is_noticed(
    directory: Path, store: PrivateContextStore, wren: PrivateContext
) -> None:
    """Vectors of two embeddings are never mixed; `rebuild` changes over."""
    store.close()
    other = DeterministicFakeEmbedding(size=32)
    with PrivateContextStore(directory, embeddings=other) as again:
        with pytest.raises(StoreError, match="was made with the embedding"):
            again.search("x")
        with pytest.raises(StoreError, match="call `rebuild"):
            again.add(PrivateContext(activities=(Activity(text="more"),)))
        assert again.export() == wren
        again.rebuild()
        assert _fields(again, "theodolite", 1) == ["purchase"]


def test_an_embedding_that_fails_leaves_nothing_behind(directory: Path) -> None:
    """If texts can't be embedded, nothing of the addition is stored."""

    class Down(DeterministicFakeEmbedding):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise ConnectionError("the embedding server is down")

    with PrivateContextStore(directory, embeddings=Down(size=8)) as store:
        with pytest.raises(ConnectionError):
            store.add(PrivateContext(activities=(Activity(text="a note"),)))
        assert len(store) == 0
    assert not (directory / "documents").exists()
