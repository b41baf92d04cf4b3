"""Calls of tools in the text of an answer, told apart while it is written."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_cogenesis.models.call_format import ID_HOLE, ID_PATTERN, CallFormat

CUT_OFF = " <- cut off"
"""Ends arguments that are no whole object, after what keeps readers from completing them."""


@dataclass(slots=True)
class Call:
    """A call of a tool, as far as it is written.

    Attributes:
        name: The tool's name.
        id: Identifies the call; nine letters and digits, since some templates want as many.
        args: Its arguments as JSON, so far.
        whole: Whether the arguments are complete.
    """

    name: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:9])
    args: str = ""
    whole: bool = False

    def read_args(self) -> dict[str, Any]:
        """The arguments of a whole call."""
        read: dict[str, Any] = json.loads(self.args)
        return read


@dataclass(frozen=True, slots=True)
class CallDelta:
    """What a call grew by; `name` and `id` come with its first piece only."""

    index: int
    args: str
    name: str | None = None
    id: str | None = None


class CallParser:
    """Splits an answer that follows `call_grammar` into text and calls.

    Args:
        form: How the model writes calls.
        forced: Whether the answer is a call: what is cut off before a name is one too.
    """

    def __init__(self, form: CallFormat, *, forced: bool = False) -> None:
        self._form = form
        self._forced = forced
        self._state: Literal["text", "name", "arguments", "rest"] = "text"
        self._held = ""
        self._said = False
        self._json = _JsonEnd()
        self.calls: list[Call] = []

    @property
    def complete(self) -> bool:
        """Whether there are calls, each of them whole."""
        return bool(self.calls) and all(call.whole for call in self.calls)

    def push(self, text: str) -> tuple[str, list[CallDelta]]:
        """Takes more of the answer.

        Returns:
            Text that belongs to no call and can be shown now, and what calls grew by.
        """
        self._held += text
        shown = ""
        deltas: list[CallDelta] = []
        while True:
            state = self._state
            if state == "text":
                shown += self._take_text()
            elif state == "name":
                self._take_name(deltas)
            elif state == "arguments":
                self._take_arguments(deltas)
            else:
                self._take_rest()
            if self._state == state:
                return shown, _joined(deltas)

    def finish(self) -> tuple[str, list[CallDelta]]:
        """Ends the answer.

        Returns:
            Text that was held back, and the mark of a call that was cut off.
        """
        held, self._held = self._held, ""
        if self._state == "text" and not self._forced:
            return held, []
        if self._state in ("text", "name"):
            name = held[: len(held) - _overlap(held, self._form.between)]
            name = "" if self._state == "text" else name
            self.calls.append(Call(name))
            begun = CallDelta(len(self.calls) - 1, "", name or None, self.calls[-1].id)
            return "", _joined([begun, self._cut_off()])
        return "", [] if self.calls[-1].whole else [self._cut_off()]

    def _cut_off(self) -> CallDelta:
        mark = self._json.broken() + CUT_OFF
        self.calls[-1].args += mark
        return CallDelta(len(self.calls) - 1, mark)

    def _take_text(self) -> str:
        before = self._form.before
        possible = self._form.after_text or not self._said
        at = self._held.find(before) if possible else -1
        if at == 0 or (at > 0 and self._form.after_text):
            shown, self._held = self._held[:at], self._held[at + len(before) :]
            self._state = "name"
            return shown if self._said or shown.strip() else ""
        keep = _overlap(self._held, before) if possible else 0
        shown = self._held[: len(self._held) - keep]
        # Blank text before calls is none: it waits for something else.
        if not self._said and not shown.strip():
            return ""
        self._said = True
        self._held = self._held[len(shown) :]
        return shown

    def _take_name(self, deltas: list[CallDelta]) -> None:
        name, found, rest = self._held.partition(self._form.between)
        if found:
            self.calls.append(Call(name))
            deltas.append(CallDelta(len(self.calls) - 1, "", name, self.calls[-1].id))
            self._held, self._json, self._state = rest, _JsonEnd(), "arguments"

    def _take_arguments(self, deltas: list[CallDelta]) -> None:
        count = self._json.push(self._held)
        args, self._held = self._held[:count], self._held[count:]
        if args:
            self.calls[-1].args += args
            deltas.append(CallDelta(len(self.calls) - 1, args))
        if self._json.ended:
            self.calls[-1].whole, self._state = True, "rest"

    def _take_rest(self) -> None:
        if self._form.middle is None:
            return
        pattern = re.escape(self._form.middle).replace(re.escape(ID_HOLE), ID_PATTERN)
        if found := re.match(pattern, self._held):
            self._held, self._state = self._held[found.end() :], "name"
            self._json = _JsonEnd()


def _joined(deltas: list[CallDelta]) -> list[CallDelta]:
    """One piece for each call: LangChain merges pieces of different chunks only."""
    joined: dict[int, CallDelta] = {}
    for delta in deltas:
        first = joined.get(delta.index)
        joined[delta.index] = (
            CallDelta(delta.index, first.args + delta.args, first.name, first.id)
            if first
            else delta
        )
    return list(joined.values())


class _JsonEnd:
    """Finds the end of a JSON object that is read in pieces."""

    def __init__(self) -> None:
        self.ended = False
        self._open: list[str] = []
        self._in_string = self._escaped = False

    def push(self, text: str) -> int:
        """How many characters of `text` belong to the object."""
        for at, character in enumerate(text):
            if self._in_string:
                self._in_string = self._escaped or character != '"'
                self._escaped = character == "\\" and not self._escaped
            elif character == '"':
                self._in_string = True
            elif character in "{[":
                self._open.append(character)
            elif character in "}]":
                self._open.pop()
                if not self._open:
                    self.ended = True
                    return at + 1
        return len(text)

    def broken(self) -> str:
        """What makes the object malformed beyond mending: a bracket that doesn't fit."""
        # Inside a string it would be part of that: the string is closed first.
        closed = ("\\" if self._escaped else "") + '"' if self._in_string else ""
        return closed + ("}" if self._open[-1:] == ["["] else "]")


def _overlap(text: str, beginning: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `beginning`."""
    longest = min(len(text), len(beginning) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(beginning[:n])), 0)
