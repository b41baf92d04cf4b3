"""The sealed file that holds a store's items: the source from which everything else is made.

After a header come frames, each an 8-byte length and one ciphertext. A frame holds one whole
`add`, so an addition is there or it isn't: a frame that was cut off by a crash is dropped, and the
position of each is bound into its ciphertext, so none can be moved, repeated or taken out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.schema import ContextItem
from langchain_cogenesis.exceptions import StoreCorruptError
from langchain_cogenesis.syncing import sync

_MAGIC = b"cogenesis-documents-1\n"
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True, repr=False)
class StoredItem:
    """An item of private context as the store holds it.

    Attributes:
        id: Keyed digest of its content.
        item: The piece of context.
        score: Relevance to the query, larger is better; 0 where nothing was searched for.
    """

    id: str
    item: ContextItem
    score: float = 0.0

    def __repr__(self) -> str:
        return f"StoredItem(<withheld>, kind={self.item.kind!r}, id={self.id[:8]!r})"


class DocumentLog:
    """Append-only file of sealed additions.

    Args:
        path: The file; made by the first `append` or `rewrite`.
        keys: The store's keys.
    """

    def __init__(self, path: Path, keys: StoreKeys) -> None:
        self.path = path
        self._keys = keys

    def __repr__(self) -> str:
        return f"DocumentLog(path={str(self.path)!r})"

    def read(self, *, committed: int, salvage: bool = False) -> tuple[list[StoredItem], int, int]:
        """Reads all whole additions.

        Args:
            committed: How many additions the manifest knows of; fewer readable ones are an error.
            salvage: Take what can be read, and leave out the rest without an error.

        Returns:
            The items in order of addition, the number of additions, and the length in bytes of what
            was readable.

        Raises:
            StoreCorruptError: A known addition is damaged or missing.
        """
        items: list[StoredItem] = []
        frames, end = 0, 0
        for plaintext, frame_end in self._frames(salvage):
            items.extend(_decode(plaintext))
            frames, end = frames + 1, frame_end
        if frames < committed and not salvage:
            raise self._damaged(f"{frames} of {committed} additions are there")
        return items, frames, end

    def append(self, items: Sequence[StoredItem], *, position: int, offset: int) -> None:
        """Adds one whole addition behind `offset` and waits until it is on disk.

        Args:
            items: What was added.
            position: Number of additions before this one.
            offset: Where the last whole addition ends; what lies behind it is cut off.
        """
        frame = self._frame(items, position)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(frame if offset else _MAGIC + frame)
            file.flush()
            sync(file.fileno())

    def rewrite(self, items: Sequence[StoredItem]) -> None:
        """Replaces the file by one that holds just these items, as one addition."""
        temporary = self.path.with_name(f".{self.path.name}-new")
        temporary.unlink(missing_ok=True)
        DocumentLog(temporary, self._keys).append(items, position=0, offset=0)
        temporary.replace(self.path)

    def _frame(self, items: Sequence[StoredItem], position: int) -> bytes:
        payload = [{"id": entry.id, **entry.item.model_dump(mode="json")} for entry in items]
        plaintext = json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")
        sealed = self._keys.seal(plaintext, _bound(position))
        return len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed

    def _damaged(self, what: str) -> StoreCorruptError:
        return StoreCorruptError(
            f"{self.path} is damaged: {what}.",
            hint="Restore the file from a backup, or call `rebuild(salvage=True)` to keep what can "
            "be read, and import the sources again.",
        )

    def _frames(self, salvage: bool) -> Iterator[tuple[bytes, int]]:
        """Yields the plaintext and the end offset of each whole frame."""
        content = self.path.read_bytes() if self.path.exists() else b""
        if not content.startswith(_MAGIC):
            if not _MAGIC.startswith(content) and not salvage:
                raise self._damaged("it doesn't begin as it should")
            return
        position, start = 0, len(_MAGIC)
        while start + _LENGTH_BYTES <= len(content):
            body = start + _LENGTH_BYTES
            end = body + int.from_bytes(content[start:body], "big")
            if end > len(content):
                # Cut off while it was written: that addition never happened.
                return
            try:
                yield self._keys.open(content[body:end], _bound(position)), end
            except StoreCorruptError:
                if not salvage:
                    raise self._damaged(f"addition {position + 1} can't be opened") from None
            position, start = position + 1, end


def _bound(position: int) -> bytes:
    return _MAGIC + position.to_bytes(8, "big")


def _decode(plaintext: bytes) -> Iterator[StoredItem]:
    records: list[dict[str, Any]] = json.loads(plaintext.decode("utf-8", "surrogatepass"))
    for record in records:
        identity = record.pop("id")
        yield StoredItem(identity, ContextItem.model_validate(record))
