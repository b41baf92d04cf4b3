"""Vectors as they lie in files: sealed, or turned by a rotation as earlier versions left them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.store import PrivateContextStore


def turn_vectors(directory: Path, keys: StoreKeys | None = None) -> NDArray[np.float32]:
    """Puts turned vectors in place of a closed store's sealed ones.

    Args:
        directory: The store's directory.
        keys: Its keys, if they don't lie in it.

    Returns:
        The vectors, shape `(items, dimensions)`, as they lie on disk.
    """
    import chromadb

    with PrivateContextStore(directory, keys=keys) as store:
        texts = {entry.id: entry.item.text for entry in store.items()}
    for path in directory.glob("index-*"):
        shutil.rmtree(path)
    plain = StaticEmbeddings().embed_matrix(list(texts.values()))
    size = plain.shape[1]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(size, size)))
    turned: NDArray[np.float32] = (plain @ rotation).astype(np.float32)
    client: Any = chromadb.PersistentClient(path=str(directory / "index-0ld0ld00"))
    collection = client.create_collection("context", embedding_function=None)
    collection.upsert(ids=list(texts), embeddings=turned)
    client.close()
    manifest = directory / "manifest.json"
    fields = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**fields, "format": 1, "index": "index-0ld0ld00"}))
    return turned


def holds_vectors(directory: Path, vectors: NDArray[np.float32]) -> bool:
    """Whether any file below holds one of these vectors as it is."""
    content = b"\n".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    return any(row.astype("<f4").tobytes() in content for row in vectors)


def sealed_vectors(index: Path) -> dict[str, str]:
    """The ciphertexts in an index, by id, as base64."""
    database = sqlite3.connect(index / "chroma.sqlite3")
    rows = database.execute(
        "SELECT e.embedding_id, m.string_value FROM embedding_metadata m "
        "JOIN embeddings e ON e.id = m.id WHERE m.key = 'sealed'"
    ).fetchall()
    database.close()
    return dict(rows)
