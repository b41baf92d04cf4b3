"""A user's keys, opened from their key file, or made."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from langchain_cogenesis.context.encryption import SECRET_BYTES, StoreKeys
from langchain_cogenesis.context.files import create_once, room_for
from langchain_cogenesis.context.key_files import KeyFile
from langchain_cogenesis.context.key_sources import (
    ENCRYPTIONS,
    Encryption,
    PassphraseSource,
    drop_from_keyring,
)
from langchain_cogenesis.context.manifest import key_check
from langchain_cogenesis.exceptions import ConfigurationError, StoreCorruptError, StoreError


def open_keys(
    path: Path,
    encryption: Encryption | None = None,
    passphrase: PassphraseSource | None = None,
    *,
    create: bool = True,
) -> StoreKeys:
    """Opens a key file, or makes one (mode 0600) if there is none.

    Two processes that come first at the same time end up with the same key.

    Args:
        path: The file.
        encryption: What is to keep a new secret; by default the file. One that is there already
            has to be kept that way.
        passphrase: A passphrase, or a function that asks for one; else `$COGENESIS_PASSPHRASE`.
        create: Whether a missing file is made.

    Raises:
        ConfigurationError: The secret is kept otherwise, or the `keyring` library is missing.
        StoreError: The passphrase is wrong or missing, or the keyring can't be used.
        StoreCorruptError: The file is damaged, or missing and not to be made.
    """
    if encryption is not None and encryption not in ENCRYPTIONS:
        raise ConfigurationError(
            f"Unknown encryption {encryption!r}.", hint=f"Choose among {', '.join(ENCRYPTIONS)}."
        )
    if create and not path.exists():
        return _create(path, encryption or "file", passphrase)
    found = KeyFile.read(path)
    if encryption not in (None, found.encryption):
        raise ConfigurationError(
            f"The key in {path} is kept by {found.encryption!r}, not by {encryption!r}.",
            hint="Leave the choice out, or change it with `cogenesis context rekey --to …`.",
        )
    return found.open(path, passphrase)


def _create(path: Path, encryption: Encryption, passphrase: PassphraseSource | None) -> StoreKeys:
    secret = secrets.token_bytes(SECRET_BYTES)
    keys = StoreKeys(secret, encrypted=encryption != "off", origin=path)
    made = KeyFile.wrap(keys, encryption, passphrase)
    made.put_deposit()
    with room_for(path.parent):
        if create_once(path, made.dump()):
            return keys
    if made.entry is not None:
        drop_from_keyring(made.entry)
    return open_keys(path, encryption, passphrase)


def require_current(keys: StoreKeys) -> None:
    """Checks that a secret still is the one that its key file leads to.

    Raises:
        StoreError: The user was forgotten, or given a new secret, since the key was read.
    """
    if keys.origin is None:
        return
    try:
        current = hmac.compare_digest(KeyFile.read(keys.origin).check, key_check(keys))
    except StoreCorruptError:
        current = False
    if not current:
        raise StoreError(
            f"The key in {keys.origin} was changed or removed since this store was opened.",
            hint="Close the store and open it again; nothing was written.",
        )
