"""`cogenesis synthesize`: makes up users and their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import Progress as ProgressBar
from rich.table import Table

from langchain_cogenesis.cli.output import FAILED, JsonOption, err, out, print_json, reporting
from langchain_cogenesis.cli.synthesize_report import report
from langchain_cogenesis.cli.write import RemoteKeyOption, RemoteModelOption

if TYPE_CHECKING:
    from langchain_cogenesis.data.synthesis.costs import Prices
    from langchain_cogenesis.data.synthesis.orders import Generator, StepName, Usage
    from langchain_cogenesis.data.synthesis.pipeline import Summary, SynthesisSettings
    from langchain_cogenesis.data.synthesis.running import RunLimits

synthesize_app = typer.Typer(invoke_without_command=True)
synthesize_app.command()(report)

_STEP_NAMES = {
    "portrait": "group portraits",
    "user": "users",
    "tasks": "writing tasks",
    "text": "texts",
}


@synthesize_app.callback()
def synthesize(
    context: typer.Context,
    users: Annotated[int | None, typer.Option("--users", min=1, help="How many users.")] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", help="Directory of the run; one that was begun goes on."),
    ] = None,
    tasks: Annotated[
        int, typer.Option("--tasks", min=1, max=12, help="Texts of each user, at most.")
    ] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes others.")] = 0,
    language: Annotated[
        Literal["en", "de"], typer.Option("--language", help="What the grammar writes.")
    ] = "en",
    remote: Annotated[
        str | None,
        typer.Option("--remote", help="An endpoint whose model writes; else the grammar does."),
    ] = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            help='Price table, YAML or JSON: {"its-model": {"input": 0.15, "output": 0.6}}, in any '
            "currency, per million tokens.",
        ),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Stop when answers have cost so much.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would cost, and ask for nothing.")
    ] = False,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=256, help="Requests at once.")
    ] = 8,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.01, help="Requests a second, at most.")
    ] = None,
    attempts: Annotated[
        int, typer.Option("--attempts", min=1, help="Answers to one request, until it is set aside")
    ] = 3,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Seconds until a silent endpoint hangs.")
    ] = 120.0,
    as_json: JsonOption = False,
) -> None:
    """Makes up users with private context, writing tasks and texts, in the paper's four steps.

    Without --remote the grammar writes: no model, no network, no cost. With it, the model at that
    endpoint does; everything that it is asked is invented. Stop it whenever you like: the same
    command goes on, and pays for no answer twice.

    Example: cogenesis synthesize --users 1000 --out invented

    Example: cogenesis synthesize --users 100 --language de --out erfunden

    Example: cogenesis synthesize --users 200 --out made --remote https://host/v1
    --remote-model its-model --prices prices.yaml --max-cost 5

    Example: cogenesis synthesize report made --reference published.json
    """
    if context.invoked_subcommand is not None:
        return
    if users is None or (out_dir is None and not estimate):
        raise typer.BadParameter("--users and --out are needed; see --help.")
    if remote is not None and language != "en":
        raise typer.BadParameter("--language is for the grammar; a remote is asked in English.")
    from langchain_cogenesis.data.synthesis.pipeline import SynthesisSettings
    from langchain_cogenesis.data.synthesis.running import RunLimits

    settings = SynthesisSettings(users, tasks, seed, language=language)
    opened = _generator(remote, remote_model, remote_key, rate, timeout, language)
    with reporting(as_json), opened as made:
        table = _prices(prices, made)
        expected = _estimate(settings, made, table)
        if estimate or out_dir is None:
            _print_estimate(expected, as_json)
            return
        limits = RunLimits(attempts, concurrency, prices=table, max_cost=max_cost)
        _check_cost(expected, max_cost)
        if made.paid:
            err().print(_estimate_line(expected), markup=False)
        summary = _run(out_dir, made, settings, limits)
        _tell(summary, out_dir, table, as_json)


@contextmanager
def _generator(
    address: str | None,
    model: str | None,
    key: str | None,
    rate: float | None,
    timeout: float,
    language: str,
) -> Iterator[Generator]:
    if address is None:
        from langchain_cogenesis.data.synthesis.grammar import GrammarGenerator

        yield GrammarGenerator(language)
        return
    from langchain_cogenesis.cli.pair import PairOptions, open_remote
    from langchain_cogenesis.data.synthesis.chat import ChatGenerator
    from langchain_cogenesis.privacy.gate import EgressGate
    from langchain_cogenesis.privacy.policy import EgressPolicy

    # Nothing private is read here: all that is sent is invented, and must not be masked.
    gate = EgressGate(policy=EgressPolicy(trusted=frozenset({address})))
    with open_remote(gate, PairOptions("", address, model, key, timeout)) as remote:
        yield ChatGenerator(remote, requests_per_second=rate)


def _prices(path: Path | None, generator: Generator) -> Prices | None:
    if path is None or not generator.paid:
        return None
    from langchain_cogenesis.data.synthesis.costs import load_prices

    return load_prices(path, generator.name)


def _estimate(
    settings: SynthesisSettings, generator: Generator, prices: Prices | None
) -> dict[str, Any]:
    from langchain_cogenesis.data.synthesis.costs import estimate_usage
    from langchain_cogenesis.data.synthesis.pipeline import USERS_OF_A_PORTRAIT

    portraits = -(-settings.users // USERS_OF_A_PORTRAIT)
    usage: Mapping[StepName, Usage] = {}
    if generator.paid:
        usage = estimate_usage(settings.users, portraits, settings.tasks, settings.seed)
    return {"model": generator.name, **_costs(usage, prices)}


def _costs(usage: Mapping[StepName, Usage], prices: Prices | None) -> dict[str, Any]:
    from langchain_cogenesis.data.synthesis.orders import Usage

    total = sum(usage.values(), Usage())
    return {
        "calls": total.calls,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "estimated": total.estimated,
        "cost": None if prices is None else round(prices.cost(total), 6),
        "steps": {step: asdict(used) for step, used in usage.items()},
    }


def _estimate_line(expected: Mapping[str, Any]) -> str:
    cost = "unknown without --prices" if expected["cost"] is None else f"{expected['cost']:.4g}"
    return (
        f"estimate for all of it: {expected['calls']:,} requests, "
        f"{expected['input_tokens']:,} tokens in, {expected['output_tokens']:,} out; cost {cost}"
    )


def _print_estimate(expected: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(expected)
        return
    table = Table("step", "requests", "tokens in", "tokens out", box=None, header_style="bold")
    for step, used in expected["steps"].items():
        counts = (used["calls"], used["input_tokens"], used["output_tokens"])
        table.add_row(_STEP_NAMES[step], *(f"{count:,}" for count in counts))
    out().print(table)
    out().print(_estimate_line(expected), markup=False)


def _check_cost(expected: Mapping[str, Any], max_cost: float | None) -> None:
    from langchain_cogenesis.exceptions import ConfigurationError

    if max_cost is not None and expected["cost"] is not None and expected["cost"] > max_cost:
        raise ConfigurationError(
            f"it would cost about {expected['cost']:.4g}, more than --max-cost {max_cost:g}.",
            hint="Make fewer users, or raise the limit. Nothing was asked for.",
        )


def _run(
    directory: Path, generator: Generator, settings: SynthesisSettings, limits: RunLimits
) -> Summary:
    from langchain_cogenesis.data.synthesis.pipeline import synthesizing

    steps = synthesizing(directory, generator, settings, limits)
    with ProgressBar(console=err(), transient=True) as bar:
        task = bar.add_task("Starting", total=None)
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                summary: Summary = stop.value
                return summary
            text = f"Making {_STEP_NAMES[step.step]}"
            bar.update(task, description=text, completed=step.done, total=step.total)


def _tell(summary: Summary, directory: Path, prices: Prices | None, as_json: bool) -> None:
    told = asdict(replace(summary, usage={}))
    told |= {"usage": _costs(summary.usage, prices), "directory": str(directory)}
    if as_json:
        print_json(told)
    else:
        _print(told, directory)
    if summary.missing or summary.stopped:
        raise typer.Exit(FAILED)


def _print(told: Mapping[str, Any], directory: Path) -> None:
    show = out()
    show.print(f"{told['examples']:,} examples of {told['users']:,} users in {directory}")
    used = told["usage"]
    if used["input_tokens"]:
        cost = "" if used["cost"] is None else f", cost {used['cost']:.4g}"
        guess = f" ({used['estimated']:,} answers estimated)" if used["estimated"] else ""
        show.print(
            f"{used['calls']:,} answers, {told['calls']:,} of them now: {used['input_tokens']:,} "
            f"tokens in, {used['output_tokens']:,} out{guess}{cost}"
        )
    unusable = sum(told["set_aside"].values())
    if unusable or told["duplicates"]:
        show.print(
            f"set aside: {unusable} unusable, {told['duplicates']} nearly another; "
            "reasons in set_aside.jsonl"
        )
    if not told["near_search"]:
        show.print("only copies were removed: for near-duplicates, pip install datasketch")
    if told["stopped"]:
        err().print(f"stopped early: {told['stopped']}", style="yellow", markup=False)
    if told["missing"]:
        text = f"{told['missing']} answers are missing: run the same command again."
        err().print(text, style="yellow")
