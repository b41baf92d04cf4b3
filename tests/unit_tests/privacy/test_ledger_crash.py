"""A ledger whose writers are killed, run out of disk, or are many at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from langchain_cogenesis.exceptions import LedgerError
from langchain_cogenesis.privacy.ledger import EgressLedger

KEY = b"0123456789abcdef0123456789abcdef"
WRITER = textwrap.dedent(
    """
    import sys
    from langchain_cogenesis.privacy.ledger import EgressLedger
    root, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ledger = EgressLedger(
        root + "/ledger", bytes.fromhex(sys.argv[4]), root + "/head", segment_bytes=8000
    )
    for number in range(count):
        ledger.append({"event": "request", "writer": name, "number": number})
        print(number, flush=True)
    """
)
posix = pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")


def opened(root: Path) -> EgressLedger:
    return EgressLedger(root / "ledger", KEY, root / "head", segment_bytes=8000)


def start(root: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(root), name, str(count), KEY.hex()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def recorded(ledger: EgressLedger, name: str) -> list[int]:
    contents = [entry.content for entry in ledger.entries()]
    return [c["number"] for c in contents if c is not None and c.get("writer") == name]


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    """Of 200 entries each, none is lost, over several segments, and each writer's are in order."""
    writers = [start(tmp_path, name, 200) for name in ("one", "other")]
    for writer in writers:
        writer.communicate(timeout=200)
    ledger = opened(tmp_path)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [recorded(ledger, name) for name in ("one", "other")] == [list(range(200))] * 2
    outcome = ledger.verify()
    assert (outcome.faults, outcome.entries, outcome.unfinished) == ((), 400, False)
    assert outcome.segments > 5


@posix
def test_killed_at_random_points_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Twelve writers in turn, each killed in the middle of its work."""
    chance = random.Random(7)
    acknowledged: dict[str, int] = {}
    for turn in range(12):
        name = str(turn)
        with start(tmp_path, name, 10_000) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            time.sleep(chance.uniform(0, 0.15))
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        acknowledged[name] = max(int(line) for line in lines if line.endswith("\n"))
        # Before anybody has mended anything, what was cut off is told apart from damage.
        assert opened(tmp_path).verify().faults == ()
    ledger = opened(tmp_path)
    ledger.append({"event": "request", "writer": "last"})
    outcome = ledger.verify()
    assert (outcome.faults, outcome.unfinished) == ((), False)
    for name, last in acknowledged.items():
        found = recorded(ledger, name)
        # The one after may have reached the disk without its writer getting to say so.
        assert found in (list(range(last + 1)), list(range(last + 2)))


@posix
def test_a_kill_between_any_two_writes_is_mended(tmp_path: Path) -> None:
    """Killed before each system call that changes a file: an append that rotates, and a removal."""
    program = """
        import os, signal, sys
        from langchain_cogenesis.privacy.ledger import EgressLedger
        root, countdown = sys.argv[1], int(sys.argv[3])
        ledger = EgressLedger(
            root + "/ledger", bytes.fromhex(sys.argv[2]), root + "/head", segment_bytes=700
        )
        def watch(event, arguments):
            global countdown
            if event in ("open", "os.rename", "os.truncate") and root in str(arguments[0]):
                countdown -= 1
                if countdown == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        for number in range(3):
            ledger.append({"event": "request", "number": number})
        print("ready", flush=True)
        sys.addaudithook(watch)
        ledger.append({"event": "request", "number": 3})
        print("appended", flush=True)
        ledger.redact({0, 3})
        print("removed", flush=True)
        """
    said: list[str] = []
    for countdown in range(1, 80):
        root = tmp_path / str(countdown)
        root.mkdir()
        command = [sys.executable, "-c", textwrap.dedent(program), str(root), KEY.hex()]
        done = subprocess.run(
            [*command, str(countdown)], stdout=subprocess.PIPE, text=True, check=False, timeout=60
        )
        ledger = EgressLedger(root / "ledger", KEY, root / "head", segment_bytes=700)
        before = ledger.verify()
        assert before.faults == (), f"killed before change {countdown}"
        ledger.append({"event": "request", "number": 4})
        after = ledger.verify()
        assert (after.faults, after.unfinished) == ((), False)
        assert after.removed == before.removed
        assert after.removed in ((0, 2) if "appended" in done.stdout else (0,))
        assert "removed" not in done.stdout or after.removed == 2
        contents = [entry.content for entry in ledger.entries()]
        assert sum(content is None for content in contents) == after.removed
        assert contents[-1] is not None
        assert contents[-1]["number"] == 4
        assert len(contents) == (5 if "appended" in done.stdout else before.entries + 1)
        said.append(done.stdout)
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert len(set(said)) == 3
    assert len(said) > 15


@posix
def test_a_full_disk_is_told_and_the_ledger_stays_whole(tmp_path: Path) -> None:
    """Where an entry finds no room, the error says that nothing was sent; then it goes on."""
    program = """
        import resource, sys
        from langchain_cogenesis.exceptions import LedgerError
        from langchain_cogenesis.privacy.ledger import EgressLedger
        root = sys.argv[1]
        ledger = EgressLedger(root + "/ledger", bytes.fromhex(sys.argv[2]), root + "/head")
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, resource.RLIM_INFINITY))
        written = 0
        for number in range(40):
            try:
                ledger.append({"event": "request", "body": "x" * 500})
                written += 1
            except LedgerError as error:
                assert "Nothing was sent" in str(error), error
                try:
                    ledger.submit({"event": "request", "body": "x" * 500}).result()
                except LedgerError as error:
                    break
        assert ledger.verify().intact
        assert not ledger.verify().unfinished
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        ledger.append({"event": "request"})
        print(written + 1)
        """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path), KEY.hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    ledger = opened(tmp_path)
    outcome = ledger.verify()
    assert (outcome.faults, outcome.entries) == ((), int(done.stdout))
    assert outcome.entries > 3


def test_threads_share_writes(tmp_path: Path) -> None:
    """Entries of eight threads all arrive, whichever thread wrote them."""
    ledger = opened(tmp_path)

    def write(name: str) -> None:
        for number in range(15):
            ledger.append({"event": "request", "writer": name, "number": number})

    threads = [threading.Thread(target=write, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(recorded(ledger, str(name)) == list(range(15)) for name in range(8))
    assert ledger.verify().intact


def test_an_error_reaches_everybody_who_waits(tmp_path: Path) -> None:
    """A ledger that can't be written fails each of those whose entries shared a write."""
    (tmp_path / "ledger").write_text("in the way")
    ledger = opened(tmp_path)
    futures = [ledger.submit({"event": "request"}) for _ in range(5)]
    for future in futures:
        with pytest.raises(LedgerError, match="Nothing was sent"):
            future.result(30)
