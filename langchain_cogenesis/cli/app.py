"""The commands, put together. Each module under `cli/` holds one group."""

from __future__ import annotations

from typing import Annotated

import typer

from langchain_cogenesis._version import __version__
from langchain_cogenesis.cli.audit import audit
from langchain_cogenesis.cli.bench import bench_app
from langchain_cogenesis.cli.context import context_app, import_
from langchain_cogenesis.cli.demo import demo
from langchain_cogenesis.cli.doctor import doctor
from langchain_cogenesis.cli.fusion import fusion_app
from langchain_cogenesis.cli.ledger import ledger_app
from langchain_cogenesis.cli.serve import models, serve
from langchain_cogenesis.cli.synthesize import synthesize_app
from langchain_cogenesis.cli.write import preview, write

app = typer.Typer(
    name="cogenesis",
    no_args_is_help=True,
    # A traceback with local variables would print private text.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cogenesis {__version__}")
        raise typer.Exit


@app.callback()
def cogenesis(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Write with a large remote model and a small local one; private context stays here.

    Example: cogenesis demo
    """


app.command()(demo)
app.command("import")(import_)
app.command()(write)
app.command()(preview)
app.add_typer(context_app, name="context")
app.add_typer(ledger_app, name="ledger")
app.add_typer(fusion_app, name="fusion")
app.add_typer(synthesize_app, name="synthesize")
app.add_typer(bench_app, name="bench")
app.command()(serve)
app.command()(models)
app.command()(doctor)
app.command()(audit)
