"""The keys of one user's directory, and what is done with them.

One secret of 32 random bytes; every use derives a key of its own from it (HKDF-SHA256), so that
what one part learns does not help with another. Where the secret is kept, `key_files` knows.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from langchain_cogenesis.context.files import create_once
from langchain_cogenesis.exceptions import StoreCorruptError, StoreError

SECRET_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MAC_BYTES = 32
_SALT = b"langchain-cogenesis store keys, edition 1"


class StoreKeys:
    """The secret of one user's directory.

    Args:
        secret: 32 random bytes.
        encrypted: Off where the user wants to read the files: `seal` then only adds a checksum.
        carried: Derived keys, by purpose, that come from an earlier secret and outlive it.
        origin: The key file that this secret was read from.

    Raises:
        StoreError: The secret has another length.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        encrypted: bool = True,
        carried: Mapping[str, bytes] | None = None,
        origin: Path | None = None,
    ) -> None:
        if len(secret) != SECRET_BYTES:
            raise StoreError(
                f"A store key has {SECRET_BYTES} bytes, not {len(secret)}.",
                hint="Leave `keys` out to have one made and kept beside the store.",
            )
        self.encrypted = encrypted
        self.origin = origin
        self.carried = dict(carried or {})
        self._secret = bytes(secret)
        self._derived = dict(self.carried)

    def __repr__(self) -> str:
        return "StoreKeys(<withheld>)" if self.encrypted else "StoreKeys(encrypted=False)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("StoreKeys can't be pickled; load them from their file instead.")

    @classmethod
    def generate(cls) -> StoreKeys:
        """Makes a new random key that is kept in memory only."""
        return cls(secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def load_or_create(cls, path: str | os.PathLike[str]) -> StoreKeys:
        """Reads the key file, or makes one (mode 0600) if there is none.

        Two processes that come first at the same time end up with the same key.

        Raises:
            StoreCorruptError: The file doesn't hold 32 bytes.
        """
        path = Path(path)
        if not path.exists():
            create_once(path, secrets.token_bytes(SECRET_BYTES))
        return cls.load(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> StoreKeys:
        """Reads an existing key file.

        Raises:
            StoreCorruptError: The file is missing or doesn't hold 32 bytes.
        """
        path = Path(path)
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise StoreCorruptError(
                f"The key file {path} can't be read ({error.strerror}).",
                hint="Restore it from a backup; without it the store stays sealed, and "
                "`cogenesis context forget` removes it.",
            ) from None
        if len(secret) != SECRET_BYTES:
            raise StoreCorruptError(
                f"The key file {path} holds {len(secret)} bytes, not {SECRET_BYTES}.",
                hint="Restore it from a backup; without it the store stays sealed, and "
                "`cogenesis context forget` removes it.",
            )
        return cls(secret, origin=path)

    @property
    def secret(self) -> bytes:
        """The secret itself, for whoever wraps it."""
        return self._secret

    def derive(self, purpose: str) -> bytes:
        """Derives the 32-byte key for one purpose.

        Args:
            purpose: What the key is for, such as `documents`, `ids` or `ledger`.
        """
        if purpose not in self._derived:
            from cryptography.hazmat.primitives import hashes
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF

            kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=_SALT, info=purpose.encode())
            self._derived[purpose] = kdf.derive(self._secret)
        return self._derived[purpose]

    def seal(self, plaintext: bytes, aad: bytes = b"", *, purpose: str = "documents") -> bytes:
        """Encrypts with AES-256-GCM under a fresh random nonce.

        Args:
            plaintext: What to hide.
            aad: Bound to the ciphertext without being part of it; `open` needs the same.
            purpose: Which derived key to use.

        Returns:
            Nonce (12 bytes), ciphertext and tag (16 bytes), in this order; without encryption a
            checksum (32 bytes) and the plaintext.
        """
        if not self.encrypted:
            return self._checksum(plaintext, aad, purpose) + plaintext
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.derive(purpose)).encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, aad: bytes = b"", *, purpose: str = "documents") -> bytes:
        """Decrypts what `seal` returned.

        Raises:
            StoreCorruptError: The ciphertext, its `aad` or the key isn't what `seal` had.
        """
        plaintext = (self._decrypt if self.encrypted else self._compare)(sealed, aad, purpose)
        if plaintext is None:
            raise StoreCorruptError(
                f"A sealed record ({purpose}, {len(sealed)} bytes) can't be opened.",
                hint="It was changed, or sealed with another key: check that key file and data "
                "belong together.",
            )
        return plaintext

    def digest(self, data: bytes, *, purpose: str = "ids") -> str:
        """Keyed digest (HMAC-SHA256) as 64 hex digits; tells nothing without the key."""
        return hmac.new(self.derive(purpose), data, "sha256").hexdigest()

    def _decrypt(self, sealed: bytes, aad: bytes, purpose: str) -> bytes | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            return None
        cipher = AESGCM(self.derive(purpose))
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad)
        except InvalidTag:
            return None

    def _compare(self, sealed: bytes, aad: bytes, purpose: str) -> bytes | None:
        checksum, plaintext = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        whole = hmac.compare_digest(checksum, self._checksum(plaintext, aad, purpose))
        return plaintext if whole else None

    def _checksum(self, plaintext: bytes, aad: bytes, purpose: str) -> bytes:
        bound = len(aad).to_bytes(8, "big") + aad + plaintext
        return hmac.digest(self.derive(purpose), bound, "sha256")
