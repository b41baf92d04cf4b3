"""One Chroma collection in a directory of its own, written so that it tells no more than it must.

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

from langchain_cogenesis.context.memory import clean_memory
from langchain_cogenesis.exceptions import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DATABASE = "chroma.sqlite3"
# Chroma takes 5,461 rows at once at most; smaller batches keep its memory flat.
_BATCH = 2000
_PROBED = 20
# Of the graph's header: version, offset of level 0, room for and number of elements.
_HEADER = struct.Struct("<iQQQ")


class ChromaCollection:
    """A Chroma collection.

    Args:
        directory: Chroma's directory, for this collection alone.
        name: The collection's name.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self._client: Any = None
        self._collection: Any = None

    def __repr__(self) -> str:
        return f"ChromaCollection(directory={str(self.directory)!r}, name={self.name!r})"

    @property
    def is_open(self) -> bool:
        """Whether it has been opened, or written to."""
        return self._client is not None

    @property
    def exists(self) -> bool:
        """Whether its database file is there."""
        return (self.directory / _DATABASE).is_file()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Opens what is there, for the caller to look whether it is whole.

        Raises:
            Exception: It can't be opened; Chroma's errors have no common base.
        """
        with clean_memory():
            try:
                self._connect(create=False)
                yield
            finally:
                self._scrub()

    def ids(self) -> list[str]:
        """All ids."""
        return list(self._collection.get(include=[])["ids"])

    def field(self, name: str) -> Iterator[tuple[str, str]]:
        """Yields ids with one field of their metadata, a batch at a time in memory.

        Raises:
            KeyError: An entry doesn't have it.
        """
        for start in range(0, int(self._collection.count()), _BATCH):
            held = self._collection.get(include=["metadatas"], limit=_BATCH, offset=start)
            for identity, metadata in zip(held["ids"], held["metadatas"], strict=True):
                yield identity, metadata[name]

    def finds_all(self, probe: NDArray[np.float32], count: int) -> bool:
        """Whether Chroma's own index is there, and finds as much as it should.

        Args:
            probe: Any vector, shape `(1, dimensions)`.
            count: How many vectors there should be.
        """
        if not count:
            return True
        if not any(path.is_dir() for path in self.directory.iterdir()):
            return False
        # A folder that is there but has lost files shows by a search that finds too little.
        count = min(count, _PROBED)
        return len(self.nearest(probe, count)) == count

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[str]:
        """Ids of the `count` vectors nearest to one of shape `(1, dimensions)`, nearest first."""
        found = self._collection.query(query_embeddings=vector, n_results=count, include=[])
        return list(found["ids"][0])

    def upsert(
        self,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        metadata: Sequence[dict[str, str]] | None = None,
    ) -> None:
        """Writes vectors, shape `(ids, dimensions)`, with their metadata.

        Raises:
            StoreError: Chroma can't write.
        """
        with _explained(self.directory), clean_memory():
            if self._client is None:
                self._connect(create=True)
            for start in range(0, len(ids), _BATCH):
                chunk = slice(start, start + _BATCH)
                self._collection.upsert(
                    ids=list(ids[chunk]),
                    embeddings=vectors[chunk],
                    metadatas=None if metadata is None else list(metadata[chunk]),
                )
        self._scrub()
        for path in self.directory.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def delete(self, ids: Sequence[str]) -> None:
        """Removes entries; unknown ids are ignored.

        Raises:
            StoreError: Chroma can't write.
        """
        if ids and self._client is not None:
            with _explained(self.directory), clean_memory():
                self._collection.delete(ids=list(ids))

    def remove(self) -> None:
        """Closes the collection and removes its files."""
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def close(self) -> None:
        """Lets go of Chroma's files, threads and memory."""
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            client.close()

    def _connect(self, *, create: bool) -> None:
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
        if create:
            self._collection = self._client.get_or_create_collection(
                self.name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        else:
            self._collection = self._client.get_collection(self.name, embedding_function=None)

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
