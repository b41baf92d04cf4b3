"""The ledger finds every change, survives a kill, and takes entries from many writers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger import EgressLedger

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def ledger(tmp_path: Path) -> EgressLedger:
    """A ledger with three entries."""
    made = EgressLedger(tmp_path / "ledger", KEY)
    for number in range(3):
        made.append({"event": "request", "number": number, "body": "quiet words"})
    return made


def test_entries_come_back_in_order(ledger: EgressLedger) -> None:
    """What was appended is read again, with the time filled in."""
    contents = [entry.content for entry in ledger.entries()]
    assert [content["number"] for content in contents] == [0, 1, 2]
    assert all(content["time"].endswith("+00:00") for content in contents)
    assert ledger.verify().intact
    assert ledger.verify().entries == 3


def test_contents_are_ciphertext_on_disk(ledger: EgressLedger) -> None:
    """No file of the ledger holds what an entry says; the directory is the user's alone."""
    raw = b"".join(path.read_bytes() for path in ledger.directory.iterdir())
    assert b"quiet" not in raw
    assert ledger.directory.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in ledger.directory.iterdir())


@pytest.mark.parametrize("rows", [[0, 1], [0, 2], [1, 2], [1, 0, 2], [], [0, 1, 2, 2]])
def test_cut_reordered_and_repeated_entries_are_found(
    ledger: EgressLedger, rows: list[int]
) -> None:
    """A chain that isn't the one that was written is found, even where each line is genuine."""
    path = ledger.directory / "chain.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[row] for row in rows))
    assert not ledger.verify().intact


def test_a_recomputed_file_is_found(ledger: EgressLedger, tmp_path: Path) -> None:
    """Somebody without the key can't write a ledger that verifies."""
    forged = EgressLedger(tmp_path / "forged", b"x" * 32)
    forged.append({"event": "request", "number": 9})
    for path in forged.directory.iterdir():
        (ledger.directory / path.name).write_bytes(path.read_bytes())
    assert not ledger.verify().intact


def test_a_removed_content_leaves_a_tombstone(ledger: EgressLedger) -> None:
    """Contents can go; the chain still verifies and says how many went."""
    ledger.redact({1})
    outcome = ledger.verify()
    assert outcome.intact
    assert outcome.removed == 1
    assert [entry.content is None for entry in ledger.entries()] == [False, True, False]
    assert ledger.append({"event": "request"}) == 3
    assert ledger.verify().intact


def test_a_content_that_vanished_is_found(ledger: EgressLedger) -> None:
    """Taking a content out behind the ledger's back is no redaction."""
    path = ledger.directory / "entries.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert not ledger.verify().intact


@pytest.mark.parametrize("lost", ["head", "chain", "entries"])
def test_a_killed_write_is_mended(ledger: EgressLedger, lost: str) -> None:
    """Whatever a kill in the middle of a write left behind, the next append finds its way."""
    before = {path.name: path.read_bytes() for path in ledger.directory.iterdir()}
    ledger.append({"event": "request", "number": 3})
    if lost in ("head", "chain"):
        (ledger.directory / "head.json").write_bytes(before["head.json"])
    if lost == "chain":
        (ledger.directory / "chain.jsonl").write_bytes(before["chain.jsonl"] + b'{"seq": 3, "e')
    if lost == "entries":
        for name in ("head.json", "chain.jsonl"):
            (ledger.directory / name).write_bytes(before[name])
        (ledger.directory / "entries.jsonl").write_bytes(before["entries.jsonl"] + b'{"se')
    ledger.append({"event": "request", "number": 4})
    numbers = [entry.content["number"] for entry in ledger.entries() if entry.content]
    assert numbers == ([0, 1, 2, 3, 4] if lost == "head" else [0, 1, 2, 4])
    assert ledger.verify().intact


def test_a_cut_ledger_takes_no_more_entries(ledger: EgressLedger) -> None:
    """A ledger that was tampered with refuses, so that nothing is sent unrecorded."""
    path = ledger.directory / "chain.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(LedgerError, match="doesn't hold together"):
        ledger.append({"event": "request"})


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Where a ledger can't be, the error says that nothing was sent."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerError, match="Nothing was sent"):
        EgressLedger(tmp_path / "file" / "ledger", KEY).append({"event": "request"})


def test_a_ledger_that_was_removed_or_put_back_is_found(tmp_path: Path) -> None:
    """With its head elsewhere, an empty directory or an older copy of it does not verify."""
    made = EgressLedger(tmp_path / "ledger", KEY, tmp_path / "ledger.head")
    made.append({"event": "request", "number": 0})
    older = {path.name: path.read_bytes() for path in made.directory.iterdir()}
    made.append({"event": "request", "number": 1})
    assert made.verify().intact
    for name, raw in older.items():
        (made.directory / name).write_bytes(raw)
    assert not made.verify().intact
    for path in made.directory.iterdir():
        path.unlink()
    made.directory.rmdir()
    assert not made.verify().intact
    with pytest.raises(LedgerError, match="doesn't hold together"):
        EgressLedger(tmp_path / "ledger", KEY, tmp_path / "ledger.head").append({"event": "x"})


