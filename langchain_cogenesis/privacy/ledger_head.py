"""The head of the ledger: how far the chain goes, kept apart from it.

One disk sector, written in place, which disks write as a whole: no write makes or renames a file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langchain_cogenesis.privacy.ledger_disk import overwrite, read_bytes, replace_file
from langchain_cogenesis.privacy.ledger_keys import GENESIS, LedgerKeys, same

_SECTOR_BYTES = 512
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes.

    Attributes:
        count: Entries in all.
        link: The last link of the chain.
        sizes: Bytes of the last segment's two files: chain and contents.
        segment: The last segment's number, from 0.
        format: 2; or 1 in a ledger that knows of no segments and notes no removals of contents.
            It becomes one of the second format with its next entry.
    """

    count: int = 0
    link: str = GENESIS
    sizes: tuple[int, int] = (0, 0)
    segment: int = 0
    format: int = _FORMAT


class HeadFile:
    """The head on disk, sealed with the ledger's key.

    Args:
        path: Where it lies.
        keys: The ledger's keys.
    """

    def __init__(self, path: Path, keys: LedgerKeys) -> None:
        self.path = path
        self._keys = keys

    def read(self) -> Head | None:
        """The head, or None where there is none or it was altered.

        Raises:
            OSError: The file can't be read.
        """
        raw = read_bytes(self.path)
        row = _json_object(raw)
        try:
            sizes = (int(row["sizes"][0]), int(row["sizes"][1]))
            head = Head(int(row["count"]), str(row["link"]), sizes, format=1)
            if "segment" in row:
                head = replace(head, segment=int(row["segment"]), format=_FORMAT)
            mac = str(row["mac"])
        except (ValueError, KeyError, TypeError, IndexError):
            return None
        if not same(mac, self._seal(head)):
            return None
        # Spelled as it was written, or somebody else wrote it.
        return head if self._spell(head) == raw else None

    def write(self, head: Head, *, anew: bool = False) -> None:
        """Writes the head, and returns when it is on disk.

        Args:
            head: The head, of the second format.
            anew: Whether the file isn't there yet, or is of the first format.

        Raises:
            OSError: It can't be written.
        """
        if anew:
            replace_file(self.path, self._spell(head))
        else:
            overwrite(self.path, self._spell(head))

    def _spell(self, head: Head) -> bytes:
        row = {"count": head.count, "link": head.link, "sizes": list(head.sizes)}
        if head.format == 1:
            return json.dumps({**row, "mac": self._seal(head)}).encode()
        row = {"segment": head.segment, **row, "mac": self._seal(head)}
        return json.dumps(row).encode().ljust(_SECTOR_BYTES - 1) + b"\n"

    def _seal(self, head: Head) -> str:
        if head.format == 1:
            return self._keys.head(head.count, head.link, head.sizes)
        return self._keys.state(head.segment, head.count, head.link, head.sizes)


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
