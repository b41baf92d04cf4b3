"""Whatever byte of whatever file of a ledger is changed, verification has a fault to tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger import EgressLedger

KEY = b"0123456789abcdef0123456789abcdef"
FILES = (
    "ledger.head",
    "ledger/chain.jsonl",
    "ledger/entries.jsonl",
    "ledger/chain-000001.jsonl",
    "ledger/entries-000001.jsonl",
    "ledger/chain-000002.jsonl",
    "ledger/entries-000002.jsonl",
)


def opened(root: Path, key: bytes = KEY) -> EgressLedger:
    return EgressLedger(root / "ledger", key, root / "ledger.head", segment_bytes=500)


def filled(root: Path, key: bytes = KEY) -> EgressLedger:
    """Five entries over three segments, one of them without its content."""
    ledger = opened(root, key)
    for number in range(5):
        ledger.append({"number": number})
    ledger.redact({1})
    return ledger


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is left as it is."""
    root = tmp_path_factory.mktemp("genuine")
    outcome = filled(root).verify()
    assert (outcome.faults, outcome.entries, outcome.removed) == ((), 5, 1)
    assert sorted(p.name for p in root.rglob("*.jsonl")) == sorted(
        Path(name).name for name in FILES[1:]
    )
    return root


@pytest.fixture
def root(genuine: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(genuine, tmp_path / "copy"))


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_byte_is_found(root: Path, name: str) -> None:
    """Each byte of each file, one bit of it flipped."""
    path, ledger = root / name, opened(root)
    raw = path.read_bytes()
    for index in range(len(raw)):
        changed = bytearray(raw)
        changed[index] ^= 1 << (index % 8)
        path.write_bytes(changed)
        assert not ledger.verify().intact, f"byte {index}"
    path.write_bytes(raw)
    assert ledger.verify().intact


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(FILES), st.data())
def test_any_other_byte_and_any_cut_is_found(root: Path, name: str, data: st.DataObject) -> None:
    """A byte that was replaced by any other, put in or taken out, and a file cut anywhere."""
    path, ledger = root / name, opened(root)
    raw = path.read_bytes()
    index = data.draw(st.integers(0, len(raw) - 1))
    how = data.draw(st.sampled_from(["replace", "insert", "remove", "cut"]))
    byte = data.draw(st.binary(min_size=1, max_size=1))
    changed = {
        "replace": raw[:index] + byte + raw[index + 1 :],
        "insert": raw[:index] + byte + raw[index:],
        "remove": raw[:index] + raw[index + 1 :],
        "cut": raw[:index],
    }[how]
    path.write_bytes(changed)
    try:
        assert ledger.verify().intact is (changed == raw)
    finally:
        path.write_bytes(raw)


def _remove(root: Path, kind: str, number: str) -> None:
    (root / "ledger" / f"{kind}{number}.jsonl").unlink()


def _swap(root: Path, kind: str) -> None:
    one, other = (root / "ledger" / f"{kind}-{number}.jsonl" for number in ("000001", "000002"))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _cut_last_line(root: Path, kind: str, number: str) -> None:
    path = root / "ledger" / f"{kind}{number}.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _reorder(root: Path, kind: str) -> None:
    path = root / "ledger" / f"{kind}-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(reversed(lines)))


def _copy(root: Path, name: str, other: str) -> None:
    shutil.copy(root / "ledger" / f"{name}.jsonl", root / "ledger" / f"{other}.jsonl")


def _both(root: Path, change: Callable[..., None], *more: str) -> None:
    for kind in ("chain", "entries"):
        change(root, kind, *more)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "first segment removed": lambda root: _both(root, _remove, ""),
    "middle segment removed": lambda root: _both(root, _remove, "-000001"),
    "last segment removed": lambda root: _both(root, _remove, "-000002"),
    "chain of a segment removed": lambda root: _remove(root, "chain", "-000001"),
    "contents of a segment removed": lambda root: _remove(root, "entries", "-000001"),
    "segments swapped": lambda root: _both(root, _swap),
    "contents swapped": lambda root: _swap(root, "entries"),
    "chain reordered": lambda root: _reorder(root, "chain"),
    "contents reordered": lambda root: _reorder(root, "entries"),
    "closed segment cut": lambda root: _both(root, _cut_last_line, "-000001"),
    "tail cut": lambda root: _both(root, _cut_last_line, "-000002"),
    "head removed": lambda root: (root / "ledger.head").unlink(),
    "directory removed": lambda root: shutil.rmtree(root / "ledger"),
    "segment added": lambda root: _copy(root, "chain-000001", "chain-000009"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_segments_are_found(root: Path, damage: Callable[[Path], None]) -> None:
    """A segment that was removed, swapped, reordered, cut or added."""
    damage(root)
    assert not opened(root).verify().intact


@pytest.mark.parametrize("damage", [n for n in DAMAGES if "segment" in n or "tail" in n])
def test_a_damage_that_a_look_at_the_ends_finds_stops_the_next_entry(
    root: Path, damage: str
) -> None:
    """Removed or cut chains and whatever is wrong with the last segment: nothing is added."""
    DAMAGES[damage](root)
    ledger = opened(root)
    if ledger.check().intact:
        assert damage in ("contents of a segment removed", "segment added")
        return
    with pytest.raises(LedgerError, match="doesn't hold together"):
        ledger.append({"event": "request"})


@pytest.mark.parametrize("name", FILES)
def test_files_of_another_key_are_found(root: Path, tmp_path: Path, name: str) -> None:
    """Somebody without the key can't write a single file that fits, nor all of them."""
    (tmp_path / "forged").mkdir()
    filled(tmp_path / "forged", b"x" * 32)
    (root / name).write_bytes((tmp_path / "forged" / name).read_bytes())
    assert not opened(root).verify().intact
    for other in FILES:
        (root / other).write_bytes((tmp_path / "forged" / other).read_bytes())
    assert not opened(root).verify().intact
