"""What keeps a user's secret: a file, a passphrase, the keyring, or nothing."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import keyring
import pytest
from file_keyring import FileKeyring
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.key_files import KeyFile
from langchain_cogenesis.context.key_sources import ScryptCost, find_passphrase
from langchain_cogenesis.context.keys import open_keys, require_current
from langchain_cogenesis.exceptions import ConfigurationError, StoreCorruptError, StoreError

PASSPHRASE = "correct horse battery"
CHEAP = ScryptCost(n=2**10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.fixture(autouse=True)
def _no_passphrase_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COGENESIS_PASSPHRASE", raising=False)
    monkeypatch.delenv("COGENESIS_NEW_PASSPHRASE", raising=False)


@pytest.fixture
def sealed_by(path: Path) -> StoreKeys:
    """Keys whose file a passphrase opens, cheaply."""
    keys = StoreKeys.generate()
    path.write_bytes(KeyFile.wrap(keys, "passphrase", PASSPHRASE, cost=CHEAP).dump())
    return keys


def test_a_key_file_is_what_it_was() -> None:
    """The default is still the 32 bytes alone, which earlier versions read."""
    keys = StoreKeys.generate()
    assert KeyFile.wrap(keys, "file").dump() == keys.secret


def test_a_passphrase_opens_its_key_file(path: Path) -> None:
    """The secret comes back with the passphrase, and neither is in the file."""
    made = open_keys(path, "passphrase", PASSPHRASE)
    again = open_keys(path, None, lambda new: "" if new else PASSPHRASE)
    assert again.derive("x") == made.derive("x")
    content = path.read_bytes()
    assert made.secret not in content
    assert made.secret.hex().encode() not in content
    assert PASSPHRASE.encode() not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wrapping = json.loads(content)["wrapping"]
    assert (wrapping["n"], wrapping["r"], wrapping["p"]) == (2**17, 8, 1)
    assert len(bytes.fromhex(wrapping["salt"])) == 16


@pytest.mark.parametrize("wrong", ["Correct horse battery", PASSPHRASE + " ", "x"])
def test_a_wrong_passphrase_says_so(path: Path, sealed_by: StoreKeys, wrong: str) -> None:
    """The error names the file and what is wrong, and holds no passphrase."""
    with pytest.raises(StoreError, match=r"passphrase doesn't open .*key: it is wrong") as caught:
        open_keys(path, None, wrong)
    assert not isinstance(caught.value, StoreCorruptError)
    assert PASSPHRASE not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_passphrase_is_one_however_it_is_typed(path: Path) -> None:
    """Composed and decomposed accents are the same passphrase."""
    made = KeyFile.wrap(StoreKeys.generate(), "passphrase", "zo\u00eb's long one", cost=CHEAP)
    path.write_bytes(made.dump())
    assert open_keys(path, None, "zoe\u0308's long one").encrypted


def test_the_passphrase_of_the_environment(
    path: Path, sealed_by: StoreKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none is given the variable counts; where there is none either, that is said."""
    with pytest.raises(StoreError, match=r"none was given\. Set \$COGENESIS_PASSPHRASE"):
        open_keys(path)
    monkeypatch.setenv("COGENESIS_PASSPHRASE", PASSPHRASE)
    assert open_keys(path).derive("x") == sealed_by.derive("x")
    assert find_passphrase(None, new=True) == PASSPHRASE
    monkeypatch.setenv("COGENESIS_NEW_PASSPHRASE", "another long one")
    assert find_passphrase(None, new=True) == "another long one"
    assert find_passphrase(None) == PASSPHRASE


