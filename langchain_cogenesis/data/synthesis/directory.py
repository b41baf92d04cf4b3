"""The directory of a run: what it is, its answers, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from langchain_cogenesis.context.files import replace_private
from langchain_cogenesis.data.synthesis.journal import Journal
from langchain_cogenesis.data.task.loading import EXAMPLES_FILE
from langchain_cogenesis.exceptions import ConfigurationError

JOURNAL_FILE = "answers.jsonl"
SET_ASIDE_FILE = "set_aside.jsonl"
SUMMARY_FILE = "summary.json"
_RUN_FILE = "run.json"
_LOCK_FILE = ".lock"


class RunDirectory:
    """Where a run keeps its files. Made by `open_run`."""

    def __init__(self, path: Path, journal: Journal) -> None:
        self.path = path
        self.journal = journal

    @property
    def examples(self) -> Path:
        """The file of the examples."""
        return self.path / EXAMPLES_FILE

    def write_set_aside(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Replaces the file of what could not be used, one JSON object a line."""
        lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        replace_private(self.path / SET_ASIDE_FILE, lines.encode("utf-8", "backslashreplace"))

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replaces the summary."""
        replace_private(self.path / SUMMARY_FILE, json.dumps(summary, indent=2).encode())


@contextmanager
def open_run(path: Path, identity: Mapping[str, Any]) -> Iterator[RunDirectory]:
    """Opens a run's directory, new or begun, for one process at a time.

    Args:
        path: The directory; it is made if it isn't there.
        identity: What all answers in it have in common.

    Raises:
        ConfigurationError: It can't be used, another process uses it, or it holds another run.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / _LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(
            f"another process is at work in {path}.", hint="Wait for it, or choose another --out."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be used ({error.strerror}).", hint="Choose another directory with --out."
        ) from None
    try:
        _check_identity(path / _RUN_FILE, dict(identity))
        journal = Journal(path / JOURNAL_FILE)
        try:
            yield RunDirectory(path, journal)
        finally:
            journal.close()
    finally:
        lock.release()


def _check_identity(file: Path, identity: dict[str, Any]) -> None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        replace_private(file, json.dumps(identity, indent=2).encode())
        return
    except (OSError, ValueError):
        raise ConfigurationError(
            f"{file} can't be read.", hint="Remove that directory, or choose another --out."
        ) from None
    if known != identity:
        other = [key for key in identity if known.get(key) != identity[key]] or ["its fields"]
        raise ConfigurationError(
            f"{file.parent} holds a run with another {' and '.join(other)}.",
            hint="Give the same options to go on with it, or choose another --out.",
        )
