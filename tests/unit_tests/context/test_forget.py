"""After `forget` nothing of a user is in any file: neither text, nor ciphertext, nor vector."""

from __future__ import annotations

from pathlib import Path

import pytest
from file_keyring import FileKeyring
from vectors_on_disk import sealed_vectors

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.key_sources import Encryption
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.exceptions import StoreError, UserNotFoundError
from langchain_cogenesis.session import UserSession, forget

CANARIES = (
    b"Wilhelmina", b"Thistlewood", b"Quillford", b"Tarnbrook", b"Fennel", b"tarantella",
    b"theodolite", b"Brindlecombe", b"marmalade", b"Ottoline",
)  # fmt: skip
USER = "Wilhelmina"


pytestmark = pytest.mark.usefixtures("ring")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def _fill(root: Path, context: PrivateContext, encryption: Encryption, many: int) -> list[bytes]:
    """Fills a user's directory; gives the secret, ids and vectors of which nothing may stay."""
    notes = tuple(Activity(text=f"note {number} of the regatta") for number in range(many))
    with UserSession(
        USER, root, create=True, encryption=encryption, passphrase="a long passphrase"
    ) as session:
        session.add(context)
        session.add(PrivateContext(activities=notes))
        session.store.search("theodolite")
        session.ledger.append({"event": "request", "body": "[NAME_1] theodolite"})
        entries = session.store.items()
        index = session.store._shelf.index
        if encryption == "off":
            vectors = index.embed([entry.item.text for entry in entries])
            stored = [row.tobytes()[64:128] for row in vectors if row.any()]
        else:
            sealed = sealed_vectors(index.directory).values()
            stored = [vector.encode()[64:128] for vector in sealed]
        assert len(stored) == len(entries)
        return [
            session.store.keys.secret,
            *(entry.id.encode() for entry in entries),
            *stored,
        ]


def _content(root: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


def _pieces(root: Path) -> list[bytes]:
    """32 bytes out of the middle of every file that is longer, and every line of the ledger."""
    pieces = []
    for path in root.rglob("*"):
        if path.is_file() and path.name != "salt":
            content = path.read_bytes()
            middle = content[len(content) // 2 :][:32]
            pieces += [middle] if len(content) > 64 and any(middle) else []
            if "ledger" in path.name or "ledger" in path.parent.name:
                pieces += [line[40:80] for line in content.splitlines() if len(line) > 80]
    return pieces


@pytest.mark.parametrize("many", [3, 1100])
@pytest.mark.parametrize("encryption", ["off", "file", "passphrase", "keyring"])
def test_nothing_is_left(
    root: Path, ring: FileKeyring, wren: PrivateContext, encryption: Encryption, many: int
) -> None:
    """What could be found in the files before is in none of them after."""
    noted = _fill(root, wren, encryption, many)
    before = _content(root)
    pieces = _pieces(root)
    assert len(pieces) >= 5
    # The search finds what is there: plaintext in plain mode, ids and vectors in both,
    # sealed or not.
    assert [canary in before for canary in CANARIES] == [encryption == "off"] * len(CANARIES)
    assert sum(piece in before for piece in noted[1:]) >= len(noted) - 2
    forget(USER, root)
    after = _content(root)
    assert not [piece for piece in (*noted, *pieces, *CANARIES) if piece in after]
    assert [path.name for path in root.iterdir()] == ["salt"]
    assert ring.entries == {}
    with pytest.raises(UserNotFoundError):
        forget(USER, root)


def test_replaced_text_goes_with_a_rebuild(root: Path, wren: PrivateContext) -> None:
    """In plain mode an old employer stays in the documents until they are written anew."""
    _fill(root, wren, "off", 1)
    assert wren.profile is not None
    moved = wren.profile.model_copy(update={"company": "Sextant & Daughters"})
    with UserDirectories(root).open_store(USER) as store:
        store.add(PrivateContext(profile=moved))
        assert b"Quillford Maps" in _content(root)
        store.rebuild()
    assert b"Quillford Maps" not in _content(root)
    assert b"Sextant" in _content(root)


def test_the_others_stay(root: Path, wren: PrivateContext) -> None:
    """One user goes, another is as before, byte for byte."""
    _fill(root, wren, "file", 1)
    directories = UserDirectories(root)
    with directories.open_store("Tomas", create=True) as store:
        store.add(wren)
    before = _content(directories.path("Tomas"))
    directories.forget(USER)
    assert _content(directories.path("Tomas")) == before
    assert directories.users() == ("Tomas",)


def test_who_still_has_it_open_brings_nothing_back(root: Path, wren: PrivateContext) -> None:
    """A store and a ledger that were open in the meantime write no remnant."""
    from langchain_cogenesis.exceptions import LedgerError

    _fill(root, wren, "file", 1)
    with UserSession(USER, root) as session:
        session.store.search("theodolite")
        forget(USER, root)
        for use in (lambda: session.add(wren), session.store.items, session.store.rebuild):
            with pytest.raises(StoreError, match="changed or removed since this store was opened"):
                use()
        with pytest.raises(LedgerError):
            session.ledger.append({"event": "request"})
    assert [path.name for path in root.iterdir()] == ["salt"]


def test_a_user_made_anew_is_not_mixed_with_the_old(root: Path, wren: PrivateContext) -> None:
    """Who had the forgotten user open can't write into the directory of the new one."""
    _fill(root, wren, "file", 1)
    directories = UserDirectories(root)
    with directories.open_store(USER) as old:
        directories.forget(USER)
        with directories.open_store(USER, create=True) as new:
            new.add(PrivateContext(activities=(Activity(text="a new life"),)))
            with pytest.raises(StoreError, match="changed or removed"):
                old.add(wren)
            assert [entry.item.text for entry in new.items()] == ["Note: a new life"]


def test_what_interrupted_removals_left_is_found_by_name(root: Path, wren: PrivateContext) -> None:
    """A removal that got as far as the rename is ended by forgetting the same user again."""
    _fill(root, wren, "off", 1)
    directories = UserDirectories(root)
    path = directories.path(USER)
    path.rename(root / f".leaving-{path.name}-0123")
    directories.forget(USER)
    assert [found.name for found in root.iterdir()] == ["salt"]


def test_a_user_whose_key_is_lost_can_be_forgotten(root: Path, wren: PrivateContext) -> None:
    """Neither a damaged key file nor a passphrase that nobody knows keeps a user."""
    _fill(root, wren, "passphrase", 1)
    directories = UserDirectories(root)
    (directories.path(USER) / "key").write_bytes(b"{damaged")
    directories.forget(USER)
    assert [found.name for found in root.iterdir()] == ["salt"]


def test_no_memory_of_the_process_gets_into_the_index(tmp_path: Path) -> None:
    """Chroma writes room that it never filled: what lay there before must not be in the file."""
    secret = b"PLAINTEXT marmalade "
    directories = UserDirectories(tmp_path / "many")
    for number in range(12):
        with directories.open_store(str(number), create=True) as store:
            # Many blocks of the size that Chroma asks for, full of text, and given back.
            blocks = [bytearray(secret * 5700) for _ in range(40)]
            del blocks
            store.add(PrivateContext(activities=(Activity(text="x"),)))
            store.search("x")
    files = list((tmp_path / "many").rglob("data_level0.bin"))
    assert len(files) == 12
    assert not [path for path in files if any(path.read_bytes())]
