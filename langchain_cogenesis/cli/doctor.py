"""`cogenesis doctor`: could private text leave this machine or this app unseen?"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from langchain_cogenesis.cli.output import (
    FAILED,
    JsonOption,
    StoreOption,
    out,
    print_json,
    reporting,
)
from langchain_cogenesis.doctor.finding import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Check this user's directory.")
    ] = None,
    store: StoreOption = None,
    local: Annotated[
        str, typer.Option("--local", help="The local model; nothing is downloaded.")
    ] = "house-small",
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", "--remote", help="Ask this endpoint what it can do."),
    ] = None,
    remote_model: Annotated[
        str | None, typer.Option("--remote-model", help="The model's name there.")
    ] = None,
    remote_key: Annotated[
        str | None,
        typer.Option("--remote-key", envvar="COGENESIS_REMOTE_KEY", help="The endpoint's key."),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option("--app", help="Look through this chain, agent or model: module:attribute."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Checks a machine, and with --app an app, for doors through which private text could leave.

    Looks at tracing, gateways, proxies, logs, telemetry, files that others can read, and whether
    models and endpoint work. Names of variables are shown, never their values. With --app the
    app's module is run. Exit status 1 if something fails.

    Example: cogenesis doctor --user nora

    Example: cogenesis doctor --base-url http://127.0.0.1:8000/v1

    Example: cogenesis doctor --app my_app:chain --json
    """
    from langchain_cogenesis.doctor.checks import DoctorOptions, run_checks

    with reporting(as_json):
        options = DoctorOptions(store, user, local, base_url, remote_model, remote_key, app)
        findings = list(run_checks(options))
        counts = Counter(finding.status for finding in findings)
        if as_json:
            print_json({"findings": [asdict(f) for f in findings], "counts": dict(counts)})
        else:
            out().print(_table(findings))
            out().print(", ".join(f"{count} {status}" for status, count in counts.items()))
    if counts["fail"]:
        raise typer.Exit(FAILED)


def _table(findings: list[Finding]) -> Table:
    table = Table("", "check", "found", "what to do", box=None, header_style="bold")
    for finding in findings:
        found = f"{finding.place}: {finding.found}" if finding.place else finding.found
        # Not markup: a place such as app[0] would be taken for a style.
        cells = (finding.check, found, finding.advice)
        table.add_row(Text(finding.status, _STYLES[finding.status]), *map(Text, cells))
    return table
