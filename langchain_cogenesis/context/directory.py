"""All users of this device, one directory each, whose name doesn't tell whose it is.

::

    <root>/salt                 keys the directory names (0600)
    <root>/<digest>/key         the user's keys (0600)
    <root>/<digest>/user        the user's name, sealed
    <root>/<digest>/context/    the private context store; `context-…` after a new secret

Each user has a secret of their own, so that none of one user's files helps to read, search or
recognise another's. Whoever can read the root sees how many users there are; with the salt, which
lies there, a name that was guessed can be looked for, but not found without guessing.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import unicodedata
from contextlib import ExitStack
from pathlib import Path

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.files import (
    make_private,
    replace_private,
    room_for,
)
from langchain_cogenesis.context.key_files import CONTEXT, KeyFile
from langchain_cogenesis.context.key_sources import Encryption, PassphraseSource
from langchain_cogenesis.context.keys import open_keys
from langchain_cogenesis.context.locks import WriterLock
from langchain_cogenesis.context.rekey import KEY, USER, drop_keys, rekey, tidy_if_free
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    StoreError,
    StoreLockedError,
    UserNotFoundError,
)
from langchain_cogenesis.syncing import sync_directory

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
        passphrase: For users whose secret a passphrase keeps: that passphrase, or a function that
            asks for it and is told whether a new one is wanted; else `$COGENESIS_PASSPHRASE`, and
            for a new one `$COGENESIS_NEW_PASSPHRASE` before it.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        lock_timeout: float = 5.0,
        passphrase: PassphraseSource | None = None,
    ) -> None:
        self.root = Path(root) if root is not None else default_root()
        self.lock_timeout = lock_timeout
        self._passphrase = passphrase
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
        return (self.root / "salt").exists() and (self.path(user) / USER).exists()

    def users(self) -> tuple[str, ...]:
        """The names of the users whose key lies beside their store, sorted.

        Whose secret a passphrase or the keyring keeps isn't named, nor whose files can't be read.
        """
        names = []
        for sealed in self.root.glob(f"*/{USER}"):
            try:
                key = sealed.parent / KEY
                file = KeyFile.read(key)
                if file.encryption in ("file", "off"):
                    name = file.name if file.name is not None else sealed.read_bytes()
                    names.append(file.open(key).open(name, purpose=USER).decode())
            except (StoreError, OSError):
                continue
        return tuple(sorted(names))

    def encryption(self, user: str) -> Encryption:
        """What keeps the user's secret; `off` if the files lie open.

        Raises:
            UserNotFoundError: Nothing is stored for the user.
            StoreCorruptError: The key file is damaged.
        """
        return KeyFile.read(self._existing(user) / KEY).encryption

    def keys(self, user: str) -> StoreKeys:
        """The user's keys, from which those of the store and the ledger are derived.

        Raises:
            UserNotFoundError: Nothing is stored for the user.
            StoreError: The passphrase is wrong or missing, or the keyring can't be used.
        """
        return open_keys(self._existing(user) / KEY, None, self._passphrase, create=False)

    def create(self, user: str, encryption: Encryption | None = None) -> Path:
        """Makes the user's directory if it isn't there, and returns it.

        Args:
            user: The user's name.
            encryption: What is to keep the user's secret: the key `file` (the default), the OS
                `keyring`, a `passphrase`, or `off` to leave everything readable.

        Raises:
            ConfigurationError: The user is there, and the secret is kept otherwise.
            StoreError: There is no passphrase, or the keyring can't be used.
        """
        return self._create(user, encryption)[0]

    def open_store(
        self,
        user: str,
        create: bool = False,
        *,
        embeddings: Embeddings | None = None,
        encryption: Encryption | None = None,
    ) -> PrivateContextStore:
        """Opens the user's private context store; close it after use.

        Args:
            user: The user's name, as given when it was made.
            create: Make the directory if it isn't there.
            embeddings: As in `PrivateContextStore`.
            encryption: As in `create`.

        Raises:
            UserNotFoundError: Nothing is stored for the user, and `create` wasn't asked for.
            ConfigurationError: The secret is kept otherwise than asked for.
            StoreError: The passphrase is wrong or missing, or the keyring can't be used.
        """
        if create:
            path, keys = self._create(user, encryption)
        else:
            path = self._existing(user)
            keys = open_keys(path / KEY, encryption, self._passphrase, create=False)
        tidy_if_free(path, keys)
        return PrivateContextStore(
            path / KeyFile.read(path / KEY).context,
            embeddings=embeddings,
            keys=keys,
            lock_timeout=self.lock_timeout,
        )

    def rekey(
        self, user: str, to: Encryption | None = None, *, new_secret: bool = False
    ) -> Encryption:
        """Changes what keeps a user's secret, or the secret itself; see `rekey.rekey`.

        Args:
            user: The user's name.
            to: What is to keep the secret: `file`, `keyring` or `passphrase`; by default what
                keeps it now, with a new passphrase or a new key in the keyring.
            new_secret: Encrypt everything but the ledger with a new secret. Without it, who has a
                copy of the old key file can still read the store.

        Returns:
            What keeps the secret now.
        """
        path = self._existing(user)
        return rekey(
            path,
            _normal(user).encode(),
            to,
            self._passphrase,
            new_secret=new_secret,
            lock_timeout=self.lock_timeout,
        )

    def forget(self, user: str) -> None:
        """Removes the user's directory: key, context, vectors, ledger, locks.

        The key is overwritten first, so that what an interrupted removal leaves can't be read
        unless it lay open; to forget again clears it away.

        Raises:
            UserNotFoundError: Nothing is stored for the user.
            StoreLockedError: Another process is writing.
            StoreError: Something can't be removed.
        """
        path = self.path(user)
        # The rest of a removal, or of a creation, that was interrupted.
        rests = list(self.root.glob(f"{_LEAVING}{path.name}-*"))
        if not path.is_dir() and not rests:
            raise UserNotFoundError(
                f"There is no user {user!r} in {self.root}, so there is nothing to forget.",
                hint="Check the name, and the directory (--store or COGENESIS_HOME).",
            )
        if path.is_dir():
            try:
                self._take_away(path)
            except StoreLockedError:
                raise StoreLockedError(
                    f"Another process is writing to the store of user {user!r}.",
                    hint="Wait until it is done, or end it, and try again.",
                ) from None
        for rest in self.root.glob(f"{_LEAVING}*"):
            shutil.rmtree(rest, ignore_errors=True)
            if rest.exists():
                shutil.rmtree(rest, ignore_errors=True)
        sync_directory(self.root)
        remaining = next(self.root.glob(f"{_LEAVING}{path.name}-*"), None)
        if remaining is not None:
            raise StoreError(
                f"{remaining} can't be removed as a whole.",
                hint="Its key is destroyed. Close whatever has it open, and forget the user again.",
            )

    def _take_away(self, path: Path) -> None:
        contexts = sorted(found for found in path.glob(f"{CONTEXT}*") if found.is_dir())
        if not contexts:
            make_private(path / CONTEXT)
            contexts = [path / CONTEXT]
        with ExitStack() as locks:
            for context in contexts:
                lock = WriterLock(context, None, self.lock_timeout)
                locks.enter_context(lock.held())
            drop_keys(path)
            path.rename(self.root / f"{_LEAVING}{path.name}-{secrets.token_hex(8)}")

    def _create(self, user: str, encryption: Encryption | None) -> tuple[Path, StoreKeys]:
        path = self.path(user)
        make_private(path)
        keys = open_keys(
            path / KEY, encryption, self._passphrase, create=not (path / USER).exists()
        )
        if not (path / USER).exists():
            with room_for(path):
                replace_private(path / USER, keys.seal(_normal(user).encode(), purpose=USER))
        return path, keys

    def _existing(self, user: str) -> Path:
        if not self.exists(user):
            raise UserNotFoundError(
                f"Nothing is stored for user {user!r} in {self.root}.",
                hint=f"Import something: `{import_command(user, self.root)}`; or begin in Python "
                "with create=True.",
            )
        return self.path(user)


def import_command(user: str, root: Path) -> str:
    """The command that imports for a user into the directories below a root."""
    command = ["cogenesis", "import", "FILE", "--user", user]
    if root.expanduser().absolute() != default_root().absolute():
        command += ["--store", str(root)]
    return shlex.join(command)


def _normal(user: str) -> str:
    name = unicodedata.normalize("NFC", user).strip()
    if not name:
        raise ConfigurationError("The user's name is empty.", hint="Name the user: `--user NAME`.")
    return name
