"""Every answer, on disk before it is used: nothing is paid for twice."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from langchain_cogenesis.data.synthesis.orders import STEPS, Answer, StepName, Usage
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.syncing import sync, sync_directory

Entry = tuple[str, int, Answer]
"""Key of the order, attempt, and what was answered."""


class Journal:
    """Answers by order and attempt, appended to a file as they come.

    An answer that a crash cut in the middle was never used; it is removed when the file is opened.

    Args:
        path: The file; it is made if it isn't there.

    Raises:
        ConfigurationError: The file is no journal, or can't be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, int], Answer] = {}
        self._usage = dict.fromkeys(STEPS, Usage())
        try:
            whole = self._read()
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.truncate(self._file, whole)
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError as error:
            raise ConfigurationError(
                f"{path} can't be written ({error.strerror}).", hint="Choose another --out."
            ) from None
        sync_directory(path.parent)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

    def get(self, key: str, attempt: int) -> Answer | None:
        """The answer to an attempt, if it was ever given."""
        return self._answers.get((key, attempt))

    def append(self, entries: Iterable[Entry]) -> None:
        """Notes answers; returns once they are on disk.

        Raises:
            ConfigurationError: They can't be written.
        """
        new = list(entries)
        lines = "".join(_line(*entry) for entry in new).encode("utf-8")
        with self._lock:
            end = os.lseek(self._file, 0, os.SEEK_CUR)
            try:
                _write_all(self._file, lines)
                sync(self._file)
            except OSError as error:
                # A half line must not be in front of the next one.
                os.truncate(self._file, end)
                os.lseek(self._file, end, os.SEEK_SET)
                raise ConfigurationError(
                    f"{self._path} can't be written ({error.strerror}).",
                    hint="Make room, and run the same command again: what is there is kept.",
                ) from None
            for entry in new:
                self._remember(*entry)

    def usage(self) -> dict[StepName, Usage]:
        """Tokens of all answers, by step."""
        with self._lock:
            return dict(self._usage)

    def _remember(self, key: str, attempt: int, answer: Answer) -> None:
        self._answers[key, attempt] = answer
        self._usage[_step(key)] += answer.usage

    def _read(self) -> int:
        """Reads the file; returns how many bytes of it are whole lines."""
        whole = 0
        if not self._path.exists():
            return whole
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self._remember(*_entry(json.loads(line)))
                except (ValueError, KeyError, TypeError, StopIteration):
                    raise ConfigurationError(
                        f"{self._path}, line {number}, is no answer of a run.",
                        hint="Remove that line, or choose another --out.",
                    ) from None
                whole += len(line)
        return whole


def _line(key: str, attempt: int, answer: Answer) -> str:
    used = answer.usage
    tokens = [used.input_tokens, used.output_tokens, used.calls, used.estimated]
    entry = {"key": key, "attempt": attempt, "text": answer.text, "usage": tokens}
    if answer.fault:
        entry["fault"] = answer.fault
    # A lone surrogate would not be UTF-8: escapes are.
    return json.dumps(entry) + "\n"


def _entry(read: dict[str, Any]) -> Entry:
    answer = Answer(str(read["text"]), Usage(*map(int, read["usage"])), str(read.get("fault", "")))
    return str(read["key"]), int(read["attempt"]), answer


def _step(key: str) -> StepName:
    return next(step for step in STEPS if key.startswith(f"{step}/"))


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
