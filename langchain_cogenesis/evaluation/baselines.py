"""Other ways to write with a remote and a local model, on our own parts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.decoding import local_row
from langchain_cogenesis.fusion.steps import Mixer, Step
from langchain_cogenesis.models.logprobs import Logprobs

DRAFT = 10
"""Tokens that the remote drafts in one request, as in P³."""
KEEP = 0.3
"""Share of the local model's best probability from which on a drafted token is kept."""


def draft_and_replace(
    mixer: Mixer, max_tokens: int, *, draft: int = DRAFT, keep: float = KEEP
) -> Iterator[Step]:
    """Writes as P³ does (arXiv 2601.17569): the remote drafts, the local model keeps or replaces.

    The remote drafts from instruction and text alone. The local model reads the draft with its
    context in one decode, keeps a token if it is at least `keep` as probable as its own best one,
    and writes its own best one in the place of the first that isn't; then the remote drafts anew.
    Where the remote may not be asked, the local model goes on alone. Greedy.

    Args:
        mixer: The local model and one helper. Its prefix says what the helper sees of the text: raw
            as published, or masked.
        max_tokens: Tokens at most.
        draft: Tokens of a draft.
        keep: 0 keeps everything, 1 keeps what the local model would have written itself.

    Yields:
        A step for each token. Its `weights` say who wrote it: `(0, 1)` is the remote.

    Raises:
        ConfigurationError: There isn't exactly one helper, or an argument is out of range.
        RemoteError: The remote failed.
    """
    if len(mixer.helpers) != 1 or draft < 1 or not 0 <= keep <= 1:
        raise ConfigurationError(
            "drafting takes one helper, a draft of 1 token or more, and keep from 0 to 1.",
            hint="As in draft_and_replace(mixer, 256, draft=10, keep=0.3).",
        )
    ends = mixer.local.eog_ids
    while len(mixer.ids) < max_tokens:
        why_not = mixer.why_not(local_row(mixer))
        drafted = [] if why_not else _draft(mixer, draft)
        for step in _kept(mixer, drafted, keep, why_not):
            if step.token in ends or len(mixer.ids) >= max_tokens:
                return
            mixer.take(step)
            yield step


def _draft(mixer: Mixer, count: int) -> list[int]:
    helper = mixer.helpers[0]
    found = list(helper.model.draft(helper.sequence, count).ids)
    # A draft that is shorter than asked for says that the text ends there.
    return found if len(found) == count else [*found, min(mixer.local.eog_ids)]


def _kept(mixer: Mixer, drafted: list[int], keep: float, why_not: str | None) -> Iterator[Step]:
    """Steps of the draft as far as it is kept, and the local model's own in its place after it."""
    sequence = [*mixer.prompt, *mixer.ids]
    rows = mixer.local.score([*sequence, *drafted[:-1]], first=len(sequence))
    for row, token in zip(rows, drafted or [-1], strict=True):
        assert isinstance(row, Logprobs)
        best = int(np.argmax(row.values))
        floor = float(row.values[best]) + (math.log(keep) if keep else -math.inf)
        kept = token >= 0 and float(row.values[token]) >= floor
        yield _step(mixer, row, token if kept else best, kept=kept, why_not=why_not)
        if not kept:
            return


def _step(mixer: Mixer, row: Logprobs, token: int, *, kept: bool, why_not: str | None) -> Step:
    logprob = float(row.values[token])
    return Step(
        len(mixer.ids),
        token,
        mixer.local.vocabulary.piece(token),
        logprob,
        (logprob, None),
        (0.0, 1.0) if kept else (1.0, 0.0),
        why_not=why_not,
    )
