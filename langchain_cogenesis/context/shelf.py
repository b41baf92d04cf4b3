"""The files of one store, kept in agreement.

The documents file counts. Manifest and index follow it, and are mended when they don't: a crash
between two of them, a lost database or a lost folder show when the shelf is next used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.documents import DocumentLog, StoredItem
from langchain_cogenesis.context.embeddings import embedding_identity
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.entries import identify, slot_of
from langchain_cogenesis.context.files import make_private, room_for, shred, stamp_of
from langchain_cogenesis.context.keys import require_current
from langchain_cogenesis.context.lexical import LexicalIndex
from langchain_cogenesis.context.locks import WriterLock
from langchain_cogenesis.context.manifest import SEALED_VECTORS, Manifest, key_check
from langchain_cogenesis.context.vectors import (
    VectorIndex,
    index_folders,
    make_index,
    new_index_name,
    remove_indexes,
)
from langchain_cogenesis.exceptions import StoreError, StoreLockedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Shelf:
    """Reads and writes the files of one store. Not thread-safe: its store guards it.

    Args:
        directory: The store's directory; made private (mode 0700).
        embeddings: Turns texts into vectors.
        keys: The store's keys.
        lock_timeout: Seconds to wait for another writer.

    Attributes:
        entries: What is stored, by slot, in order of addition.
    """

    entries: dict[str, StoredItem]
    _stamp: tuple[tuple[int, int, int], ...] | None
    _manifest: Manifest | None
    _index: VectorIndex | None
    _lexical: LexicalIndex | None

    def __init__(
        self,
        directory: Path,
        embeddings: Embeddings,
        keys: StoreKeys,
        lock_timeout: float,
    ) -> None:
        self.directory = directory
        self._embeddings = embeddings
        make_private(directory)
        self.keys = keys
        self._lock = WriterLock(directory, keys, lock_timeout)
        self._documents = DocumentLog(directory / "documents", self.keys)
        self._manifest_path = directory / "manifest.json"
        Manifest.read(self._manifest_path, self.keys, lenient=True)
        self._drop_state()

    def __repr__(self) -> str:
        return f"Shelf({str(self.directory)!r})"

    def refresh(self) -> None:
        """Reads the files if they changed since they were last read.

        Raises:
            StoreError: The store was removed or given other keys.
        """
        require_current(self.keys)
        stamp = self._current_stamp()
        if stamp != self._stamp:
            self.load()
            self._stamp = stamp

    def load(self, *, lenient: bool = False, salvage: bool = False) -> None:
        """Reads manifest and documents.

        Args:
            lenient: Do without the manifest if it can't be read.
            salvage: Do without the documents that can't be read.
        """
        self.close()
        manifest = Manifest.read(self._manifest_path, self.keys, lenient=lenient)
        committed = manifest.additions if manifest else 0
        found, self._additions, self._end = self._documents.read(
            committed=committed, salvage=salvage
        )
        for entry in found:
            self.entries[slot_of(entry)] = entry
        self._manifest = manifest

    def write(self, fresh: Mapping[str, StoredItem]) -> int:
        """Stores new entries by slot, all or none; needs the lock.

        Returns:
            How many of them took the place of another.
        """
        self._mend_index()
        # Embedding may fail, at a hosted model say: before anything is written.
        vectors = self.index.embed([entry.item.text for entry in fresh.values()])
        position, end = self._additions, self._end
        try:
            self._documents.append(list(fresh.values()), position=position, offset=end)
            replaced = self._take_in(fresh, vectors)
        except BaseException:
            self._roll_back(position, end)
            raise
        return len(replaced)

    def open_index(self) -> VectorIndex:
        """Opens the vector index, and makes it anew if it isn't what it should be."""
        self._check_embedding()
        if not self._opens_index():
            with self.locked():
                self._mend_index()
        elif len(index_folders(self.directory)) > 1:
            # Left by a crash, or another process is just making one: that goes on.
            with suppress(StoreLockedError), self._lock.held(timeout=0):
                self._mend_index()
        return self.index

    def lexical(self) -> LexicalIndex:
        """The lexical index over the entries, in their order."""
        if self._lexical is None:
            self._lexical = LexicalIndex([entry.item.text for entry in self.entries.values()])
        return self._lexical

    def rebuild(self, *, salvage: bool) -> None:
        """Writes documents, index and manifest anew; needs the lock."""
        self.load(lenient=True, salvage=salvage)
        # Additions are about to become fewer: a manifest that counts more would look like a loss.
        self._additions = 0
        self._write_manifest()
        self._documents.rewrite(list(self.entries.values()))
        self._additions, self._end = 1, self._documents.path.stat().st_size
        self._renew_index()

    def copy_to(self, directory: Path, keys: StoreKeys) -> None:
        """Writes the documents anew under other keys; the index is made when it is first needed.

        Args:
            directory: An empty directory.
            keys: The other keys.

        Raises:
            OSError: It can't be written.
        """
        self.load()
        entries = [
            StoredItem(identify(keys, entry.item), entry.item) for entry in self.entries.values()
        ]
        if entries:
            DocumentLog(directory / "documents", keys).append(entries, position=0, offset=0)
        manifest = Manifest(
            additions=1 if entries else 0,
            items=len(entries),
            embedding=self._manifest.embedding if self._manifest else self._identity(),
            index="",
            key_check=key_check(keys),
        )
        manifest.write(directory / "manifest.json")

    def readable(self) -> tuple[StoredItem, ...]:
        """What can be read of damaged documents; changes nothing."""
        self.load(lenient=True, salvage=True)
        found = tuple(self.entries.values())
        self.close()
        return found

    def has_whole_index(self) -> bool:
        """Whether the index holds what it should, or hasn't been needed yet."""
        unused = self._manifest is None or not self._manifest.index
        return unused or self._opens_index()

    def has_open_vectors(self) -> bool:
        """Whether an earlier version left vectors that are not sealed, as this store's should be.

        They are sealed when the index is next needed, or by `rebuild`.
        """
        old = self._manifest is not None and self._manifest.format < SEALED_VECTORS
        return old and self.keys.encrypted and bool(index_folders(self.directory))

    def erase(self) -> None:
        """Removes all files of the store, the key first; needs the lock."""
        self.close()
        shred(self.directory / "key")
        self._documents.path.unlink(missing_ok=True)
        self._manifest_path.unlink(missing_ok=True)
        remove_indexes(self.directory)
        for path in (*self.directory.glob(".documents-*"), *self.directory.glob(".manifest*")):
            path.unlink(missing_ok=True)

    def remove_directory(self) -> None:
        """Removes the lock file, and the directory if nothing else is in it."""
        (self.directory / "lock").unlink(missing_ok=True)
        if self.directory.is_dir() and not any(self.directory.iterdir()):
            self.directory.rmdir()

    def close(self) -> None:
        """Closes the index and forgets what was read."""
        if self._index is not None:
            self._index.close()
        self._drop_state()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the writer's lock.

        Raises:
            StoreLockedError: Another process holds it for longer than the time-out.
            StoreError: The store was removed or given other keys, or there is no room to write.
        """
        with self._lock.held(), room_for(self.directory):
            yield

    @property
    def index(self) -> VectorIndex:
        """The vector index, not yet opened."""
        if self._index is None:
            name = self._manifest.index if self._manifest else ""
            self._index = self._index_in(name or new_index_name())
        return self._index

    def _take_in(self, fresh: Mapping[str, StoredItem], vectors: NDArray[np.float32]) -> list[str]:
        """Lets state, index and manifest follow the documents; gives the ids that were replaced."""
        self._additions += 1
        self._end = self._documents.path.stat().st_size
        replaced = [self.entries[slot].id for slot in fresh if slot in self.entries]
        self.entries.update(fresh)
        self._lexical = None
        self.index.upsert([entry.id for entry in fresh.values()], vectors)
        self.index.delete(replaced)
        self._write_manifest()
        return replaced

    def _roll_back(self, position: int, end: int) -> None:
        """Takes back an addition that failed, unless the manifest counts it: then it is whole."""
        with suppress(StoreError, OSError):
            manifest = Manifest.read(self._manifest_path, self.keys, lenient=True)
            if self._documents.path.exists() and (
                manifest is None or manifest.additions <= position
            ):
                os.truncate(self._documents.path, end)
        self.close()

    def _mend_index(self) -> None:
        self.refresh()
        self._check_embedding()
        if not self._opens_index():
            self._renew_index()
        remove_indexes(self.directory, but=self.index.directory)

    def _opens_index(self) -> bool:
        return not self.has_open_vectors() and self.index.open(self._ids())

    def _renew_index(self) -> None:
        old = self.index
        # A new folder each time: others in this process may still have the old one open.
        self._index = self._index_in(new_index_name())
        entries = list(self.entries.values())
        if entries:
            vectors = self._index.embed([entry.item.text for entry in entries])
            self._index.upsert(self._ids(), vectors)
        self._write_manifest()
        old.remove()
        remove_indexes(self.directory, but=self._index.directory)

    def _write_manifest(self) -> None:
        self._manifest = Manifest(
            additions=self._additions,
            items=len(self.entries),
            embedding=self._identity(),
            index=self.index.directory.name,
            key_check=key_check(self.keys),
        )
        self._manifest.write(self._manifest_path)
        self._stamp = self._current_stamp()

    def _check_embedding(self) -> None:
        mine = self._identity()
        if self._manifest is not None and self._manifest.embedding != mine:
            raise StoreError(
                f"The store in {self.directory} was made with the embedding "
                f"{self._manifest.embedding!r}, not {mine!r}.",
                hint="Pass that embedding, or call `rebuild()` to change over to this one.",
            )

    def _drop_state(self) -> None:
        self.entries = {}
        self._additions, self._end = 0, 0
        self._stamp = None
        self._manifest = None
        self._index = None
        self._lexical = None

    def _identity(self) -> str:
        return embedding_identity(self._embeddings)

    def _ids(self) -> list[str]:
        return [entry.id for entry in self.entries.values()]

    def _index_in(self, name: str) -> VectorIndex:
        return make_index(self.directory / name, self._embeddings, self.keys)

    def _current_stamp(self) -> tuple[tuple[int, int, int], ...]:
        return stamp_of(self._manifest_path), stamp_of(self._documents.path)
