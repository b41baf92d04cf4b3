"""Users' directories as the commands open them, and where a passphrase comes from.

A passphrase is never an argument: the list of processes and the shell's history show those.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langchain_cogenesis.cli.output import err

if TYPE_CHECKING:
    from langchain_cogenesis.context.directory import UserDirectories
    from langchain_cogenesis.context.key_sources import Encryption

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="file|keyring|passphrase",
        help="What keeps a new user's key; by default a file that only you can read.",
    ),
]
PlainOption = Annotated[
    bool,
    typer.Option(
        "--plain", help="Don't encrypt a new user's context: for trials and invented people."
    ),
]

PLAIN_NOTICE = "This store is not encrypted: who can read its files can read everything in it."


def directories(store: Path | None) -> UserDirectories:
    """The directories of all users, which ask for a passphrase where they need one."""
    from langchain_cogenesis.context.directory import UserDirectories

    return UserDirectories(store, passphrase=ask_passphrase)


def ask_passphrase(new: bool) -> str:
    """Gives the passphrase of the environment, else asks for it at the terminal.

    Args:
        new: Whether one is chosen now; it is asked for twice.

    Returns:
        The passphrase, or nothing where nobody can be asked.
    """
    from langchain_cogenesis.context.key_sources import (
        NEW_PASSPHRASE_VARIABLE,
        PASSPHRASE_VARIABLE,
    )

    names = (NEW_PASSPHRASE_VARIABLE, PASSPHRASE_VARIABLE) if new else (PASSPHRASE_VARIABLE,)
    known = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if known or not sys.stdin.isatty():
        return known
    asked = typer.prompt(
        "New passphrase" if new else "Passphrase",
        hide_input=True,
        confirmation_prompt=new,
        err=True,
    )
    return str(asked)


def chosen_encryption(key: str | None, plain: bool) -> Encryption | None:
    """What keeps a new user's key, as the options say.

    Raises:
        ConfigurationError: Both were given, or the key can't be kept so.
    """
    from langchain_cogenesis.exceptions import ConfigurationError

    if plain and key is not None:
        raise ConfigurationError("--plain has no key.", hint="Leave out --key or --plain.")
    return "off" if plain else key_place(key)


def key_place(name: str | None) -> Encryption | None:
    """The place of a key that an option names.

    Raises:
        ConfigurationError: There is no such place.
    """
    from langchain_cogenesis.context.key_sources import ENCRYPTIONS
    from langchain_cogenesis.exceptions import ConfigurationError

    known = next((place for place in ENCRYPTIONS if place == name and place != "off"), None)
    if name is not None and known is None:
        raise ConfigurationError(
            f"a key isn't kept in {name!r}.", hint="Choose file, keyring or passphrase."
        )
    return known


def note_if_plain(encrypted: bool) -> None:
    """Says on stderr that a store isn't encrypted."""
    if not encrypted:
        err().print(PLAIN_NOTICE, style="yellow")
