"""`cogenesis fusion …`: fits a learned fusion on recordings, and shows one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from langchain_cogenesis.cli.fusion_data import (
    GRAMMAR,
    Job,
    fit_triples,
    language_of,
    task_examples,
)
from langchain_cogenesis.cli.output import JsonOption, err, out, print_json, reporting

if TYPE_CHECKING:
    from langchain_cogenesis.fusion.fitting import FitResult
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

fusion_app = typer.Typer(
    no_args_is_help=True, help="Fit how much of the helper to take at each token, or show a fit."
)


@fusion_app.command()
def fit(
    out_file: Annotated[Path, typer.Option("--out", help="Where the fusion goes, *.safetensors.")],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="`grammar` for made-up letters, `grammar:de`, examples of the task as for `bench "
            "quality`, or a JSONL file of prompts.",
        ),
    ] = GRAMMAR,
    count: Annotated[int, typer.Option("--count", min=5, help="Examples at most.")] = 200,
    local: Annotated[
        str | None,
        typer.Option(
            "--local",
            help="The local model: a GGUF, or by default the house model of the data's language.",
        ),
    ] = None,
    helper: Annotated[
        str | None,
        typer.Option("--helper", help="The helper, run on this device: as for --local."),
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option("--recordings", help="Keep recordings in this folder, and take those there."),
    ] = None,
    top_k: Annotated[
        int, typer.Option("--top-k", min=1, help="Tokens that an endpoint will give of the helper.")
    ] = 20,
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, help="At most; it ends when it no longer helps.")
    ] = 300,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of examples and fit.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Fits a learned fusion on references, teacher-forced through both models on this device.

    Of examples of the task the local model reads instruction and retrieved context, and the helper
    what the user's gate lets out. A line of a JSONL file of prompts is an object with "private" and
    "public", each a list of pairs of role and text, and "reference", a text. Recordings are private
    data: without --recordings they are removed.

    Example: cogenesis fusion fit --data letters.jsonl --count 300 --out letters.safetensors
    """
    from langchain_cogenesis.fusion.recordings import load_recordings

    with reporting(as_json), _folder(recordings) as folder:
        _check_target(out_file)
        outcomes = _record(Job(data, count, local, helper, top_k, seed), folder)
        result = _fit(list(load_recordings(folder)), epochs, seed)
        result.fusion.save(out_file)
        told = _told(result, out_file, outcomes, recordings)
        if as_json:
            print_json(told)
        else:
            _print_fit(told)


@fusion_app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `fusion fit` wrote.")],
    as_json: JsonOption = False,
) -> None:
    """Shows what a learned fusion looks at, how large it is and which vocabulary it is for.

    Example: cogenesis fusion show letters.safetensors
    """
    from langchain_cogenesis.fusion.features import FEATURE_NAMES
    from langchain_cogenesis.fusion.learned import LearnedFusion

    with reporting(as_json):
        fusion = LearnedFusion.load(file)
        told = {
            "file": str(file),
            "weights": fusion.network.weight_count,
            "hidden": len(fusion.network.b1),
            "vocabulary": fusion.vocabulary_digest,
            "features": list(FEATURE_NAMES),
        }
        if as_json:
            print_json(told)
            return
        for key, value in told.items():
            text = ", ".join(value) if isinstance(value, list) else value
            out().print(f"{key}: {text}", markup=False)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory(prefix="cogenesis-") as temporary:
        yield Path(temporary) / "recordings"


def _check_target(path: Path) -> None:
    from langchain_cogenesis.exceptions import ConfigurationError

    # Before hours of recording, not after.
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise ConfigurationError(
            f"{path} can't be written.", hint="Give a file in a directory that exists: --out FILE."
        )


def _record(job: Job, folder: Path) -> Counter[str]:
    from langchain_cogenesis.fusion.recordings import record
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine
    from langchain_cogenesis.models.local_next import LocalNextTokenModel
    from langchain_cogenesis.models.model_source import house_pair

    tasks = task_examples(job)
    named = job.local is not None and job.helper is not None
    small, large = house_pair("en" if named else language_of(tasks))
    engines = LlamaCppEngine(job.local or small), LlamaCppEngine(job.helper or large)
    examples, view = fit_triples(job, engines[0], tasks)
    total = len(examples) if isinstance(examples, Sized) else job.count
    outcomes: Counter[str] = Counter()
    try:
        steps = record(
            examples,
            LocalNextTokenModel(engines[0]),
            LocalNextTokenModel(engines[1]),
            folder,
            top_k=job.top_k,
            view=view,
            identity="/".join(map(_identity, engines)),
        )
        with Progress(console=err(), transient=True) as progress:
            for step in progress.track(steps, total=total, description="Recording"):
                outcomes[step.outcome] += 1
    finally:
        for engine in engines:
            engine.close()
    if outcomes["too long"]:
        err().print(f"{outcomes['too long']} examples are too long for a model and were left out.")
    return outcomes


def _identity(engine: LlamaCppEngine) -> str:
    found = engine.path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def _fit(found: Sequence[Any], epochs: int, seed: int) -> FitResult:
    from langchain_cogenesis.fusion.fitting import fitting

    steps = fitting(found, epochs=epochs, seed=seed)
    with Progress(console=err(), transient=True) as progress:
        task = progress.add_task("Fitting", total=epochs)
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: FitResult = stop.value
                return result
            text = f"Fitting, {step.nll:.4f} nats a token"
            progress.update(task, completed=step.epoch, description=text)


def _told(
    result: FitResult, path: Path, outcomes: Counter[str], kept: Path | None
) -> dict[str, Any]:
    return {
        "file": str(path),
        "weights": result.fusion.network.weight_count,
        "recordings": None if kept is None else str(kept),
        "outcomes": dict(outcomes),
        "examples": dict(zip(("train", "stop", "held_out"), result.examples, strict=True)),
        "epochs": result.epochs,
        "fixed_weight": result.fixed_weight,
        "nll": {name: asdict(found) for name, found in result.nll.items()},
        "gain": asdict(result.gain),
    }


def _print_fit(told: dict[str, Any]) -> None:
    table = Table("held out", "nats a token", "95 % interval", box=None, header_style="bold")
    names = {
        "local": "local alone",
        "helper": "helper alone",
        "fixed": f"fixed weight {told['fixed_weight']:.2f}",
        "learned": "learned weight",
    }
    rows = {**{names[name]: row for name, row in told["nll"].items()}, "gain": told["gain"]}
    for name, row in rows.items():
        table.add_row(name, f"{row['value']:.4f}", f"{row['low']:.4f} to {row['high']:.4f}")
    out().print(table)
    out().print(f"{told['file']}: {told['weights']} weights", markup=False)
