"""`cogenesis synthesize report`: how real and how diverse a set of examples is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from langchain_cogenesis.cli.output import JsonOption, err, out, print_json, reporting

if TYPE_CHECKING:
    from langchain_cogenesis.data.synthesis.quality import QualityReport
    from langchain_cogenesis.data.task.example import TaskExample

_ROWS = {
    "users": "users",
    "examples": "examples",
    "words": "words of a text",
    "nearest": "likeness to the nearest text (trigram Jaccard)",
    "alike": "texts with a neighbour of 0.5 or more",
    "distinct_1": "distinct words",
    "distinct_2": "distinct pairs of words",
    "occupations": "occupations",
    "occupations_effective": "occupations, effective number",
    "ages": "age: youngest, mean, oldest",
    "aged": "users whose age is a number",
    "facts": "facts named by an example",
    "facts_stated": "named facts that stand in the text",
    "facts_known": "named facts whose words are in the context",
    "personal": "texts that state something of the context",
    "letters": "texts that end like a letter",
    "signed": "of these, signed by the user",
}
_DISTANCES = {
    "words": ("words of texts, divergence in bits", "floor_words"),
    "pairs": ("pairs of words of texts", "floor_pairs"),
    "instructions": ("words of instructions", "floor_instructions"),
    "auc": ("texts told apart by a classifier, AUC", None),
    "auc_instructions": ("instructions told apart, AUC", None),
}


def report(
    source: Annotated[
        str, typer.Argument(metavar="DIR", help="What `synthesize` made, or any file of examples.")
    ],
    reference: Annotated[
        str | None, typer.Option("--reference", help="A set to compare with, of any known format.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of samples.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Reports how diverse a set is, whether texts fit their users, and how far a reference is.

    Likeness, distinct words, facts and distances are measured on samples of one size, of at most
    500 examples.

    Example: cogenesis synthesize report invented

    Example: cogenesis synthesize report invented --reference published.json --json
    """
    from langchain_cogenesis.data.synthesis.quality import assess

    with reporting(as_json):
        examples = _load(source)
        made = assess(examples, _load(reference) if reference else None, seed=seed)
        if as_json:
            print_json(asdict(made))
        else:
            _print(made)


def _load(source: str) -> list[TaskExample]:
    from langchain_cogenesis.data.task.loading import load_examples
    from langchain_cogenesis.exceptions import SourceError

    problems: list[SourceError] = []
    examples = load_examples(source, problems=problems)
    for problem in problems:
        err().print(str(problem), style="yellow", markup=False)
    return examples


def _print(made: QualityReport) -> None:
    table = Table("", "set", *(["reference"] if made.reference else []), box=None)
    sides = [asdict(side) for side in (made.set, made.reference) if side is not None]
    for key, label in _ROWS.items():
        table.add_row(label, *(_shown(side[key]) for side in sides))
    for decade in sorted({decade for side in sides for decade in side["decades"]}):
        cells = (_shown(side["decades"].get(decade, 0.0)) for side in sides)
        table.add_row(f"users aged {decade} to {int(decade) + 9}", *cells)
    out().print(table)
    if made.distance is None:
        return
    apart = Table("distance from the reference", "set", "within the reference", box=None)
    found = asdict(made.distance)
    for key, (label, floor) in _DISTANCES.items():
        apart.add_row(label, _shown(found[key]), _shown(found[floor]) if floor else "0.5 if alike")
    out().print(apart)


def _shown(value: Any) -> str:
    if value is None:
        return "not measured"
    if isinstance(value, tuple | list):
        return ", ".join(f"{part:.0f}" for part in value)
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
