"""Vectors at rest and in memory: what lies on disk, what is found, what is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from base64 import b64decode, b64encode
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from vectors_on_disk import holds_vectors, sealed_vectors, turn_vectors

from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.exact import ExactIndex
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.context.vectors import SealedVectorIndex, VectorIndex, make_index

KEYS = StoreKeys(bytes(range(32)))
TEXTS = {
    "a": "a dinner by the harbour",
    "b": "supper at the port",
    "c": "the invoice is overdue",
    "d": "payment was late",
    "e": "my bicycle has a flat tyre",
}


def _filled(directory: Path, keys: StoreKeys = KEYS) -> VectorIndex:
    index = make_index(directory, StaticEmbeddings(), keys)
    index.upsert(list(TEXTS), index.embed(list(TEXTS.values())))
    return index


def _set_sealed(directory: Path, values: dict[str, str]) -> None:
    with sqlite3.connect(directory / "chroma.sqlite3") as database:
        for identity, value in values.items():
            database.execute(
                "UPDATE embedding_metadata SET string_value = ? WHERE key = 'sealed' AND id = "
                "(SELECT id FROM embeddings WHERE embedding_id = ?)",
                (value, identity),
            )
    database.close()


@pytest.mark.parametrize("keys", [KEYS, StoreKeys(bytes(32), encrypted=False)])
def test_the_nearest_are_found_alike_sealed_or_open(tmp_path: Path, keys: StoreKeys) -> None:
    """By cosine, nearest first, now and after opening again; deleted ones no more."""
    index = _filled(tmp_path / "index", keys)
    vectors = StaticEmbeddings().embed_matrix([*TEXTS.values(), "dinner at the harbour"])
    expected = [list(TEXTS)[row] for row in np.argsort(-(vectors[:-1] @ vectors[-1]))]
    assert index.nearest("dinner at the harbour", 5) == expected
    assert index.nearest("dinner at the harbour", 2) == expected[:2]
    assert index.nearest("", 5) == []
    index.close()
    assert index.nearest("dinner at the harbour", 5) == []
    assert index.open(list(TEXTS))
    assert index.nearest("dinner at the harbour", 5) == expected
    index.delete([expected[0], "unknown"])
    assert index.nearest("dinner at the harbour", 5) == expected[1:]
    index.close()
    assert not index.open(list(TEXTS))
    assert index.open(sorted(expected[1:]))
    index.close()


def test_only_ciphertext_is_on_disk(tmp_path: Path) -> None:
    """Neither vectors nor texts; Chroma's own vectors are one placeholder for all."""
    import chromadb

    _filled(tmp_path / "index").close()
    vectors = StaticEmbeddings().embed_matrix(list(TEXTS.values()))
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for dtype in ("<f2", "<f4", "<f8"):
        for row in vectors.astype(dtype):
            assert row.tobytes()[:32] not in content
            assert b64encode(row.tobytes())[:32] not in content
    client = chromadb.PersistentClient(path=str(tmp_path / "index"))
    held = client.get_collection("sealed").get(include=["embeddings", "documents", "metadatas"])
    client.close()
    assert np.unique(np.asarray(held["embeddings"])).tolist() == [1.0]
    assert held["documents"] in (None, [None] * len(TEXTS))
    assert {tuple(metadata) for metadata in held["metadatas"] or ()} == {("sealed",)}
    sizes = {len(b64decode(str(metadata["sealed"]))) for metadata in held["metadatas"] or ()}
    assert sizes == {12 + 2 * 256 + 16}


def test_an_open_index_is_one_that_the_check_would_find(tmp_path: Path) -> None:
    """The search for vectors on disk finds those of a store without encryption."""
    index = _filled(tmp_path / "index", StoreKeys(bytes(32), encrypted=False))
    index.close()
    assert holds_vectors(tmp_path, StaticEmbeddings().embed_matrix(list(TEXTS.values())))


def test_equal_texts_do_not_look_alike(tmp_path: Path) -> None:
    """Sealed twice, under two ids or in two stores, one vector is never the same bytes."""
    vectors = StaticEmbeddings().embed_matrix(["one and the same"] * 2)
    pieces: list[bytes] = []
    for name in ("left", "right"):
        index = make_index(tmp_path / name, StaticEmbeddings(), KEYS)
        index.upsert(["a", "b"], vectors)
        index.close()
        for sealed in sealed_vectors(tmp_path / name).values():
            content = b64decode(sealed)
            pieces += [content[start : start + 8] for start in range(0, len(content) - 8, 8)]
    assert len(set(pieces)) == len(pieces) > 200


