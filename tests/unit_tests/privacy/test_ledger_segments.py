"""A ledger over several segments: rotation, reading a part, removing contents, older ledgers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.ledger_chain import content_line, entry_line
from langchain_cogenesis.privacy.ledger_keys import GENESIS, LedgerKeys

KEY = b"0123456789abcdef0123456789abcdef"


def opened(root: Path) -> EgressLedger:
    return EgressLedger(root / "ledger", KEY, root / "ledger.head", segment_bytes=900)


@pytest.fixture
def ledger(tmp_path: Path) -> EgressLedger:
    """Twelve entries over several segments."""
    made = opened(tmp_path)
    for number in range(12):
        made.append({"event": "request", "number": number})
    return made


def test_full_files_are_closed_and_new_ones_begun(ledger: EgressLedger) -> None:
    """Each segment goes on where the one before ends; all are the user's alone."""
    chains = sorted(ledger.directory.glob("chain-*.jsonl"))
    assert len(chains) > 2
    before = (ledger.directory / "chain.jsonl").read_bytes()
    for chain in chains:
        first = json.loads(chain.read_bytes().splitlines()[0])
        assert first["before"] == json.loads(before.splitlines()[-1])["link"]
        assert first["bytes"] == len(before)
        before = chain.read_bytes()
    assert all(path.stat().st_mode & 0o077 == 0 for path in ledger.directory.iterdir())
    assert ledger.verify().segments == len(chains) + 1


def test_a_closed_segment_is_never_written_again(ledger: EgressLedger) -> None:
    """More entries, also of another process, leave what is closed as it was."""
    closed = ledger.directory / "chain-000001.jsonl"
    before = (closed.read_bytes(), closed.stat().st_mtime_ns)
    for number in range(12):
        EgressLedger(
            ledger.directory, KEY, ledger.directory.parent / "ledger.head", segment_bytes=900
        ).append({"event": "request", "number": number})
    assert (closed.read_bytes(), closed.stat().st_mtime_ns) == before
    assert ledger.verify().intact
    assert ledger.count() == 24


@pytest.mark.parametrize("part", [(0, None), (0, 3), (4, 9), (11, None), (12, None), (5, 5)])
def test_a_part_is_read(ledger: EgressLedger, part: tuple[int, int | None]) -> None:
    """Any run of entries, wherever segments begin."""
    found = list(ledger.entries(*part))
    assert [entry.seq for entry in found] == list(range(12))[part[0] : part[1]]
    assert all(entry.content and entry.content["number"] == entry.seq for entry in found)


def test_a_part_is_read_without_the_rest(ledger: EgressLedger) -> None:
    """The last entries can be shown though an earlier segment is damaged."""
    (ledger.directory / "entries.jsonl").write_bytes(b"nonsense\n")
    assert [entry.seq for entry in ledger.entries(10)] == [10, 11]
    assert not ledger.verify().intact


def test_contents_of_old_segments_can_go(ledger: EgressLedger) -> None:
    """All of the first eight go; their places verify, and the rest stays readable."""
    before = sum(path.stat().st_size for path in ledger.directory.glob("entries*"))
    assert ledger.redact(range(8)) == 8
    assert sum(path.stat().st_size for path in ledger.directory.glob("entries*")) < before / 2
    outcome = ledger.verify()
    assert (outcome.faults, outcome.entries, outcome.removed) == ((), 12, 8)
    assert [entry.content is None for entry in ledger.entries()] == [True] * 8 + [False] * 4
    assert ledger.append({"event": "request"}) == 12
    assert ledger.redact(range(99)) == 5
    assert ledger.verify().intact
    assert ledger.append({"event": "request"}) == 13


def test_removing_from_nothing_makes_nothing(tmp_path: Path) -> None:
    """A ledger that was never written to has nothing to remove."""
    assert opened(tmp_path).redact(range(9)) == 0
    assert opened(tmp_path).verify().entries == 0
    assert opened(tmp_path).count() == 0


def test_opening_reads_the_last_segment_alone(ledger: EgressLedger) -> None:
    """An entry is added though a closed content was altered, which `verify()` tells."""
    path = ledger.directory / "entries-000001.jsonl"
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    later = opened(ledger.directory.parent)
    assert later.check().intact
    assert later.append({"event": "request"}) == 12
    assert not later.verify().intact


def first_format(root: Path, count: int, removed: frozenset[int] = frozenset()) -> None:
    """Writes the files of a ledger that knows of no segments, as they were written once."""
    keys, link = LedgerKeys(KEY), GENESIS
    chain = contents = b""
    for seq in range(count):
        payload = json.dumps({"event": "request", "number": seq, "time": "then"}).encode()
        line, link = entry_line(keys, link, seq, payload)
        chain += line
        contents += b"" if seq in removed else content_line(keys, seq, payload)
    (root / "ledger").mkdir()
    (root / "ledger" / "chain.jsonl").write_bytes(chain)
    (root / "ledger" / "entries.jsonl").write_bytes(contents)
    sizes = (len(chain), len(contents))
    head = {"count": count, "link": link, "sizes": sizes, "mac": keys.head(count, link, sizes)}
    (root / "ledger.head").write_text(json.dumps(head))


def test_an_older_ledger_goes_on(tmp_path: Path) -> None:
    """One of the first format verifies, removals included, and takes entries."""
    first_format(tmp_path, 4, frozenset({1}))
    assert (opened(tmp_path).verify().faults, opened(tmp_path).verify().removed) == ((), 1)
    assert opened(tmp_path).append({"event": "request", "number": 4}) == 4
    outcome = opened(tmp_path).verify()
    assert (outcome.faults, outcome.entries, outcome.removed) == ((), 5, 1)
    for number in range(5, 9):
        opened(tmp_path).append({"event": "request", "number": number})
    contents = [entry.content for entry in opened(tmp_path).entries()]
    numbers = [content and content["number"] for content in contents]
    assert numbers == [0, None, 2, 3, 4, 5, 6, 7, 8]
    assert opened(tmp_path).verify().segments > 1


@pytest.mark.parametrize("name", ["ledger.head", "ledger/chain.jsonl", "ledger/entries.jsonl"])
def test_damage_to_an_older_ledger_is_found(tmp_path: Path, name: str) -> None:
    """A flipped byte, and a line that vanished, are found in the first format too."""
    first_format(tmp_path, 2)
    path = tmp_path / name
    raw = path.read_bytes()
    for index in range(0, len(raw), 3):
        changed = bytearray(raw)
        changed[index] ^= 1
        path.write_bytes(changed)
        assert not opened(tmp_path).verify().intact, f"byte {index}"
    path.write_bytes(b"".join(raw.splitlines(keepends=True)[:-1]))
    assert not opened(tmp_path).verify().intact
    with pytest.raises(LedgerError, match="doesn't hold together"):
        opened(tmp_path).append({"event": "request"})


def test_an_older_head_does_not_excuse_missing_contents(tmp_path: Path) -> None:
    """Put back after the ledger moved on, it is found to be older than the chain."""
    first_format(tmp_path, 3)
    older = (tmp_path / "ledger.head").read_bytes()
    opened(tmp_path).append({"event": "request", "number": 3})
    (tmp_path / "ledger.head").write_bytes(older)
    assert not opened(tmp_path).verify().intact
    with pytest.raises(LedgerError, match="doesn't hold together"):
        opened(tmp_path).append({"event": "request"})
