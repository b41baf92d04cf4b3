from __future__ import annotations

import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.exceptions import StoreCorruptError, StoreError

KEYS = StoreKeys(bytes(range(32)))


def test_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    """The first call makes a 0600 file of 32 bytes, later ones read it."""
    path = tmp_path / "key"
    first, second = StoreKeys.load_or_create(path), StoreKeys.load_or_create(path)
    assert first.derive("x") == second.derive("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]
    assert len(path.read_bytes()) == 32


def test_racing_creators_agree(tmp_path: Path) -> None:
    """Whoever comes first makes the key; all others use it."""
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: StoreKeys.load_or_create(tmp_path / "key"), range(64)))
    assert len({keys.derive("x") for keys in made}) == 1


def test_a_key_file_of_another_length_is_named(tmp_path: Path) -> None:
    """A cut key file is an error that says which file and how long it is."""
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(StoreCorruptError, match=r"key holds 5 bytes, not 32"):
        StoreKeys.load_or_create(tmp_path / "key")
    with pytest.raises(StoreError, match="not 31"):
        StoreKeys(bytes(31))


def test_purposes_have_keys_of_their_own() -> None:
    """Derived keys differ by purpose and by secret, and stay the same from run to run."""
    other = StoreKeys(bytes(32))
    derived = {KEYS.derive("ledger"), KEYS.derive("ids"), other.derive("ledger")}
    assert len(derived) == 3
    assert KEYS.derive("ledger").hex().startswith("9a6cb435c88dec92")


def test_seal_and_open_are_inverse() -> None:
    """What was sealed opens again, and no two ciphertexts of one text are alike."""
    sealed = KEYS.seal(b"marmalade", b"position 1")
    assert KEYS.open(sealed, b"position 1") == b"marmalade"
    assert b"marmalade" not in sealed
    assert sealed != KEYS.seal(b"marmalade", b"position 1")


@pytest.mark.parametrize("cut", [0, 5, 27])
def test_short_ciphertext_does_not_open(cut: int) -> None:
    """A cut ciphertext is an error of ours."""
    with pytest.raises(StoreCorruptError, match="can't be opened"):
        KEYS.open(KEYS.seal(b"text")[:cut])


def test_nothing_but_the_same_key_data_and_purpose_opens() -> None:
    """Another key, another bound text, another purpose or a flipped bit: none opens."""
    sealed = KEYS.seal(b"text", b"a")
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    attempts = [
        lambda: StoreKeys(bytes(32)).open(sealed, b"a"),
        lambda: KEYS.open(sealed, b"b"),
        lambda: KEYS.open(sealed, b"a", purpose="ledger"),
        lambda: KEYS.open(flipped, b"a"),
    ]
    for attempt in attempts:
        with pytest.raises(StoreCorruptError):
            attempt()


def test_the_secret_is_withheld() -> None:
    """Neither repr nor pickle gives the secret away."""
    assert repr(KEYS) == "StoreKeys(<withheld>)"
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(KEYS)
