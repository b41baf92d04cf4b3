"""Lets a human edit a text in their editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from langchain_cogenesis.exceptions import ConfigurationError


def edit(text: str) -> str:
    """Opens `$VISUAL` or `$EDITOR` on a text, in a file that is gone afterwards.

    Returns:
        The text as it was left; nothing if all was deleted.

    Raises:
        ConfigurationError: There is no editor, or it failed.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="cogenesis-edit-") as directory:
        path = Path(directory) / "text.txt"
        path.write_text(f"{text}\n", encoding="utf-8")
        try:
            subprocess.run([*command, str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(
                f"the editor {command[0]} can't be used ({type(error).__name__}).",
                hint="Name one in EDITOR.",
            ) from None
        return path.read_text(encoding="utf-8").strip()
