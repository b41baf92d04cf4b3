"""All users of this device, one directory each, whose name doesn't tell whose it is.

::

    <root>/salt                 keys the directory names (0600)
    <root>/<digest>/key         the user's keys (0600)
    <root>/<digest>/user        the user's name, sealed
    <root>/<digest>/context/    the private context store
"""

from __future__ import annotations

import os
import secrets
import shutil
import unicodedata
from pathlib import Path

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.shelf import make_private, shred
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    StoreCorruptError,
    StoreLockedError,
    UserNotFoundError,
)

_DIGEST_DIGITS = 32
_LEAVING = ".leaving-"


def default_root() -> Path:
    """`$COGENESIS_HOME`, else `cogenesis` in the XDG data directory (`~/.local/share`)."""
    home = os.environ.get("COGENESIS_HOME")
    if home:
        return Path(home).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    base = Path(data) if data and Path(data).is_absolute() else Path("~/.local/share").expanduser()
    return base / "cogenesis"


class UserDirectories:
    """The directories of all users below one root.

    Args:
        root: The directory that holds them; `default_root()` if left out. Made (0700) when it is
            first used.
        lock_timeout: Seconds to wait for another process that writes to a user's store.
    """

    def __init__(
        self, root: str | os.PathLike[str] | None = None, *, lock_timeout: float = 5.0
    ) -> None:
        self.root = Path(root) if root is not None else default_root()
        self.lock_timeout = lock_timeout
        self._naming: StoreKeys | None = None

    def __repr__(self) -> str:
        return f"UserDirectories({str(self.root)!r})"

    def path(self, user: str) -> Path:
        """The user's directory, whether or not it is there.

        Raises:
            ConfigurationError: The name is empty.
        """
        if self._naming is None:
            make_private(self.root)
            self._naming = StoreKeys.load_or_create(self.root / "salt")
        digest = self._naming.digest(_normal(user).encode(), purpose="users")
        return self.root / digest[:_DIGEST_DIGITS]

    def exists(self, user: str) -> bool:
        """Whether anything is stored for the user."""
        return (self.root / "salt").exists() and (self.path(user) / "user").exists()

    def users(self) -> tuple[str, ...]:
        """The names of all users, sorted; a directory that can't be read is left out."""
        names = []
        for sealed in self.root.glob("*/user"):
            try:
                keys = StoreKeys.load(sealed.parent / "key")
                names.append(keys.open(sealed.read_bytes(), purpose="user").decode())
            except (StoreCorruptError, OSError):
                continue
        return tuple(sorted(names))

    def keys(self, user: str) -> StoreKeys:
        """The user's keys, from which those of the store and the ledger are derived.

        Raises:
            UserNotFoundError: Nothing is stored for the user.
        """
        return StoreKeys.load(self._existing(user) / "key")

    def create(self, user: str) -> Path:
        """Makes the user's directory if it isn't there, and returns it."""
        path = self.path(user)
        if not (path / "user").exists():
            make_private(path)
            keys = StoreKeys.load_or_create(path / "key")
            temporary = path / f".user-{secrets.token_hex(4)}"
            temporary.touch(mode=0o600)
            temporary.write_bytes(keys.seal(_normal(user).encode(), purpose="user"))
            temporary.replace(path / "user")
        return path

    def open_store(
        self, user: str, create: bool = False, *, embeddings: Embeddings | None = None
    ) -> PrivateContextStore:
        """Opens the user's private context store; close it after use.

        Args:
            user: The user's name, as given when it was made.
            create: Make the directory if it isn't there.
            embeddings: As in `PrivateContextStore`.

        Raises:
            UserNotFoundError: Nothing is stored for the user, and `create` wasn't asked for.
        """
        path = self.create(user) if create else self._existing(user)
        return PrivateContextStore(
            path / "context",
            embeddings=embeddings,
            keys=StoreKeys.load(path / "key"),
            lock_timeout=self.lock_timeout,
        )

    def forget(self, user: str) -> None:
        """Removes the user's directory: key, context, vectors, ledger, locks.

        The key is overwritten first, so that what an interrupted removal leaves can't be read; the
        next `forget` clears it away.

        Raises:
            UserNotFoundError: Nothing is stored for the user.
            StoreLockedError: Another process is writing.
        """
        import filelock

        path = self._existing(user)
        leaving = self.root / f"{_LEAVING}{secrets.token_hex(8)}"
        make_private(path / "context")
        try:
            lock = path / "context" / "lock"
            with filelock.FileLock(lock, timeout=self.lock_timeout, mode=0o600):
                shred(path / "key")
                path.rename(leaving)
        except filelock.Timeout:
            raise StoreLockedError(
                f"Another process is writing to the store of user {user!r}.",
                hint="Wait until it is done, or end it, and try again.",
            ) from None
        for rest in self.root.glob(f"{_LEAVING}*"):
            shutil.rmtree(rest, ignore_errors=True)

    def _existing(self, user: str) -> Path:
        if not self.exists(user):
            raise UserNotFoundError(
                f"Nothing is stored for user {user!r} in {self.root}.",
                hint=f"Import something first: `cogenesis import FILE --user {user!r}`.",
            )
        return self.path(user)


def _normal(user: str) -> str:
    name = unicodedata.normalize("NFC", user).strip()
    if not name:
        raise ConfigurationError("The user's name is empty.", hint="Name the user: `--user NAME`.")
    return name
