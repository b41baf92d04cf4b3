"""Runs what `cogenesis bench quality` was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_cogenesis.cli.judging import JudgeOptions
    from langchain_cogenesis.evaluation.comparison.languages import Part
    from langchain_cogenesis.evaluation.comparison.report import Section
    from langchain_cogenesis.evaluation.comparison.results import Results
    from langchain_cogenesis.evaluation.comparison.rows import Row
    from langchain_cogenesis.evaluation.comparison.runner import Judging
    from langchain_cogenesis.evaluation.comparison.studies import Study
    from langchain_cogenesis.evaluation.comparison.summary import Summary
    from langchain_cogenesis.evaluation.comparison.world import PairSettings
    from langchain_cogenesis.evaluation.metrics.cost import Price


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was asked for, beside models and judge.

    Attributes:
        data: Which examples.
        limit: How many at most.
        seed: Of the grammar's.
        models: Local model and remote, where they were named.
        only: Rows that were named.
        price: What the remote takes.
        study: The study, if one was asked for.
        remotes: Models of a study.
        out: Where everything goes.
        workers: Texts written at once, if the user said so.
    """

    data: str
    limit: int
    seed: int
    models: tuple[str | None, str | None]
    only: str | None
    price: Price | None
    study: Study | None
    remotes: tuple[str, ...]
    out: Path
    workers: int | None

    def rows(self, pair: PairSettings) -> list[Row]:
        """The rows that were asked for."""
        from langchain_cogenesis.evaluation.comparison.rows import comparison_rows
        from langchain_cogenesis.exceptions import ConfigurationError

        if self.study is not None:
            return _chosen(self.study.rows(pair, self.remotes), self.only)
        if self.remotes:
            raise ConfigurationError(
                "the comparison takes one remote.",
                hint="Name it with --remote; several are for --study models.",
            )
        return _chosen(comparison_rows(pair), self.only)


def run_comparison(
    pair: PairSettings, judge: JudgeOptions, wanted: Wanted
) -> tuple[Summary, Section | None]:
    """Writes what isn't written yet, and makes the figures.

    Args:
        pair: How models write; which, the examples' languages and `wanted` say.
        judge: Who judges the texts, if anybody.
        wanted: What was asked for.

    Returns:
        The figures, and a study's own part of the report.
    """
    from langchain_cogenesis.evaluation.comparison.languages import split_by_language
    from langchain_cogenesis.evaluation.comparison.results import ResultFile
    from langchain_cogenesis.evaluation.comparison.study_report import study_section
    from langchain_cogenesis.evaluation.comparison.summary import summarise_results
    from langchain_cogenesis.evaluation.task_sources import load_task_examples

    examples = load_task_examples(wanted.data, limit=wanted.limit, seed=wanted.seed)
    local, remote = wanted.models
    parts = split_by_language(pair, examples, wanted.rows, local=local, remote=remote)
    identity = _identity(parts, judge, wanted)
    results = ResultFile(wanted.out, identity)
    notes = _write(parts, judge, wanted, results)
    rows, ids = parts[0].rows, [example.id for example in examples]
    summary = summarise_results(
        results,
        [(row.key, row.label, row.kind) for row in rows],
        {**identity, "examples": len(examples)},
        examples=ids,
        left_out=_left_out(parts[0].pair, wanted),
        notes=notes,
    )
    if wanted.study is None:
        return summary, None
    return summary, study_section(wanted.study, rows, summary, results, ids)


def _identity(parts: Sequence[Part], judge: JudgeOptions, wanted: Wanted) -> dict[str, Any]:
    from langchain_cogenesis.evaluation.comparison.runner import run_identity

    files = [file for part in parts for file in _files(part.pair, part.rows)]
    identity = run_identity(parts[0].pair, wanted.data, wanted.seed, wanted.price, files)
    identity["local"] = ", ".join(dict.fromkeys(part.pair.local for part in parts))
    identity["remote"] = ", ".join(dict.fromkeys(part.pair.remote for part in parts))
    identity["judge"] = judge.judge
    if wanted.study is not None:
        identity |= {"study": wanted.study.key, "remotes": list(wanted.remotes)}
    return identity


def _write(
    parts: Sequence[Part], judge: JudgeOptions, wanted: Wanted, results: Results
) -> list[str]:
    """Writes the texts; gives what a reader of the figures has to know."""
    from langchain_cogenesis.cli.judging import open_judge
    from langchain_cogenesis.cli.progress import show_progress
    from langchain_cogenesis.evaluation.comparison.languages import run_parts, usual_workers

    workers = wanted.workers or usual_workers(parts)
    workers = min(workers, sum(len(part.examples) for part in parts))
    with open_judge(judge) as judging:
        if judging is not None:
            workers = 1
        show_progress(
            run_parts(
                parts, wanted.rows, results, price=wanted.price, judging=judging, workers=workers
            )
        )
        return _notes(parts[0].pair, judging, workers)


def _chosen(rows: list[Row], only: str | None) -> list[Row]:
    from langchain_cogenesis.exceptions import ConfigurationError

    if only is None:
        return rows
    names = split_names(only)
    known = {row.key: row for row in rows}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ConfigurationError(
            f"there is no row {', '.join(map(repr, unknown)) or 'named'} here.",
            hint=f"Rows: {', '.join(known)}.",
        )
    return [row for row in rows if row.key in names]


def split_names(names: str | None) -> tuple[str, ...]:
    """Names that were joined by commas."""
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def _left_out(pair: PairSettings, wanted: Wanted) -> dict[str, str]:
    from langchain_cogenesis.evaluation.comparison.studies import NOT_TRUSTED, left_out

    if wanted.only is not None:
        return {}
    if wanted.study is not None:
        return left_out(wanted.study, pair, wanted.remotes)
    rows = "LLM with context, LLM without, remote drafts raw"
    return {} if pair.may_see_all else {rows: NOT_TRUSTED}


def _notes(pair: PairSettings, judging: Judging | None, workers: int) -> list[str]:
    notes = [
        "Values leaked: the share of the user's private values that can be read in what the remote "
        "was sent; a remote that is a process of ours counts as if it were elsewhere."
    ]
    if judging is not None and judging.judge.masks:
        notes.append("The judge isn't trusted: it saw placeholders in the place of private values.")
    if workers > 1:
        notes.append(f"Speeds are those of {workers} texts written at once.")
    if not pair.served_here:
        notes.append("Likelihoods under the remote aren't measured: its weights aren't here.")
    return notes


def _files(pair: PairSettings, rows: Sequence[Row]) -> list[str]:
    from langchain_cogenesis.exceptions import ModelFileError
    from langchain_cogenesis.models.model_source import HOUSE_MODELS, resolve_model

    pairs = [pair, *(row.pair for row in rows if row.pair is not None)]
    remotes = [settings.remote for settings in pairs if settings.served_here]
    paths = [resolve_model(model) for model in dict.fromkeys([pair.local, *remotes])]
    for path in paths:
        if not path.is_file():
            known = ", ".join(HOUSE_MODELS)
            raise ModelFileError(
                f"there is no model file {path}.",
                hint=f"Give a GGUF's path, owner/repo:file.gguf, or one of {known}.",
            )
    stats = [path.stat() for path in paths]
    return [f"{stat.st_size}-{stat.st_mtime_ns}" for stat in stats]
