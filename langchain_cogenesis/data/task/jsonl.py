"""Examples in a file of ours: one JSON object a line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from langchain_cogenesis.context.importers.sources import describe_invalid
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.exceptions import ConfigurationError, SourceError
from langchain_cogenesis.syncing import sync, sync_directory

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def write_examples(path: str | os.PathLike[str], examples: Iterable[TaskExample]) -> int:
    """Writes examples, one JSON object a line, in UTF-8.

    Examples hold private context: only the owner can read the file (mode 0600). A file that was
    there is replaced in one step, once the new one is whole and on disk.

    Args:
        path: The file.
        examples: What to write; read once.

    Returns:
        How many there were.

    Raises:
        ConfigurationError: The file can't be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}-new")
    count = 0
    try:
        with os.fdopen(os.open(temporary, _NEW_FILE, 0o600), "w", encoding="utf-8") as file:
            for example in examples:
                file.write(example.model_dump_json(exclude_defaults=True) + "\n")
                count += 1
            file.flush()
            sync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise ConfigurationError(
            f"{target} can't be written ({error.strerror}).",
            hint="Name a file in a directory that exists and that you can write.",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(target.absolute().parent)
    return count


def read_jsonl(path: Path, problems: list[SourceError]) -> Iterator[TaskExample]:
    """Yields the examples of a file, line by line.

    Args:
        path: The file.
        problems: Takes what is broken; such a line is left out.
    """
    with path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            if not content.strip():
                continue
            try:
                yield TaskExample.model_validate_json(content)
            except ValidationError as error:
                problem = describe_invalid(error)
                hint = "The example was left out."
                problems.append(SourceError(path.name, problem, line=line, hint=hint))
