"""What fusion is worth: `python -m benchmarks.fusion_quality [--count N] [--json] [--plot FILE]`.

Teacher-forced on held-out letters: negative log-likelihood of the references, nats a token, under
the small house model with context, under both with each fusion, and with the entropy schedule at
rising thresholds. The larger model sees placeholders and has no say in private spans, as in logit
mode. The learned fusion and the paper's weight network are fitted on other letters. 95 % intervals
by bootstrap over letters.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.weight_network import fit_paper_network
from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.evaluation.likelihood import (
    chat_ids,
    fused_steps,
    masked_view,
    public_ids,
    reference_logprobs,
)
from langchain_cogenesis.evaluation.records import Estimate, estimate, estimate_gain
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.fitting import fit
from langchain_cogenesis.fusion.fixed import LinearFusion, LogLinearFusion, MaxFusion, ProxyFusion
from langchain_cogenesis.fusion.learned import LearnedFusion
from langchain_cogenesis.fusion.recording_files import load_recordings
from langchain_cogenesis.fusion.recordings import record
from langchain_cogenesis.fusion.schedule import entropy
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.prompts import public_messages, role_pairs

THRESHOLDS = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
Pair = tuple[float, float]


@dataclass(frozen=True)
class Letter:
    """One letter's rows: token, local row, the small model's row without context, the larger's."""

    steps: tuple[tuple[int, Logprobs, Logprobs, Distribution | None], ...]


def letter(number: int, *, held_out: bool) -> Example:
    """A letter; those that are held out have names and wordings of their own."""
    return create_example(
        f"{'quality' if held_out else 'fit'}/{number}",
        condition="context",
        scope="everything",
        held_out=held_out,
        new_names=held_out,
    )


def public_chat(example: Example) -> tuple[tuple[str, str], ...]:
    """The remote's prompt."""
    return role_pairs(public_messages(masked_view(example).instruction))


def read_letter(small: LlamaCppEngine, large: LlamaCppEngine, example: Example) -> Letter:
    """All rows of a letter."""
    steps = fused_steps(small, large, example, masked=True)
    tokens = [token for token, _, _ in steps]
    bare = role_pairs(public_messages(example.instruction))
    rows = reference_logprobs(small, chat_ids(small, bare), tokens)
    return Letter(
        tuple(
            (token, local, Logprobs(rows[index]), row)
            for index, (token, local, row) in enumerate(steps)
        )
    )


def nats(found: Letter, fusion: Fusion | None, threshold: float = 0.0) -> tuple[Pair, Pair]:
    """Nats and tokens of a letter; steps that asked and tokens."""
    total, asked = 0.0, 0
    for position, (token, local, bare, row) in enumerate(found.steps):
        values = local.values
        if fusion is not None and row is not None and entropy(local) >= threshold:
            rows = [local, bare, row] if isinstance(fusion, ProxyFusion) else [local, row]
            values, asked = fusion.fuse(rows, position=position).values, asked + 1
        total -= float(values[token])
    return (total, len(found.steps)), (asked, len(found.steps))


def fit_fusions(
    small: LlamaCppEngine, large: LlamaCppEngine, count: int
) -> tuple[LearnedFusion, dict[str, Any]]:
    """The learned fusion, and it beside the paper's network on the same held-out recordings."""
    examples = [letter(number, held_out=False) for number in range(count)]

    def triples() -> Iterator[Any]:
        for example in examples:
            private = [{"role": role, "content": text} for role, text in example.messages()]
            public = [{"role": role, "content": text} for role, text in public_chat(example)]
            yield private, public, example.answer

    with tempfile.TemporaryDirectory() as folder:
        local, helper = LocalNextTokenModel(small), LocalNextTokenModel(large)
        view = _view(small, examples)
        for _ in record(triples(), local, helper, folder, keep_top=10, view=view):
            pass
        recordings = list(load_recordings(folder))
    ours, paper = fit(recordings, seed=0), fit_paper_network(recordings)
    return ours.fusion, {
        "learned": asdict(ours.nll["learned"]),
        "learned, weights": ours.fusion.network.weight_count,
        "paper's network": asdict(paper.nll),
        "paper's network, weights": paper.weights,
        "held-out letters": ours.examples[2],
    }


