"""One writer at a time, and none for a store that is no longer there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.keys import require_current
from langchain_cogenesis.exceptions import StoreError, StoreLockedError

if TYPE_CHECKING:
    from filelock import FileLock


class WriterLock:
    """The lock file of one store. May be taken again by whoever holds it.

    Args:
        directory: The store's directory.
        keys: The store's keys; None where they don't matter, as to forget a user.
        timeout: Seconds to wait for another writer.
    """

    def __init__(self, directory: Path, keys: StoreKeys | None, timeout: float) -> None:
        self.path = directory / "lock"
        self._keys = keys
        self._timeout = timeout
        self._lock: FileLock | None = None

    @contextmanager
    def held(self, timeout: float | None = None) -> Iterator[None]:
        """Holds the lock.

        Args:
            timeout: Seconds to wait for another writer, if not as long as usual.

        Raises:
            StoreLockedError: Another process holds it for longer than the time-out.
            StoreError: The store was removed, or given other keys, since the keys were read.
        """
        self._require_current()
        self._acquire(self._timeout if timeout is None else timeout)
        try:
            # It may have been removed, or given other keys, while this one waited.
            self._require_current()
            yield
        finally:
            self._release()

    def _acquire(self, timeout: float) -> None:
        import filelock

        if self._lock is None:
            self._lock = filelock.FileLock(self.path, mode=0o600)
        try:
            self._lock.acquire(timeout=timeout)
        except filelock.Timeout:
            raise StoreLockedError(
                f"Another process is writing to {self.path.parent} (waited {timeout:g} s).",
                hint="Wait until it is done, or end it, and try again.",
            ) from None
        except FileNotFoundError:
            raise StoreError(
                f"{self.path.parent} was removed since this store was opened.",
                hint="Close the store and open it again; nothing was written.",
            ) from None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
        origin = self._keys.origin if self._keys else None
        if origin is None or origin.exists():
            return
        # Waiting for the lock of a store that was removed may have made its directory again.
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.parent.rmdir()
            origin.parent.rmdir()

    def _require_current(self) -> None:
        if self._keys is not None:
            require_current(self._keys)
