"""`cogenesis bench quality`: the comparison of the paper, on these models and this data."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from langchain_cogenesis.cli.output import JsonOption, err, out, print_json, reporting

if TYPE_CHECKING:
    from langchain_cogenesis.evaluation.comparison.rows import Row
    from langchain_cogenesis.evaluation.comparison.runner import Judging, Tick
    from langchain_cogenesis.evaluation.comparison.summary import Summary
    from langchain_cogenesis.evaluation.comparison.world import PairSettings, World

bench_app = typer.Typer(no_args_is_help=True, help="Measure what collaboration is worth here.")

_SPOKEN_EVERY = 20.0


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Who judges, as the command line says it."""

    judge: str | None
    model: str | None
    key: str | None
    trusted: bool


@bench_app.callback()
def _bench() -> None:
    """Measure what collaboration is worth here."""


@bench_app.command()
def quality(
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="`grammar` for made-up letters, `grammar:de` or `grammar:en,de`, or a file.",
        ),
    ] = "grammar",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Examples at most.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the made-up letters.")] = 0,
    local: Annotated[
        str, typer.Option("--local", help="The local model: a GGUF or owner/repo:file.gguf.")
    ] = "house-small",
    remote: Annotated[
        str,
        typer.Option(
            "--remote", help="An address, or a model as for --local, served by a process of ours."
        ),
    ] = "house-large",
    remote_model: Annotated[
        str | None, typer.Option("--remote-model", help="The model's name at the address.")
    ] = None,
    remote_key: Annotated[
        str | None,
        typer.Option("--remote-key", envvar="COGENESIS_REMOTE_KEY", help="The address's key."),
    ] = None,
    trusted: Annotated[
        bool,
        typer.Option(
            "--trusted", help="The address may see private context: upper bounds are run, too."
        ),
    ] = False,
    only: Annotated[
        str | None, typer.Option("--rows", help="Rows to run, by name, joined by commas.")
    ] = None,
    fusion: Annotated[
        Path | None, typer.Option("--fusion", help="A learned fusion, from `fusion fit`.")
    ] = None,
    weight: Annotated[
        float, typer.Option("--weight", min=0.0, max=0.9, help="The local model's share.")
    ] = 0.6,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="Length of a text, tokens.")
    ] = 256,
    price: Annotated[
        str | None,
        typer.Option("--price", help="Of the remote's million tokens, input/output: 3/15."),
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", help="An address, or a model as for --local.")
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option("--judge-model", help="The judge's name at its address.")
    ] = None,
    judge_key: Annotated[
        str | None,
        typer.Option("--judge-key", envvar="COGENESIS_JUDGE_KEY", help="The judge's key."),
    ] = None,
    judge_trusted: Annotated[
        bool, typer.Option("--judge-trusted", help="The judge's address may see private context.")
    ] = False,
    out_dir: Annotated[
        Path, typer.Option("--out", help="Where report, table and results go.")
    ] = Path("bench-quality"),
    as_json: JsonOption = False,
) -> None:
    """Compares ways to write with a local and a remote model, on the same examples.

    Rows: the remote with context (upper bound) and without, the local model alone, with a sketch,
    with logits in each fusion, and other ways. Context goes to processes of ours and to addresses
    that are declared --trusted, nowhere else. A run that was stopped goes on where it was. The
    folder holds report.html and table.md, which are figures, and results.jsonl, which is private.

    Example: cogenesis bench quality --limit 20 --rows slm-context,sketch,llm-context --out first
    """
    from langchain_cogenesis.evaluation.comparison.report import write_report
    from langchain_cogenesis.evaluation.comparison.world import PairSettings
    from langchain_cogenesis.evaluation.metrics.cost import Price

    with reporting(as_json):
        pair = PairSettings(
            local, remote, remote_model, remote_key, trusted, fusion, weight, max_tokens
        )
        told = JudgeOptions(judge, judge_model, judge_key, judge_trusted)
        paid = Price.parse(price) if price else None
        summary = _run(pair, told, _Wanted(data, limit, seed, only, paid, out_dir))
        table, page = write_report(summary, out_dir)
        if as_json:
            print_json(summary.as_json())
            return
        _print_summary(summary)
        err().print(f"{page}, {table}", style="dim", markup=False)


@dataclass(frozen=True, slots=True)
class _Wanted:
    data: str
    limit: int
    seed: int
    only: str | None
    price: Any
    out: Path


