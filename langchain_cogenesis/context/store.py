"""The private context store: one user, one directory, sealed."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.documents import StoredItem
from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.entries import identify, slot_of
from langchain_cogenesis.context.files import make_private
from langchain_cogenesis.context.key_sources import Encryption, PassphraseSource
from langchain_cogenesis.context.keys import open_keys
from langchain_cogenesis.context.lexical import words
from langchain_cogenesis.context.ranking import fuse_ranks
from langchain_cogenesis.context.schema import ITEM_KINDS, ItemKind, PrivateContext
from langchain_cogenesis.context.shelf import Shelf
from langchain_cogenesis.exceptions import ConfigurationError, StoreCorruptError, StoreError

_REACH = 100


@dataclass(frozen=True, slots=True)
class AddReport:
    """What an addition did.

    Attributes:
        added: Items that are new.
        unchanged: Items that were there already.
        replaced: Items that took the place of an older one, such as a new employer.
    """

    added: int
    unchanged: int
    replaced: int = 0


class PrivateContextStore:
    """What is known of one user: on disk, sealed, searchable.

    Texts and metadata lie as ciphertext in one append-only file. Chroma holds keyed ids and sealed
    vectors beside it, and is made anew from the file whenever the two disagree; vectors are opened
    and searched in memory. Several processes may read at once; one writes at a time. An addition is
    stored whole or, after a crash, not at all. Safe to share between threads; not to be used across
    a `fork`.

    Args:
        directory: The store's own directory; made (mode 0700) if it isn't there.
        embeddings: Turns texts into vectors; by default static ones, which need no download. A
            hosted embedding model sees every text that is stored, and every query.
        keys: The keys; by default those of the file `key` in the directory.
        lock_timeout: Seconds to wait for another writer.
        encryption: What keeps the secret of a new store: the key `file` (the default), the OS
            `keyring` or a `passphrase`; `off` leaves everything readable, for notebooks and data
            that are nobody's.
        passphrase: A passphrase, or a function that asks for one; else `$COGENESIS_PASSPHRASE`.

    Raises:
        ConfigurationError: The secret is kept otherwise than asked for.
        StoreError: The directory can't be used, the passphrase is wrong, or the key belongs to
            another store.
        StoreCorruptError: The key file is damaged or missing.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        embeddings: Embeddings | None = None,
        keys: StoreKeys | None = None,
        lock_timeout: float = 5.0,
        encryption: Encryption | None = None,
        passphrase: PassphraseSource | None = None,
    ) -> None:
        path = Path(directory)
        make_private(path)
        if keys is None:
            # Without its key a store must not be given a new one.
            create = not (path / "documents").exists()
            keys = open_keys(path / "key", encryption, passphrase, create=create)
        self._guard = threading.RLock()
        self._shelf = Shelf(path, embeddings or StaticEmbeddings(), keys, lock_timeout)

    def __repr__(self) -> str:
        plain = "" if self.encrypted else ", encryption='off'"
        return f"PrivateContextStore({str(self.directory)!r}{plain})"

    def __len__(self) -> int:
        """Number of items."""
        return len(self.items())

    def __bool__(self) -> bool:
        """True: a store without items is a store."""
        return True

    def __enter__(self) -> PrivateContextStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def directory(self) -> Path:
        """The store's directory."""
        return self._shelf.directory

    @property
    def keys(self) -> StoreKeys:
        """The keys of this store."""
        return self._shelf.keys

    @property
    def encrypted(self) -> bool:
        """Whether the files are unreadable without the key."""
        return self.keys.encrypted

    def add(self, context: PrivateContext) -> AddReport:
        """Adds a context; what is there already stays as it is.

        A new value of a single field of the profile (name, age, company …) replaces the old one.

        Raises:
            StoreLockedError: Another process is writing.
            StoreCorruptError: The documents are damaged.
            StoreError: The index was made with another embedding.
        """
        with self._guard, self._shelf.locked():
            self._shelf.refresh()
            fresh: dict[str, StoredItem] = {}
            unchanged = 0
            for item in context.items():
                entry = StoredItem(identify(self.keys, item), item)
                slot = slot_of(entry)
                known = fresh.get(slot, self._shelf.entries.get(slot))
                if known is not None and known.id == entry.id:
                    unchanged += 1
                else:
                    fresh[slot] = entry
            replaced = self._shelf.write(fresh) if fresh else 0
            return AddReport(len(fresh) - replaced, unchanged, replaced)

    def search(
        self, query: str, k: int = 8, kinds: Collection[ItemKind] | None = None
    ) -> list[StoredItem]:
        """Finds the items that fit a query best: words and vectors, fused by rank.

        Args:
            query: Any text. One without words finds what was added last.
            k: How many items at most.
            kinds: Which kinds to look among; all if left out.

        Returns:
            Items with their fused scores (sums of two reciprocal ranks, 0.033 at most), best first.

        Raises:
            ConfigurationError: `k` is below 1, or a kind is unknown.
            StoreCorruptError: The documents are damaged.
            StoreError: The index was made with another embedding.
        """
        wanted = _check_search(k, kinds)
        with self._guard:
            self._shelf.refresh()
            entries = {entry.id: entry for entry in self._shelf.entries.values()}
            allowed = {key for key, entry in entries.items() if entry.item.kind in wanted}
            if not allowed:
                return []
            scores = self._fused(query, k, allowed) if words(query) else {}
        if not scores:
            scores = dict.fromkeys([key for key in reversed(entries) if key in allowed], 0.0)
        return [replace(entries[key], score=score) for key, score in list(scores.items())[:k]]

    def items(self) -> tuple[StoredItem, ...]:
        """All items, in order of addition.

        Raises:
            StoreCorruptError: The documents are damaged.
        """
        with self._guard:
            self._shelf.refresh()
            return tuple(self._shelf.entries.values())

    def export(self) -> PrivateContext:
        """Everything that is stored, as one context.

        Raises:
            StoreCorruptError: The documents are damaged, or the profile lost its name when damaged
                ones were left out.
        """
        items = [entry.item for entry in self.items()]
        fields = {item.field for item in items if item.kind == "profile"}
        if fields and "name" not in fields:
            raise StoreCorruptError(
                f"The profile in {self.directory} has lost its name.",
                hint="Import the user's profile again; all other items are still there.",
            )
        return PrivateContext.from_items(items)

    def readable(self) -> tuple[StoredItem, ...]:
        """The items that can be read where documents are damaged; changes nothing."""
        with self._guard:
            return self._shelf.readable()

    def check(self) -> tuple[str, ...]:
        """Looks whether every file holds what it should; changes nothing.

        Returns:
            What is wrong, each fault naming the file; nothing if all is well.
        """
        faults: list[str] = []
        with self._guard:
            try:
                self._shelf.refresh()
            except StoreError as error:
                return (error.message,)
            index = self._shelf.index.directory
            if self._shelf.has_open_vectors():
                faults.append(f"{index} holds vectors of an earlier version, which are not sealed.")
            elif not self._shelf.has_whole_index():
                faults.append(f"{index} doesn't hold the vectors of what is stored.")
        return tuple(faults)

    def rebuild(self, *, salvage: bool = False) -> int:
        """Makes the index anew from the documents, and these anew without what was replaced.

        Also takes over another embedding than the one that the index was made with.

        Args:
            salvage: Leave out documents that can't be read, where they are an error otherwise.

        Returns:
            The number of items.

        Raises:
            StoreLockedError: Another process is writing.
            StoreCorruptError: The documents are damaged, and `salvage` wasn't asked for.
        """
        with self._guard, self._shelf.locked():
            self._shelf.rebuild(salvage=salvage)
            return len(self._shelf.entries)

    def erase(self) -> None:
        """Removes everything of this store from the disk, its own key file first.

        Raises:
            StoreLockedError: Another process is writing.
        """
        with self._guard:
            with self._shelf.locked():
                self._shelf.erase()
            self._shelf.remove_directory()

    def close(self) -> None:
        """Lets go of files, threads and texts in memory; the next call opens the store again."""
        with self._guard:
            self._shelf.close()

    def _fused(self, query: str, k: int, allowed: set[str]) -> dict[str, float]:
        index = self._shelf.open_index()
        ids = [entry.id for entry in self._shelf.entries.values()]
        scores = self._shelf.lexical().scores(query)
        matching = sorted((i for i in range(len(ids)) if scores[i] > 0), key=lambda i: -scores[i])
        by_words = [ids[i] for i in matching if ids[i] in allowed]
        reach, by_vectors = max(_REACH, 4 * k), list[str]()
        while True:
            # The index knows no kinds: ask for enough, filter here, ask for more.
            near = index.nearest(query, min(reach, len(ids)))
            by_vectors = [found for found in near if found in allowed]
            if len(by_vectors) >= min(k, len(allowed)) or reach >= len(ids):
                return fuse_ranks(by_words, by_vectors)
            reach *= 8


def _check_search(k: int, kinds: Collection[ItemKind] | None) -> frozenset[str]:
    if k < 1:
        raise ConfigurationError(f"k is {k}.", hint="Ask for at least one item.")
    if kinds is None:
        return frozenset(ITEM_KINDS)
    wanted = frozenset([kinds] if isinstance(kinds, str) else kinds)
    unknown = wanted - frozenset(ITEM_KINDS)
    if unknown:
        raise ConfigurationError(
            f"Unknown kind of item: {', '.join(sorted(unknown))}.",
            hint=f"Kinds are {', '.join(ITEM_KINDS)}.",
        )
    return wanted
