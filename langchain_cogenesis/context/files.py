"""What every file of the store has in common: private to its owner, whole or not there."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from langchain_cogenesis.exceptions import StoreError
from langchain_cogenesis.syncing import sync, sync_directory

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})

_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO})


def make_private(directory: Path) -> None:
    """Makes a directory that only its owner can look into (mode 0700).

    Raises:
        StoreError: It can't be made, or isn't ours.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"{directory} can't be used as a store's directory ({error.strerror}).",
            hint="Choose a directory that you own and that is not a file.",
        ) from None


def write_private(path: Path, data: bytes) -> None:
    """Writes a new file (mode 0600) in place of one that may be there; waits until it is on disk.

    Args:
        path: The file. It is emptied first: to replace one in a single step, write another and
            rename it.
        data: Its content.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        sync(file.fileno())


def replace_private(path: Path, data: bytes) -> None:
    """Replaces a file in one step: whoever reads it, after a crash too, finds the old or the new.

    Args:
        path: The file.
        data: Its new content.
    """
    temporary = path.with_name(f".{path.name}-new")
    write_private(temporary, data)
    temporary.replace(path)
    sync_directory(path.parent)


def create_once(path: Path, data: bytes) -> bool:
    """Makes a file (mode 0600) with its whole content, unless somebody else was first.

    Args:
        path: The file.
        data: Its content.

    Returns:
        Whether it was made; if not, what was there counts.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        write_private(temporary, data)
        # A link, unlike a rename, fails if another process was first.
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # File systems without links: the race is then as narrow as it can be.
        if path.exists():
            return False
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)
    return True


def shred(path: Path) -> None:
    """Overwrites a key file before it is removed.

    A journal, a snapshot or the wear levelling of a flash disk may still hold the old content.
    """
    with suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            sync(file.fileno())
        path.unlink(missing_ok=True)


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Inode, size in bytes and modification time in ns; zeros if there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def room_for(directory: Path) -> Iterator[None]:
    """Says in a sentence that there is no room, or that a file can't be written.

    Raises:
        StoreError: The file system refused.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(
                f"There is no room to write in {directory} ({error.strerror}).",
                hint="Nothing was stored, and what was there is as before. Free some space, or "
                "raise the limit on the size of files, and try again.",
            ) from None
        if error.errno in _REFUSED:
            raise StoreError(
                f"{directory} can't be written ({error.strerror}).",
                hint="Nothing was stored. Check that the directory is yours and writable.",
            ) from None
        # Something else may have failed on the way, such as a connection to a hosted embedding.
        raise
