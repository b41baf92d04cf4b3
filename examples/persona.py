"""Opens the user whom an example writes for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_cogenesis import UserSession, import_files
from langchain_cogenesis.cli.keys import ask_passphrase
from langchain_cogenesis.data.persona import USER, persona_files


@contextmanager
def open_user(user: str | None, store: Path | None) -> Iterator[UserSession]:
    """Opens a user's session; without a name, that of the bundled persona, in a passing store.

    Args:
        user: The user's name, as on `cogenesis import`.
        store: Where users' directories lie; by default that of the command line.
    """
    if user is not None:
        with UserSession(user, store, passphrase=ask_passphrase) as session:
            yield session
        return
    with (
        tempfile.TemporaryDirectory(prefix="cogenesis-example-") as directory,
        UserSession(USER, directory, create=True) as session,
    ):
        for context in import_files(persona_files()).contexts.values():
            session.add(context)
        yield session
