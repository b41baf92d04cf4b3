"""Teacher-forced recordings: what a learned fusion is fitted on. They are private data.

A recording holds, for each token of a reference, what the features of the step were and how
probable the token was under either model. Nothing in it can be read as text, but much of the text
could be guessed from it, so that its file is its owner's alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from langchain_cogenesis.exceptions import ConfigurationError, ContextLengthError
from langchain_cogenesis.fusion.features import (
    FEATURE_TOP_K,
    glance,
    shared_probability,
    top_tokens,
)
from langchain_cogenesis.fusion.recording_files import (
    Recording,
    Tops,
    forget,
    load_recordings,
    private_folder,
    recording_path,
)
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs, TopLogprobs
from langchain_cogenesis.models.vocabulary import Vocabulary, require_same

__all__ = [
    "Recording",
    "RecordingProgress",
    "Tops",
    "Triple",
    "forget",
    "load_recordings",
    "record",
]

Messages = Sequence[Mapping[str, str]]
Triple = tuple[Messages, Messages, str]
"""Private messages, public messages, reference text."""
HelperView = Callable[[int, Sequence[int]], tuple[list[int], Mapping[int, int]]]
"""From an example's number and its reference's ids to the ids that the helper reads in their place,
and which of their positions stands for which of the reference's."""
Outcome = Literal["recorded", "kept", "too long", "empty"]

_CHUNK = 32
"""Dense rows held at a time: 20 MB at a vocabulary of 151,000."""


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """What became of an example.

    Attributes:
        number: Its number, from 0.
        outcome: `recorded`, `kept` (its file was there), `too long` for a context window, or
            `empty` (no step for both models).
        steps: Tokens recorded.
    """

    number: int
    outcome: Outcome
    steps: int = 0


def record(
    examples: Iterable[Triple],
    local: NextTokenModel,
    helper: NextTokenModel,
    folder: str | os.PathLike[str],
    *,
    top_k: int | None = FEATURE_TOP_K,
    keep_top: int = 0,
    view: HelperView | None = None,
    identity: str = "",
) -> Iterator[RecordingProgress]:
    """Records examples, one file each; those whose file is there are left as they are.

    The helper reads the references: it must run on this device, or be trusted.

    Args:
        examples: Private messages, public messages and reference of each; always in the same order.
        local: The local model; its rows are dense.
        helper: The helper; same vocabulary.
        folder: Where the files go; made private.
        top_k: Cut the helper's rows to so many tokens, as an endpoint would; None leaves them.
        keep_top: Keep so many of the most probable tokens of both models too.
        view: What the helper reads in place of a reference; by default the reference.
        identity: What tells these models from others of the same names; recordings of others in
            the folder are refused.

    Yields:
        What became of each example.

    Raises:
        VocabularyMismatchError: The models have different vocabularies.
        ConfigurationError: The local model's rows aren't dense, or the folder's files are of other
            examples, models or settings.
    """
    _check_models(local, helper)
    directory = private_folder(folder)
    settings = f"{local.name}/{helper.name}/{top_k}/{keep_top}/{view is not None}/{identity}"
    for number, (private, public, reference) in enumerate(examples):
        tokens = local.vocabulary.tokenize(reference)
        seen, places = view(number, tokens) if view else _same(tokens)
        prompts = (local.prompt_ids(private), helper.prompt_ids(public))
        source = _digest(settings, *prompts, tokens, seen)
        if (path := recording_path(directory, number)).exists():
            _check_source(path, source)
            yield RecordingProgress(number, "kept")
            continue
        steps = _steps(
            _rows(local, prompts[0], tokens),
            _rows(helper, prompts[1], seen),
            {place: index for index, place in places.items()},
        )
        try:
            made = _recorded(
                number, steps, tokens, local.vocabulary, source, top_k=top_k, keep_top=keep_top
            )
        except ContextLengthError:
            yield RecordingProgress(number, "too long")
            continue
        if made is None:
            yield RecordingProgress(number, "empty")
            continue
        made.save(directory)
        yield RecordingProgress(number, "recorded", len(made.local))


def _check_models(local: NextTokenModel, helper: NextTokenModel) -> None:
    require_same(local.vocabulary, local.name, helper.vocabulary, helper.name)
    if local.capabilities.top_k is not None:
        raise ConfigurationError(
            f"{local.name} gives no whole distributions.", hint="Take a model on this device."
        )


def _same(tokens: Sequence[int]) -> tuple[Sequence[int], Mapping[int, int]]:
    return tokens, {place: place for place in range(len(tokens))}


def _digest(settings: str, *sequences: Sequence[int]) -> str:
    hashed = hashlib.sha256(settings.encode())
    for ids in sequences:
        hashed.update(repr(list(ids)).encode())
    return hashed.hexdigest()


def _check_source(path: Path, source: str) -> None:
    if Recording.load(path).source != source:
        raise ConfigurationError(
            f"{path} was recorded from another example, other models or other settings.",
            hint="Record into another folder, or remove these recordings first.",
        )


def _rows(
    model: NextTokenModel, prompt: Sequence[int], answer: Sequence[int]
) -> Iterator[Distribution]:
    """What is expected at each token of an answer; whole rows come a few at a time."""
    ids = [*prompt, *answer]
    size = _CHUNK if model.capabilities.top_k is None else max(1, len(answer))
    for start in range(len(prompt), len(ids), size):
        end = min(start + size, len(ids)) - 1
        yield from model.score(ids[:end], first=start)


def _steps(
    local: Iterator[Distribution], helper: Iterator[Distribution], index_of: Mapping[int, int]
) -> Iterator[tuple[int, Logprobs, Distribution]]:
    """Pairs the rows of both models: index in the reference, local row, helper's row."""
    at, own = -1, None
    for place, theirs in enumerate(helper):
        if (index := index_of.get(place)) is None:
            continue
        while at < index:
            at, own = at + 1, next(local)
        if not isinstance(own, Logprobs):
            raise ConfigurationError(
                "the local model gave no whole distribution.", hint="Take a model on this device."
            )
        yield index, own, theirs


def _recorded(
    number: int,
    steps: Iterator[tuple[int, Logprobs, Distribution]],
    tokens: Sequence[int],
    vocabulary: Vocabulary,
    source: str,
    *,
    top_k: int | None,
    keep_top: int,
) -> Recording | None:
    features, local, helper = [], [], []
    tops: list[tuple[TopLogprobs, TopLogprobs]] = []
    for index, own, theirs in steps:
        given = theirs if top_k is None else top_tokens(theirs, top_k)
        features.append(glance(own, given, index).features)
        local.append(float(np.exp(np.float64(own.values[tokens[index]]))))
        helper.append(shared_probability(own, given, tokens[index]))
        if keep_top:
            tops.append((top_tokens(own, keep_top), top_tokens(given, keep_top)))
    if not features:
        return None
    values = (np.stack(features), np.array(local), np.array(helper))
    kept = _stacked(tops) if tops else None
    return Recording(number, *values, vocabulary.digest, vocabulary.size, source, kept)


def _stacked(tops: Sequence[tuple[TopLogprobs, TopLogprobs]]) -> Tops:
    own, theirs = zip(*tops, strict=True)
    return Tops(
        np.stack([row.ids for row in own]),
        np.stack([row.logprobs for row in own]),
        np.stack([row.ids for row in theirs]),
        np.stack([row.logprobs for row in theirs]),
    )
