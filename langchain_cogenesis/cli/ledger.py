"""`cogenesis ledger …`: what has left the device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from langchain_cogenesis.cli.output import (
    FAILED,
    JsonOption,
    StoreOption,
    UserOption,
    err,
    out,
    print_json,
    reporting,
)

ledger_app = typer.Typer(no_args_is_help=True, help="Show or verify what has left the device.")


@ledger_app.command()
def show(
    user: UserOption,
    store: StoreOption = None,
    entry: Annotated[
        int | None, typer.Option("--entry", min=0, help="Show one request in full.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Shows every request that left, and every one that was refused.

    Example: cogenesis ledger show --user nora --entry 0
    """
    from langchain_cogenesis.exceptions import LedgerError

    with reporting(as_json):
        ledger = _open(user, store)
        rows = [
            {"seq": found.seq, **(found.content or {"event": "removed"})}
            for found in ledger.entries()
        ]
        if not ledger.verify().intact:
            err().print("This ledger was altered: run `cogenesis ledger verify`.", style="red")
        if entry is not None:
            if entry >= len(rows):
                raise LedgerError(
                    f"the ledger has no entry {entry}.", hint=f"It has {len(rows)}, from 0."
                )
            _print_entry(rows[entry], as_json)
        elif as_json:
            print_json({"entries": rows})
        else:
            out().print(ledger_table(rows))


@ledger_app.command()
def verify(user: UserOption, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Checks that the ledger was not altered, cut or reordered. Exit status 1 if it was.

    Example: cogenesis ledger verify --user nora
    """
    with reporting(as_json):
        outcome = _open(user, store).verify()
        if as_json:
            print_json(
                {
                    "intact": outcome.intact,
                    "entries": outcome.entries,
                    "removed": outcome.removed,
                    "faults": list(outcome.faults),
                }
            )
        elif outcome.intact:
            out().print(f"intact: {outcome.entries} entries, {outcome.removed} contents removed")
        for fault in () if as_json else outcome.faults:
            out().print(f"fault: {fault}", style="red", markup=False)
    if not outcome.intact:
        raise typer.Exit(FAILED)


def ledger_table(rows: list[dict[str, Any]]) -> Table:
    """A table of ledger entries."""
    table = Table(
        "entry", "time", "event", "endpoint", "bytes", "masked", box=None, header_style="bold"
    )
    for row in rows:
        masked = ", ".join(f"{count} {kind}" for kind, count in row.get("masked", {}).items())
        table.add_row(
            str(row["seq"]),
            str(row.get("time", "")).replace("T", " ")[:19],
            row["event"],
            row.get("endpoint", "") + row.get("path", ""),
            str(row.get("bytes", "")),
            masked or row.get("why", ""),
        )
    return table


def _print_entry(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        out().print(f"{key}: {value}", markup=False)


def _open(user: str, store: Path | None) -> Any:
    from langchain_cogenesis.context.directory import UserDirectories
    from langchain_cogenesis.session import open_ledger

    directories = UserDirectories(store)
    with directories.open_store(user):
        return open_ledger(directories.path(user))
