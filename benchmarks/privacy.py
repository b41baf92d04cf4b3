"""What leaves by which guard: `python -m benchmarks.privacy --data FILE.csv [--records FILE.json]`.

Ours and what people use today, on the same texts: queries with their private units (a CSV with
`user_query` and `pii_units`), tasks with their users' profiles (a JSON list), and instructions of
our own grammar. A unit leaks if it can be read whole in what would be sent; a value, which is a
place where a unit stands, if some letter or digit of it can. With records, every user's whole
context is also held against instructions of others, in which nothing is that user's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.privacy_others import masked_of_others
from benchmarks.privacy_records import Source, grammar_records, read_profiles, read_pupa
from benchmarks.privacy_scores import Scores, Share, score
from benchmarks.privacy_systems import systems

_GRAMMAR = 300


def compare(sources: Sequence[Source]) -> list[Scores | dict[str, str]]:
    """Scores of every system on every source; what isn't installed has a name and a reason."""
    rows: list[Scores | dict[str, str]] = []
    compared = systems()
    for source in sources:
        for name, system in compared.items():
            if system is None:
                rows.append({"source": source.name, "system": name, "reason": "not installed"})
            else:
                rows.append(score(source.name, name, system, source.records))
    return rows


def table(
    rows: Sequence[Scores | dict[str, str]],
    sources: Sequence[Source],
    others: Mapping[str, Share] | None = None,
) -> str:
    """The rows for reading."""
    heads = ("leaked units", "of those with a shape", "leaked values", "masked for nothing")
    lines = [f"{'':10} {'':24}" + "".join(f"{head:>28}" for head in heads) + f"{'µs/KB':>9}"]
    for row in rows:
        if isinstance(row, dict):
            lines.append(f"{row['source']:10} {row['system']:24}  {row['reason']}")
            continue
        shares = (row.leaked_units, row.leaked_shaped, row.leaked_values, row.masked_words)
        cells = "".join(f"{_cell(share):>28}" for share in shares)
        refused = f"  ({row.refused} refused)" if row.refused else ""
        lines.append(f"{row.source:10} {row.system:24}{cells}{row.us_per_kb:9.0f}{refused}")
    for source in sources:
        if source.left_out:
            lines.append(
                f"{source.name}: {source.left_out} units are marks of the data's authors, not "
                "values; left out."
            )
    for name, share in (others or {}).items():
        lines.append(f"{name}: words masked by the whole context of somebody else: {_cell(share)}")
    return "\n".join(lines)


def _cell(share: Share) -> str:
    if not share.of:
        return "none there"
    return (
        f"{share.count}/{share.of} {100 * share.share:.1f} "
        f"[{100 * share.low:.1f}, {100 * share.high:.1f}] %"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all and prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.privacy", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CSV: user_query, pii_units")
    parser.add_argument("--records", type=Path, help="JSON list of tasks with profiles")
    parser.add_argument("--count", type=int, help="so many records of each source")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    for path in filter(None, (options.data, options.records)):
        if not path.is_file():
            parser.error(f"there is no file {path}")
    sources = [read_pupa(options.data, options.count)]
    if options.records:
        sources.append(read_profiles(options.records, options.count))
    sources.append(grammar_records(options.count or _GRAMMAR))
    rows = compare(sources)
    others = masked_of_others(options.records, sources) if options.records else {}
    if options.json:
        told: list[object] = [r if isinstance(r, dict) else asdict(r) for r in rows]
        told += [
            {"source": name, "system": "somebody else's context", "masked_words": asdict(share)}
            for name, share in others.items()
        ]
        print(json.dumps(told, indent=2))
    else:
        print(table(rows, sources, others))


if __name__ == "__main__":
    main()
