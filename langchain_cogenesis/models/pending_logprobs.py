"""Log-probabilities in OpenAI's shape, held back until the text of their tokens is shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any


class PendingLogprobs:
    """Entries of tokens whose text a `TextStream` still holds, in order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, dict[str, Any]]] = deque()
        self._n_bytes = 0

    def push(self, text: bytes, entry: dict[str, Any]) -> None:
        """Takes the entry of one more token, with the bytes of its text."""
        self._waiting.append((self._n_bytes, entry))
        self._n_bytes += len(text)

    def shown(self, n_bytes: int) -> list[dict[str, Any]]:
        """Takes out the entries of tokens that begin before this many bytes of text."""
        entries = []
        while self._waiting and self._waiting[0][0] < n_bytes:
            entries.append(self._waiting.popleft()[1])
        return entries

    def rest(self) -> list[dict[str, Any]]:
        """Takes out all that is left."""
        entries = [entry for _, entry in self._waiting]
        self._waiting.clear()
        return entries


def logprob_entry(
    text: bytes, logprob: float, top: Iterable[tuple[bytes, float]] = ()
) -> dict[str, Any]:
    """One token as OpenAI's chat completions tell it.

    Args:
        text: The token's bytes.
        logprob: Its natural-log probability.
        top: The most probable tokens at its place, likewise.
    """
    return {**_named(text, logprob), "top_logprobs": [_named(*other) for other in top]}


def _named(text: bytes, logprob: float) -> dict[str, Any]:
    return {"token": text.decode("utf-8", "replace"), "bytes": list(text), "logprob": logprob}
