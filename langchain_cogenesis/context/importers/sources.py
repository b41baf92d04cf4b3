"""Reading files that may be broken, and saying where they are."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from langchain_cogenesis.exceptions import SourceError

MAX_TEXT_BYTES = 32 * 2**20
MAX_MAILBOX_BYTES = 512 * 2**20

_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Reads a file up to a size.

    Raises:
        SourceError: It is missing, a directory, unreadable, empty or too large.
    """
    if path.is_dir():
        raise SourceError(
            path.name, "is a directory.", hint="Name the files in it: `cogenesis import DIR/*`."
        )
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise SourceError(
                path.name,
                f"has {size / 2**20:.0f} MiB; at most {max_bytes / 2**20:.3g} MiB are read.",
                hint="Split it into smaller files.",
            )
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise SourceError(
            path.name, f"can't be read ({reason}).", hint="Check its name and permissions."
        ) from None
    if not content.strip():
        raise SourceError(path.name, "is empty.", hint="Leave it out.")
    return content


def decode(content: bytes, source: str, problems: list[SourceError]) -> str:
    """Decodes a text file: by its byte order mark, else UTF-8, else Windows-1252 with a note.

    Args:
        content: The file's bytes.
        source: Its name.
        problems: Takes the note, if there is one.

    Returns:
        The text, each line ended by one line feed.

    Raises:
        SourceError: It is no text.
    """
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), None)
    if encoding is None and b"\0" in content[:65536]:
        raise SourceError(
            source, "holds binary data, no text.", hint="Export it as text and import that."
        )
    try:
        text = content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = content.decode("cp1252", "replace")
        note = "is not UTF-8 from here on; read as Windows-1252."
        problems.append(
            SourceError(source, note, line=line, hint="Save it as UTF-8 if letters look wrong.")
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path, problems: list[SourceError], max_bytes: int | None = None) -> str:
    """Reads and decodes a text file.

    Raises:
        SourceError: It can't be read, or is no text.
    """
    return decode(read_bytes(path, max_bytes or MAX_TEXT_BYTES), path.name, problems)


def describe_invalid(error: ValidationError) -> str:
    """Says what is wrong with a value, by field and kind of error, without the value."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    parts = []
    for entry in found:
        # The name of a field that nobody knows is content.
        steps = entry["loc"][:-1] if entry["type"] == "extra_forbidden" else entry["loc"]
        where = ".".join(str(step) for step in steps)
        parts.append(f"{where}: {entry['msg']}" if where else entry["msg"])
    return "; ".join(parts) + "."
