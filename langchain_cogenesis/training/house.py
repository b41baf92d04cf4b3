"""Trains the house models: `python -m langchain_cogenesis.training.house`.

Without a command, all stages run, each taking up what the one before left in the runs folder; what
is there already isn't made again, so a run that was killed goes on where it stopped:

    vocabulary   learn the merges that both models share
    train        train a model; goes on from its last checkpoint
    export       write a model as GGUF
    evaluate     write held-out texts with the GGUF files in llama.cpp, and measure them
    compare      the same for a German pair, which has no evaluation of its own
    cards        write the model cards from training and evaluation
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from langchain_cogenesis.exceptions import CoGenesisError
from langchain_cogenesis.training.config import (
    SETTINGS,
    VOCABULARY_EXAMPLES,
    HouseName,
    Language,
    models_of,
)

# Without the mark, the list of stages would be filled into a paragraph.
_HELP = __doc__.replace("\n    vocabulary", "\n\b\n    vocabulary")
app = typer.Typer(add_completion=False, help=_HELP, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="house-small, house-large, or these with -de")]
LanguageOption = Annotated[str, typer.Option(help="en or de")]
Runs = Annotated[Path, typer.Option(help="Folder of vocabulary, checkpoints and figures.")]
Count = Annotated[int, typer.Option(help="Held-out examples, each in all conditions.", min=1)]
BUNDLED = Path(__file__).parent.parent / "models" / "bundled"
FIGURES = "evaluation.json"
FIGURES_F16 = "evaluation-F16.json"
_REPORT_SECONDS = 15.0
_EXAMPLES = 330
_COMPARED = 200
_MODULE = "langchain_cogenesis.training.house"


@app.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    runs: Runs = Path("runs"),
    count: Count = _EXAMPLES,
    language: Annotated[
        str | None, typer.Option(help="en or de; by default one after the other.")
    ] = None,
) -> None:
    """Train the house models, from words to GGUF files and model cards."""
    if context.invoked_subcommand is not None:
        return
    for each in get_args(Language) if language is None else (_language(language),):
        _everything_in(each, runs, count)


def _everything_in(language: Language, runs: Path, count: int) -> None:
    from langchain_cogenesis.training.trainer import short_checkpoint

    names = models_of(language)
    if not vocabulary_path(runs, language).exists():
        vocabulary(runs, language)
    for name in names:
        source = SETTINGS[name].grown_from
        if source and not short_checkpoint(runs, source).exists():
            _run_trainings(runs, source, extra=("--short",))
    _run_trainings(runs, *names)
    for name in names:
        export(name, runs)
    if language == "en":
        for name in names:
            export(name, runs, runs / f"{name}-F16.gguf", "F16")
        evaluate(runs=runs, count=count)
        f16 = runs / "house-small-F16.gguf"
        evaluate(runs=runs, small=str(f16), count=count, output=runs / FIGURES_F16)
    else:
        compare(language, runs, count)
    cards(runs, language)


@app.command()
def vocabulary(runs: Runs = Path("runs"), language: LanguageOption = "en") -> None:
    """Learn the vocabulary of a language."""
    from langchain_cogenesis.training.vocabulary import train_vocabulary

    tokenizer = train_vocabulary(list(_vocabulary_texts(_language(language))))
    runs.mkdir(parents=True, exist_ok=True)
    path = vocabulary_path(runs, _language(language))
    tokenizer.save(str(path))
    typer.echo(f"{path}: {tokenizer.get_vocab_size()} entries")


def _vocabulary_texts(language: Language) -> Iterator[str]:
    from langchain_cogenesis.training.batches import vocabulary_examples

    for index in range(VOCABULARY_EXAMPLES):
        for name in models_of(language):
            for example in vocabulary_examples(SETTINGS[name], index):
                yield from (content for _, content in example.messages())
                yield example.answer


@app.command()
def train(
    name: Name,
    runs: Runs = Path("runs"),
    threads: Annotated[int, typer.Option(help="0: all cores.")] = 0,
    short: Annotated[
        bool, typer.Option("--short", help="Stop when the short examples are through.")
    ] = False,
) -> None:
    """Train a model, from its last checkpoint if there is one."""
    import torch

    from langchain_cogenesis.training.trainer import Trainer
    from langchain_cogenesis.training.vocabulary import load_vocabulary

    torch.set_num_threads(threads or os.cpu_count() or 1)
    settings = SETTINGS[_checked(name)]
    tokenizer = load_vocabulary(vocabulary_path(runs, settings.language))
    trainer = Trainer(settings, tokenizer, runs / f"{name}.pt")
    losses: list[float] = []
    told = time.monotonic()
    for progress in trainer.run():
        losses.append(progress.loss)
        if time.monotonic() - told > _REPORT_SECONDS or progress.share >= 1:
            typer.echo(
                f"{name} {progress.share:6.1%}  step {progress.step}  {progress.tokens} tokens  "
                f"loss {sum(losses) / len(losses):.3f}  {progress.tokens_per_second:.0f} tokens/s  "
                f"{progress.seconds_left / 60:.0f} min left"
            )
            losses.clear()
            told = time.monotonic()
        if short and trainer.chunk >= settings.short_chunks:
            trainer.save()
            return


@app.command()
def export(
    name: Name,
    runs: Runs = Path("runs"),
    output: Annotated[Path | None, typer.Option(help="By default the package's folder.")] = None,
    precision: Annotated[str, typer.Option(help="F32, F16 or Q8_0")] = "Q8_0",
) -> None:
    """Write a model's last checkpoint as GGUF."""
    from langchain_cogenesis.training.export import export_gguf, parse_precision
    from langchain_cogenesis.training.trainer import Trainer
    from langchain_cogenesis.training.vocabulary import load_vocabulary

    settings = SETTINGS[_checked(name)]
    tokenizer = load_vocabulary(vocabulary_path(runs, settings.language))
    trainer = Trainer(settings, tokenizer, runs / f"{name}.pt")
    path = output or BUNDLED / f"{name}.gguf"
    export_gguf(
        trainer.model.cpu(), tokenizer, path, name=name, precision=parse_precision(precision)
    )
    minutes = trainer.seconds / 60
    typer.echo(f"{path}: {path.stat().st_size} bytes, {trainer.tokens} tokens, {minutes:.0f} min")


