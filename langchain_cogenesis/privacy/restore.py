"""Placeholders of one conversation, and private values put back in their place."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from langchain_cogenesis.exceptions import PrivacyError
from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.placeholders import (
    PLACEHOLDER_KINDS,
    PLACEHOLDER_PATTERN,
    placeholder,
)

_LONGEST = len("[ADDRESS_9999]")
_MOST = 9999
"""So many values of a kind a placeholder can number."""
_KINDS = "|".join(PLACEHOLDER_KINDS)
_BENT = re.compile(
    rf"\\?\[[ ]?(?i:{_KINDS})(?:\\?_|[ :-])?[0-9]{{1,5}}(?![0-9A-Za-z])(?:[ ]?\\?[\])}}])?"
    rf"|(?<![A-Za-z0-9_])(?:{_KINDS})\\?_[0-9]{{1,5}}(?![0-9A-Za-z_])\]?"
)
"""A placeholder as a model may have bent it: open to the left, or its capitals without brackets."""
_BENT_REACH = len("\\[ ADDRESS\\_99999 \\]") + 1
"""How far a bent placeholder reaches, with the character that ends it."""
_TAIL = re.compile(r"\[[A-Z]{0,7}(?:_\d{0,4})?\Z")
_ENDING = re.compile(r"s|er[ns]?")
"""Endings of German that depend on a value's last letter."""
_INFLECTED = re.compile(rf"({PLACEHOLDER_PATTERN.pattern})(?:({_ENDING.pattern})(?!\w))?")
_MAY_BE_INFLECTED = re.compile(rf"({PLACEHOLDER_PATTERN.pattern})(?:s|e|er[ns]?)?\Z")
_LONGEST_ENDING = 3
_LIKE_S = ("s", "ß", "x", "z", "ce")
_OWNERS = ("NAME", "PLACE", "ORG")


class Conversation:
    """Which placeholder stands for which value; one for each conversation, never shared.

    Every surface form (`Miami`, `MIAMI`) has a placeholder of its own, so that restoring is exact.
    A placeholder that the user typed is a value like any other: it is masked and comes back as it
    was. Safe to use from several threads.

    Args:
        thread: What this is a part of: conversations with the same one share the answers that the
            gate was given to its questions. By default a thread of its own.
    """

    def __init__(self, thread: str | None = None) -> None:
        self.thread: object = thread if thread is not None else object()
        self._placeholders: dict[tuple[str, str], str] = {}
        self._surfaces: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Conversation(<withheld: {len(self._surfaces)} placeholders>)"

    def mask(self, kind: str, surface: str) -> str:
        """The placeholder that stands for this surface form; the same one every time.

        Raises:
            PrivacyError: There are more values of the kind than placeholders can number.
        """
        with self._lock:
            known = self._placeholders.get((kind, surface))
            if known is None:
                if self._counts[kind] >= _MOST:
                    raise PrivacyError(
                        f"a conversation can't number more than {_MOST} values of one kind.",
                        hint="Begin a new conversation.",
                    )
                self._counts[kind] += 1
                known = placeholder(kind, self._counts[kind])
                self._placeholders[(kind, surface)] = known
                self._surfaces[known] = surface
            return known

    @property
    def marks(self) -> tuple[str, ...]:
        """All placeholders so far, in the order in which they were made."""
        with self._lock:
            return tuple(self._surfaces)

    def surface(self, mark: str) -> str | None:
        """What a placeholder stands for, or None if this conversation never made it."""
        return self._surfaces.get(mark)

    def restore(self, text: str) -> str:
        """Puts the private values back; a placeholder that was never made stays as it is.

        A German ending is fitted to the value where spelling leaves no choice: "[NAME_1]s" becomes
        "Tomas'", and "[PLACE_1]er" becomes "Karlsruher". What the gate masked comes back as it was:
        it takes such an ending into the value.
        """
        return _INFLECTED.sub(self._restored, text)

    def _restored(self, match: re.Match[str]) -> str:
        surface = self._surfaces.get(match[1])
        if surface is None:
            return match.group()
        return surface + fitted(match[2], surface, match[4] or "")

    def fits_endings(self, mark: str) -> bool:
        """Whether what follows a placeholder could be changed when it is restored."""
        surface = self._surfaces.get(mark)
        kind = mark[1:].partition("_")[0]
        return surface is not None and any(fitted(kind, surface, e) != e for e in ("s", "er"))

    def unknown(self, text: str) -> list[str]:
        """The placeholders in a text that this conversation never made."""
        found = dict.fromkeys(match.group() for match in PLACEHOLDER_PATTERN.finditer(text))
        return [mark for mark in found if mark not in self._surfaces]

    def bent(self, text: str) -> list[str]:
        """What looks like a placeholder that was bent: `[name_1]`, `[NAME 1]`, `[NAME_1`, `NAME_1`.

        They are reported and never restored: which value was meant would be a guess.
        """
        found = (match.group() for match in _BENT.finditer(text))
        return [mark for mark in dict.fromkeys(found) if not PLACEHOLDER_PATTERN.search(mark)]


