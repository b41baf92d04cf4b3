"""Another key for a user: kept elsewhere, or made anew, without a moment at which neither counts.

Everything new is written beside the old. Then the key file is replaced in one step, and it names
the folder that belongs to it: before that step the old key and the old folder count, after it the
new ones. What is left of the others is cleared away at once, or after a crash when the user's
store is next opened.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.encryption import SECRET_BYTES, StoreKeys
from langchain_cogenesis.context.files import (
    make_private,
    replace_private,
    shred,
    write_private,
)
from langchain_cogenesis.context.key_files import CONTEXT, KeyFile
from langchain_cogenesis.context.key_sources import (
    Encryption,
    PassphraseSource,
    drop_from_keyring,
    find_passphrase,
)
from langchain_cogenesis.context.locks import WriterLock
from langchain_cogenesis.context.shelf import Shelf
from langchain_cogenesis.exceptions import ConfigurationError, StoreCorruptError, StoreError
from langchain_cogenesis.syncing import sync_directory

KEY, USER = "key", "user"
_NEW, _OLD = ".key-new", ".key-old"
# What the ledger was written with stays its key: the chain is never written anew.
_CARRIED = "ledger"


def rekey(
    home: Path,
    name: bytes,
    to: Encryption | None = None,
    passphrase: PassphraseSource | None = None,
    *,
    new_secret: bool = False,
    lock_timeout: float = 5.0,
) -> Encryption:
    """Changes what keeps a user's secret, or the secret itself.

    Args:
        home: The user's directory.
        name: The user's name, which is sealed anew with a new secret.
        to: What is to keep the secret; by default what keeps it now.
        passphrase: Where the old and the new passphrase come from.
        new_secret: Make a new secret, and encrypt everything but the ledger with it. Vectors are
            then made anew when they are next needed: by a hosted embedding, if that is in use.
        lock_timeout: Seconds to wait for another writer.

    Returns:
        What keeps the secret now.

    Raises:
        ConfigurationError: Nothing would change, or encryption would be taken away.
        StoreError: A passphrase is wrong or missing, the keyring can't be used, or there is no
            room; the old key counts as before.
        StoreCorruptError: The key or the documents are damaged.
        StoreLockedError: Another process is writing.
    """
    before = KeyFile.read(home / KEY)
    to = to or before.encryption
    # What lay open has to be written anew before it can count as encrypted.
    new_secret = new_secret or before.encryption == "off"
    _check(before, to, new_secret=new_secret)
    keys = before.open(home / KEY, passphrase)
    if to == "passphrase":
        # Asked for before the lock is taken: people are slow.
        passphrase = find_passphrase(passphrase, new=True)
    shelf = Shelf(home / before.context, StaticEmbeddings(), keys, lock_timeout)
    try:
        with shelf.locked():
            tidy(home)
            try:
                _change(home, name, shelf, to, passphrase, new_secret=new_secret)
            finally:
                tidy(home)
    finally:
        shelf.close()
    return to


def _change(
    home: Path,
    name: bytes,
    shelf: Shelf,
    to: Encryption,
    passphrase: PassphraseSource | None,
    *,
    new_secret: bool,
) -> None:
    before = KeyFile.read(home / KEY)
    keys, folder, sealed = shelf.keys, before.context, before.name
    if new_secret:
        carried = {_CARRIED: keys.derive(_CARRIED)}
        keys = StoreKeys(secrets.token_bytes(SECRET_BYTES), carried=carried)
        folder = f"{CONTEXT}-{secrets.token_hex(4)}"
        sealed = keys.seal(name, purpose=USER)
    after = KeyFile.wrap(keys, to, passphrase, context=folder, name=sealed)
    if new_secret:
        make_private(home / folder)
        shelf.copy_to(home / folder, keys)
        sync_directory(home / folder)
    _replace(home, after)


def tidy(home: Path) -> None:
    """Clears away what an interrupted change of the key has left; needs the writer's lock.

    Does nothing where the key file can't be read: then it isn't known what counts.
    """
    try:
        current = KeyFile.read(home / KEY)
    except StoreCorruptError:
        return
    for path in home.glob(f"{CONTEXT}*"):
        if path.name != current.context:
            shutil.rmtree(path, ignore_errors=True)
    marker = home / USER
    if current.name is not None and not (marker.exists() and marker.read_bytes() == current.name):
        try:
            replace_private(marker, current.name)
        except OSError:
            # No room, say: the old key tells the next one to try again.
            return
    # Last, for by them it is seen that there is something to clear away.
    for path in home.glob(f".{KEY}-*"):
        _discard_key(path, home / KEY, current)


def tidy_if_free(home: Path, keys: StoreKeys) -> None:
    """The same, where there is something to clear away and nobody is writing."""
    if not _leftovers(home):
        return
    with suppress(StoreError, OSError):
        lock = WriterLock(home / KeyFile.read(home / KEY).context, keys, 0.0)
        with lock.held():
            tidy(home)


def drop_keys(home: Path) -> None:
    """Destroys a user's keys, those of an interrupted change too: what they sealed stays sealed."""
    # The file that counts comes last: as long as it is there, all of this can be done again.
    paths = (*home.glob(f".{KEY}-*"), home / KEY)
    for path in paths:
        with suppress(StoreCorruptError):
            entry = KeyFile.read(path).entry
            if entry is not None:
                drop_from_keyring(entry)
    for path in paths:
        shred(path)


def _check(before: KeyFile, to: Encryption, *, new_secret: bool) -> None:
    if to == "off":
        raise ConfigurationError(
            "Encryption isn't taken away from a store.",
            hint="Export the context, and import it for another user with `--plain`.",
        )
    if to == before.encryption == "file" and not new_secret:
        raise ConfigurationError(
            "The key is in its file already; nothing was changed.",
            hint="Name another place with `--to`, or add `--new-secret` for a new key.",
        )


def _replace(home: Path, after: KeyFile) -> None:
    # On disk before it is in the keyring, so that the entry's name can't be lost.
    write_private(home / _NEW, after.dump())
    after.put_deposit()
    try:
        os.link(home / KEY, home / _OLD)
    except OSError:
        # File systems without links.
        write_private(home / _OLD, (home / KEY).read_bytes())
    sync_directory(home)
    (home / _NEW).replace(home / KEY)
    sync_directory(home)


def _discard_key(path: Path, key: Path, current: KeyFile) -> None:
    if path.samefile(key):
        path.unlink()
        return
    with suppress(StoreCorruptError):
        entry = KeyFile.read(path).entry
        if entry is not None and entry != current.entry:
            drop_from_keyring(entry)
    shred(path)


def _leftovers(home: Path) -> bool:
    names = [path.name for path in home.iterdir()]
    contexts = sum(name.startswith(CONTEXT) for name in names)
    return contexts > 1 or any(name.startswith(f".{KEY}-") for name in names)
