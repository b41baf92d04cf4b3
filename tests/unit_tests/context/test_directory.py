from __future__ import annotations

import stat
from pathlib import Path

import pytest

from langchain_cogenesis.context.directory import UserDirectories, default_root, import_command
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    StoreLockedError,
    UserNotFoundError,
)

NOTE = PrivateContext(activities=(Activity(text="bought a sousaphone"),))


@pytest.fixture
def directories(tmp_path: Path) -> UserDirectories:
    return UserDirectories(tmp_path / "root")


def _create(directories: UserDirectories, user: str) -> Path:
    with directories.open_store(user, create=True) as store:
        store.add(NOTE)
    return directories.path(user)


def test_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`$COGENESIS_HOME` counts, then the XDG data directory, then ~/.local/share."""
    monkeypatch.setenv("COGENESIS_HOME", str(tmp_path / "own"))
    assert default_root() == tmp_path / "own"
    monkeypatch.delenv("COGENESIS_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert default_root() == tmp_path / "xdg" / "cogenesis"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_root() == tmp_path / "home" / ".local/share/cogenesis"
    assert UserDirectories().root == default_root()


def test_a_user_is_created_and_found_again(directories: UserDirectories) -> None:
    """A store opened with `create` is there afterwards, for a new object too."""
    assert not directories.exists("Wren")
    assert not directories.root.exists()
    path = _create(directories, "Wren")
    again = UserDirectories(directories.root)
    assert again.exists("Wren")
    assert again.path("Wren") == path
    with again.open_store("Wren") as store:
        assert store.export() == NOTE
    assert sorted(entry.name for entry in path.iterdir()) == ["context", "key", "user"]


def test_names_are_not_on_disk(directories: UserDirectories) -> None:
    """The user's name is in no path and no file; another root gives other names."""
    path = _create(directories, "Wilhelmina")
    for entry in directories.root.rglob("*"):
        assert "wilhelmina" not in str(entry.relative_to(directories.root)).lower()
        assert not entry.is_file() or b"ilhelmina" not in entry.read_bytes()
    other = UserDirectories(directories.root.parent / "other")
    assert other.path("Wilhelmina").name != path.name


def test_users_are_listed(directories: UserDirectories) -> None:
    """All users are listed by name, sorted, whatever the name; broken ones are left out."""
    names = ["Zoë", "../../etc", "3_7_4", "名前", "a b"]
    assert directories.users() == ()
    for name in names:
        _create(directories, name)
    assert directories.users() == tuple(sorted(names))
    (directories.path("a b") / "key").write_bytes(b"x")
    assert directories.users() == tuple(sorted(set(names) - {"a b"}))


def test_spellings_of_one_name_are_one_user(directories: UserDirectories) -> None:
    """Composed and decomposed letters and outer spaces make no difference; case does."""
    assert directories.path("Zoe\u0308") == directories.path(" Zoë ")
    assert directories.path("zoë") != directories.path("Zoë")


def test_an_unknown_user_is_an_error(directories: UserDirectories) -> None:
    """Opening and keys say how to begin, in this very directory; there is nothing to forget."""
    command = f"cogenesis import FILE --user Nobody --store {directories.root}"
    for action in (directories.open_store, directories.keys):
        with pytest.raises(UserNotFoundError, match="'Nobody' in") as caught:
            action("Nobody")
        assert command in str(caught.value)
        assert "create=True" in str(caught.value)
    with pytest.raises(UserNotFoundError, match="no user 'Nobody' in") as caught:
        directories.forget("Nobody")
    assert str(directories.root) in str(caught.value)
    assert "import" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="name is empty"):
        directories.path("  ")


def test_the_command_that_imports_names_the_directory_where_it_must() -> None:
    """The default directory needs no option; odd names are quoted for the shell."""
    plain = "cogenesis import FILE --user nora"
    assert import_command("nora", default_root()) == plain
    assert import_command("nora", Path("app-store")) == f"{plain} --store app-store"
    assert import_command("Zoe L", default_root()).endswith("--user 'Zoe L'")


def test_everything_is_private_to_its_owner(directories: UserDirectories) -> None:
    """Directories are 0700 and files 0600, the root included."""
    _create(directories, "Wren")
    for path in (directories.root, *directories.root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_users_have_keys_of_their_own(directories: UserDirectories) -> None:
    """What one user's key sealed, another's doesn't open."""
    _create(directories, "a")
    _create(directories, "b")
    derived = {directories.keys(user).derive("ledger") for user in ("a", "b")}
    assert len(derived) == 2


def test_forget_removes_everything_of_one_user(directories: UserDirectories) -> None:
    """The directory goes, whatever else lies in it; other users stay."""
    path = _create(directories, "a")
    _create(directories, "b")
    (path / "ledger").mkdir()
    (path / "ledger" / "entries").write_text("{}")
    directories.forget("a")
    assert not path.exists()
    assert directories.users() == ("b",)
    assert {entry.name for entry in directories.root.iterdir()} == {
        "salt",
        directories.path("b").name,
    }
    with directories.open_store("a", create=True) as store:
        assert len(store) == 0


def test_forget_clears_what_an_interrupted_one_left(directories: UserDirectories) -> None:
    """The rest of a removal that was killed goes with the next one."""
    _create(directories, "a")
    (directories.root / ".leaving-0123").mkdir()
    (directories.root / ".leaving-0123" / "user").write_bytes(b"x")
    assert directories.users() == ("a",)
    directories.forget("a")
    assert [entry.name for entry in directories.root.iterdir()] == ["salt"]


def test_forget_waits_for_a_writer(directories: UserDirectories) -> None:
    """A user to whom another process writes isn't removed under its hands."""
    import filelock

    path = _create(directories, "a")
    directories.lock_timeout = 0.05
    with (
        filelock.FileLock(path / "context" / "lock"),
        pytest.raises(StoreLockedError, match="user 'a'"),
    ):
        directories.forget("a")
    with directories.open_store("a") as store:
        assert store.export() == NOTE
