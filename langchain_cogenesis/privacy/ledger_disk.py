"""Private files (mode 0600) whose bytes are on disk when a function returns."""

from __future__ import annotations

import os
from pathlib import Path

from langchain_cogenesis.syncing import sync, sync_directory

# Without it, Windows would write another byte for a line's end.
_BINARY = getattr(os, "O_BINARY", 0)


def read_bytes(path: Path) -> bytes:
    """All bytes of a file; none where there is no file.

    Raises:
        OSError: It is there and can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is no file."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def append(path: Path, data: bytes) -> None:
    """Writes at the end of a file, which is made if it isn't there.

    Raises:
        OSError: It can't be written; part of it may have been.
    """
    _write(path, data, os.O_APPEND | os.O_CREAT)


def overwrite(path: Path, data: bytes) -> None:
    """Writes over the first bytes of a file that is there.

    Raises:
        OSError: It can't be written.
    """
    _write(path, data, 0)


def replace_file(path: Path, data: bytes) -> None:
    """Replaces a file in one step: either the old bytes are there or the new ones.

    Raises:
        OSError: It can't be written; the old file is as it was.
    """
    temporary = path.with_name(path.name + ".new")
    _write(temporary, data, os.O_CREAT | os.O_TRUNC)
    temporary.replace(path)
    sync_directory(path.parent)


def truncate(path: Path, length: int) -> None:
    """Cuts a file, if it is there and longer.

    Raises:
        OSError: It can't be cut.
    """
    if size_of(path) > length:
        descriptor = os.open(path, os.O_WRONLY | _BINARY)
        try:
            os.ftruncate(descriptor, length)
            sync(descriptor)
        finally:
            os.close(descriptor)


def _write(path: Path, data: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | _BINARY | how, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        sync(descriptor)
    finally:
        os.close(descriptor)
