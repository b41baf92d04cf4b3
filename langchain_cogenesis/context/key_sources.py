"""Where the key that wraps a user's secret comes from: a passphrase, or the OS keyring."""

from __future__ import annotations

import base64
import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from langchain_cogenesis.context.encryption import SECRET_BYTES
from langchain_cogenesis.exceptions import ConfigurationError, StoreCorruptError, StoreError

if TYPE_CHECKING:
    from types import ModuleType

Encryption = Literal["file", "keyring", "passphrase", "off"]
"""What keeps a user's secret; `off` leaves the files readable."""

ENCRYPTIONS: tuple[Encryption, ...] = get_args(Encryption)

PassphraseSource = str | Callable[[bool], str]
"""A passphrase, or a function that asks for one; it is told whether a new one is wanted."""

PASSPHRASE_VARIABLE = "COGENESIS_PASSPHRASE"
NEW_PASSPHRASE_VARIABLE = "COGENESIS_NEW_PASSPHRASE"
KEYRING_SERVICE = "langchain-cogenesis"
MIN_PASSPHRASE = 8
# What a damaged or forged key file may ask for: 16 GiB would bring the machine to its knees.
_MAX_SCRYPT_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """Parameters of scrypt (RFC 7914): `n` a power of two; memory is 128 · n · r bytes.

    The default takes 128 MiB and about half a second, for each guess too.
    """

    n: int = 2**17
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        sound = self.n > 1 and self.n & (self.n - 1) == 0 and self.r > 0 and 0 < self.p <= 16
        if not sound or 128 * self.n * self.r > _MAX_SCRYPT_BYTES:
            raise ConfigurationError(
                f"scrypt can't be used with n={self.n}, r={self.r}, p={self.p}.",
                hint="Take a power of two for n, and 1 GiB at most for 128 * n * r.",
            )

    def derive(self, passphrase: str, salt: bytes) -> bytes:
        """The 32-byte key that a passphrase gives."""
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        # One and the same passphrase, however the keyboard composes its accents.
        text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
        return Scrypt(salt=salt, length=SECRET_BYTES, n=self.n, r=self.r, p=self.p).derive(text)


def find_passphrase(source: PassphraseSource | None, *, new: bool = False) -> str:
    """Gets the passphrase: the one given, else that of the environment.

    Args:
        source: A passphrase, a function that asks for one, or None for `$COGENESIS_PASSPHRASE`.
        new: Whether one is chosen now. `$COGENESIS_NEW_PASSPHRASE` then comes first.

    Raises:
        StoreError: There is none, or a new one is too short.
    """
    names = (NEW_PASSPHRASE_VARIABLE, PASSPHRASE_VARIABLE) if new else (PASSPHRASE_VARIABLE,)
    found: str | None
    if source is None:
        found = next((os.environ[name] for name in names if os.environ.get(name)), None)
    else:
        found = source(new) if callable(source) else source
    if not found:
        raise StoreError(
            "This store needs a passphrase, and none was given.",
            hint=f"Set ${PASSPHRASE_VARIABLE}, or give `passphrase`.",
        )
    if new and len(found) < MIN_PASSPHRASE:
        raise StoreError(
            f"A passphrase of {len(found)} characters is soon guessed.",
            hint=f"Take {MIN_PASSPHRASE} at least; several words are better than one.",
        )
    return found


def put_in_keyring(entry: str, key: bytes) -> None:
    """Puts a key into the OS keyring, and looks whether it is there.

    Raises:
        ConfigurationError: The `keyring` library is missing.
        StoreError: The keyring can't be used.
    """
    with _keyring() as keyring:
        keyring.set_password(KEYRING_SERVICE, entry, base64.b64encode(key).decode())
        kept = keyring.get_password(KEYRING_SERVICE, entry)
    if kept is None or base64.b64decode(kept) != key:
        raise StoreError(
            "The OS keyring took the key and doesn't give it back.",
            hint="Choose a key file or a passphrase instead.",
        )


def get_from_keyring(entry: str) -> bytes:
    """Gets a key from the OS keyring.

    Raises:
        ConfigurationError: The `keyring` library is missing.
        StoreError: The keyring can't be used.
        StoreCorruptError: The entry isn't there, or isn't a key.
    """
    with _keyring() as keyring:
        kept = keyring.get_password(KEYRING_SERVICE, entry)
    with suppress(ValueError):
        key = base64.b64decode(kept or "", validate=True)
        if len(key) == SECRET_BYTES:
            return key
    raise StoreCorruptError(
        f"The OS keyring has no key under {KEYRING_SERVICE!r}, {entry!r}.",
        hint="Sign in as the user who made the store, or restore the keyring from a backup; "
        "without it the store stays sealed, and `cogenesis context forget` removes it.",
    )


def drop_from_keyring(entry: str) -> None:
    """Removes a key from the OS keyring, if that can be reached; alone it opens nothing."""
    with suppress(StoreError, ConfigurationError), _keyring() as keyring:
        if keyring.get_password(KEYRING_SERVICE, entry) is not None:
            keyring.delete_password(KEYRING_SERVICE, entry)


@contextmanager
def _keyring() -> Iterator[ModuleType | Any]:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        raise ConfigurationError(
            "The OS keyring is reached through the `keyring` library, which isn't installed.",
            hint="Run `pip install 'langchain-cogenesis[keyring]'`, or choose a passphrase.",
        ) from None
    try:
        yield keyring
    except NoKeyringError:
        raise StoreError(
            "This system has no keyring that can be used (no desktop session, for one).",
            hint="Choose a passphrase or a key file: `--key passphrase`, `--key file`.",
        ) from None
    except (KeyringError, RuntimeError, OSError) as error:
        raise StoreError(
            f"The OS keyring refused ({type(error).__name__}).",
            hint="Unlock it and try again, or choose a passphrase or a key file.",
        ) from None
