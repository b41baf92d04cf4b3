"""`cogenesis bench quality`: the comparison of the paper, on these models and this data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langchain_cogenesis.cli.output import JsonOption, err, out, print_json, reporting

if TYPE_CHECKING:
    from langchain_cogenesis.evaluation.comparison.report import Section
    from langchain_cogenesis.evaluation.comparison.summary import Summary

bench_app = typer.Typer(no_args_is_help=True, help="Measure what collaboration is worth here.")


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
        str | None,
        typer.Option(
            "--local",
            help="The local model: a GGUF or owner/repo:file.gguf; by default the house model of "
            "the data's language.",
        ),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote",
            help="An address, or a model as for --local, served by a process of ours; by default "
            "the larger house model.",
        ),
    ] = None,
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
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            help="A study in the table's place: outlines, models, mask, schedules, weights.",
        ),
    ] = None,
    remotes: Annotated[
        str | None,
        typer.Option("--remotes", help="Models for --study models, joined by commas."),
    ] = None,
    third: Annotated[
        str | None,
        typer.Option("--third", help="A third model, run here without context, as for --local."),
    ] = None,
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
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Texts written at once, each by models of its own; by default one, and with the "
            "house models one for each core.",
        ),
    ] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where report, table and results go; by default bench-quality or bench-STUDY.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compares ways to write with a local and a remote model, on the same examples.

    Rows: the remote with context (upper bound) and without, the local model alone, with a sketch,
    with logits in each fusion, and other ways. Context goes to processes of ours and to addresses
    that are declared --trusted, nowhere else. A run that was stopped goes on where it was. The
    folder holds report.html and table.md, which are figures, and results.jsonl, which is private.

    Columns: facts used, plan coverage (points of the reference's plan that a text carries out; for
    examples that know their plan, as the grammar's do), style, overlap with the reference, nats a
    token, values leaked, requests, tokens, cost, speed. Below them stands whether the order of the
    paper is found: remote with context, logits, local model alone, remote without context by nats a
    token, and the sketch above the local model alone by plan coverage.

    A study has rows of its own, a plot, and a folder: outlines by their points and sentences, and
    several of which the local model chooses; models that are less and less alike (copies of the
    remote are made worse on the fly), and of several sizes with --remotes; what each strength of
    the mask costs and keeps of the leaky upper bound; when to ask; how much each model says.

    Example: cogenesis bench quality --limit 20 --rows slm-context,sketch,llm-context --out first

    Example: cogenesis bench quality --limit 20 --study mask
    """
    from langchain_cogenesis.cli.benching import Wanted, run_comparison, split_names
    from langchain_cogenesis.cli.judging import JudgeOptions
    from langchain_cogenesis.evaluation.comparison.orders import check_orders
    from langchain_cogenesis.evaluation.comparison.report import write_report
    from langchain_cogenesis.evaluation.comparison.studies import find_study
    from langchain_cogenesis.evaluation.comparison.world import PairSettings
    from langchain_cogenesis.evaluation.metrics.cost import Price

    with reporting(as_json):
        pair = PairSettings(
            remote_model=remote_model, remote_key=remote_key, trusted=trusted, fusion_file=fusion,
            weight=weight, max_tokens=max_tokens, third=third,
        )  # fmt: skip
        told = JudgeOptions(judge, judge_model, judge_key, judge_trusted)
        paid = Price.parse(price) if price else None
        asked = find_study(study) if study is not None else None
        folder = out_dir or Path(f"bench-{asked.key if asked else 'quality'}")
        models = split_names(remotes)
        named = (local, remote)
        wanted = Wanted(data, limit, seed, named, only, paid, asked, models, folder, workers)
        summary, section = run_comparison(pair, told, wanted)
        table, page = write_report(summary, folder, section)
        if as_json:
            orders = [order.as_json() for order in check_orders(summary)]
            studied = {"study": section.data} if section else {}
            print_json(summary.as_json() | {"orders": orders} | studied)
            return
        _print_summary(summary, section)
        err().print(f"{page}, {table}", style="dim", markup=False)


def _print_summary(summary: Summary, section: Section | None) -> None:
    from langchain_cogenesis.evaluation.comparison.report import SHORT, markdown

    out().print(markdown(summary, SHORT, section), markup=False, soft_wrap=True)
