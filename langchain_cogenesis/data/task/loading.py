"""Examples out of whatever holds them: the loader is picked by content."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.data.task.grammar import read_grammar
from langchain_cogenesis.data.task.jsonl import read_jsonl
from langchain_cogenesis.data.task.lamp import read_lamp
from langchain_cogenesis.data.task.mailbox import read_mailbox
from langchain_cogenesis.data.task.published import read_published
from langchain_cogenesis.exceptions import ConfigurationError, SourceError

Reader = Callable[[Path, list[SourceError]], Iterator[TaskExample]]

READERS: Mapping[str, Reader] = {
    "jsonl": read_jsonl,
    "cogenesis": read_published,
    "lamp": read_lamp,
    "mail": read_mailbox,
}
"""Readers of files by the name that `format` takes."""

EXAMPLES_FILE = "examples.jsonl"
"""The examples in a directory that `cogenesis synthesize` made."""

GRAMMAR_USERS = 100
_GRAMMAR = re.compile(r"grammar(?::(\d+))?(?::(\d+))?")
_HEAD = 65536
_KNOWN = (
    "Known are our JSONL, the published CoGenesis records, LaMP and LongLaMP (JSON or JSONL), a "
    "mailbox (.mbox), a directory that `cogenesis synthesize` made, and `grammar:USERS:SEED`."
)
_LOG = logging.getLogger(__name__)


def load_examples(
    source: str | os.PathLike[str],
    *,
    format: str | None = None,
    limit: int | None = None,
    problems: list[SourceError] | None = None,
) -> list[TaskExample]:
    """Loads examples; what is broken is left out and reported, the rest is loaded.

    Args:
        source: A file, a directory that `cogenesis synthesize` made, or `grammar`,
            `grammar:USERS`, `grammar:USERS:SEED` for invented users.
        format: `jsonl`, `cogenesis`, `lamp` or `mail`; by content if left out.
        limit: Stop after so many examples.
        problems: Takes what could not be read: file, line and reason, without content. Without it
            each is logged as a warning.

    Returns:
        At least one example.

    Raises:
        ConfigurationError: There is no such file or name, or no such format.
        SourceError: The file is of no known format, can't be read, or holds no whole example.
    """
    found = list(iterate_examples(source, format=format, limit=limit, problems=problems))
    if not found:
        raise SourceError(
            Path(source).name,
            "holds no whole example.",
            hint="What is broken in it was reported. Of a mailbox, only its owner's answers to "
            "mails that are in it count.",
        )
    return found


def iterate_examples(
    source: str | os.PathLike[str],
    *,
    format: str | None = None,
    limit: int | None = None,
    problems: list[SourceError] | None = None,
) -> Iterator[TaskExample]:
    """Yields examples one after the other; see `load_examples`.

    A file of ours is read as it is gone through; of others, the file is in memory, and the
    examples are made one by one.
    """
    noted: list[SourceError] = problems if problems is not None else _Warnings()
    yield from islice(_open(source, format, noted), limit)


class _Warnings(list[SourceError]):
    """Logs each problem. Its text has no content of the file."""

    def append(self, problem: SourceError) -> None:
        _LOG.warning("%s", problem)


def _open(
    source: str | os.PathLike[str], format: str | None, problems: list[SourceError]
) -> Iterator[TaskExample]:
    path = Path(source)
    named = _GRAMMAR.fullmatch(str(source))
    if named and not path.exists():
        return read_grammar(int(named[1] or GRAMMAR_USERS), seed=int(named[2] or 0))
    if format is not None and format not in READERS:
        raise ConfigurationError(
            f"unknown format {format!r} of examples.", hint=f"Formats are {', '.join(READERS)}."
        )
    if path.is_dir():
        path /= EXAMPLES_FILE
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ConfigurationError(
            f"examples {str(source)!r} can't be read ({(error.strerror or 'failed').lower()}).",
            hint=_KNOWN,
        ) from None
    return READERS[format or _look_into(path, head)](path, problems)


def _look_into(path: Path, head: bytes) -> str:
    text = head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    keys = set(re.findall(r'"(\w+)"\s*:', text))
    if path.suffix.lower() in (".mbox", ".eml") or text.startswith("From "):
        return "mail"
    if text.startswith(("{", "[")):
        if "additional_profile" in keys:
            return "cogenesis"
        # The context may be longer than what is looked at, so that the reference isn't seen.
        if text.startswith("{") and {"instruction", "context"} <= keys:
            return "jsonl"
        if keys & {"profile", "history"} and keys & {"input", "output", "title"}:
            return "lamp"
    problem = "holds nothing." if not text else "is of no known format of examples."
    raise SourceError(path.name, problem, hint=_KNOWN)
