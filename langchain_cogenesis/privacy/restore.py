"""Placeholders of one conversation, and private values put back in their place."""

from __future__ import annotations

import re
import threading
from collections import Counter

from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN, placeholder

_LONGEST = len("[ADDRESS_9999]")
_TAIL = re.compile(r"\[[A-Z]{0,7}(?:_\d{0,4})?\Z")


class Conversation:
    """Which placeholder stands for which value; one for each conversation, never shared.

    Every surface form (`Miami`, `MIAMI`) has a placeholder of its own, so that restoring is exact.
    A placeholder that the user typed is a value like any other: it is masked and comes back as it
    was. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._placeholders: dict[tuple[str, str], str] = {}
        self._surfaces: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Conversation(<withheld: {len(self._surfaces)} placeholders>)"

    def mask(self, kind: str, surface: str) -> str:
        """The placeholder that stands for this surface form; the same one every time."""
        with self._lock:
            known = self._placeholders.get((kind, surface))
            if known is None:
                self._counts[kind] += 1
                known = placeholder(kind, self._counts[kind])
                self._placeholders[(kind, surface)] = known
                self._surfaces[known] = surface
            return known

    def surface(self, mark: str) -> str | None:
        """What a placeholder stands for, or None if this conversation never made it."""
        return self._surfaces.get(mark)

    def restore(self, text: str) -> str:
        """Puts the private values back; a placeholder that was never made stays as it is."""
        return PLACEHOLDER_PATTERN.sub(
            lambda match: self._surfaces.get(match.group(), match.group()), text
        )

    def unknown(self, text: str) -> list[str]:
        """The placeholders in a text that this conversation never made."""
        found = dict.fromkeys(match.group() for match in PLACEHOLDER_PATTERN.finditer(text))
        return [mark for mark in found if mark not in self._surfaces]


class StreamRestorer:
    """Restores a stream that may be cut anywhere, even inside a placeholder.

    What could still become a placeholder is held back, at most fourteen characters.

    Args:
        conversation: Whose values to put back.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._held = ""
        self.unknown: list[str] = []

    def push(self, piece: str) -> str:
        """Takes the next piece of the stream and returns the text that is ready."""
        text = self._held + piece
        tail = _TAIL.search(text[-_LONGEST:])
        cut = len(text) - len(tail.group()) if tail else len(text)
        self._held = text[cut:]
        return self._restore(text[:cut])

    def finish(self) -> str:
        """Ends the stream and returns what was held back."""
        held, self._held = self._held, ""
        return self._restore(held)

    def _restore(self, text: str) -> str:
        for mark in self._conversation.unknown(text):
            if mark not in self.unknown:
                self.unknown.append(mark)
        return self._conversation.restore(text)
