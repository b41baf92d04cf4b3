"""Bytes of tokens to text, piece by piece, up to a stop string."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from langchain_cogenesis.exceptions import ConfigurationError

_INVALID = re.compile("[\udc80-\udcff]")


class TextStream:
    """Turns the bytes of successive tokens into text that is safe to show.

    A character may be spread over several tokens, and so may a stop string: what could still become
    either is held back. The concatenation of all returned pieces is the text before the stop string
    that is complete first.

    Args:
        stop: Texts before which the output ends; they are not part of it.

    Raises:
        ConfigurationError: If a stop string is empty.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        if isinstance(stop, str):
            stop = (stop,)
        if not all(stop):
            raise ConfigurationError(
                "A stop string is empty.", hint="Leave it out, or give at least one character."
            )
        self._stop = tuple(stop)
        # One surrogate for each byte that is no UTF-8, so that bytes can be counted in text.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""
        self._stopped = False
        self._n_bytes = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop string was met; nothing comes out after it."""
        return self._stopped

    @property
    def n_bytes(self) -> int:
        """How many of the bytes that were pushed the returned text stands for."""
        return self._n_bytes

    def push(self, piece: bytes) -> str:
        """Takes the bytes of one more token.

        Args:
            piece: The token's bytes, maybe not whole characters.

        Returns:
            Text that may be shown now; empty after a stop string.
        """
        if self._stopped:
            return ""
        return self._release(self._decoder.decode(piece))

    def finish(self) -> str:
        """Ends the stream.

        Returns:
            What was held back; each byte of an unfinished character becomes U+FFFD.
        """
        if self._stopped:
            return ""
        shown = self._release(self._decoder.decode(b"", final=True))
        rest, self._held = self._held, ""
        return shown + self._show(rest)

    def _release(self, text: str) -> str:
        text = self._held + text
        # The stop string that is complete first counts, however the bytes were cut into pieces.
        found = [(at + len(stop), at) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self._stopped, self._held = True, ""
            return self._show(text[: min(found)[1]])
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return self._show(text[: len(text) - keep])

    def _show(self, text: str) -> str:
        self._n_bytes += len(text.encode("utf-8", "surrogateescape"))
        return _INVALID.sub("\ufffd", text)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
