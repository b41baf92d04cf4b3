"""What collaboration is worth, beside its aims: `python -m benchmarks.quality [--language de]`.

Fits a learned fusion, compares the ways to write on held-out letters (`cogenesis bench quality`),
measures what the mask keeps of a leaky upper bound and what it costs (`--study mask`), and times
the grammar. Each step is the command that a user types; with --out a stopped run goes on, and what
was written before isn't timed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from langchain_cogenesis.evaluation.comparison.utility import COST, KEPT

DATA = {"en": "grammar", "de": "grammar:de"}
MASKED = ("logits-leaky", "logits-unmasked", "logits-standard")
USERS = 300
GAP, USERS_A_MINUTE, MINUTES = 0.75, 1000, 30
FULL = 200
"""Letters for which the time is aimed at."""


@dataclass(frozen=True)
class Figure:
    """A figure, what it should be, and whether it is; None where that can't be said."""

    what: str
    aim: str
    found: str
    met: bool | None


def _cogenesis(*arguments: str) -> str:
    command = [sys.executable, "-m", "langchain_cogenesis", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure(language: str, count: int, folder: Path) -> Iterator[Figure]:
    """Yields the figures as they come.

    Args:
        language: `en` or `de`.
        count: Letters compared; half as many for the mask.
        folder: Where fusion and texts go; texts that are there aren't written again.
    """
    data, fusion = DATA[language], folder / "learned.safetensors"
    if not fusion.exists():
        _cogenesis("fusion", "fit", "--data", data, "--count", str(count), "--out", str(fusion))
    compared, began = folder / "comparison", time.monotonic()
    fresh = not compared.exists()
    options = ("--data", data, "--out", str(compared), "--fusion", str(fusion), "--json")
    told = json.loads(_cogenesis("bench", "quality", "--limit", str(count), *options))
    minutes = (time.monotonic() - began) / 60
    yield from _orders(told)
    yield _gap(told)
    options = ("--data", data, "--out", str(folder / "mask"), "--rows", ",".join(MASKED), "--json")
    half = str(max(1, count // 2))
    studied = json.loads(
        _cogenesis("bench", "quality", "--study", "mask", "--limit", half, *options)
    )
    yield from _utility(studied["study"]["logits-standard"])
    yield _grammar(language)
    if fresh:
        rows = len(told["rows"])
        met = minutes <= MINUTES if count >= FULL else None
        found = f"{minutes:.0f} min"
        yield Figure(f"comparison, {rows} rows of {count} letters", f"≤ {MINUTES} min", found, met)


def _orders(told: dict[str, Any]) -> Iterator[Figure]:
    for order in told["orders"]:
        value, low, high = order["difference"]
        found = f"{order['verdict']}, {value:+.3f} ({low:+.3f} to {high:+.3f})"
        what = f"{order['above']} above {order['below']}, {order['measure']}"
        yield Figure(what, "apart", found, order["verdict"] == "found")


def _gap(told: dict[str, Any]) -> Figure:
    closed = {
        row["label"]: row["gap closed"]["nll"]
        for row in told["rows"]
        if row["row"].startswith("logits") and "nll" in row["gap closed"]
    }
    what, aim = "gap closed in nats a token, best fusion", f"≥ {GAP:.0%}"
    if not closed:
        return Figure(what, aim, "no gap", None)
    label, (value, low, high, _) = max(closed.items(), key=lambda entry: entry[1][0])
    return Figure(what, aim, f"{value:.0%} ({low:.0%} to {high:.0%}), {label}", value >= GAP)


def _utility(found: dict[str, Any]) -> Iterator[Figure]:
    leaked = found["values leaked"]
    yield Figure("values leaked, masked logits", "0", str(leaked), leaked == 0)
    kinds = (
        ("kept of the leaky upper bound", f"≥ {KEPT:.0%}", lambda value: value >= KEPT),
        ("cost of masking", f"≤ {COST:.0%}", lambda value: value <= COST),
    )
    for kind, aim, reached in kinds:
        for measure_name in ("facts", "coverage", "rougeL", "nll"):
            if measure_name not in found[kind]:
                continue
            value, low, high, _ = found[kind][measure_name]
            name = "probability of a token" if measure_name == "nll" else measure_name
            text = f"{value:.1%} ({low:.1%} to {high:.1%})"
            yield Figure(f"{kind}, {name}", aim, text, reached(value))


def _grammar(language: str) -> Figure:
    folder = Path(tempfile.mkdtemp(prefix="cogenesis-users-"))
    try:
        began = time.monotonic()
        target = str(folder / "set")
        _cogenesis(
            "synthesize", "--users", str(USERS), "--out", target, "--language", language, "--json"
        )
        speed = USERS * 60 / (time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    met = speed >= USERS_A_MINUTE
    return Figure("synthesis on the grammar", "≥ 1,000 users/min", f"{speed:,.0f}", met)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", choices=tuple(DATA), default="en")
    parser.add_argument("--count", type=int, default=FULL, help="letters")
    parser.add_argument("--out", type=Path, help="keep fusion and texts here, and go on from them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = options.out or Path(tempfile.mkdtemp(prefix="cogenesis-quality-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        figures = []
        for figure in measure(options.language, options.count, folder):
            figures.append(figure)
            if not options.json:
                verdict = {True: "met", False: "MISSED", None: "–"}[figure.met]
                print(f"{figure.what:62} {figure.aim:>18}  {verdict:6}  {figure.found}", flush=True)
        if options.json:
            print(json.dumps([asdict(figure) for figure in figures], indent=2, ensure_ascii=False))
    finally:
        if options.out is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
