"""Which reader is for which file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from langchain_cogenesis.context.importers import calendars, chats, mail, notes, profiles, records
from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
from langchain_cogenesis.exceptions import ConfigurationError, SourceError

Reader = Callable[[Path, ImportOptions], Parsed]

READERS: Mapping[str, Reader] = {
    "profile": profiles.read,
    "notes": notes.read,
    "mail": mail.read,
    "calendar": calendars.read,
    "whatsapp": chats.read_whatsapp,
    "telegram": chats.read_telegram,
    "cogenesis": records.read,
}
"""Readers by the name that `format` takes."""

EXTENSIONS: Mapping[str, str] = {
    ".yaml": "profile",
    ".yml": "profile",
    ".json": "profile",
    ".md": "notes",
    ".markdown": "notes",
    ".txt": "notes",
    ".mbox": "mail",
    ".eml": "mail",
    ".ics": "calendar",
}
"""Formats by extension; `.json` and `.txt` are looked into as well."""

_ALIASES = {"yaml": "profile", "json": "profile", "markdown": "notes", "md": "notes"} | {
    "text": "notes", "mbox": "mail", "eml": "mail", "ics": "calendar"
}  # fmt: skip
_HEAD = 65536


def find_reader(path: Path, format: str | None) -> tuple[str, Reader]:
    """Finds the format of a file and its reader.

    Args:
        path: The file.
        format: A name of `READERS`; by the file's extension and content if left out.

    Raises:
        ConfigurationError: There is no format of this name.
        SourceError: The file's format can't be told.
    """
    names = ", ".join(READERS)
    if format is not None:
        name = _ALIASES.get(format.lower(), format.lower())
        if name not in READERS:
            raise ConfigurationError(f"Unknown format {format!r}.", hint=f"Formats are {names}.")
        return name, READERS[name]
    known = EXTENSIONS.get(path.suffix.lower())
    if known is None and not path.is_dir():
        raise SourceError(
            path.name,
            f"has an unknown extension ({path.suffix or 'none'}).",
            hint=f"Name its format with `--format`: {names}. "
            f"Known extensions are {', '.join(EXTENSIONS)}.",
        )
    name = _look_into(path) or known or "notes"
    return name, READERS[name]


def _look_into(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix not in (".json", ".txt") or not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace").removeprefix("\ufeff")
    if suffix == ".txt":
        return "whatsapp" if chats.is_whatsapp(head.replace("\r\n", "\n")) else None
    if '"additional_profile"' in head:
        return "cogenesis"
    is_export = '"messages"' in head and '"type"' in head
    return "telegram" if is_export or '"chats"' in head else None
