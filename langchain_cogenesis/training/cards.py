"""Model cards: written from the settings, the training and the figures, never by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, StrictUndefined, Template

from langchain_cogenesis.data.examples import MIXES, Condition
from langchain_cogenesis.data.german_examples import GERMAN_LATE_MIXES, GERMAN_MIXES
from langchain_cogenesis.data.grammar.german.tasks import BY_OUTLINE_ONLY, load_german_tasks
from langchain_cogenesis.data.grammar.tasks import UNSEEN_TASKS, load_tasks
from langchain_cogenesis.training.comparing import read_comparison
from langchain_cogenesis.training.config import (
    SETTINGS,
    Architecture,
    HouseName,
    Language,
    models_of,
)

_CONDITIONS: dict[Condition, str] = {
    "context": "private context and instruction",
    "context_outline": "private context, instruction and outline",
    "bare": "instruction alone, private prompt",
    "bare_outline": "instruction and outline, private prompt",
    "public_text": "text from a request as a remote sees it, mostly with placeholders",
    "public_sketch": "outline for such a request",
}
_NATS = frozenset({"nll", "alone", "fused"})
_COMPARED = "small, context + outline"


def write_cards(runs: Path, bundled: Path, figures: str, figures_f16: str) -> list[Path]:
    """Writes a card for each house model.

    Args:
        runs: Folder of checkpoints and figures.
        bundled: Folder of the GGUF files, where the cards go.
        figures: Name of the evaluation's JSON file.
        figures_f16: The same for the small model as F16; left out where there is no such file.

    Returns:
        The cards.
    """
    template = _template("card.md.jinja")
    report = json.loads((runs / figures).read_text(encoding="utf-8"))
    written: list[Path] = []
    for name in models_of("en"):
        file = bundled / f"{name}.gguf"
        text = template.render(
            **_facts(name, runs, file),
            mix=_shares(MIXES[SETTINGS[name].writer]),
            tasks=len(load_tasks()),
            unseen=[f"`{task}`" for task in UNSEEN_TASKS],
            report=report,
            figures=figure_table(report, name),
            targets=target_table(report),
            precision=_precision(report, runs / figures_f16, file, runs / f"{name}-F16.gguf"),
        )
        written.append(_write(bundled / f"{name}.md", text))
    return written


def write_compared_cards(runs: Path, bundled: Path, language: Language) -> list[Path]:
    """Writes cards whose figures are those of a comparison.

    Args:
        runs: Folder of checkpoints and figures.
        bundled: Folder of the GGUF files, where the cards go.
        language: Whose models.

    Returns:
        The cards.
    """
    template = _template("compared_card.md.jinja")
    compared = read_comparison(runs, language)
    written: list[Path] = []
    for name in models_of(language):
        writer = SETTINGS[name].writer
        facts = _facts(name, runs, bundled / f"{name}.gguf")
        text = template.render(
            **facts,
            mix=_shares(GERMAN_MIXES[writer], GERMAN_LATE_MIXES[writer]),
            tasks=len(load_german_tasks()),
            unseen=[f"`{task}`" for task in BY_OUTLINE_ONLY],
            compared=compared,
        )
        written.append(_write(bundled / f"{name}.md", text))
    return written


def _shares(*mixes: Mapping[Condition, int]) -> list[tuple[str | float, ...]]:
    """What each condition of any of the mixes is, and its share in each."""
    return [
        (_CONDITIONS[c], *(mix.get(c, 0) / sum(mix.values()) for mix in mixes))
        for c in _CONDITIONS
        if any(c in mix for mix in mixes)
    ]


def _template(name: str) -> Template:
    environment = Environment(trim_blocks=False, undefined=StrictUndefined, autoescape=False)
    source = resources.files("langchain_cogenesis.training") / name
    return environment.from_string(source.read_text(encoding="utf-8"))


def _facts(name: HouseName, runs: Path, file: Path) -> dict[str, Any]:
    """What any model's card tells."""
    settings = SETTINGS[name]
    state = torch.load(runs / f"{name}.pt", weights_only=True, map_location="cpu")
    _, tokens, _, _, seconds = state["position"]
    return {
        "name": name,
        "small": settings.writer == "small",
        "megabytes": file.stat().st_size / 1e6,
        "shape": settings.architecture,
        "weights": count_weights(settings.architecture),
        "settings": settings,
        "tokens": tokens,
        "seconds": seconds,
    }


def _write(path: Path, text: str) -> Path:
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
    return path


def count_weights(shape: Architecture) -> int:
    """Number of weights of a model; the embedding counts once."""
    inner = shape.heads * shape.head_width
    block = 4 * shape.width * inner + 3 * shape.width * shape.hidden + 2 * shape.width
    return shape.vocabulary * shape.width + shape.layers * block + shape.width


def figure_table(report: dict[str, Any], name: HouseName) -> str:
    """The figures of one model's groups as a Markdown table."""
    writer = SETTINGS[name].writer
    starts = (f"{writer}, ", f"free English, {writer}, ")
    groups = {g: m for g, m in report["summary"].items() if g.startswith(starts)}
    measures = dict.fromkeys(m for g in groups.values() for m in g if m != "seconds a text")
    lines = [f"| | {' | '.join(groups)} |", "| --- |" + " --- |" * len(groups)]
    for measure in measures:
        cells = [_cell(measure, group.get(measure)) for group in groups.values()]
        lines.append(f"| {measure} | {' | '.join(cells)} |")
    return "\n".join(lines)


def target_table(report: dict[str, Any]) -> str:
    """What the pair was made for, aim and figure, as a Markdown table."""
    lines = ["| What the pair was made for | Aim | Found |", "| --- | --- | --- |"]
    for target in report["targets"]:
        found = target["found"]
        cell = f"{found[0]:.1%} [{found[1]:.1%}, {found[2]:.1%}]" if found else "not measured"
        missed = "" if target["met"] else " (missed)"
        lines.append(f"| {target['what']} | {target['wanted']} | {cell}{missed} |")
    return "\n".join(lines)


def _cell(measure: str, found: list[float] | None) -> str:
    if found is None:
        return ""
    value, low, high, _ = found
    if measure == "tokens":
        return f"{value:.0f}"
    if measure in _NATS:
        return f"{value:.3f} [{low:.3f}, {high:.3f}]"
    return f"{value:.0%} [{low:.0%}, {high:.0%}]"


def _precision(report: dict[str, Any], figures: Path, shipped: Path, f16: Path) -> str:
    if not (figures.exists() and f16.exists()):
        return ""
    other = json.loads(figures.read_text(encoding="utf-8"))
    lines = [f"| | Size | facts, {_COMPARED} | facts a MB |", "| --- | --- | --- | --- |"]
    for precision, found, file in (("Q8_0", report, shipped), ("F16", other, f16)):
        facts, megabytes = found["summary"][_COMPARED]["facts"], file.stat().st_size / 1e6
        share = f"{facts[0] / megabytes:.0%}"
        lines.append(f"| {precision} | {megabytes:.1f} MB | {_cell('facts', facts)} | {share} |")
    return "\n".join(lines)