def fitted(kind: str, surface: str, ending: str) -> str:
    """An ending as it is written after a value: "Tomas" takes "'" for "s", "Karlsruhe" "r"."""
    if ending == "s" and kind in _OWNERS and surface.lower().endswith(_LIKE_S):
        return "'"
    if ending.startswith("er") and kind == "PLACE" and surface.endswith("e"):
        return ending[1:]
    return ending


def with_unfit_endings(text: str, matches: Sequence[Match]) -> list[Match]:
    """Takes endings into the values that restoring would change: "Tomass" is masked whole.

    Args:
        text: The text.
        matches: What will be masked in it, from left to right.
    """
    starts = {match.start for match in matches}
    return [
        replace(match, end=end) if (end := _end_with_ending(text, match, starts)) else match
        for match in matches
    ]


def _end_with_ending(text: str, match: Match, starts: AbstractSet[int]) -> int | None:
    ending = _ENDING.match(text, match.end)
    # Of "ern", "er" may be what stands before the next placeholder.
    for end in range(ending.end() if ending else match.end, match.end, -1):
        last = end in starts or not (text[end : end + 1].isalnum() or text[end : end + 1] == "_")
        said = text[match.end : end]
        if last and fitted(match.kind, text[match.start : match.end], said) != said:
            return end
    return None


class StreamRestorer:
    """Restores a stream that may be cut anywhere, even inside a placeholder.

    What could still become a placeholder is held back, and one whose ending could still change, at
    most seventeen characters.

    Args:
        conversation: Whose values to put back.

    Attributes:
        unknown: Placeholders so far that the conversation never made, as `Conversation.unknown`.
        bent: What so far looks like a bent placeholder, as `Conversation.bent`; complete when the
            stream is finished.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._held = ""
        self._looked = ""
        self._from = 0
        self.unknown: list[str] = []
        self.bent: list[str] = []

    def push(self, piece: str) -> str:
        """Takes the next piece of the stream and returns the text that is ready."""
        self._look(piece, final=False)
        text = self._held + piece
        tail = _TAIL.search(text[-_LONGEST:])
        cut = len(text) - len(tail.group()) if tail else len(text)
        if tail is None:
            inflected = _MAY_BE_INFLECTED.search(text[-_LONGEST - _LONGEST_ENDING :])
            if inflected and self._conversation.fits_endings(inflected[1]):
                cut = len(text) - len(inflected.group())
        self._held = text[cut:]
        return self._restore(text[:cut])

    def finish(self) -> str:
        """Ends the stream and returns what was held back."""
        self._look("", final=True)
        held, self._held = self._held, ""
        return self._restore(held)

    def _restore(self, text: str) -> str:
        for mark in self._conversation.unknown(text):
            if mark not in self.unknown:
                self.unknown.append(mark)
        return self._conversation.restore(text)

    def _look(self, piece: str, *, final: bool) -> None:
        """Looks for bent placeholders in what has come, whole ones only."""
        text = self._looked + piece
        # One that begins further back is whole by now, whatever follows.
        safe = len(text) if final else len(text) - _BENT_REACH
        reached = self._from
        for match in _BENT.finditer(text, self._from):
            if match.start() >= safe:
                break
            reached = match.end()
            mark = match.group()
            if mark not in self.bent and not PLACEHOLDER_PATTERN.search(mark):
                self.bent.append(mark)
        reached = max(reached, safe)
        # One character before stays, for what may not stand before a bent placeholder.
        kept = max(0, reached - 1)
        self._looked, self._from = text[kept:], reached - kept
