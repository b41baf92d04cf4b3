"""Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Sequence

_OFFSET = 60


def fuse_ranks(*rankings: Sequence[str]) -> dict[str, float]:
    """Fuses rankings into one: each gives an id `1 / (60 + rank)`, ranks counted from 1.

    Args:
        rankings: Ids, best first; an id may be missing from some.

    Returns:
        Fused scores, best first; ties keep the order in which the ids were met.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, identity in enumerate(ranking, start=1):
            scores[identity] = scores.get(identity, 0.0) + 1.0 / (_OFFSET + rank)
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))