def _run(pair: PairSettings, judge: JudgeOptions, wanted: _Wanted) -> Summary:
    from langchain_cogenesis.evaluation.comparison.results import ResultFile
    from langchain_cogenesis.evaluation.comparison.rows import comparison_rows
    from langchain_cogenesis.evaluation.comparison.runner import run_identity, run_rows
    from langchain_cogenesis.evaluation.comparison.summary import summarise_results
    from langchain_cogenesis.evaluation.comparison.world import open_world
    from langchain_cogenesis.evaluation.task_sources import load_task_examples

    examples = load_task_examples(wanted.data, limit=wanted.limit, seed=wanted.seed)
    with ExitStack() as stack:
        world = stack.enter_context(open_world(pair))
        every = comparison_rows(world)
        rows = _chosen(every, wanted.only)
        identity = run_identity(pair, wanted.data, wanted.seed, wanted.price, _files(world))
        identity["judge"] = judge.judge
        results = ResultFile(wanted.out, identity)
        judging = stack.enter_context(_open_judge(judge)) if judge.judge else None
        ticks = run_rows(world, rows, examples, results, price=wanted.price, judging=judging)
        _show_progress(ticks, len(rows) * len(examples))
        return summarise_results(
            results,
            [(row.key, row.label, row.kind) for row in rows],
            {**identity, "examples": len(examples)},
            examples=[example.id for example in examples],
            left_out=_left_out(world, wanted.only),
            notes=_notes(world, judging),
        )


def _chosen(rows: list[Row], only: str | None) -> list[Row]:
    from langchain_cogenesis.exceptions import ConfigurationError

    if only is None:
        return rows
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = {row.key: row for row in rows}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ConfigurationError(
            f"there is no row {', '.join(map(repr, unknown)) or 'named'} here.",
            hint=f"Rows: {', '.join(known)}.",
        )
    return [row for row in rows if row.key in names]


def _left_out(world: World, only: str | None) -> dict[str, str]:
    if only is not None or world.open_remote is not None:
        return {}
    why = "not run: the remote would see what is private, and its address isn't --trusted."
    return {"LLM with context, LLM without, remote drafts raw": why}


def _notes(world: World, judging: Judging | None) -> list[str]:
    notes = [
        "Values leaked: the share of the user's private values that can be read in what the remote "
        "was sent; a remote that is a process of ours counts as if it were elsewhere."
    ]
    if judging is not None and judging.judge.masks:
        notes.append("The judge isn't trusted: it saw placeholders in the place of private values.")
    if world.large is None:
        notes.append("Likelihoods under the remote aren't measured: its weights aren't here.")
    return notes


def _files(world: World) -> list[str]:
    engines = [world.local.engine, *([world.large] if world.large is not None else [])]
    stats = [engine.path.stat() for engine in engines]
    return [f"{stat.st_size}-{stat.st_mtime_ns}" for stat in stats]


def _open_judge(options: JudgeOptions) -> Any:
    from contextlib import contextmanager

    from langchain_cogenesis.evaluation.comparison.runner import Judging
    from langchain_cogenesis.evaluation.judge import Judge
    from langchain_cogenesis.evaluation.judge_prompts import JUDGE_TEMPLATES
    from langchain_cogenesis.exceptions import ConfigurationError
    from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
    from langchain_cogenesis.models.remote import create_remote
    from langchain_cogenesis.privacy.gate import EgressGate
    from langchain_cogenesis.privacy.policy import EgressPolicy

    @contextmanager
    def opened() -> Iterator[Judging]:
        address = options.judge or ""
        if not address.startswith(("http://", "https://")):
            yield Judging(Judge(ChatLocalLlama(model=address)))
            return
        if options.model is None:
            raise ConfigurationError("the judge has no name.", hint="Name it with --judge-model.")
        policy = EgressPolicy(trusted=frozenset({address} if options.trusted else ()))
        gate = EgressGate(policy=policy, public_texts=JUDGE_TEMPLATES)
        remote = create_remote(address, options.model, api_key=options.key, gate=gate, timeout=120)
        try:
            yield Judging(Judge(remote, gate), gate)
        finally:
            remote.close()

    return opened()


def _show_progress(ticks: Iterable[Tick], total: int) -> None:
    """A bar on a terminal; elsewhere a line now and then. Both say how long it will take."""
    if sys.stderr.isatty():
        columns = (
            TextColumn("Writing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=err(), transient=True) as progress:
            task = progress.add_task("Writing", total=total)
            for tick in ticks:
                progress.update(task, completed=tick.done)
        return
    began = spoken = time.monotonic()
    for tick in ticks:
        now = time.monotonic()
        if tick.fresh and (now - spoken > _SPOKEN_EVERY or tick.done == tick.total):
            spoken = now
            left = (now - began) / tick.fresh * (tick.total - tick.done)
            err().print(f"{tick.done} of {tick.total} texts, about {_spelled(left)} left")


def _spelled(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _print_summary(summary: Summary) -> None:
    from langchain_cogenesis.evaluation.comparison.report import markdown

    out().print(markdown(summary), markup=False, soft_wrap=True)
