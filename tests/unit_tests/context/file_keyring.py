"""A keyring for tests: what `keyring` calls a backend, over one JSON file."""

from __future__ import annotations

import json
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Keeps passwords in the open: for tests only."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @property
    def entries(self) -> dict[str, str]:
        """Password by service and entry."""
        return dict(json.loads(self.path.read_text())) if self.path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self.entries, f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        entries = self.entries
        if entries.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("no such entry")
        self._write(entries)

    def _write(self, entries: dict[str, str]) -> None:
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(entries))
        temporary.replace(self.path)
