"""The loops that drive a model: scoring and generating, step by step and in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.models.decoder import Decoder
from langchain_cogenesis.models.logits import GeneratedToken, log_sum_exp, top_ids
from langchain_cogenesis.models.sampling import Sampler
from langchain_cogenesis.models.turns import Turns

# Rows are wanted for few positions at a time: larger batches take other kernels, whose last bits
# differ from those of single steps.
SCORE_BATCH = 8


class Stepper:
    """Scores and generates with one model that several threads use.

    Args:
        decoder: Gives the loaded model; asked at each step, since it may have been freed between.
    """

    def __init__(self, decoder: Callable[[], Decoder]) -> None:
        self._decoder = decoder
        self._turns = Turns()

    def generate(
        self,
        ids: list[int],
        sampler: Sampler,
        count: int,
        top_logprobs: int,
        cancelled: Callable[[], bool] | None,
    ) -> Iterator[GeneratedToken]:
        """Yields at most `count` tokens after `ids`, which grow by them."""
        holder = object()
        try:
            for _ in range(count):
                if sampler.finished:
                    return
                rows = self._rows(holder, ids, len(ids) - 1, cancelled)
                if rows is None:
                    return
                row = rows[0]
                token = sampler.pick(row)
                decoder = self._decoder()
                if token in decoder.eog_ids:
                    return
                total = log_sum_exp(row)
                top = tuple((i, float(row[i]) - total) for i in top_ids(row, top_logprobs))
                ids.append(token)
                yield GeneratedToken(
                    token, decoder.token_bytes(token), float(row[token]) - total, top
                )
        finally:
            self._turns.release(holder)

    def score(self, ids: list[int], first: int) -> Iterator[NDArray[np.float32]]:
        """Yields log-probabilities for the positions from `first` on, `(n_vocab,)` each."""
        holder = object()
        try:
            for start in range(first - 1, len(ids), SCORE_BATCH):
                rows = self._rows(holder, ids[: start + SCORE_BATCH], start, None)
                assert rows is not None
                for row in rows:
                    yield row - np.float32(log_sum_exp(row))
        finally:
            self._turns.release(holder)

    def _rows(
        self, holder: object, ids: list[int], start: int, cancelled: Callable[[], bool] | None
    ) -> NDArray[np.float32] | None:
        """Logits after each of `ids[start:]`, `(len(ids) - start, n_vocab)`; `None` if cancelled.

        What comes before is decoded apart from the rows, a batch at a time. Somebody else may have
        had the context between two batches, so that each looks at what the cache holds.
        """
        while not (cancelled and cancelled()):
            with self._turns.step(holder):
                decoder = self._decoder()
                kept = decoder.keep(ids, start)
                if kept == start:
                    return decoder.decode(ids[start:], outputs=True)
                decoder.decode(ids[kept : min(kept + decoder.n_batch, start)], outputs=False)
        return None
