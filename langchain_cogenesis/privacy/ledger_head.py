"""The head of the ledger: how far the chain goes, kept apart from it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.privacy.ledger_keys import GENESIS, LedgerKeys, same


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries there are, the last link, and how long the two files were (bytes)."""

    count: int = 0
    link: str = GENESIS
    sizes: tuple[int, int] = (0, 0)


class HeadFile:
    """The head on disk, sealed with the ledger's key and replaced in one step.

    Args:
        path: Where it lies.
        keys: The ledger's keys.
    """

    def __init__(self, path: Path, keys: LedgerKeys) -> None:
        self.path = path
        self._keys = keys

    def read(self) -> Head | None:
        """The head, or None where there is none or it was altered."""
        try:
            row = json.loads(self.path.read_bytes())
            sizes = (int(row["sizes"][0]), int(row["sizes"][1]))
            head = Head(int(row["count"]), str(row["link"]), sizes)
            mac = str(row["mac"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        return head if same(mac, self._keys.head(head.count, head.link, head.sizes)) else None

    def write(self, head: Head) -> None:
        """Replaces the head.

        Raises:
            OSError: It can't be written.
        """
        mac = self._keys.head(head.count, head.link, head.sizes)
        row = {"count": head.count, "link": head.link, "sizes": head.sizes, "mac": mac}
        temporary = self.path.with_name(self.path.name + ".new")
        write_synced(temporary, json.dumps(row).encode(), os.O_TRUNC)
        temporary.replace(self.path)


def write_synced(path: Path, data: bytes, how: int) -> None:
    """Writes to a private file (mode 0600), and returns when it is on disk.

    Args:
        path: The file; made if it isn't there.
        data: The bytes.
        how: `os.O_APPEND` or `os.O_TRUNC`.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
