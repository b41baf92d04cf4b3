"""Runs something again and again, killed (SIGKILL) each time before another step on the disk.

`python kill_points.py ACTION PREPARED WORK` copies the directory PREPARED to WORK, forks a child
that does ACTION there and kills itself before its n-th file operation, forks another that looks at
what is left, and goes on with n + 1 until the action comes to its end. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import keyring
from file_keyring import FileKeyring

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.key_files import KeyFile
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.exceptions import UserNotFoundError
from langchain_cogenesis.session import open_ledger

USER = "Wilhelmina"
FIRST = PrivateContext(activities=(Activity(text="bought a sousaphone"), Activity(text="regatta")))
SECOND = PrivateContext(activities=(Activity(text="sold a bassoon"), Activity(text="marmalade")))

_STEPS = {
    "chmod", "flush", "fsync", "link", "mkdir", "open", "rename", "replace", "rmdir", "truncate",
    "unlink", "write",
}  # fmt: skip
_PLACES = ("langchain_cogenesis/context/", "/pathlib.py", "/shutil.py", "_keyring.py")


def run(action: str, prepared: Path, work: Path) -> dict[str, Any]:
    """Runs this module as a process of its own, and returns what it found."""
    done = subprocess.run(
        [sys.executable, __file__, action, str(prepared), str(work)],
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def add(root: Path) -> None:
    with UserDirectories(root).open_store(USER) as store:
        store.add(SECOND)
    (root.parent / "acknowledged").touch()


def look_after_add(root: Path) -> None:
    first, second = _texts(FIRST), _texts(SECOND)
    with UserDirectories(root).open_store(USER) as store:
        held = [entry.item.text for entry in store.items()]
        acknowledged = (root.parent / "acknowledged").exists()
        assert held == first + second or (held == first and not acknowledged), held
        assert store.search("sousaphone", 1)[0].item.text == first[0]
        store.add(SECOND)
        assert [entry.item.text for entry in store.items()] == first + second
        assert store.search("bassoon", 1)[0].item.text == second[0]
        assert store.check() == ()


def rebuild(root: Path) -> None:
    with UserDirectories(root).open_store(USER) as store:
        store.rebuild()


def look_after_rebuild(root: Path) -> None:
    with UserDirectories(root).open_store(USER) as store:
        assert [entry.item.text for entry in store.items()] == _texts(FIRST)
        assert store.search("sousaphone", 1)[0].item.text == _texts(FIRST)[0]
        assert store.check() == ()


def migrate(root: Path) -> None:
    with UserDirectories(root).open_store(USER) as store:
        assert store.search("sousaphone", 1)


def look_after_migrate(root: Path) -> None:
    """Found as before, with one index, whose vectors are sealed."""
    look_after_rebuild(root)
    [index] = UserDirectories(root).path(USER).glob("context/index-*")
    with sqlite3.connect(index / "chroma.sqlite3") as database:
        assert database.execute("SELECT name, dimension FROM collections").fetchall() == [
            ("sealed", 1)
        ]
    database.close()


def rewrap(root: Path) -> None:
    UserDirectories(root).rekey(USER, "keyring")


def renew(root: Path) -> None:
    UserDirectories(root).rekey(USER, "keyring", new_secret=True)


def look_after_rekey(root: Path) -> None:
    """The user opens with one of the keys, has everything, and nothing of the other is left."""
    opening = UserDirectories(root)
    path = opening.path(USER)
    with opening.open_store(USER) as store:
        assert [entry.item.text for entry in store.items()] == _texts(FIRST)
        assert store.search("sousaphone", 1)[0].item.text == _texts(FIRST)[0]
        ledger = open_ledger(path, store.keys)
        assert ledger.verify().intact
        assert [entry.content["event"] for entry in ledger.entries()] == ["request"]
    kept = KeyFile.read(path / "key")
    left = {entry.name for entry in path.iterdir()}
    assert left == {"key", "user", "ledger", "ledger.head", kept.context}, left
    entries = FileKeyring(root.parent / "keyring.json").entries
    assert list(entries) == ([f"langchain-cogenesis/{kept.entry}"] if kept.entry else [])


def forget(root: Path) -> None:
    UserDirectories(root).forget(USER)


def look_after_forget(root: Path) -> None:
    with suppress(UserNotFoundError):
        UserDirectories(root).forget(USER)
    assert [entry.name for entry in root.iterdir()] == ["salt"], list(root.iterdir())


def _texts(context: PrivateContext) -> list[str]:
    return [item.text for item in context.items()]


ACTIONS: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
    "add": (add, look_after_add),
    "rebuild": (rebuild, look_after_rebuild),
    "migrate": (migrate, look_after_migrate),
    "rewrap": (rewrap, look_after_rekey),
    "renew": (renew, look_after_rekey),
    "forget": (forget, look_after_forget),
}


def _kill_before(number: int, note: Path) -> None:
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event != "c_call" or argument.__name__ not in _STEPS:
            return
        if any(place in frame.f_code.co_filename for place in _PLACES):
            if count == number:
                sys.setprofile(None)
                note.write_text(f"{argument.__name__} in {Path(frame.f_code.co_filename).name}")
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.setprofile(profile)


def _state(root: Path) -> str:
    """The files by name, size and number of links; random parts of names don't count."""
    rows = []
    for path in sorted(found for found in root.rglob("*") if found.name != "note"):
        name = re.sub("[0-9a-f]{8,}", "#", str(path.relative_to(root)))
        found = path.stat()
        rows.append((name, path.is_file() and found.st_size, path.is_file() and found.st_nlink))
    return repr(rows)


def _in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - a fork must never come back
        traceback.print_exc()
    finally:
        os._exit(status)


def main(action: str, prepared: Path, work: Path) -> None:
    # Before the fork, so that each child has them at once.
    import chromadb  # noqa: F401

    StaticEmbeddings().embed_query("warm")
    act, look = ACTIONS[action]
    keyring.set_keyring(FileKeyring(work / "keyring.json"))
    steps: list[str] = []
    seen: set[str] = set()
    while True:
        shutil.rmtree(work, ignore_errors=True)
        root, note = work / "root", work / "note"
        shutil.copytree(prepared, root)

        def killed(root: Path = root, note: Path = note) -> None:
            _kill_before(len(steps), note)
            act(root)
            sys.setprofile(None)

        status = _in_child(killed)
        ended = os.WIFEXITED(status)
        if ended and os.WEXITSTATUS(status):
            sys.exit(f"the action failed of its own before step {len(steps)}")
        # Between one step and the next the files are often the same.
        state = _state(work)
        looked_at = state in seen and not ended
        seen.add(state)
        if not looked_at and _in_child(lambda root=root: look(root)):
            sys.exit(f"broken before step {len(steps)}: {'' if ended else note.read_text()}")
        if ended:
            break
        steps.append(note.read_text())
    sys.stdout.write(json.dumps({"steps": steps, "states": len(seen)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
