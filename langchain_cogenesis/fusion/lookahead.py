"""Local rows ahead of the answer, decoded in blocks or while a request is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from langchain_cogenesis.fusion.steps import Helper, Mixer
from langchain_cogenesis.models.logprobs import Logprobs

T = TypeVar("T")
FARTHEST = 16
"""Tokens that are looked ahead at most; beyond, a guess hardly ever holds."""


class LookAhead:
    """What the local model expects now, and along the way that the text may go.

    Args:
        mixer: Whose local model, prompt and answer.
    """

    def __init__(self, mixer: Mixer) -> None:
        self._mixer = mixer
        self._path: list[int] = []
        self._rows: list[Logprobs] = []

    def __repr__(self) -> str:
        return f"LookAhead(<withheld: {len(self._path)} tokens, {len(self._rows)} rows>)"

    def row(self) -> Logprobs:
        """The row for the answer's next token; the way that is expected is decoded with it."""
        if not self._rows:
            sequence = [*self._mixer.prompt, *self._mixer.ids]
            del self._path[max(0, self._mixer.local.n_ctx - len(sequence)) :]
            rows = self._mixer.local.score([*sequence, *self._path], first=len(sequence))
            self._rows = [row for row in rows if isinstance(row, Logprobs)]
        return self._rows[0]

    def expect(self, tokens: Sequence[int]) -> None:
        """Says how the text will probably go on; rows along the same way are kept.

        Args:
            tokens: The answer's next tokens.
        """
        same = 0
        while same < min(len(tokens), len(self._path)) and tokens[same] == self._path[same]:
            same += 1
        del self._rows[same + 1 :]
        self._path = list(tokens)

    def go(self, ahead: int, token: int) -> Logprobs:
        """The row after a token some way ahead; what was expected beyond is given up if it differs.

        Args:
            ahead: Number of tokens between the answer's end and this one.
            token: Its id.
        """
        if self._path[ahead : ahead + 1] != [token]:
            del self._path[ahead:]
            self._path.append(token)
            del self._rows[ahead + 1 :]
        if len(self._rows) <= ahead + 1:
            ids = [*self._mixer.ids, *self._path[: ahead + 1]]
            sequence = [*self._mixer.prompt, *ids]
            (row,) = self._mixer.local.score(sequence, first=len(sequence))
            assert isinstance(row, Logprobs)
            self._rows.append(row)
        return self._rows[ahead + 1]

    def follow(self, token: int) -> bool:
        """Takes the token that the answer got; returns whether the way led there."""
        if self._path and self._path[0] == token:
            del self._path[0]
            del self._rows[:1]
            return True
        self._path.clear()
        self._rows.clear()
        return False

    def explore(self, enough: Callable[[], bool], limit: int) -> None:
        """Goes on along the local model's own choice, which is the likeliest guess.

        Args:
            enough: Asked before each token.
            limit: Tokens ahead at most.
        """
        self.row()
        mixer = self._mixer
        space = mixer.local.n_ctx - len(mixer.prompt) - len(mixer.ids)
        while not enough() and len(self._path) < min(limit, FARTHEST, space):
            if len(self._rows) <= len(self._path):
                return
            ahead = len(self._path)
            token = mixer.sampler.pick(self._rows[-1].values, len(mixer.ids) + ahead)
            if token in mixer.local.eog_ids:
                return
            self.go(ahead, token)


class Overlap:
    """Sends a request on a thread of its own, and looks ahead until the answer is there.

    Where the helper runs in this process there is nothing to wait for, and no thread.

    Args:
        helper: Who is asked.
        ahead: What is looked at meanwhile.
    """

    def __init__(self, helper: Helper, ahead: LookAhead) -> None:
        self._ahead = ahead
        # What has no endpoint computes here, and would only be slowed down.
        self._waits = getattr(helper.model, "endpoint", None) is not None
        self._thread: ThreadPoolExecutor | None = None

    def run(self, request: Callable[[], T], *, expected: float, limit: int) -> tuple[T, float]:
        """The request's answer, and how long it took.

        Args:
            request: Sends it.
            expected: How long it will probably take, seconds.
            limit: Tokens to look ahead at most.

        Raises:
            RemoteError: As the request does.
        """
        began = time.perf_counter()
        if not self._waits:
            return request(), time.perf_counter() - began
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "cogenesis-overlap")

        def timed() -> tuple[T, float]:
            return request(), time.perf_counter() - began

        # The meter of what leaves is a context variable.
        under_way: Future[tuple[T, float]] = self._thread.submit(copy_context().run, timed)
        self._look(under_way, began + expected, limit)
        return under_way.result()

    def close(self) -> None:
        """Gives the thread back."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def _look(self, under_way: Future[tuple[T, float]], ends: float, limit: int) -> None:
        last = time.perf_counter()
        took = 0.0

        def enough() -> bool:
            nonlocal last, took
            now = time.perf_counter()
            took, last = now - last, now
            # A token that would be ready after the answer delays the text.
            return under_way.done() or now + took > ends

        self._ahead.explore(enough, limit)
