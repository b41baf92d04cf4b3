"""Waits until what was written is on disk, where a power cut can't take it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

# On macOS, fsync() leaves the bytes in the drive's own memory.
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def sync(descriptor: int) -> None:
    """Returns when what was written to an open file is on disk.

    Raises:
        OSError: It isn't.
    """
    if _FULL_SYNC is not None:
        # Not every file system knows it.
        with suppress(OSError):
            fcntl.fcntl(descriptor, _FULL_SYNC)
            return
    os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """Returns when names that were made or changed in a directory are on disk."""
    # Not every system lets a directory be opened; those order such changes by themselves.
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