def _view(small: LlamaCppEngine, examples: Sequence[Example]) -> Any:
    def view(number: int, tokens: Sequence[int]) -> Any:
        return public_ids(small, tokens, masked_view(examples[number]).spans)

    return view


def table(letters: Sequence[Letter], learned: LearnedFusion) -> list[dict[str, Any]]:
    """Each fusion against the small model alone."""
    fusions: list[Fusion] = [
        LinearFusion((0.5, 0.5)),
        LinearFusion((0.6, 0.4)),
        LogLinearFusion((0.5, 0.5)),
        MaxFusion(),
        ProxyFusion(1.0),
        learned,
    ]
    alone = [nats(one, None)[0] for one in letters]
    rows = [{"fusion": "small alone", "nll": _plain(estimate(alone))}]
    for fusion in fusions:
        fused = [nats(one, fusion)[0] for one in letters]
        weights = getattr(fusion, "weights", None)
        name = f"{fusion.name} {weights[0]:.1f}" if weights else fusion.name
        gain = _plain(estimate_gain(alone, fused))
        rows.append({"fusion": name, "nll": _plain(estimate(fused)), "fall of nll": gain})
    return rows


def curve(letters: Sequence[Letter], fusion: Fusion) -> list[dict[str, Any]]:
    """What is kept of the gain as the entropy threshold rises."""
    alone = [nats(one, None)[0] for one in letters]
    full = [nats(one, fusion)[0] for one in letters]
    whole = _total(alone) - _total(full)
    rows = []
    for threshold in THRESHOLDS:
        both = [nats(one, fusion, threshold) for one in letters]
        kept = (_total(alone) - _total([pair for pair, _ in both])) / whole if whole else 0.0
        asked = sum(count for _, (count, _) in both) / sum(tokens for _, (_, tokens) in both)
        rows.append(
            {
                "entropy from": threshold,
                "steps that ask": round(asked, 4),
                "gain kept": round(kept, 4),
                "nll": _plain(estimate([pair for pair, _ in both])),
            }
        )
    return rows


def _total(pairs: Sequence[Pair]) -> float:
    return sum(value for value, _ in pairs) / sum(tokens for _, tokens in pairs)


def _plain(found: Estimate | None) -> list[float] | None:
    return [round(v, 4) for v in (found.value, found.low, found.high)] if found else None


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draws the curve as SVG: gain kept against steps that ask."""
    width, height, edge = 480, 320, 46
    most = max(row["steps that ask"] for row in rows) or 1
    points = [
        (
            edge + row["steps that ask"] / most * (width - 2 * edge),
            height - edge - max(0.0, row["gain kept"]) * (height - 2 * edge) / 1.1,
        )
        for row in rows
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2"/>'
        f'<g fill="#2563eb">{dots}</g>'
        f'<text x="{width / 2}" y="{height - 10}" text-anchor="middle">share of steps that ask '
        f'(0 to {most:.2f})</text><text x="14" y="{height / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {height / 2})">share of the gain in NLL kept (0 to 1.1)</text>'
        "</svg>\n",
        encoding="utf-8",
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="benchmarks.fusion_quality", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="held-out letters (500)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, help="draw the curve of the schedule as SVG")
    options = parser.parse_args()
    small, large = (LlamaCppEngine(name, n_threads=1) for name in ("house-small", "house-large"))
    print("fitting …", file=sys.stderr)
    learned, networks = fit_fusions(small, large, max(20, options.count // 2))
    letters = []
    for number in range(options.count):
        letters.append(read_letter(small, large, letter(number, held_out=True)))
        if number % 50 == 49:
            print(f"{number + 1} of {options.count} letters", file=sys.stderr)
    report = {
        "letters": options.count,
        "fusions": table(letters, learned),
        "entropy schedule": curve(letters, LinearFusion((0.5, 0.5))),
        "networks": networks,
    }
    if options.plot:
        plot(report["entropy schedule"], options.plot)  # type: ignore[arg-type]
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for title in ("fusions", "entropy schedule"):
        print(title)
        for row in report[title]:  # type: ignore[attr-defined]
            print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))
    print(f"learned fusion and the paper's network, held-out nats a token: {networks}")


if __name__ == "__main__":
    main()
