"""What a remote reads of the text written so far, as token ids: emitted ids and placeholder ids.

The ids are put together segment by segment and only ever grow, so that a longer prefix begins with
the shorter one and a server's cache of it stays good. Text is never tokenised again in the middle.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import TYPE_CHECKING

from langchain_cogenesis.privacy.prefix import PrefixMask, Span

if TYPE_CHECKING:
    from langchain_cogenesis.models.vocabulary import Vocabulary

AFTER_SPAN = 2
"""Tokens after a private span that are still decided locally."""


def push_all(prefix: RawPrefix | MaskedPrefix, tokens: Iterable[int]) -> dict[int, int]:
    """Takes a whole text.

    Args:
        prefix: At the beginning of the text.
        tokens: The text.

    Returns:
        By position in the text, where a remote may be asked, how many ids it has read by then.
    """
    places: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if prefix.why_not is None:
            places[index] = len(prefix.ids)
        prefix.push(token)
    return places


class RawPrefix:
    """The text as it is, for the local model and for endpoints that are trusted."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def fork(self) -> RawPrefix:
        """A copy that can grow apart."""
        copy = RawPrefix()
        copy.ids = list(self.ids)
        return copy

    @property
    def why_not(self) -> str | None:
        """Nothing speaks against asking."""
        return None

    def push(self, token: int) -> None:
        """Takes a token of the answer."""
        self.ids.append(token)


class MaskedPrefix:
    """The text with every private span replaced by its placeholder.

    Args:
        vocabulary: Of the answer and of the remote, which is the same.
        mask: Follows the text.
    """

    def __init__(self, vocabulary: Vocabulary, mask: PrefixMask) -> None:
        self._vocabulary = vocabulary
        self._mask = mask
        # What is no UTF-8 becomes a replacement character; its token stays as it is.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending: list[tuple[int, int, int]] = []
        self._length = 0
        self._split = False
        self._since_span = AFTER_SPAN
        self._spans_done = 0
        self.ids: list[int] = []

    def __repr__(self) -> str:
        return f"MaskedPrefix(<withheld: {len(self.ids)} ids>)"

    @property
    def marks(self) -> tuple[str, ...]:
        """The placeholders in it, each as often as it stands there."""
        return tuple(span.mark for span in self._mask.spans)

    def fork(self) -> MaskedPrefix:
        """A copy that can grow apart."""
        copy = MaskedPrefix(self._vocabulary, self._mask.fork())
        copy._decoder.setstate(self._decoder.getstate())
        copy._pending, copy.ids = list(self._pending), list(self.ids)
        copy._length, copy._split = self._length, self._split
        copy._since_span, copy._spans_done = self._since_span, self._spans_done
        return copy

    @property
    def why_not(self) -> str | None:
        """Why the next step may not ask, or None if it may."""
        if self._mask.is_open or self._split:
            return "open end"
        if self._since_span < AFTER_SPAN:
            return "after a private span"
        return None

    def push(self, token: int) -> None:
        """Takes a token of the answer."""
        piece = self._vocabulary.piece(token)
        text = self._decoder.decode(piece)
        # A character that is spread over several tokens: it is there once it is whole.
        self._split = bool(self._decoder.getstate()[0])
        self._pending.append((token, self._length, self._length + len(text)))
        self._length += len(text)
        self._mask.push(text)
        self._since_span += 1
        if not self._mask.is_open and not self._split:
            self._commit()

    def _commit(self) -> None:
        spans = self._mask.spans[self._spans_done :]
        self._spans_done = len(self._mask.spans)
        inside = -1
        for token, start, end in self._pending:
            hits = [n for n, span in enumerate(spans) if span.start < end and start < span.end]
            if not hits:
                self.ids.append(token)
                continue
            at = start
            for hit in hits:
                at = self._add_hit(spans[hit], at, new=hit > inside)
                inside = max(inside, hit)
            self._add_text(at, end)
        self._pending.clear()
        if spans:
            last = max(span.end for span in spans)
            tokens_after = 0 if last >= self._length else 1
            self._since_span = tokens_after

    def _add_hit(self, span: Span, at: int, *, new: bool) -> int:
        if new:
            self._add_text(at, span.start)
            self.ids += self._vocabulary.tokenize(span.mark)
        return max(at, span.end)

    def _add_text(self, start: int, end: int) -> None:
        if start < end:
            self.ids += self._vocabulary.tokenize(self._mask.text[start:end])
