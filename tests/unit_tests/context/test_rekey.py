"""Another key for a user: everything opens with the new one, and nothing with the old."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import keyring
import pytest
from file_keyring import FileKeyring

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.key_files import KeyFile
from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    StoreError,
    StoreLockedError,
    UserNotFoundError,
)
from langchain_cogenesis.session import UserSession, open_ledger

OLD, NEW = "the old passphrase", "the new passphrase"
USER = "Wilhelmina"


@pytest.fixture
def directories(tmp_path: Path) -> UserDirectories:
    return UserDirectories(tmp_path / "root", passphrase=lambda new: NEW if new else OLD)


def _fill(directories: UserDirectories, context: PrivateContext, encryption: str) -> Path:
    with UserSession(
        USER,
        directories.root,
        create=True,
        encryption=encryption,
        passphrase=OLD,  # type: ignore[arg-type]
    ) as session:
        session.add(context)
        session.ledger.append({"event": "request", "body": "[NAME_1]"})
    return directories.path(USER)


def _pieces(path: Path) -> set[bytes]:
    """Every piece of 16 bytes of what is sealed, by which it can be found again."""
    pieces = set()
    for name in ("context*/documents", "user"):
        for found in path.glob(name):
            content = found.read_bytes()
            start = 64 if found.name == "documents" else 0
            pieces |= {content[i : i + 16] for i in range(start, len(content) - 16, 16)}
    return pieces


@pytest.mark.parametrize("new_secret", [False, True])
@pytest.mark.parametrize(
    ("before", "to"),
    [
        ("file", "passphrase"),
        ("file", "keyring"),
        ("passphrase", "file"),
        ("passphrase", "passphrase"),
        ("keyring", "keyring"),
        ("keyring", "passphrase"),
        ("off", "file"),
    ],
)
def test_a_key_is_changed(
    directories: UserDirectories,
    wren: PrivateContext,
    ring: FileKeyring,
    before: str,
    to: str,
    new_secret: bool,
) -> None:
    """Context, search and ledger are as before; the old key file opens what the new one says."""
    path = _fill(directories, wren, before)
    old_file = KeyFile.read(path / "key")
    old_keys = old_file.open(path / "key", OLD)
    sealed = _pieces(path)
    ids = [entry.id for entry in _items(directories, OLD)]
    assert directories.rekey(USER, to, new_secret=new_secret) == to  # type: ignore[arg-type]
    again = UserDirectories(directories.root, passphrase=NEW)
    assert again.encryption(USER) == to
    with again.open_store(USER) as store:
        assert store.export() == wren
        assert store.search("theodolite", 1)[0].item.field == "purchase"
        assert store.encrypted
        ledger = open_ledger(path, store.keys)
        assert ledger.verify().intact
        [entry] = ledger.entries()
        assert entry.content is not None
        assert entry.content["body"] == "[NAME_1]"
        ledger.append({"event": "request"})
        assert ledger.verify().intact
        changed = new_secret or before == "off"
        assert (store.keys.secret != old_keys.secret) is changed
        assert bool({entry.id for entry in store.items()} & set(ids)) is not changed
    assert len(ring.entries) == (1 if to == "keyring" else 0)
    content = [found.read_bytes() for found in path.rglob("*") if found.is_file()]
    if changed:
        assert not [piece for data in content for piece in sealed if piece in data]
        assert not any(old_keys.secret in data for data in content)
    if to != "file":
        assert again.keys(USER).secret not in b"".join(content)


def _items(directories: UserDirectories, passphrase: str) -> tuple:  # type: ignore[type-arg]
    opening = UserDirectories(directories.root, passphrase=passphrase)
    with opening.open_store(USER) as store:
        return store.items()


def test_another_change_and_another(directories: UserDirectories, wren: PrivateContext) -> None:
    """Three new secrets in a row leave one folder, one key, and the ledger as it was."""
    path = _fill(directories, wren, "file")
    for _ in range(3):
        directories.rekey(USER, new_secret=True)
    assert len(list(path.iterdir())) == 5
    assert directories.users() == (USER,)
    with directories.open_store(USER) as store:
        assert store.export() == wren
        assert open_ledger(path, store.keys).verify().entries == 1


def test_what_changes_nothing_is_refused(
    directories: UserDirectories, wren: PrivateContext
) -> None:
    """File to file, to no encryption, for a user who isn't there: errors, and nothing changes."""
    path = _fill(directories, wren, "file")
    before = (path / "key").read_bytes()
    with pytest.raises(ConfigurationError, match="--new-secret"):
        directories.rekey(USER)
    with pytest.raises(ConfigurationError, match="isn't taken away"):
        directories.rekey(USER, "off", new_secret=True)
    with pytest.raises(UserNotFoundError):
        directories.rekey("Nobody", "passphrase")
    assert (path / "key").read_bytes() == before


def test_who_has_it_open_is_served_or_refused(
    directories: UserDirectories, wren: PrivateContext
) -> None:
    """The same secret kept elsewhere disturbs nobody; a new one refuses what is out of date."""
    path = _fill(directories, wren, "file")
    with directories.open_store(USER) as store:
        directories.rekey(USER, "passphrase")
        assert store.export() == wren
        assert store.add(wren).added == 0
        second = UserDirectories(directories.root, passphrase=NEW)
        second.rekey(USER, "file", new_secret=True)
        for use in (store.items, store.export, lambda: store.search("x"), lambda: store.add(wren)):
            with pytest.raises(StoreError, match="changed or removed since this store was opened"):
                use()
    assert len(list(path.glob("context*"))) == 1


def test_a_writer_keeps_the_key_from_being_changed(
    directories: UserDirectories, wren: PrivateContext
) -> None:
    """While another process writes, the key stays."""
    import filelock

    path = _fill(directories, wren, "file")
    directories.lock_timeout = 0.05
    with filelock.FileLock(path / "context" / "lock"), pytest.raises(StoreLockedError):
        directories.rekey(USER, "passphrase", new_secret=True)
    assert directories.encryption(USER) == "file"


def test_a_keyring_that_fails_leaves_the_old_key(
    directories: UserDirectories, wren: PrivateContext
) -> None:
    """The new key is not to be had: the old one counts, and nothing new lies about."""
    from keyring.backends.fail import Keyring as NoKeyring

    path = _fill(directories, wren, "file")
    names = sorted(found.name for found in path.iterdir())
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(StoreError, match="no keyring"):
            directories.rekey(USER, "keyring", new_secret=True)
    finally:
        keyring.set_keyring(before)
    assert sorted(found.name for found in path.iterdir()) == names
    assert _items(directories, OLD)


def test_no_room_leaves_the_old_key(
    directories: UserDirectories, wren: PrivateContext, tmp_path: Path
) -> None:
    """Where the documents don't fit a second time, that is said, and the old key counts."""
    path = _fill(directories, wren, "file")
    limit = (path / "context" / "documents").stat().st_size // 2
    code = """
import resource, sys
from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.exceptions import StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    UserDirectories(sys.argv[1]).rekey("Wilhelmina", new_secret=True)
except StoreError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(directories.root), str(limit)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert "There is no room to write" in done.stdout
    assert os.strerror(errno.EFBIG) in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert sorted(p.name for p in path.iterdir()) == [
        "context", "key", "ledger", "ledger.head", "user",
    ]  # fmt: skip
    with directories.open_store(USER) as store:
        assert store.export() == wren
