"""`cogenesis context rekey`, `check` and `rebuild`: the care of a user's store."""

from __future__ import annotations

from typing import Annotated

import typer

from langchain_cogenesis.cli.keys import directories, key_place, note_if_plain
from langchain_cogenesis.cli.output import (
    FAILED,
    JsonOption,
    StoreOption,
    UserOption,
    out,
    print_json,
    reporting,
)


def rekey(
    user: UserOption,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="file|keyring|passphrase",
            help="What is to keep the key; by default what keeps it now.",
        ),
    ] = None,
    new_secret: Annotated[
        bool,
        typer.Option(
            "--new-secret",
            help="Encrypt everything but the ledger with a new key, so that a copy of the old one "
            "no longer helps.",
        ),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Changes what keeps a user's key: a file, the system's keyring or a passphrase.

    A passphrase is asked for at the terminal, or read from COGENESIS_PASSPHRASE (the present one)
    and COGENESIS_NEW_PASSPHRASE. Interrupted at any moment, either the old key opens the store or
    the new one.

    Example: cogenesis context rekey --user nora --to passphrase --new-secret
    """
    with reporting(as_json):
        place = directories(store).rekey(user, key_place(to), new_secret=new_secret)
        if as_json:
            print_json({"user": user, "key": place, "new_secret": new_secret})
            return
        out().print(f"The key of {user} is kept by: {place}.", markup=False)
        if not new_secret:
            out().print("A copy of the old key still opens the store; --new-secret ends that.")


def check(user: UserOption, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Looks for damage in a user's store, and names the file. Exit status 1 if there is any.

    Example: cogenesis context check --user nora
    """
    with reporting(as_json):
        opened_directories = directories(store)
        encryption = opened_directories.encryption(user)
        with opened_directories.open_store(user) as opened:
            faults = opened.check()
            readable = len(opened.readable() if faults else opened.items())
        note_if_plain(encryption != "off")
        if as_json:
            print_json({"encryption": encryption, "items": readable, "faults": list(faults)})
        elif not faults:
            out().print(f"whole: {readable} items; the key is kept by: {encryption}")
        for fault in () if as_json else faults:
            out().print(f"fault: {fault}", style="red", markup=False)
        if faults and not as_json:
            out().print(f"{readable} items can be read. Mend: `cogenesis context rebuild`.")
    if faults:
        raise typer.Exit(FAILED)


def rebuild(
    user: UserOption,
    salvage: Annotated[
        bool,
        typer.Option("--salvage", help="Leave out what can't be read, and keep the rest."),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Makes the index of a user's store anew, and drops from its files what was replaced.

    Example: cogenesis context rebuild --user nora --salvage
    """
    with reporting(as_json), directories(store).open_store(user) as opened:
        count = opened.rebuild(salvage=salvage)
        if as_json:
            print_json({"items": count})
        else:
            out().print(f"{user}: {count} items", markup=False)
