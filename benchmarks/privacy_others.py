"""What one user's context masks in the instructions of others: what is masked there is too much."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.privacy_records import Source
from benchmarks.privacy_scores import Share, share_of
from langchain_cogenesis.context.importers import import_files
from langchain_cogenesis.private_values import build_echoes, build_lexicon

_TEXTS = 10
_WORD = re.compile(r"\w+")


def masked_of_others(records: Path, sources: Sequence[Source]) -> dict[str, Share]:
    """Words that would be masked in instructions of others, by where these are from.

    Args:
        records: Published records; each of them is a user with a whole context.
        sources: Whose texts; for each user ten of each source are drawn, none of the user's own.

    Returns:
        For each source the share of words, with an interval over users.
    """
    contexts = import_files([records], format="cogenesis").contexts
    chosen = random.Random(0)
    counts: dict[str, list[tuple[int, int]]] = {source.name: [] for source in sources}
    for number, context in enumerate(contexts.values()):
        find = build_lexicon(context).find, build_echoes(context).find
        for source in sources:
            texts = [record.text for record in source.records]
            if source.name == "profiles":
                del texts[number : number + 1]
            masked = words = 0
            for text in chosen.sample(texts, min(_TEXTS, len(texts))):
                spans = [(m.start, m.end) for finder in find for m in finder(text)]
                found = [match.span() for match in _WORD.finditer(text)]
                words += len(found)
                masked += sum(any(s < end and start < e for s, e in spans) for start, end in found)
            counts[source.name].append((masked, words))
    tables = {name: np.array(rows, dtype=np.int64) for name, rows in counts.items() if rows}
    return {name: share_of(table[:, 0], table[:, 1]) for name, table in tables.items()}