def test_an_altered_ledger_takes_no_more_entries(ledger: EgressLedger) -> None:
    """A flipped bit of the same length is found before the next entry of a new process."""
    path = ledger.directory / "entries.jsonl"
    raw = bytearray(path.read_bytes())
    raw[40] ^= 1
    path.write_bytes(raw)
    with pytest.raises(LedgerError, match="Nothing was sent"):
        EgressLedger(ledger.directory, KEY).append({"event": "request"})


def test_a_ledger_does_not_bring_back_a_user_who_was_forgotten(tmp_path: Path) -> None:
    """Without the directory that it lies in, nothing is written."""
    with pytest.raises(LedgerError, match="Nothing was sent"):
        EgressLedger(tmp_path / "gone" / "ledger", KEY).append({"event": "request"})
    assert not (tmp_path / "gone").exists()


def test_a_vanished_content_is_not_forgiven_by_the_next_entry(ledger: EgressLedger) -> None:
    """A file that lost a content is no killed write: nothing is added, and the fault stays."""
    path = ledger.directory / "entries.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    for writer in (ledger, EgressLedger(ledger.directory, KEY)):
        with pytest.raises(LedgerError, match="entry 2: its content is missing"):
            writer.append({"event": "request"})
    assert not ledger.verify().intact


def test_a_removed_content_that_is_put_back_is_found(ledger: EgressLedger) -> None:
    """The removal is part of the chain, so an older copy of the contents doesn't fit it."""
    path = ledger.directory / "entries.jsonl"
    older = path.read_bytes()
    assert ledger.redact({1, 7}) == 1
    assert ledger.redact({1}) == 0
    path.write_bytes(older)
    assert "there again" in ledger.verify().faults[0]


def test_a_head_that_was_removed_is_found(ledger: EgressLedger) -> None:
    """Without a head the end of the chain is anybody's guess, so nothing is added."""
    (ledger.directory / "head.json").unlink()
    assert not ledger.verify().intact
    with pytest.raises(LedgerError, match="head"):
        ledger.append({"event": "request"})


def test_a_submitted_entry_is_on_disk_when_its_result_is_there(tmp_path: Path) -> None:
    """`submit()` returns at once; many threads and both ways of adding share the numbers."""
    ledger = EgressLedger(tmp_path / "ledger", KEY)
    futures = [ledger.submit({"event": "request", "number": number}) for number in range(20)]
    assert ledger.append({"event": "request", "number": 20}) == 20
    for number, future in enumerate(futures):
        assert future.result() == number
        assert EgressLedger(tmp_path / "ledger", KEY).count() > number
    numbers = [entry.content["number"] for entry in ledger.entries() if entry.content]
    assert numbers == list(range(21))
    assert ledger.verify().intact


async def test_a_coroutine_waits_for_an_entry_without_holding_up_the_loop(tmp_path: Path) -> None:
    """The future can be awaited, and its error comes to the one who waits."""
    ledger = EgressLedger(tmp_path / "ledger", KEY)
    futures = [asyncio.wrap_future(ledger.submit({"event": "request"})) for _ in range(4)]
    assert await asyncio.gather(*futures) == [0, 1, 2, 3]
    gone = EgressLedger(tmp_path / "gone" / "ledger", KEY)
    with pytest.raises(LedgerError, match="Nothing was sent"):
        await asyncio.wrap_future(gone.submit({"event": "request"}))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_writes_on(tmp_path: Path) -> None:
    """A child of `fork()` has none of its parent's threads, and its entries arrive all the same."""
    program = """
        import os, sys
        from langchain_cogenesis.privacy.ledger import EgressLedger
        ledger = EgressLedger(sys.argv[1], bytes.fromhex(sys.argv[2]))
        ledger.submit({"event": "request"}).result()
        child = os.fork()
        ledger.submit({"event": "request"}).result(30)
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "l"), KEY.hex()]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    outcome = EgressLedger(tmp_path / "l", KEY).verify()
    assert (outcome.intact, outcome.entries) == (True, 3)


def test_threads_and_processes_share_one_ledger(tmp_path: Path) -> None:
    """Four threads here and two processes beside them lose no entry."""
    program = textwrap.dedent(
        """
        import sys
        from langchain_cogenesis.privacy.ledger import EgressLedger
        ledger = EgressLedger(sys.argv[1], bytes.fromhex(sys.argv[2]))
        for number in range(10):
            ledger.append({"event": "request", "number": number})
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path / "ledger"), KEY.hex()]
    children = [subprocess.Popen(command) for _ in range(2)]
    ledger = EgressLedger(tmp_path / "ledger", KEY)

    def write() -> None:
        for number in range(10):
            ledger.append({"event": "request", "number": number})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [child.wait(60) for child in children] == [0, 0]
    assert ledger.verify().intact
    assert ledger.verify().entries == 60
