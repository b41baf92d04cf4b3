"""`cogenesis audit`: records what leaves in real runs, and attacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from langchain_cogenesis.cli.output import FAILED, JsonOption, err, out, print_json, reporting

if TYPE_CHECKING:
    from langchain_cogenesis.collaboration import Mode
    from langchain_cogenesis.evaluation.audit.auditing import Advance, AuditSettings
    from langchain_cogenesis.evaluation.audit.report import ModeReport, Row
    from langchain_cogenesis.evaluation.audit.subjects import Subject

LIMITS = {"logits": 20}
DEFAULT_LIMIT = 300
LENGTHS = {"logits": 48}
DEFAULT_LENGTH = 16
_STYLES = {"met": "green", "MISSED": "bold red"}


def audit(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="CoGenesis records (JSON); by default invented users."),
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option("--mode", "-m", help="local, sketch, remote or logits; may be repeated."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Users at most; by default 300, in logit mode 20."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of users and attacks.")] = 0,
    schedule: Annotated[
        str, typer.Option("--schedule", help="Of logit mode: every, pkt:P/K/T, rate:N, entropy:N.")
    ] = "every",
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", min=1, help="Of a text; by default 16, in logit mode 48."),
    ] = None,
    timing: Annotated[
        bool, typer.Option("--timing/--no-timing", help="Time logit mode: four runs of each user.")
    ] = True,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Keep recordings and reports there, and go on from those."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Lets users write, records every byte that leaves, and attacks it.

    Values are planted in what is known of each user and in what every second one types. Each user
    writes with the house models; a relay between them records what the remote gets. Then values
    are looked for, attributes guessed, users linked to their texts, and logit mode's requests
    timed: in what left, in what would leave without us, and in the instruction without any private
    value (the floor). Recordings are private data: they lie in --out (0700), or nowhere. An audit
    that was stopped goes on from there. Exit status 1 if a value was found that was planted or is
    promised not to leave.

    Example: cogenesis audit

    Example: cogenesis audit --mode sketch --mode logits --limit 50 --out audit

    Example: cogenesis audit --data records.json --limit 150 --out audit --json
    """
    from langchain_cogenesis.evaluation.audit.auditing import audit_mode, write_reports
    from langchain_cogenesis.evaluation.audit.inference import require_classifiers
    from langchain_cogenesis.evaluation.audit.report import any_leak

    with reporting(as_json), _folder(folder) as kept, _progress() as advance:
        require_classifiers()
        plan = [_settings(name, seed, schedule, max_tokens, timing) for name in mode or ["sketch"]]
        source = "invented" if data is None else data.name
        reports: list[ModeReport] = []
        for settings in plan:
            users = _subjects(data, limit or LIMITS.get(settings.mode, DEFAULT_LIMIT), seed)
            reports.append(audit_mode(users, settings, kept, advance))
        if folder is not None:
            write_reports(reports, source, kept)
        if as_json:
            print_json({"source": source, "modes": [report.as_json() for report in reports]})
        else:
            for report in reports:
                _print(report)
    if any_leak(reports):
        raise typer.Exit(FAILED)


def _settings(
    mode: str, seed: int, schedule: str, max_tokens: int | None, timing: bool
) -> AuditSettings:
    from langchain_cogenesis.collaboration import check_mode
    from langchain_cogenesis.evaluation.audit.auditing import AuditSettings
    from langchain_cogenesis.fusion.schedule import parse_schedule

    known: Mode = check_mode(mode)
    parse_schedule(schedule)
    length = max_tokens or LENGTHS.get(known, DEFAULT_LENGTH)
    return AuditSettings(known, seed, schedule, length, timing)


def _subjects(data: Path | None, limit: int, seed: int) -> list[Subject]:
    from langchain_cogenesis.evaluation.audit.canaries import plant

    if data is None:
        from langchain_cogenesis.evaluation.audit.grammar_users import grammar_subject

        found = [grammar_subject(seed, number) for number in range(limit)]
    else:
        from langchain_cogenesis.evaluation.audit.records import record_subjects

        found = record_subjects(data, limit)
    return [plant(subject, seed) for subject in found]


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    from langchain_cogenesis.evaluation.audit.runs import audit_folder

    if kept is not None:
        with audit_folder(kept) as folder:
            yield folder
        return
    with TemporaryDirectory(prefix="cogenesis-") as temporary, audit_folder(Path(temporary)) as own:
        yield own


@contextmanager
def _progress() -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=err(), transient=True) as progress:

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield advance


def _print(report: ModeReport) -> None:
    told = f"{report.mode}: {report.users} users, {report.requests} requests, {report.bytes} bytes"
    out().print(f"\n{told}", style="bold", markup=False)
    heads = ("attack", "our egress", "raw", "typed", "floor", "chance", "over floor", "n", "±",
             "target", "")  # fmt: skip
    table = Table(*heads, box=None, header_style="bold")
    for column in table.columns[:-1]:
        column.no_wrap = True
    for row in report.rows:
        table.add_row(*_cells(row))
    out().print(table)
    out().print(
        "Percent, with 95 % intervals. raw: instruction and context, as an app without us would "
        "send them; typed: the instruction; floor: it, without private values. * not promised."
    )
    if any(row.attack == "timing" for row in report.rows):
        out().print(
            "In timing, raw is a schedule that depends on the text; floor, a fixed one again."
        )
    if report.faults:
        faults = ", ".join(f"{count} {kind}" for kind, count in report.faults.items())
        out().print(f"Runs that ended with an error: {faults}.", markup=False)


def _cells(row: Row) -> Iterator[Text]:
    from langchain_cogenesis.evaluation.audit.report import cells, percent

    attack, _, ours, _, _, floor, chance, excess, count, width, target, verdict = cells(row)
    single = {name: row.results.get(name) for name in ("raw", "typed")}
    values = ("–" if found is None else percent(found.value) for found in single.values())
    star = "*" if row.promised is False else ""
    texts = (
        f"{attack}{star}: {row.what}",
        ours,
        *values,
        floor,
        chance,
        excess,
        count,
        width,
        target,
    )
    yield from map(Text, texts)
    yield Text(verdict, _STYLES.get(row.verdict, "yellow"))