def test_a_new_passphrase_is_not_too_short(path: Path) -> None:
    """Seven characters are refused, and no key file is made."""
    with pytest.raises(StoreError, match="7 characters is soon guessed"):
        open_keys(path, "passphrase", "sesame!")
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"wrapping": {"salt": "00", "n": 2**40, "r": 8, "p": 1}},
        {"wrapping": {"salt": "00", "n": 1000, "r": 8, "p": 1}},
        {"wrapping": {}},
        {"wrapping": {"salt": "zz", "n": 1024, "r": 8, "p": 1}},
        {"secret": "?"},
        {"context": "../elsewhere"},
        {"context": "context/../../x"},
        {"encryption": "rot13"},
        {"format": 2},
    ],
)
def test_a_damaged_key_file_is_named(
    path: Path, sealed_by: StoreKeys, change: dict[str, object]
) -> None:
    """Parameters that can't be, a folder elsewhere, an unknown kind: the file is damaged."""
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    with pytest.raises(StoreCorruptError, match="key is damaged"):
        open_keys(path, None, PASSPHRASE)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_a_key_file_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever bit is flipped, the same secret comes out, or an error that names the file."""
    path = tmp_path_factory.mktemp("flip") / "key"
    keys = StoreKeys(bytes(range(32)), carried={"ledger": b"l" * 32})
    content = bytearray(KeyFile.wrap(keys, "file", context="context-1").dump())
    position = data.draw(st.integers(0, len(content) * 8 - 1))
    content[position // 8] ^= 1 << position % 8
    path.write_bytes(content)
    outcome = "the same"
    try:
        if open_keys(path).derive("documents") != keys.derive("documents"):
            outcome = "another secret"
    except StoreError as error:
        outcome = str(error)
    assert outcome == "the same" or str(path) in outcome or "sealed record" in outcome


def test_the_keyring_keeps_what_wraps_the_secret(path: Path, ring: FileKeyring) -> None:
    """Neither the file nor the keyring alone opens the store."""
    made = open_keys(path, "keyring")
    assert open_keys(path).derive("x") == made.derive("x")
    [(name, kept)] = ring.entries.items()
    assert name.startswith("langchain-cogenesis/")
    assert made.secret not in path.read_bytes()
    assert made.secret.hex() not in kept
    ring.delete_password("langchain-cogenesis", name.split("/")[1])
    with pytest.raises(StoreCorruptError, match="keyring has no key under"):
        open_keys(path)


def test_a_system_without_keyring_says_what_else_there_is(path: Path) -> None:
    """The library's own word for it becomes an error with the mend."""
    from keyring.backends.fail import Keyring as NoKeyring

    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(StoreError, match=r"no keyring that can be used.*passphrase"):
            open_keys(path, "keyring")
    finally:
        keyring.set_keyring(before)
    assert not path.exists()


def test_a_locked_keyring_is_an_error(path: Path) -> None:
    """What the backend raises is told by its kind alone."""

    class Locked(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            raise KeyringLocked("secret words of the backend")

        def set_password(self, service: str, username: str, password: str) -> None:
            raise KeyringLocked("secret words of the backend")

    before = keyring.get_keyring()
    keyring.set_keyring(Locked())
    try:
        with pytest.raises(StoreError, match=r"refused \(KeyringLocked\)") as caught:
            open_keys(path, "keyring")
    finally:
        keyring.set_keyring(before)
    assert "secret words" not in str(caught.value)


def test_without_the_library_the_extra_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not installed `keyring` is told how to."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'langchain-cogenesis\[keyring\]'"):
        open_keys(path, "keyring")


def test_a_key_is_kept_as_it_was(path: Path) -> None:
    """Another choice than the one that was made is an error; so is an unknown one."""
    open_keys(path)
    with pytest.raises(ConfigurationError, match=r"kept by 'file', not by 'passphrase'.*rekey"):
        open_keys(path, "passphrase", PASSPHRASE)
    with pytest.raises(ConfigurationError, match="file, keyring, passphrase, off"):
        open_keys(path, "vault")  # type: ignore[arg-type]


def test_without_encryption_everything_is_readable_and_damage_is_still_found(path: Path) -> None:
    """Text lies in the open, and a flipped bit is noticed."""
    keys = open_keys(path, "off")
    assert repr(keys) == "StoreKeys(encrypted=False)"
    sealed = keys.seal(b"marmalade", b"place")
    assert b"marmalade" in sealed
    assert open_keys(path).open(sealed, b"place") == b"marmalade"
    for changed, place in ((sealed[:-1] + b"!", b"place"), (sealed, b"elsewhere"), (b"", b"")):
        with pytest.raises(StoreCorruptError, match="can't be opened"):
            keys.open(changed, place)


def test_keys_know_when_they_are_out_of_date(path: Path) -> None:
    """The same secret wrapped otherwise is current; another one, or none, is not."""
    keys = open_keys(path)
    require_current(keys)
    path.write_bytes(KeyFile.wrap(keys, "passphrase", PASSPHRASE, cost=CHEAP).dump())
    require_current(keys)
    path.write_bytes(bytes(32))
    with pytest.raises(StoreError, match="changed or removed since"):
        require_current(keys)
    path.unlink()
    with pytest.raises(StoreError, match="changed or removed since"):
        require_current(keys)
