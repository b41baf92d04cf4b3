"""`cogenesis import` and `cogenesis context …`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from langchain_cogenesis.cli.context_care import check, rebuild, rekey
from langchain_cogenesis.cli.keys import (
    KeyOption,
    PlainOption,
    chosen_encryption,
    directories,
    note_if_plain,
)
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

if TYPE_CHECKING:
    from langchain_cogenesis.context.directory import UserDirectories
    from langchain_cogenesis.context.key_sources import Encryption
    from langchain_cogenesis.context.store import PrivateContextStore

context_app = typer.Typer(
    no_args_is_help=True, help="Show, search, export, mend or forget a user's private context."
)
context_app.command()(rekey)
context_app.command()(check)
context_app.command()(rebuild)


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What to import.")],
    user: Annotated[
        str | None,
        typer.Option("--user", "-u", help="Whose it is; files with many users name their own."),
    ] = None,
    store: StoreOption = None,
    format_: Annotated[
        str | None, typer.Option("--format", "-f", help="The files' format; else by extension.")
    ] = None,
    key: KeyOption = None,
    plain: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Imports files into a user's private context. Known items are left as they are.

    What is broken is named by file and line and left out; the rest is imported. The exit status is
    1 if there was anything to report. A passphrase is asked for at the terminal, or read from
    COGENESIS_PASSPHRASE.

    Example: cogenesis import profile.yaml mailbox.mbox calendar.ics --user nora
    """
    from langchain_cogenesis.context.importers import import_files

    with reporting(as_json):
        encryption = chosen_encryption(key, plain)
        users_here = directories(store)
        found = import_files(files, format=format_, profile=_known_profile(user, users_here))
        contexts = _name_users(found.contexts, user)
        users: dict[str, dict[str, int]] = {}
        with Progress(console=err(), transient=True, disable=len(contexts) < 2) as progress:
            for name, context in progress.track(contexts.items(), description="Importing"):
                users[name] = _add(name, context, users_here, encryption)
        problems = [str(problem) for problem in found.problems]
        note_if_plain(all(users_here.encryption(name) != "off" for name in contexts))
        if as_json:
            print_json({"users": users, "problems": problems})
        else:
            _report(users, problems)
    if problems:
        raise typer.Exit(FAILED)


def _known_profile(user: str | None, users_here: UserDirectories) -> Any:
    """The profile of a user who is there already: it tells whose mailbox a mailbox is."""
    if user is None or not users_here.exists(user):
        return None
    with users_here.open_store(user) as opened:
        return opened.export().profile


def _name_users(contexts: Mapping[str | None, Any], user: str | None) -> dict[str, Any]:
    from langchain_cogenesis.exceptions import ConfigurationError

    if user is not None and len(contexts) > 1:
        raise ConfigurationError(
            f"--user names one user, and the files hold {len(contexts)}.",
            hint="Leave --user out: each record becomes the user that it names.",
        )
    if user is None and None in contexts:
        raise ConfigurationError("the files don't say whose they are.", hint="Add --user NAME.")
    return {user or str(name): context for name, context in contexts.items()}


def _add(
    name: str, context: Any, users_here: UserDirectories, encryption: Encryption | None
) -> dict[str, int]:
    with users_here.open_store(name, create=True, encryption=encryption) as opened:
        report = opened.add(context)
    return {"added": report.added, "unchanged": report.unchanged}


def _report(users: Mapping[str, Mapping[str, int]], problems: list[str]) -> None:
    for name, counts in list(users.items())[:20]:
        out().print(
            f"{name}: {counts['added']} items added, {counts['unchanged']} known already",
            markup=False,
        )
    if len(users) > 20:
        total = sum(counts["added"] for counts in users.values())
        out().print(f"… {len(users)} users, {total} items added", markup=False)
    for problem in problems:
        err().print(f"problem: {problem}", style="yellow", markup=False)


@context_app.command()
def show(user: UserOption, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Shows what is known of a user.

    Example: cogenesis context show --user nora
    """
    with reporting(as_json), _open(user, store) as opened:
        _print_items(opened.items(), as_json, encrypted=opened.encrypted)


@context_app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    user: UserOption,
    store: StoreOption = None,
    k: Annotated[int, typer.Option("-k", min=1, help="At most so many items.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Searches a user's private context, as the retriever does.

    Example: cogenesis context search "dinner on Saturday" --user nora
    """
    with reporting(as_json), _open(user, store) as opened:
        _print_items(opened.search(query, k), as_json, encrypted=opened.encrypted)


@context_app.command()
def export(user: UserOption, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Prints all that is known of a user, as JSON that can be imported again.

    Example: cogenesis context export --user nora > nora.json
    """
    with reporting(as_json), _open(user, store) as opened:
        print_json(opened.export().model_dump(mode="json"))


@context_app.command()
def forget(
    user: UserOption,
    store: StoreOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Removes all that is known of a user: context, vectors, ledger, keys.

    Example: cogenesis context forget --user nora --yes
    """
    from langchain_cogenesis.exceptions import ConfigurationError
    from langchain_cogenesis.session import forget as forget_user

    if not yes and not as_json:
        typer.confirm(f"Remove everything of {user} from this device?", abort=True)
    with reporting(as_json):
        if not yes and as_json:
            raise ConfigurationError(
                "with --json nobody is asked, so nothing was removed.", hint="Add --yes."
            )
        forget_user(user, store)
        if as_json:
            print_json({"forgotten": user})
        else:
            out().print(f"{user} is forgotten.", markup=False)


def _open(user: str, store: Path | None) -> PrivateContextStore:
    opened = directories(store).open_store(user)
    note_if_plain(opened.encrypted)
    return opened


def _print_items(items: Any, as_json: bool, *, encrypted: bool) -> None:
    rows = list(_rows(items))
    if as_json:
        print_json({"encrypted": encrypted, "items": rows})
        return
    table = Table("part", "field", "text", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(row["kind"], row["field"], row["text"].replace("\n", " ⏎ "))
    out().print(table)


def _rows(items: Any) -> Iterator[dict[str, Any]]:
    for stored in items:
        item = stored.item
        yield {"id": stored.id, "kind": item.kind, "field": item.field, "text": item.text}
