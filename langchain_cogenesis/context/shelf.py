"""The files of one store, kept in agreement.

The documents file counts. Manifest and index follow it, and are mended when they don't: a crash
between two of them, a lost database or a lost folder show when the shelf is next used.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.documents import DocumentLog, StoredItem
from langchain_cogenesis.context.embeddings import embedding_identity
from langchain_cogenesis.context.encryption import SECRET_BYTES, StoreKeys
from langchain_cogenesis.context.lexical import LexicalIndex
from langchain_cogenesis.context.manifest import Manifest, key_check
from langchain_cogenesis.context.vectors import VectorIndex
from langchain_cogenesis.exceptions import StoreError, StoreLockedError

if TYPE_CHECKING:
    from filelock import FileLock

_REPEATABLE = frozenset({"trait", "style", "contact", "fact"})


class Shelf:
    """Reads and writes the files of one store. Not thread-safe: its store guards it.

    Args:
        directory: The store's directory; made private (mode 0700).
        embeddings: Turns texts into vectors.
        keys: The store's keys; None for those of the file `key` in the directory.
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
        keys: StoreKeys | None,
        lock_timeout: float,
    ) -> None:
        self.directory = directory
        self._embeddings = embeddings
        self._timeout = lock_timeout
        self._lock: FileLock | None = None
        make_private(directory)
        self.keys = keys or self._own_keys()
        self._documents = DocumentLog(directory / "documents", self.keys)
        self._manifest_path = directory / "manifest.json"
        Manifest.read(self._manifest_path, self.keys, lenient=True)
        self._drop_state()

    def __repr__(self) -> str:
        return f"Shelf({str(self.directory)!r})"

    def refresh(self) -> None:
        """Reads the files if they changed since they were last read."""
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
        self._documents.append(list(fresh.values()), position=self._additions, offset=self._end)
        self._additions += 1
        self._end = self._documents.path.stat().st_size
        replaced = [self.entries[slot].id for slot in fresh if slot in self.entries]
        self.entries.update(fresh)
        self._lexical = None
        self.index.upsert([entry.id for entry in fresh.values()], vectors)
        self.index.delete(replaced)
        self._write_manifest()
        return len(replaced)

    def open_index(self) -> VectorIndex:
        """Opens the vector index, and makes it anew if it isn't what it should be."""
        self._check_embedding()
        if not self.index.open(self._ids()):
            with self.locked():
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

    def erase(self) -> None:
        """Removes all files of the store, the key first; needs the lock."""
        self.close()
        shred(self.directory / "key")
        self._documents.path.unlink(missing_ok=True)
        self._manifest_path.unlink(missing_ok=True)
        for path in self.directory.glob("index-*"):
            shutil.rmtree(path, ignore_errors=True)
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
        """Holds the writer's lock, and reads what others wrote before.

        Raises:
            StoreLockedError: Another process holds it for longer than the time-out.
        """
        import filelock

        if self._lock is None:
            self._lock = filelock.FileLock(self.directory / "lock", mode=0o600)
        try:
            self._lock.acquire(timeout=self._timeout)
        except filelock.Timeout:
            raise StoreLockedError(
                f"Another process is writing to {self.directory} (waited {self._timeout:g} s).",
                hint="Wait until it is done, or end it, and try again.",
            ) from None
        try:
            yield
        finally:
            self._lock.release()

    @property
    def index(self) -> VectorIndex:
        """The vector index, not yet opened."""
        if self._index is None:
            name = self._manifest.index if self._manifest else ""
            self._index = self._index_in(name or _new_index_name())
        return self._index

    def _mend_index(self) -> None:
        self.refresh()
        self._check_embedding()
        if not self.index.open(self._ids()):
            self._renew_index()

    def _renew_index(self) -> None:
        old = self.index
        # A new folder each time: others in this process may still have the old one open.
        self._index = self._index_in(_new_index_name())
        entries = list(self.entries.values())
        if entries:
            vectors = self._index.embed([entry.item.text for entry in entries])
            self._index.upsert(self._ids(), vectors)
        self._write_manifest()
        old.remove()
        for path in self.directory.glob("index-*"):
            if path != self._index.directory:
                shutil.rmtree(path, ignore_errors=True)

    def _write_manifest(self) -> None:
        self._manifest = Manifest(
            additions=self._additions,
            items=len(self.entries),
            embedding=embedding_identity(self._embeddings),
            index=self.index.directory.name,
            key_check=key_check(self.keys),
        )
        self._manifest.write(self._manifest_path)
        self._stamp = self._current_stamp()

    def _check_embedding(self) -> None:
        mine = embedding_identity(self._embeddings)
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

    def _ids(self) -> list[str]:
        return [entry.id for entry in self.entries.values()]

    def _index_in(self, name: str) -> VectorIndex:
        return VectorIndex(self.directory / name, self._embeddings, self.keys)

    def _current_stamp(self) -> tuple[tuple[int, int, int], ...]:
        return stamp_of(self._manifest_path), stamp_of(self._documents.path)

    def _own_keys(self) -> StoreKeys:
        path = self.directory / "key"
        # Without its key a store must not be given a new one.
        started = (self.directory / "documents").exists()
        return StoreKeys.load(path) if started else StoreKeys.load_or_create(path)


def slot_of(entry: StoredItem) -> str:
    """Where an entry belongs: a single field of the profile has one place, others one each."""
    item = entry.item
    single = item.kind == "profile" and item.field not in _REPEATABLE
    return f"profile/{item.field}" if single else entry.id


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Inode, size in bytes and modification time in ns; zeros if there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def shred(path: Path) -> None:
    """Overwrites a key file before it is removed."""
    if path.exists():
        with path.open("r+b") as file:
            file.write(bytes(SECRET_BYTES))
            file.flush()
        path.unlink()


def make_private(directory: Path) -> None:
    """Makes a directory that only its owner can look into (mode 0700).

    Raises:
        StoreError: It can't be made, or isn't ours.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"{directory} can't be used as a store's directory ({error.strerror}).",
            hint="Choose a directory that you own and that is not a file.",
        ) from None


def _new_index_name() -> str:
    return f"index-{secrets.token_hex(4)}"
