"""Whether times and positions of the requests in logit mode tell anything about the text.

They tell nothing if they can't be told from those of a schedule that asks at a fixed rate, whatever
the text is. A request's position is the length of its prompt, tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.evaluation.audit.inference import separate
from langchain_cogenesis.evaluation.audit.recorded import recorded_requests
from langchain_cogenesis.evaluation.audit.texts import is_ids
from langchain_cogenesis.evaluation.records import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RESAMPLES = 1000
_QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_FEWEST_GAPS = 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When requests came, and how far the text had got.

    Attributes:
        number: The user's.
        gaps: Seconds from each request to the next.
        steps: By how many tokens the prompt had grown meanwhile.
    """

    number: int
    gaps: tuple[float, ...]
    steps: tuple[int, ...]


def read_rhythm(number: int, record_file: Path) -> Rhythm:
    """Reads the rhythm of one user's requests for next tokens.

    Args:
        number: The user's.
        record_file: What left.
    """
    found: list[tuple[float, int]] = []
    for request in recorded_requests(record_file):
        try:
            body = json.loads(request.content())
        except ValueError:
            continue
        length = _position(body)
        if length is not None:
            found.append((request.at, length))
    found.sort()
    pairs = list(pairwise(found))
    gaps = tuple(after[0] - before[0] for before, after in pairs)
    return Rhythm(number, gaps, tuple(after[1] - before[1] for before, after in pairs))


def _position(body: Any) -> int | None:
    prompt = body.get("prompt") if isinstance(body, dict) else None
    if isinstance(prompt, str) or (isinstance(prompt, list) and is_ids(prompt)):
        return len(prompt)
    return None


def tell_apart(ours: Sequence[Rhythm], fixed: Sequence[Rhythm], seed: int = 0) -> Estimate | None:
    """How well a classifier tells our rhythms from those of a fixed rate.

    Args:
        ours: Of some users.
        fixed: Of the same users, or others.
        seed: Of the resampling.

    Returns:
        Area under the ROC curve, 0.5 if they can't be told apart, with a bootstrap over users; None
        if there are too few rhythms.
    """
    import numpy as np

    rhythms = [(r, kind) for kind, some in ((True, ours), (False, fixed)) for r in some
               if len(r.gaps) >= _FEWEST_GAPS]  # fmt: skip
    groups = [rhythm.number for rhythm, _ in rhythms]
    labels = [kind for _, kind in rhythms]
    if len(set(groups)) < 5 or min(sum(labels), len(labels) - sum(labels)) < 5:
        return None
    features = np.array([_features(rhythm) for rhythm, _ in rhythms])
    scores = separate(features, labels, groups)
    truth = np.array(labels)
    return _interval(truth, scores, np.array(groups), seed)


def _features(rhythm: Rhythm) -> list[float]:
    import numpy as np

    # How long things take depends on the machine's load: relative to the usual gap it doesn't.
    gaps = np.log(np.maximum(rhythm.gaps, 1e-5))
    gaps = gaps - np.median(gaps)
    steps = np.array(rhythm.steps, dtype=float)
    found: list[float] = [float(len(gaps))]
    for row in (gaps, steps):
        found += np.quantile(row, _QUANTILES).tolist()
        found += [float(row.mean()), float(row.std())]
    # Whether a longer gap goes with a longer step.
    spread = gaps.std() * steps.std()
    found.append(float(np.mean((gaps - gaps.mean()) * (steps - steps.mean())) / (spread or 1.0)))
    return found


def _interval(
    truth: NDArray[np.bool_], scores: NDArray[np.float64], groups: NDArray[np.int64], seed: int
) -> Estimate:
    """The area under the ROC curve, with a percentile bootstrap over groups."""
    import numpy as np

    above, below = scores[truth][:, None], scores[~truth][None, :]
    # The share of pairs in the right order, ties by half, is the area.
    ordered = (above > below) + 0.5 * (above == below)
    names, rows = np.unique(groups, return_inverse=True)
    random = np.random.default_rng(seed)

    def area(times: NDArray[np.int64]) -> float:
        first, second = times[rows[truth]], times[rows[~truth]]
        return float(first @ ordered @ second / (first.sum() * second.sum()))

    drawn = random.multinomial(len(names), [1 / len(names)] * len(names), _RESAMPLES)
    low, high = np.percentile([area(times) for times in drawn], (2.5, 97.5))
    return Estimate(area(np.ones(len(names), dtype=int)), float(low), float(high), len(names))
