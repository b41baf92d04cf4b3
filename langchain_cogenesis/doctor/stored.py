"""Who else on the machine could read what is stored."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from langchain_cogenesis.context.directory import UserDirectories, import_command
from langchain_cogenesis.doctor.finding import Finding
from langchain_cogenesis.exceptions import CoGenesisError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEYS = ("key", "salt")


def check_stored(root: Path, user: str | None = None) -> Iterator[Finding]:
    """Looks at the modes of everything below the users' root; opens and changes nothing.

    Args:
        root: Where users' directories lie.
        user: Whose directory must be there; None looks at whatever is.
    """
    if not root.exists():
        yield _nothing(root, user)
        return
    if not root.is_dir() or not os.access(root, os.W_OK | os.X_OK):
        yield Finding(
            "store", "fail", f"{root} is no directory that can be written to",
            "Choose another with --store or COGENESIS_HOME.",
        )  # fmt: skip
        return
    yield _mode("store", root, [root], f"{root} is writable", "700")
    if user is not None:
        yield _user(root, user)
    top = _user_path(root, user) or root
    paths = [path for path in sorted(top.rglob("*")) if not path.is_symlink()]
    keys = [path for path in paths if path.is_file() and path.name in _KEYS]
    if top != root:
        keys += [root / "salt"]
    yield _mode("keys", root, keys, f"{len(keys)} files with mode 0600", "600")
    rest = [path for path in paths if path not in keys]
    yield _mode("stored files", root, rest, f"{len(rest)} files and folders, yours alone", "go-rwx")


def _nothing(root: Path, user: str | None) -> Finding:
    parent = next(path for path in root.absolute().parents if path.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        return Finding(
            "store", "fail", f"{root} can't be made: {parent} is not writable",
            "Choose another directory with --store or COGENESIS_HOME.",
        )  # fmt: skip
    if user is not None:
        return Finding("store", "fail", f"{root} does not exist", _import(user, root))
    return Finding("store", "ok", f"{root} does not exist yet, and can be made")


def _user(root: Path, user: str) -> Finding:
    try:
        there = UserDirectories(root).exists(user)
    except CoGenesisError as error:
        return Finding("user", "fail", error.message, error.hint or "")
    if there:
        return Finding("user", "ok", f"{user} has a directory")
    return Finding("user", "fail", f"nothing is stored for {user}", _import(user, root))


def _user_path(root: Path, user: str | None) -> Path | None:
    # Asking for a path makes the salt, so that it must be there before.
    if user is None or not (root / "salt").exists():
        return None
    try:
        path = UserDirectories(root).path(user)
    except CoGenesisError:
        return None
    return path if path.exists() else None


def _import(user: str, root: Path) -> str:
    return f"Import something: {import_command(user, root)}"


def _mode(check: str, root: Path, paths: list[Path], good: str, mode: str) -> Finding:
    open_ones = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue  # removed since it was listed
        foreign = hasattr(os, "getuid") and found.st_uid != os.getuid()
        if stat.S_IMODE(found.st_mode) & _OTHERS or foreign:
            open_ones.append(path)
    if not open_ones:
        return Finding(check, "ok", good)
    first = open_ones[0]
    return Finding(
        check,
        "fail",
        f"{len(open_ones)} can be read by others or are not yours, such as {first}",
        f"chmod -R go-rwx {root}" if mode == "go-rwx" else f"chmod {mode} {first}",
    )
