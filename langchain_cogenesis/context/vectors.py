"""The vector half of the search: one Chroma collection per user, holding ids and turned vectors.

Turning hides which words a vector stands for from somebody who has the files alone. It keeps all
angles, so it shows which texts are alike, and a text that somebody can guess word for word is
recognised by them; every text that they know undoes one dimension of the turn, until the words of
the others can be read off too. `python -m benchmarks.vector_inversion` measures this.

Chroma reports neither a lost database file (it makes an empty one) nor a lost index folder (it
finds less), so what it holds is compared with what should be there whenever it is opened.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.memory import clean_memory
from langchain_cogenesis.exceptions import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLLECTION = "context"
_DATABASE = "chroma.sqlite3"
# Chroma takes 5,461 rows at once at most; smaller batches keep its memory flat.
_BATCH = 2000
# Of the graph's header: version, offset of level 0, room for and number of elements.
_HEADER = struct.Struct("<iQQQ")


class VectorIndex:
    """A Chroma collection of vectors that are turned by a keyed orthogonal matrix.

    Args:
        directory: Chroma's directory, for this collection alone.
        embeddings: Turns texts into vectors.
        keys: The store's keys.
    """

    def __init__(self, directory: Path, embeddings: Embeddings, keys: StoreKeys) -> None:
        self.directory = directory
        self._embeddings = embeddings
        self._keys = keys
        self._client: Any = None
        self._collection: Any = None

    def __repr__(self) -> str:
        return f"VectorIndex(directory={str(self.directory)!r})"

    def open(self, ids: Sequence[str]) -> bool:
        """Opens the collection if its files are there and hold exactly these ids.

        Returns:
            False if something is missing or left over; the index then has to be made anew.
        """
        if self._client is not None:
            return True
        if not (self.directory / _DATABASE).is_file():
            return not ids
        try:
            with clean_memory():
                self._connect()
                whole = self._holds(ids)
        except Exception:  # noqa: BLE001 - Chroma's errors have no common base
            whole = False
        self._scrub()
        if not whole:
            self.close()
        return whole

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Writes vectors, shape `(ids, dimensions)`, as `embed` made them.

        Raises:
            StoreError: Chroma can't write.
        """
        with _explained(self.directory), clean_memory():
            if self._client is None:
                self._connect()
            for start in range(0, len(ids), _BATCH):
                chunk = slice(start, start + _BATCH)
                self._collection.upsert(ids=list(ids[chunk]), embeddings=vectors[chunk])
        self._scrub()
        for path in self.directory.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def delete(self, ids: Sequence[str]) -> None:
        """Removes vectors; unknown ids are ignored.

        Raises:
            StoreError: Chroma can't write.
        """
        if ids and self._client is not None:
            with _explained(self.directory):
                self._collection.delete(ids=list(ids))

    def remove(self) -> None:
        """Closes the collection and removes its files."""
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def nearest(self, query: str, count: int) -> list[str]:
        """Ids of the nearest texts, nearest first, `count` at most."""
        if self._client is None or count < 1:
            return []
        vector = self.embed([query])
        # A text without tokens has no direction to compare.
        if not vector.any():
            return []
        found = self._collection.query(query_embeddings=vector, n_results=count, include=[])
        return list(found["ids"][0])

    def close(self) -> None:
        """Lets go of Chroma's files, threads and memory."""
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            client.close()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeds and turns texts; shape `(texts, dimensions)`."""
        import numpy as np

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)

        if isinstance(self._embeddings, StaticEmbeddings):
            matrix = self._embeddings.embed_matrix(texts)
        else:
            rows = self._embeddings.embed_documents(list(texts))
            matrix = np.asarray(rows, dtype=np.float32)
        # Not `@`: a threaded BLAS takes far longer for so few rows on a busy machine.
        turned: NDArray[np.float32] = np.einsum(
            "ij,jk->ik", matrix, self._keys.rotation(matrix.shape[1])
        )
        return turned

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # `_env_file`: Chroma would read settings, tracing exporters among them, from a `.env` file
        # in the working directory.
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            anonymized_telemetry=False,
            chroma_otel_collection_endpoint="",
            # Else CHROMA_API_IMPL in the environment could lead to a server.
            chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
        )
        self._client = chromadb.PersistentClient(path=str(self.directory), settings=settings)
        self._collection = self._client.get_or_create_collection(
            _COLLECTION, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def _scrub(self) -> None:
        """Overwrites what Chroma wrote of memory that it never filled.

        As long as its graph is empty (below 1,000 vectors they lie in the database), the file of
        the graph's nodes is room for 100 of them as the allocator gave it: whatever this process
        had there before, private text too.
        """
        for header in self.directory.glob("*/header.bin"):
            fields = header.read_bytes()[: _HEADER.size]
            if len(fields) == _HEADER.size and _HEADER.unpack(fields)[-1] == 0:
                for name in ("data_level0.bin", "length.bin"):
                    path = header.with_name(name)
                    if path.exists() and any(path.read_bytes()):
                        size = path.stat().st_size
                        with path.open("r+b") as file:
                            file.write(bytes(size))

    def _holds(self, ids: Sequence[str]) -> bool:
        if not ids:
            return int(self._collection.count()) == 0
        held = self._collection.get(include=[])["ids"]
        if len(held) != len(ids) or set(held) != set(ids):
            return False
        if not any(path.is_dir() for path in self.directory.iterdir()):
            return False
        # A folder that is there but has lost files shows by a search that finds too little.
        count = min(len(ids), 20)
        probe = self.embed(["a"])
        found = self._collection.query(query_embeddings=probe, n_results=count, include=[])
        return len(found["ids"][0]) == count


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except ChromaError as error:
        raise StoreError(
            f"Chroma can't write the vectors in {directory} ({type(error).__name__}).",
            hint="Nothing was stored. Look whether the disk is full or the directory read-only, "
            "then try again; `cogenesis context rebuild` makes the index anew.",
        ) from None
