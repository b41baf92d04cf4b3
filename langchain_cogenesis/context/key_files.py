"""The file that leads to a user's secret: the one place where it is decided which secret counts.

Either the 32 bytes themselves, or a JSON object with the secret as it is (`file`, `off`) or wrapped
by a key that comes from a passphrase or lies in the OS keyring. It also says in which folder
the context lies that belongs to this secret, so that replacing this one file changes over from one
secret to another, or doesn't.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_cogenesis.context.encryption import SECRET_BYTES, StoreKeys
from langchain_cogenesis.context.key_sources import (
    ENCRYPTIONS,
    Encryption,
    PassphraseSource,
    ScryptCost,
    find_passphrase,
    get_from_keyring,
    put_in_keyring,
)
from langchain_cogenesis.context.manifest import key_check
from langchain_cogenesis.exceptions import ConfigurationError, StoreCorruptError, StoreError

CONTEXT = "context"
_FORMAT = 1
_LOST = (
    "Restore it from a backup; without it the store stays sealed, and `cogenesis context forget` "
    "removes it."
)


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """What a key file says.

    Attributes:
        encryption: What keeps the secret.
        payload: The secret, or the secret wrapped.
        check: Keyed digest by which the secret is recognised.
        context: Name of the folder that holds the context sealed with this secret.
        name: The user's name, sealed; None where it lies in a file of its own.
        carried: Derived keys that outlive an earlier secret, by purpose, sealed with this one.
        wrapping: How the wrapping key is found: scrypt's salt and cost, or the keyring's entry.
        deposit: A wrapping key that has yet to be put into the keyring.
    """

    encryption: Encryption
    payload: bytes
    check: str
    context: str = CONTEXT
    name: bytes | None = None
    carried: Mapping[str, bytes] = field(default_factory=dict)
    wrapping: Mapping[str, Any] = field(default_factory=dict)
    deposit: bytes | None = None

    def __repr__(self) -> str:
        return f"KeyFile(<withheld>, encryption={self.encryption!r})"

    @property
    def entry(self) -> str | None:
        """The entry of the keyring that holds the wrapping key."""
        entry = self.wrapping.get("entry")
        return str(entry) if entry else None

    @classmethod
    def wrap(
        cls,
        keys: StoreKeys,
        encryption: Encryption,
        passphrase: PassphraseSource | None = None,
        *,
        context: str = CONTEXT,
        name: bytes | None = None,
        cost: ScryptCost | None = None,
    ) -> KeyFile:
        """Wraps a secret as it is to be kept.

        Args:
            keys: The secret.
            encryption: What is to keep it.
            passphrase: Where a new passphrase comes from.
            context: Name of the folder that holds the context.
            name: The user's name, sealed with the secret.
            cost: Parameters of scrypt.

        Raises:
            StoreError: There is no passphrase, or it is too short.
        """
        payload, wrapping, deposit = keys.secret, dict[str, Any](), None
        if encryption == "passphrase":
            cost, salt = cost or ScryptCost(), secrets.token_bytes(16)
            wrapping = {"salt": salt.hex(), "n": cost.n, "r": cost.r, "p": cost.p}
            key = cost.derive(find_passphrase(passphrase, new=True), salt)
        elif encryption == "keyring":
            key = deposit = secrets.token_bytes(SECRET_BYTES)
            wrapping = {"entry": secrets.token_hex(16)}
        if wrapping:
            payload = StoreKeys(key).seal(keys.secret, _bound(wrapping), purpose="secret")
        carried = {
            purpose: keys.seal(value, purpose.encode(), purpose="carried")
            for purpose, value in keys.carried.items()
        }
        return cls(encryption, payload, key_check(keys), context, name, carried, wrapping, deposit)

    @classmethod
    def read(cls, path: Path) -> KeyFile:
        """Reads a key file; nothing is unwrapped yet.

        Raises:
            StoreCorruptError: It is missing, or not a key file.
        """
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise StoreCorruptError(
                f"The key file {path} can't be read ({error.strerror}).", hint=_LOST
            ) from None
        if len(raw) == SECRET_BYTES:
            return cls("file", raw, key_check(StoreKeys(raw)))
        if not raw.startswith(b"{"):
            raise StoreCorruptError(
                f"The key file {path} holds {len(raw)} bytes, not {SECRET_BYTES}.", hint=_LOST
            )
        try:
            return cls._parse(json.loads(raw))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StoreCorruptError(f"The key file {path} is damaged.", hint=_LOST) from None

    @classmethod
    def _parse(cls, row: dict[str, Any]) -> KeyFile:
        encryption, context = row["encryption"], str(row["context"])
        # A folder elsewhere would be read, and in the end removed.
        beside = context.startswith(CONTEXT) and Path(context).name == context
        if row["format"] != _FORMAT or encryption not in ENCRYPTIONS or not beside:
            raise ValueError
        return cls(
            encryption,
            base64.b64decode(row["secret"], validate=True),
            str(row["check"]),
            context,
            base64.b64decode(row["name"], validate=True) if row.get("name") else None,
            {k: base64.b64decode(v, validate=True) for k, v in row.get("carried", {}).items()},
            dict(row.get("wrapping", {})),
        )

    def dump(self) -> bytes:
        """The file's content; the secret alone where there is nothing to add to it."""
        plain = self.encryption == "file" and self.context == CONTEXT
        if plain and not self.carried and self.name is None:
            return self.payload
        row = {
            "format": _FORMAT,
            "encryption": self.encryption,
            "check": self.check,
            "context": self.context,
            "secret": base64.b64encode(self.payload).decode(),
            "wrapping": self.wrapping,
            "name": base64.b64encode(self.name).decode() if self.name is not None else None,
            "carried": {k: base64.b64encode(v).decode() for k, v in self.carried.items()},
        }
        return json.dumps(row, indent=2).encode()

    def put_deposit(self) -> None:
        """Puts the wrapping key into the keyring, if there is one to put there.

        Raises:
            ConfigurationError: The `keyring` library is missing.
            StoreError: The keyring can't be used.
        """
        if self.deposit is not None and self.entry is not None:
            put_in_keyring(self.entry, self.deposit)

    def open(self, path: Path, passphrase: PassphraseSource | None = None) -> StoreKeys:
        """Unwraps the secret.

        Args:
            path: The file it was read from.
            passphrase: Where the passphrase comes from.

        Raises:
            ConfigurationError: The `keyring` library is missing.
            StoreError: The passphrase is wrong or missing, or the keyring can't be used.
            StoreCorruptError: The file is damaged.
        """
        secret = self._unwrap(path, passphrase)
        encrypted = self.encryption != "off"
        if len(secret) != SECRET_BYTES:
            raise StoreCorruptError(f"The key file {path} is damaged.", hint=_LOST)
        plain = StoreKeys(secret, encrypted=encrypted)
        if not hmac.compare_digest(self.check, key_check(plain)):
            raise StoreCorruptError(f"The key file {path} is damaged.", hint=_LOST)
        carried = {
            purpose: plain.open(sealed, purpose.encode(), purpose="carried")
            for purpose, sealed in self.carried.items()
        }
        return StoreKeys(secret, encrypted=encrypted, carried=carried, origin=path)

    def _unwrap(self, path: Path, passphrase: PassphraseSource | None) -> bytes:
        if self.encryption in ("file", "off"):
            return self.payload
        try:
            if self.encryption == "keyring":
                key = get_from_keyring(str(self.wrapping["entry"]))
            else:
                cost = ScryptCost(*(int(self.wrapping[name]) for name in ("n", "r", "p")))
                salt = bytes.fromhex(self.wrapping["salt"])
                key = cost.derive(find_passphrase(passphrase), salt)
        except (ValueError, TypeError, KeyError, ConfigurationError) as error:
            if isinstance(error, ConfigurationError) and self.encryption == "keyring":
                raise
            raise StoreCorruptError(f"The key file {path} is damaged.", hint=_LOST) from None
        try:
            return StoreKeys(key).open(self.payload, _bound(self.wrapping), purpose="secret")
        except StoreCorruptError:
            if self.encryption == "keyring":
                raise StoreCorruptError(f"The key file {path} is damaged.", hint=_LOST) from None
            raise StoreError(
                f"The passphrase doesn't open {path}: it is wrong.",
                hint="Try again. (A key file that was altered looks the same.)",
            ) from None


def _bound(wrapping: Mapping[str, Any]) -> bytes:
    return json.dumps(wrapping, sort_keys=True).encode()
