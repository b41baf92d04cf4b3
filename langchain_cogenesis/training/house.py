"""Trains the house models: `python -m langchain_cogenesis.training.house --help`.

Stages, each of which takes up what the one before left in the runs folder:

    vocabulary   learn the merges that both models share
    train        train a model; goes on where it was stopped
    export       write a model as GGUF
    evaluate     write held-out texts with the GGUF files in llama.cpp, and count the facts
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from langchain_cogenesis.training.config import (
    SETTINGS,
    VOCABULARY_EXAMPLES,
    HouseName,
)

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="house-small or house-large")]
Runs = Annotated[Path, typer.Option(help="Folder of vocabulary and checkpoints.")]
BUNDLED = Path(__file__).parent.parent / "models" / "bundled"
_REPORT_SECONDS = 15.0


@app.command()
def vocabulary(runs: Runs = Path("runs")) -> None:
    """Learn the vocabulary."""
    from langchain_cogenesis.data.examples import create_example
    from langchain_cogenesis.training.vocabulary import train_vocabulary

    def texts() -> list[str]:
        found: list[str] = []
        for index in range(VOCABULARY_EXAMPLES):
            for kind in ("private", "public"):
                example = create_example(f"vocabulary/{index}", kind=kind)
                found += [content for _, content in example.messages()]
                found.append(example.answer)
        return found

    tokenizer = train_vocabulary(texts())
    runs.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(runs / "vocabulary.json"))
    typer.echo(f"{runs / 'vocabulary.json'}: {tokenizer.get_vocab_size()} entries")


@app.command()
def train(
    name: Name,
    runs: Runs = Path("runs"),
    threads: Annotated[int, typer.Option(help="0: all cores.")] = 0,
) -> None:
    """Train a model, from its last checkpoint if there is one."""
    import torch

    from langchain_cogenesis.training.trainer import Trainer
    from langchain_cogenesis.training.vocabulary import load_vocabulary

    torch.set_num_threads(threads or os.cpu_count() or 1)
    settings = SETTINGS[_checked(name)]
    tokenizer = load_vocabulary(runs / "vocabulary.json")
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

    tokenizer = load_vocabulary(runs / "vocabulary.json")
    trainer = Trainer(SETTINGS[_checked(name)], tokenizer, runs / f"{name}.pt")
    path = output or BUNDLED / f"{name}.gguf"
    export_gguf(trainer.model, tokenizer, path, name=name, precision=parse_precision(precision))
    minutes = trainer.seconds / 60
    typer.echo(f"{path}: {path.stat().st_size} bytes, {trainer.tokens} tokens, {minutes:.0f} min")


@app.command()
def evaluate(
    models: Annotated[
        list[str] | None, typer.Argument(help="House models or GGUF files; by default both.")
    ] = None,
    count: Annotated[int, typer.Option(help="Held-out examples of each condition.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write held-out texts with each model and count what is in them."""
    from langchain_cogenesis.training.evaluation import evaluate_model, format_report

    reports = [evaluate_model(model, count) for model in models or list(SETTINGS)]
    typer.echo(json.dumps(reports, indent=1) if as_json else format_report(reports))


def _checked(name: str) -> HouseName:
    for known in SETTINGS:
        if name == known:
            return known
    raise typer.BadParameter(f"{name!r} is none of {', '.join(SETTINGS)}.")


if __name__ == "__main__":
    app()
