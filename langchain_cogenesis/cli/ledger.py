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
    last: Annotated[int | None, typer.Option("--last", min=1, help="The last so many.")] = None,
    first: Annotated[int, typer.Option("--from", min=0, help="From this entry on.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Shows every request and message that left, and every one that was refused.

    Example: cogenesis ledger show --user nora --entry 0
    """
    from langchain_cogenesis.exceptions import LedgerError

    with reporting(as_json):
        ledger = _open(user, store)
        count = ledger.count()
        if entry is not None and entry >= count:
            raise LedgerError(f"the ledger has no entry {entry}.", hint=f"It has {count}, from 0.")
        # What is shown in part is checked in part: `verify` reads all.
        part = entry is not None or last is not None or first > 0
        if not (ledger.check() if part else ledger.verify()).intact:
            err().print("This ledger was altered: run `cogenesis ledger verify`.", style="red")
        if entry is not None:
            _print_entry(_rows(ledger, entry, entry + 1)[0], as_json)
            return
        rows = _rows(ledger, max(first, count - last if last else 0), None)
        if as_json:
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
                    "segments": outcome.segments,
                    "unfinished": outcome.unfinished,
                    "faults": list(outcome.faults),
                }
            )
        elif outcome.intact:
            out().print(
                f"intact: {outcome.entries} entries, {outcome.removed} contents removed, "
                f"{outcome.segments} segments"
            )
            if outcome.unfinished:
                out().print("the last write was cut off; the next entry clears it away")
        for fault in () if as_json else outcome.faults:
            out().print(f"fault: {fault}", style="red", markup=False)
    if not outcome.intact:
        raise typer.Exit(FAILED)


@ledger_app.command()
def prune(
    user: UserOption,
    store: StoreOption = None,
    before: Annotated[
        str | None, typer.Option("--before", help="Entries older than this day, 2026-01-31.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, help="All but the last so many.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Removes what old entries say. Their places stay, and the ledger still verifies.

    Example: cogenesis ledger prune --user nora --keep 1000
    """
    from langchain_cogenesis.exceptions import ConfigurationError

    with reporting(as_json):
        if (before is None) is (keep is None):
            raise ConfigurationError("What may go?", hint="Give one of --before and --keep.")
        ledger = _open(user, store)
        count = ledger.count()
        stop = max(count - keep, 0) if keep is not None else _first_since(ledger, before or "")
        if not yes:
            if as_json:
                raise ConfigurationError("Nothing was removed.", hint="Confirm with --yes.")
            typer.confirm(f"Remove the contents of the first {stop} of {count}?", abort=True)
        removed = ledger.redact(range(stop))
        if as_json:
            print_json({"removed": removed, "entries": count})
        else:
            out().print(f"{removed} contents removed; {count} entries verify as before")


def _first_since(ledger: Any, day: str) -> int:
    """The number of the first entry of a day or later (UTC)."""
    from datetime import date

    from langchain_cogenesis.exceptions import ConfigurationError

    try:
        since = date.fromisoformat(day).isoformat()
    except ValueError:
        raise ConfigurationError(f"{day!r} is no day.", hint="Spell it as in 2026-01-31.") from None
    # Entries are in the order of time; but a clock may have been set back.
    old = -1
    for entry in ledger.entries():
        if entry.content is not None and str(entry.content["time"])[:10] < since:
            old = entry.seq
    return old + 1


def _rows(ledger: Any, first: int, stop: int | None) -> list[dict[str, Any]]:
    return [
        {"seq": found.seq, **(found.content or {"event": "removed"})}
        for found in ledger.entries(first, stop)
    ]


def ledger_table(rows: list[dict[str, Any]]) -> Table:
    """A table of ledger entries."""
    table = Table(
        "entry", "time", "event", "endpoint", "bytes", "masked", box=None, header_style="bold"
    )
    for row in rows:
        masked = ", ".join(f"{count} {kind}" for kind, count in row.get("masked", {}).items())
        told = [f"asked about {r['kind']}: {r['decision']}" for r in row.get("reasons", ())]
        masked = "; ".join(filter(None, (masked, *told)))
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
        if key != "prompts":
            out().print(f"{key}: {value}", markup=False)
    for prompt in row.get("prompts", ()):
        out().print("\nThe prompt's token ids read:", style="bold")
        out().print(prompt, markup=False)


def _open(user: str, store: Path | None) -> Any:
    from langchain_cogenesis.cli.keys import directories
    from langchain_cogenesis.session import open_ledger

    users = directories(store)
    return open_ledger(users.path(user), users.keys(user))