@pytest.mark.parametrize("change", ["flipped", "exchanged", "shortened", "no base64", "removed"])
def test_changed_ciphertexts_are_not_opened(tmp_path: Path, change: str) -> None:
    """Whatever was done to one, the index says that it has to be made anew."""
    _filled(tmp_path / "index").close()
    held = sealed_vectors(tmp_path / "index")
    assert held.keys() == TEXTS.keys()
    flipped = b64encode(bytes([b64decode(held["a"])[0] ^ 1]) + b64decode(held["a"])[1:]).decode()
    changes = {
        "flipped": {"a": flipped},
        "exchanged": {"a": held["b"], "b": held["a"]},
        "shortened": {"a": held["a"][:16]},
        "no base64": {"a": "?"},
        "removed": {},
    }
    _set_sealed(tmp_path / "index", changes[change])
    if change == "removed":
        with sqlite3.connect(tmp_path / "index" / "chroma.sqlite3") as database:
            database.execute("DELETE FROM embedding_metadata WHERE key = 'sealed' AND id = 1")
        database.close()
    index = make_index(tmp_path / "index", StaticEmbeddings(), KEYS)
    assert not index.open(list(TEXTS))
    assert index.nearest("dinner", 3) == []


def test_another_key_or_embedding_opens_nothing(tmp_path: Path) -> None:
    """Vectors are bound to the embedding that made them, and to the store's key."""
    _filled(tmp_path / "index").close()
    ids = list(TEXTS)
    others = [
        SealedVectorIndex(tmp_path / "index", StaticEmbeddings(), StoreKeys(bytes(32))),
        SealedVectorIndex(tmp_path / "index", DeterministicFakeEmbedding(size=256), KEYS),
    ]
    assert [other.open(ids) for other in others] == [False, False]
    same = SealedVectorIndex(tmp_path / "index", StaticEmbeddings(), KEYS)
    assert same.open(ids)
    same.close()


def test_the_exact_index_replaces_and_drops() -> None:
    """A known id gets its new vector; of equals the first that came is first; it prints none."""
    index = ExactIndex()
    rows = np.eye(3, dtype=np.float32)
    assert index.nearest(rows[0], 3) == []
    index.put(["x", "y", "z"], rows)
    index.put(["x"], rows[1:2])
    assert index.nearest(rows[1], 3) == ["y", "x", "z"]
    index.drop(["y", "z", "nobody"])
    assert index.nearest(rows[0], 3) == ["x"]
    assert repr(index) == "ExactIndex(<withheld: 1 vectors>)"
    with pytest.raises(ValueError, match="dimension"):
        index.put(["w"], np.ones((1, 2), dtype=np.float32))
    index.drop(["x"])
    index.put(["w"], np.ones((1, 2), dtype=np.float32))
    assert index.nearest(np.ones(2, dtype=np.float32), 3) == ["w"]


def test_turned_vectors_are_named_and_sealed_on_first_use(
    directory: Path, store: PrivateContextStore, wren: PrivateContext
) -> None:
    """A store of an earlier version: `check` says so, a search seals, and no vector is left."""
    expected = [entry.id for entry in store.search("regatta dinner", 5)]
    store.close()
    turned = turn_vectors(directory)
    assert holds_vectors(directory, turned)
    with PrivateContextStore(directory) as old:
        [fault] = old.check()
        assert "index-0ld0ld00 holds vectors of an earlier version" in fault
        assert old.export() == wren
        assert holds_vectors(directory, turned)
        assert [entry.id for entry in old.search("regatta dinner", 5)] == expected
        assert old.check() == ()
    assert not holds_vectors(directory, turned)
    [index] = directory.glob("index-*")
    assert sealed_vectors(index).keys() == {
        entry.id for entry in PrivateContextStore(directory).items()
    }
    assert json.loads((directory / "manifest.json").read_bytes())["format"] == 2


@pytest.mark.parametrize("way", ["add", "rebuild"])
def test_turned_vectors_are_sealed_by_a_write(
    directory: Path, store: PrivateContextStore, way: str
) -> None:
    """An addition, or `rebuild`, does the same."""
    store.close()
    turned = turn_vectors(directory)
    with PrivateContextStore(directory) as old:
        if way == "add":
            old.add(PrivateContext(activities=(Activity(text="sold a bassoon"),)))
        else:
            old.rebuild()
        assert old.check() == ()
        assert old.search("marmalade", 1)[0].item.kind == "writing"
    assert not holds_vectors(directory, turned)
    assert len(list(directory.glob("index-*"))) == 1


def test_an_index_that_a_crash_left_is_removed(directory: Path, store: PrivateContextStore) -> None:
    """A folder besides the one that counts is gone after the next search, unless one is writing."""
    import filelock

    store.close()
    [index] = directory.glob("index-*")
    shutil.copytree(index, directory / "index-1eft0ver")
    with PrivateContextStore(directory) as again, filelock.FileLock(directory / "lock"):
        assert again.search("dinner", 1)
        assert (directory / "index-1eft0ver").exists()
    with PrivateContextStore(directory) as again:
        assert again.search("dinner", 1)
    assert list(directory.glob("index-*")) == [index]
