"""The file of results: one line for each text, so that a run that was killed goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from langchain_cogenesis.evaluation.records import Record
from langchain_cogenesis.exceptions import ConfigurationError

RESULTS = "results.jsonl"


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """One text of one row.

    Attributes:
        row: The row's key.
        example: The example's id.
        task: Its task.
        measures: Numerator and denominator by measure.
        text: What was written. Private.
        sketch: The outline, restored. Private.
        error: Class of the error that left it unwritten, or None.
        judged: Whether a judge has read it.
        language: Of the example, as ISO 639-1 code.
    """

    row: str
    example: str
    task: str
    measures: dict[str, tuple[float, float]] = field(default_factory=dict)
    text: str = ""
    sketch: tuple[str, ...] = ()
    error: str | None = None
    judged: bool = False
    language: str = "en"

    def record(self) -> Record:
        """Its measures, for estimates."""
        return Record(self.row, self.task, (), dict(self.measures))


class Results:
    """Results in memory, by row and example."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], Result] = {}

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Whether the text of a row and an example is there, as `(row, example)`."""
        return key in self.results

    def add(self, result: Result) -> None:
        """Adds a text; one that is there is replaced."""
        self.results[(result.row, result.example)] = result

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results.values())


class ResultFile(Results):
    """Results on disk. The first line says what they are of; each other line is one text.

    Args:
        folder: Where the file lies; made private, because it holds texts.
        settings: What makes results comparable; those of other settings are refused.

    Raises:
        ConfigurationError: The file is of other settings, or can't be read.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / RESULTS
        super().__init__()
        self._settings = json.loads(json.dumps(settings))
        if self.path.exists():
            self._read()
        else:
            self._append({"settings": self._settings})

    def add(self, result: Result) -> None:
        """Adds a text; it is there after a kill, too."""
        self._append(asdict(result))
        super().add(result)

    def _append(self, line: dict[str, Any]) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _read(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            # The line that a kill cut off never happened.
            with self.path.open("r+b") as file:
                file.truncate(whole)
        lines = content[:whole].splitlines()
        try:
            found = json.loads(lines[0])["settings"] if lines else None
            results = [json.loads(line) for line in lines[1:]]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{self.path} is no file of results.", hint="Give another --out."
            ) from error
        if found is None:
            self._append({"settings": self._settings})
        elif found != self._settings:
            other = sorted(k for k in self._settings if self._settings[k] != found.get(k))
            raise ConfigurationError(
                f"{self.path} holds results of other settings ({', '.join(other)}).",
                hint="Give another --out, or remove the file.",
            )
        for line in results:
            line["measures"] = {name: tuple(pair) for name, pair in line["measures"].items()}
            line["sketch"] = tuple(line["sketch"])
            result = Result(**line)
            self.results[(result.row, result.example)] = result
