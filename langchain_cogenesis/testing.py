"""Stand-ins and contract checks for tests of what is built on this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from langchain_cogenesis.exceptions import RemoteError
from langchain_cogenesis.models.base import Capabilities, Draft, NextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs, TopLogprobs
from langchain_cogenesis.models.vocabulary import Vocabulary


class RemoteStandIn:
    """A model in this process that behaves as one behind an endpoint: few tokens a row, and faults.

    It counts its requests and keeps every sequence that it was asked about, so that a test can look
    at what would have left the device.

    Args:
        model: The model that answers.
        top_k: Tokens a row holds.
        fails_at: Number of the request that fails, from 0; None never fails.
        error: What it fails with.
    """

    def __init__(
        self,
        model: NextTokenModel,
        *,
        top_k: int = 20,
        fails_at: int | None = None,
        error: RemoteError | None = None,
    ) -> None:
        self._model = model
        self._top_k = top_k
        self._fails_at = fails_at
        self._error = error or RemoteError("the stand-in was told to fail.")
        self.requests = 0
        self.seen: list[list[int]] = []

    def __repr__(self) -> str:
        return f"RemoteStandIn({self.name!r}, top_k={self._top_k}, requests={self.requests})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def vocabulary(self) -> Vocabulary:
        """The model's tokens."""
        return self._model.vocabulary

    @property
    def n_ctx(self) -> int:
        """The model's window, tokens."""
        return self._model.n_ctx

    @property
    def eog_ids(self) -> frozenset[int]:
        """Ids that end a text."""
        return self._model.eog_ids

    @property
    def capabilities(self) -> Capabilities:
        """All, with few tokens a row."""
        return Capabilities(top_k=self._top_k)

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat; see `NextTokenModel.prompt_ids`."""
        return self._model.prompt_ids(messages)

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """Rows of a sequence, cut to the most probable tokens; one request."""
        self._request(ids)
        return [self._cut(row) for row in self._model.score(ids, first=first)]

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        """A continuation and its rows, cut to the most probable tokens; one request."""
        self._request(ids)
        draft = self._model.draft(ids, count)
        return Draft(draft.ids, tuple(map(self._cut, draft.rows)))

    def _request(self, ids: Sequence[int]) -> None:
        if self.requests == self._fails_at:
            raise self._error
        self.requests += 1
        self.seen.append(list(ids))

    def _cut(self, row: Distribution) -> Distribution:
        if isinstance(row, TopLogprobs):
            return row
        assert isinstance(row, Logprobs)
        best = np.argsort(-row.values, kind="stable")[: self._top_k].astype(np.int64)
        return TopLogprobs(best, row.values[best], row.n_vocab)


def check_model(
    model: NextTokenModel, messages: Sequence[Mapping[str, str]], *, tolerance: float = 1e-3
) -> None:
    """Contract check: what fused decoding relies on in any model.

    Behind a gate, the texts of the sequences have to be cleared before.

    Args:
        model: The model.
        messages: A chat to begin with.
        tolerance: By how much probabilities may differ between one way of asking and another.

    Raises:
        AssertionError: A prompt, a row or a draft isn't what the protocol says.
        DistributionError: A row is no distribution.
    """
    ids = model.prompt_ids(messages)
    assert ids, "the prompt must not be empty"
    assert all(0 <= token < model.vocabulary.size for token in ids), "ids must be of the vocabulary"
    assert len(ids) < model.n_ctx, "the prompt must leave room"
    (alone,) = model.score(list(ids), first=len(ids))
    draft = model.draft(list(ids), 4)
    assert 1 <= len(draft.ids) <= 4, "a draft of 4 must have 1 to 4 tokens"
    ended = len(draft.rows) - len(draft.ids)
    assert ended in (0, 1), "a draft must have a row for each token, and one where it ended"
    whole = [*ids, *draft.ids]
    rows = model.score(whole, first=len(ids))
    assert len(rows) == len(draft.ids) + 1, "there must be a row for each position asked about"
    for row in (alone, *rows, *draft.rows):
        row.checked(model.name)
    _agree(alone, rows[0], tolerance)
    for token, drafted, scored in zip(draft.ids, draft.rows, rows, strict=False):
        _agree(drafted, scored, tolerance)
        best = float(_listed(drafted)[1].max())
        assert _value(drafted, token) >= best - tolerance, "a draft must be greedy"


def _listed(row: Distribution) -> tuple[np.ndarray, np.ndarray]:
    """Ids and probabilities of a row."""
    ids = row.ids if isinstance(row, TopLogprobs) else np.arange(row.n_vocab)
    logprobs = row.logprobs if isinstance(row, TopLogprobs) else row.values
    return ids, np.exp(logprobs.astype(np.float64))


def _value(row: Distribution, token: int) -> float:
    ids, values = _listed(row)
    found = values[ids == token]
    return float(found[0]) if len(found) else 0.0


def _agree(one: Distribution, other: Distribution, tolerance: float) -> None:
    ids, values = _listed(one)
    other_ids, other_values = _listed(other)
    _, here, there = np.intersect1d(ids, other_ids, return_indices=True)
    assert len(here), "two rows of one position must have tokens in common"
    apart = float(np.abs(values[here] - other_values[there]).max())
    assert apart <= tolerance, f"rows of one position must agree, and differ by {apart:.4f}"
