"""The keyed digests, links and ciphertexts that the ledger is made of."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import cached_property
from typing import TYPE_CHECKING

from langchain_cogenesis.exceptions import LedgerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

GENESIS = "0" * 64
"""The link before the first entry."""

_NONCE_BYTES = 12


class LedgerKeys:
    """What can only be computed with the ledger's key; all digests are hexadecimal strings.

    Args:
        key: 32 secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._link_key = hmac.digest(key, b"ledger link", hashlib.sha256)
        self._seal_key = hmac.digest(key, b"ledger seal", hashlib.sha256)

    def __repr__(self) -> str:
        return "LedgerKeys(<withheld>)"

    def digest(self, payload: bytes) -> str:
        """The digest of an entry's content."""
        return self._mac(b"entry " + payload)

    def link(self, previous: str, seq: int, digest: str) -> str:
        """The link of entry `seq` to what stands before it in the chain."""
        return self._mac(f"link {previous} {seq} {digest}".encode())

    def removal(self, previous: str, ranges: str) -> str:
        """The link of a note that contents were removed to what stands before it.

        Args:
            previous: The link before.
            ranges: First and last number of each run of removed contents, as JSON.
        """
        return self._mac(f"removed {previous} {ranges}".encode())

    def opening(self, previous: str, number: int, first: int, length: int) -> str:
        """The link of a segment's first line to the last line of the segment before.

        Args:
            previous: That segment's last link.
            number: The new segment's number.
            first: The number of the first entry that it may hold.
            length: Bytes of the chain file of the segment before.
        """
        return self._mac(f"segment {previous} {number} {first} {length}".encode())

    def head(self, count: int, link: str, sizes: tuple[int, int]) -> str:
        """The seal of a head of the first format: entries, last link, bytes of the two files."""
        return self._mac(f"head {count} {link} {sizes[0]} {sizes[1]}".encode())

    def state(self, segment: int, count: int, link: str, sizes: tuple[int, int]) -> str:
        """The seal of a head: last segment, entries, last link, bytes of that segment's files."""
        return self._mac(f"state {segment} {count} {link} {sizes[0]} {sizes[1]}".encode())

    def seal(self, seq: int, payload: bytes) -> str:
        """Encrypts an entry's content (AES-GCM, bound to its number), as base64."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, payload, str(seq).encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, seq: int, token: str) -> bytes:
        """Decrypts an entry's content.

        Raises:
            LedgerError: The ciphertext was altered, or the key is another.
        """
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(token, validate=True)
            if base64.b64encode(raw).decode() != token:
                raise ValueError("spelled otherwise than it was written")
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], str(seq).encode())
        except (ValueError, InvalidTag) as error:
            raise LedgerError(
                f"entry {seq}: its content was altered, or the key is another",
                hint="Run `cogenesis ledger verify`.",
            ) from error

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._seal_key)

    def _mac(self, message: bytes) -> str:
        return hmac.digest(self._link_key, message, hashlib.sha256).hex()


def same(one: str, other: str) -> bool:
    """Compares two digests in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
