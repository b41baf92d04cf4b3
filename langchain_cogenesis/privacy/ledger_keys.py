"""The keyed digests, links and ciphertexts that the ledger is made of."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from langchain_cogenesis.exceptions import LedgerError

GENESIS = "0" * 64
"""The link before the first entry."""


class LedgerKeys:
    """What can only be computed with the ledger's key; all digests are hexadecimal strings.

    Args:
        key: 32 secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._link_key = hmac.digest(key, b"ledger link", hashlib.sha256)
        self._seal_key = hmac.digest(key, b"ledger seal", hashlib.sha256)

    def digest(self, payload: bytes) -> str:
        """The digest of an entry's content."""
        return self._mac(b"entry " + payload)

    def link(self, previous: str, seq: int, digest: str) -> str:
        """The link of entry `seq` to the one before."""
        return self._mac(f"link {previous} {seq} {digest}".encode())

    def head(self, count: int, link: str, sizes: tuple[int, int]) -> str:
        """The seal of the head: number of entries, last link, bytes of the two files."""
        return self._mac(f"head {count} {link} {sizes[0]} {sizes[1]}".encode())

    def seal(self, seq: int, payload: bytes) -> str:
        """Encrypts an entry's content (AES-GCM, bound to its number), as base64."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        sealed = AESGCM(self._seal_key).encrypt(nonce, payload, str(seq).encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, seq: int, token: str) -> bytes:
        """Decrypts an entry's content.

        Raises:
            LedgerError: The ciphertext was altered, or the key is another.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.b64decode(token, validate=True)
            if base64.b64encode(raw).decode() != token:
                raise ValueError("spelled otherwise than it was written")
            return AESGCM(self._seal_key).decrypt(raw[:12], raw[12:], str(seq).encode())
        except (ValueError, InvalidTag) as error:
            raise LedgerError(
                f"entry {seq}: its content was altered, or the key is another",
                hint="Run `cogenesis ledger verify`.",
            ) from error

    def _mac(self, message: bytes) -> str:
        return hmac.digest(self._link_key, message, hashlib.sha256).hex()


def same(one: str, other: str) -> bool:
    """Compares two digests in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
