"""The text written so far as a remote may see it: private spans replaced, open ends held back.

A generated text grows token by token, and what grows may be becoming a private value: after "Isab"
nobody can say yet whether "Isabel" stands there. So an end of the text that could still become a
private value, or whose value could still grow ("Tomas" into "Tomas Reyl"), is open, and as long as
it is, nothing is settled and nothing may be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_cogenesis.privacy.growing import may_grow
from langchain_cogenesis.privacy.lexicon import Match, PrivateLexicon
from langchain_cogenesis.privacy.normalize import canonicalize

_WINDOW = 96
"""Characters before the open end that are looked at again, for what stands around values there.

What is open is looked at whole, however long it is.
"""
_JOINED = 4
"""From so many characters on, the end of a longer word counts as the beginning of a value."""


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """A private span of the text, in characters, and the placeholder that stands for it."""

    start: int
    end: int
    mark: str

    def __repr__(self) -> str:
        return f"Span(<withheld: {self.end - self.start} characters>, mark={self.mark!r})"


class PrefixMask:
    """Follows a text as it grows.

    Args:
        find: Finds private values in a text.
        mark: The placeholder for a kind and a surface form.
        lexicon: Knows the beginnings of private values.
        grows: Whether the end of a text may be the beginning of what else is found; by default by
            the patterns alone.
    """

    def __init__(
        self,
        find: Callable[[str], Sequence[Match]],
        mark: Callable[[str, str], str],
        lexicon: PrivateLexicon,
        grows: Callable[[str], bool] = may_grow,
    ) -> None:
        self._find = find
        self._mark = mark
        self._lexicon = lexicon
        self._grows = grows
        self.text = ""
        self.settled = 0
        self.spans: list[Span] = []

    def __repr__(self) -> str:
        return f"PrefixMask(<withheld: {len(self.text)} characters, {len(self.spans)} spans>)"

    def fork(self) -> PrefixMask:
        """A copy that can grow apart. Placeholders are given out by the same function."""
        copy = PrefixMask(self._find, self._mark, self._lexicon, self._grows)
        copy.text, copy.settled, copy.spans = self.text, self.settled, list(self.spans)
        return copy

    @property
    def is_open(self) -> bool:
        """Whether the end of the text could still become, or is still growing, a private value."""
        return self.settled < len(self.text)

    def push(self, piece: str) -> None:
        """Takes the next piece of text; settles everything if the end isn't open."""
        self.text += piece
        self._settle(final=False)

    def finish(self) -> None:
        """Takes the text as ended, so that nothing can grow any more."""
        self._settle(final=True)

    def _settle(self, *, final: bool) -> None:
        if not self.is_open:
            return
        # Never from the middle of a word: half of one could look like a whole value.
        first = max(0, self.settled - _WINDOW)
        while first > 0 and not self.text[first - 1].isspace():
            first -= 1
        window = self.text[first:]
        if not final and self._end_may_grow(window):
            return
        matches = self._find(window)
        if not final and any(match.end == len(window) for match in matches):
            return
        reached = self.spans[-1].end if self.spans else 0
        for match in matches:
            start, end = max(match.start + first, self.settled), match.end + first
            # What was settled before was seen by the remote as it was: it can't be taken back.
            if end > self.settled and start >= reached:
                surface = self.text[start:end]
                self.spans.append(Span(start, end, self._mark(match.kind, surface)))
                reached = end
        self.settled = len(self.text)

    def _end_may_grow(self, window: str) -> bool:
        """Whether the end of a text could become a private value that isn't there yet."""
        if self._grows(window):
            return True
        longest = self._lexicon.longest
        # Canonical characters are no more than the others; marks and spaces come on top.
        tail = window[-2 * longest - 1 :]
        canonical = canonicalize(tail)
        size = len(canonical.text)
        for length in range(1, min(size, longest) + 1):
            begin = size - length
            # Edges of words are worked out last: few ends begin a value at all.
            if self._lexicon.begins(canonical.text[begin:]) and (
                length >= _JOINED or canonical.starts[begin]
            ):
                return True
        return False