@app.command()
def evaluate(
    runs: Runs = Path("runs"),
    small: Annotated[str, typer.Option(help="House model or GGUF file.")] = "house-small",
    large: Annotated[str, typer.Option(help="House model or GGUF file.")] = "house-large",
    count: Count = _EXAMPLES,
    by_task: Annotated[bool, typer.Option(help="Print the figures of each task.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="JSON file; by default in the runs folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, no table.")] = False,
) -> None:
    """Write held-out texts with both models, and measure them."""
    from langchain_cogenesis.evaluation.house import Pair, evaluate_pair, seconds_a_letter
    from langchain_cogenesis.evaluation.house_report import build_report, format_report
    from langchain_cogenesis.evaluation.records import Record

    records: list[Record] = []
    began = told = time.monotonic()
    pair = Pair(small, large)
    for progress in evaluate_pair(pair, count, workers=os.cpu_count() or 1):
        records += progress.records
        if time.monotonic() - told > _REPORT_SECONDS:
            told = time.monotonic()
            left = (told - began) / progress.done * (progress.total - progress.done)
            typer.echo(f"{progress.done} of {progress.total}, {left / 60:.0f} min left", err=True)
    facts = {
        "small": Path(small).name,
        "large": Path(large).name,
        "examples": count,
        "seconds for 80 tokens, small": round(seconds_a_letter(small), 3),
    }
    report = build_report(records, **facts)
    target = output or runs / FIGURES
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1), encoding="utf-8")
    typer.echo(json.dumps(report) if as_json else format_report(report, by_task=by_task))
    typer.echo(f"{target}: all figures, by task and by what was held out", err=True)


@app.command()
def compare(
    language: LanguageOption = "de", runs: Runs = Path("runs"), count: Count = _COMPARED
) -> None:
    """Write letters of the grammar in the ways that collaborate, and measure them."""
    from langchain_cogenesis.training.comparing import compare_pair, read_comparison

    told = time.monotonic()
    for tick in compare_pair(_language(language), runs, count):
        if time.monotonic() - told > _REPORT_SECONDS:
            told = time.monotonic()
            typer.echo(f"{tick.done} of {tick.total} texts", err=True)
    typer.echo(read_comparison(runs, _language(language)).table)


@app.command()
def cards(runs: Runs = Path("runs"), language: LanguageOption = "en") -> None:
    """Write the model cards beside the files."""
    from langchain_cogenesis.training.cards import write_cards, write_compared_cards

    if _language(language) == "en":
        paths = write_cards(runs, BUNDLED, FIGURES, FIGURES_F16)
    else:
        paths = write_compared_cards(runs, BUNDLED, _language(language))
    for path in paths:
        typer.echo(str(path))


def _run_trainings(runs: Path, *names: str, extra: tuple[str, ...] = ()) -> None:
    """Trains models side by side: one small model on two threads is hardly faster than on one."""
    threads = str(max(1, (os.cpu_count() or 1) // len(names)))
    shared = ("--runs", str(runs), "--threads", threads, *extra)
    children = [
        subprocess.Popen([sys.executable, "-m", _MODULE, "train", name, *shared]) for name in names
    ]
    codes = [child.wait() for child in children]
    if any(codes):
        raise typer.Exit(1)


def vocabulary_path(runs: Path, language: Language) -> Path:
    """Where a language's vocabulary is kept."""
    return runs / ("vocabulary.json" if language == "en" else f"vocabulary.{language}.json")


def _language(text: str) -> Language:
    for known in get_args(Language):
        if text == known:
            return cast("Language", known)
    raise typer.BadParameter(f"{text!r} is none of {', '.join(get_args(Language))}.")


def _checked(name: str) -> HouseName:
    for known in SETTINGS:
        if name == known:
            return known
    raise typer.BadParameter(f"{name!r} is none of {', '.join(SETTINGS)}.")


if __name__ == "__main__":
    try:
        app()
    except CoGenesisError as error:
        sys.exit(f"error: {error}")
