"""Prints the benchmarks' table: `python -m benchmarks [--json]`.

Each row times ours and an alternative in turn, several times, in one process, and gives the median
of the ratios pair by pair, so that a machine whose speed drifts does not matter.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

PAIRS = 7


@dataclass(frozen=True)
class Row:
    """One comparison: seconds of ours, seconds of the alternative, and ours / alternative."""

    what: str
    alternative: str
    ours_ms: float
    alternative_ms: float
    ratio: float


def compare(
    what: str, ours: Callable[[], object], alternative: str, theirs: Callable[[], object]
) -> Row:
    """Times both in turn."""
    ours(), theirs()
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(PAIRS)]
    return Row(
        what,
        alternative,
        round(1e3 * statistics.median(a for a, _ in pairs), 3),
        round(1e3 * statistics.median(b for _, b in pairs), 3),
        round(statistics.median(a / b for a, b in pairs), 3),
    )


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def import_time() -> Row:
    """Importing the package, against importing what it builds on."""

    def importer(name: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", f"import {name}"], check=True)

    return compare(
        "import langchain_cogenesis",
        importer("langchain_cogenesis"),
        "import langchain_core.language_models",
        importer("langchain_core.language_models"),
    )


def generation() -> Row:
    """64 greedy tokens from the small house model, against llama-cpp-python's own loop."""
    import llama_cpp

    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

    engine = LlamaCppEngine("house-small", n_threads=1)
    prompt = engine.apply_template([{"role": "user", "content": "Invite a friend to dinner."}])
    other = llama_cpp.Llama(
        str(engine.path), n_ctx=1024, n_threads=1, flash_attn=True, verbose=False
    )

    def theirs() -> None:
        other.reset()
        for count, _ in enumerate(other.generate(prompt, temp=0.0), start=1):
            if count == 64:
                break

    return compare(
        "64 greedy tokens, one thread",
        lambda: list(engine.generate(prompt, max_tokens=64)),
        "llama_cpp.Llama.generate",
        theirs,
    )


def gate() -> Row:
    """Clearing a request of 4 KB with 200 known values, against one case-insensitive regex."""
    from langchain_cogenesis.privacy.gate import EgressGate
    from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
    from langchain_cogenesis.privacy.restore import Conversation

    names = [f"Zarn{chr(97 + n // 26)}{chr(97 + n % 26)} Vexmoor{n}" for n in range(200)]
    text = (f"Please write to {names[7]} and {names[90]} about the garden. " * 80)[:4096]
    own = EgressGate(PrivateLexicon(PrivateValue("NAME", name) for name in names))
    pattern = re.compile("|".join(re.escape(p) for n in names for p in n.split()), re.IGNORECASE)
    return compare(
        "gate, 4 KB, 200 values",
        lambda: own.clear(text, endpoint="https://x.example", conversation=Conversation()),
        "one case-insensitive regex",
        lambda: pattern.sub("[NAME]", text),
    )


def main() -> None:
    """Runs all and prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    rows = [import_time(), generation(), gate()]
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{'what':32} {'ours':>10} {'other':>10} {'ratio':>7}  against")
    for row in rows:
        print(
            f"{row.what:32} {row.ours_ms:8.2f}ms {row.alternative_ms:8.2f}ms "
            f"{row.ratio:7.2f}  {row.alternative}"
        )


if __name__ == "__main__":
    main()
