"""What a store should hold, written beside it."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.files import replace_private
from langchain_cogenesis.exceptions import StoreCorruptError, StoreError

FORMAT_VERSION = 2
SEALED_VECTORS = 2
"""The first format whose vectors are sealed; before it they were only turned by a rotation."""
_READABLE = (1, FORMAT_VERSION)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Counts and identities of a store; holds nothing private.

    Attributes:
        additions: Number of additions in the documents file.
        items: Number of items they amount to.
        embedding: Identity of the embedding behind the vectors.
        index: Name of the folder that holds the index; empty if there is none yet.
        key_check: Keyed digest by which another store's key is told apart.
        format: Version of the layout on disk.
    """

    additions: int
    items: int
    embedding: str
    index: str
    key_check: str
    format: int = FORMAT_VERSION

    @classmethod
    def read(cls, path: Path, keys: StoreKeys, *, lenient: bool = False) -> Manifest | None:
        """Reads a manifest.

        Args:
            path: Its file.
            keys: The store's keys, to be checked against it.
            lenient: Take a damaged file for a missing one.

        Returns:
            None if there is no such file.

        Raises:
            StoreError: The key belongs to another store, or a later version made it.
            StoreCorruptError: The file is damaged.
        """
        try:
            fields = json.loads(path.read_bytes())
            version = fields["format"]
            manifest = cls(**fields) if version in _READABLE else None
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            if lenient:
                return None
            raise StoreCorruptError(
                f"{path} can't be read as a manifest.",
                hint="Call `rebuild()` on the store to make it anew.",
            ) from None
        if manifest is None:
            raise StoreError(
                f"{path.parent} has the store format {version}; this version reads "
                f"{FORMAT_VERSION}.",
                hint="Use the version of langchain-cogenesis that wrote it, or a newer one.",
            )
        if not hmac.compare_digest(manifest.key_check, key_check(keys)):
            raise StoreError(
                f"The key doesn't belong to the store in {path.parent}.",
                hint="Pass the `keys` it was made with, or restore its key file.",
            )
        return manifest

    def write(self, path: Path) -> None:
        """Replaces the file in one step.

        Raises:
            OSError: It can't be written; the old one is still there.
        """
        replace_private(path, json.dumps(asdict(self), indent=2).encode())


def key_check(keys: StoreKeys) -> str:
    """The digest by which a key is recognised."""
    return keys.digest(b"the key of this store", purpose="manifest")
