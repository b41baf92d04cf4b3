"""The vector half of the search: one index per user, in a directory of its own.

A vector tells what its text says: whoever has the embedding can look for the words that it stands
for, and for whole texts that they can guess. In a store that is encrypted the vectors therefore lie
on disk sealed only, like the texts: Chroma holds keyed ids, ciphertexts, and the same placeholder
for every vector. They are opened when the index is, and searched in memory.
`python -m benchmarks.vector_inversion` measures what is left to somebody who has the files.
"""

from __future__ import annotations

import secrets
import shutil
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.collection import ChromaCollection
from langchain_cogenesis.context.embeddings import StaticEmbeddings, embedding_identity
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.exact import ExactIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FOLDERS = "index-*"
_SEALED = "sealed"
_PURPOSE = "sealed vectors"
# Half precision changes a cosine by less than 0.001, and halves what is read on opening.
_ON_DISK = "<f2"


class VectorIndex:
    """Vectors that lie open in Chroma, which searches them: for stores without encryption.

    Args:
        directory: The index's own directory.
        embeddings: Turns texts into vectors.
    """

    def __init__(self, directory: Path, embeddings: Embeddings, name: str = "context") -> None:
        self.directory = directory
        self._embeddings = embeddings
        self._collection = ChromaCollection(directory, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(directory={str(self.directory)!r})"

    def open(self, ids: Sequence[str]) -> bool:
        """Opens the index if its files are there, whole, and hold exactly these ids.

        Returns:
            False if something is missing or left over; the index then has to be made anew.
        """
        if self._collection.is_open:
            return True
        if not self._collection.exists:
            return not ids
        try:
            with self._collection.opening():
                whole = self._read(ids)
        except Exception:  # noqa: BLE001 - Chroma's errors have no common base
            whole = False
        if not whole:
            self.close()
        return whole

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Writes vectors, shape `(ids, dimensions)`, as `embed` made them.

        Raises:
            StoreError: Chroma can't write.
        """
        self._collection.upsert(ids, vectors)

    def delete(self, ids: Sequence[str]) -> None:
        """Removes vectors; unknown ids are ignored.

        Raises:
            StoreError: Chroma can't write.
        """
        self._collection.delete(ids)

    def nearest(self, query: str, count: int) -> list[str]:
        """Ids of the nearest texts, nearest first, `count` at most."""
        if not self._collection.is_open or count < 1:
            return []
        vector = self.embed([query])
        # A text without tokens has no direction to compare.
        return self._search(vector, count) if vector.any() else []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeds texts; shape `(texts, dimensions)`."""
        import numpy as np

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        if isinstance(self._embeddings, StaticEmbeddings):
            return self._embeddings.embed_matrix(texts)
        return np.asarray(self._embeddings.embed_documents(list(texts)), dtype=np.float32)

    def remove(self) -> None:
        """Closes the index and removes its files."""
        self.close()
        self._collection.remove()

    def close(self) -> None:
        """Lets go of files, threads and memory."""
        self._collection.close()

    def _read(self, ids: Sequence[str]) -> bool:
        held = self._collection.ids()
        if len(held) != len(ids) or set(held) != set(ids):
            return False
        return self._collection.finds_all(self.embed(["a"]), len(ids))

    def _search(self, vector: NDArray[np.float32], count: int) -> list[str]:
        return self._collection.nearest(vector, count)


class SealedVectorIndex(VectorIndex):
    """Vectors that are ciphertexts on disk, and are searched in memory.

    Each is bound to its id and to the embedding, so that none can be exchanged for another.

    Args:
        directory: The index's own directory.
        embeddings: Turns texts into vectors.
        keys: The store's keys.
    """

    def __init__(self, directory: Path, embeddings: Embeddings, keys: StoreKeys) -> None:
        super().__init__(directory, embeddings, _SEALED)
        self._keys = keys
        self._identity = embedding_identity(embeddings).encode()
        self._exact = ExactIndex()

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Seals and writes vectors, shape `(ids, dimensions)`, as `embed` made them.

        Raises:
            StoreError: Chroma can't write.
        """
        packed = _packed(vectors)
        sealed = [
            {_SEALED: self._seal(identity, row.tobytes())}
            for identity, row in zip(ids, packed, strict=True)
        ]
        self._collection.upsert(ids, _placeholders(len(ids)), sealed)
        self._exact.put(ids, _unpacked(packed))

    def delete(self, ids: Sequence[str]) -> None:
        """Removes vectors; unknown ids are ignored.

        Raises:
            StoreError: Chroma can't write.
        """
        super().delete(ids)
        self._exact.drop(ids)

    def close(self) -> None:
        """Lets go of files, threads, and the vectors in memory."""
        super().close()
        self._exact = ExactIndex()

    def _read(self, ids: Sequence[str]) -> bool:
        import numpy as np

        opened = {
            identity: self._open(identity, sealed)
            for identity, sealed in self._collection.field(_SEALED)
        }
        if opened.keys() != set(ids):
            return False
        if ids:
            content = b"".join(map(opened.__getitem__, ids))
            packed = np.frombuffer(content, dtype=_ON_DISK).reshape(len(ids), -1)
            self._exact.put(ids, _unpacked(packed))
        return self._collection.finds_all(_placeholders(1), len(ids))

    def _search(self, vector: NDArray[np.float32], count: int) -> list[str]:
        return self._exact.nearest(vector[0], count)

    def _seal(self, identity: str, vector: bytes) -> str:
        sealed = self._keys.seal(vector, self._bound(identity), purpose=_PURPOSE)
        return b64encode(sealed).decode()

    def _open(self, identity: str, sealed: str) -> bytes:
        return self._keys.open(b64decode(sealed), self._bound(identity), purpose=_PURPOSE)

    def _bound(self, identity: str) -> bytes:
        return self._identity + b"\0" + identity.encode()


def make_index(directory: Path, embeddings: Embeddings, keys: StoreKeys) -> VectorIndex:
    """The index in a directory, not yet opened; sealed if the store is encrypted."""
    if keys.encrypted:
        return SealedVectorIndex(directory, embeddings, keys)
    return VectorIndex(directory, embeddings)


def new_index_name() -> str:
    """A name for an index's folder that no other has."""
    return _FOLDERS.replace("*", secrets.token_hex(4))


def index_folders(directory: Path) -> list[Path]:
    """The folders of all indexes of a store: one, or more after a crash."""
    return sorted(directory.glob(_FOLDERS))


def remove_indexes(directory: Path, *, but: Path | None = None) -> None:
    """Removes the folders of all indexes of a store but one."""
    for path in index_folders(directory):
        if path != but:
            shutil.rmtree(path, ignore_errors=True)


def _placeholders(count: int) -> NDArray[np.float32]:
    """What Chroma is given as vectors: the same for all."""
    import numpy as np

    return np.ones((count, 1), dtype=np.float32)


def _packed(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """Vectors of length 1 (or 0) as they are sealed."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    packed: NDArray[np.float16] = unit.astype(_ON_DISK)
    return packed


def _unpacked(packed: NDArray[np.float16]) -> NDArray[np.float32]:
    import numpy as np

    # What is in memory now is what will be there when the store is opened again.
    return packed.astype(np.float32)
