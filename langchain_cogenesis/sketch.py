"""The sketch node: asks the remote model for an outline. A Runnable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_cogenesis.exceptions import PrivacyError, SketchError
from langchain_cogenesis.models.any_remote import anote_messages, note_messages, remote_faults
from langchain_cogenesis.privacy.gate import ClearedText
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import (
    MAX_POINTS,
    MIN_POINTS,
    SKETCH_RETRY,
    SketchStyle,
    sketch_messages,
)

_LONGEST_POINT = 200
_FEWEST = 2
_NUMBERED = re.compile(r"^\s*[*_#\s]*\(?(\d{1,2})[.):][*_]*\s+(.+)$")
_BULLETED = re.compile(r"^\s*[-*+•–·]\s+(.+)$")
_INLINE = re.compile(r"(?:(?<=\s)|^)\d{1,2}[.)]\s+")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, repr=False)
class Sketch:
    """An outline from the remote model.

    Attributes:
        points: At most 15 points, in order; placeholders not yet restored.
        attempts: How many requests it took.
        usage: Tokens of the remote model, or None if the endpoint didn't say.
    """

    points: tuple[str, ...]
    attempts: int = 1
    usage: UsageMetadata | None = None

    def restored(self, conversation: Conversation) -> Sketch:
        """The outline with private values back in their places."""
        return replace(self, points=tuple(map(conversation.restore, self.points)))

    def __repr__(self) -> str:
        return f"Sketch(<withheld: {len(self.points)} points>, attempts={self.attempts})"


class SketchNode(Runnable[ClearedText, Sketch]):
    """Asks a remote model for an outline of what an instruction asks for.

    Its input is a `ClearedText`, which only the egress gate makes. A reply that isn't a list is
    repaired where that can be done, or asked for once more.

    Args:
        remote: The remote model.
        max_tokens: Length of its reply, tokens.
        style: What kind of outline to ask for; points beyond the number asked for are cut.
    """

    def __init__(
        self,
        remote: BaseChatModel,
        *,
        max_tokens: int = 400,
        style: SketchStyle = SketchStyle(),
    ) -> None:
        self.remote = remote
        self.max_tokens = max_tokens
        self.style = style

    def invoke(
        self, input: ClearedText, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Sketch:
        """Asks for an outline.

        Args:
            input: The cleared instruction.
            config: Passed on to the remote model.
            **kwargs: Passed on to the remote model.

        Returns:
            The outline, with the placeholders of the instruction.

        Raises:
            SketchError: Neither reply held an outline.
            RemoteError: The endpoint failed.
            LedgerError: The ledger can't be written; nothing was sent.
        """
        usage: UsageMetadata | None = None
        for attempt, messages in enumerate(_attempts(input, self.style), start=1):
            note_messages(self.remote, input, messages)
            with remote_faults(self.remote):
                reply = self.remote.invoke(messages, config, max_tokens=self.max_tokens, **kwargs)
            usage = add_usage(usage, reply.usage_metadata)
            if points := parse_sketch(_text(reply), least=_least(attempt)):
                return Sketch(points[: self.style.points], attempt, usage)
        raise _no_outline()

    async def ainvoke(
        self, input: ClearedText, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Sketch:
        """Asks for an outline asynchronously; see `invoke`."""
        usage: UsageMetadata | None = None
        for attempt, messages in enumerate(_attempts(input, self.style), start=1):
            await anote_messages(self.remote, input, messages)
            with remote_faults(self.remote):
                reply = await self.remote.ainvoke(
                    messages, config, max_tokens=self.max_tokens, **kwargs
                )
            usage = add_usage(usage, reply.usage_metadata)
            if points := parse_sketch(_text(reply), least=_least(attempt)):
                return Sketch(points[: self.style.points], attempt, usage)
        raise _no_outline()


def _least(attempt: int) -> int:
    """So many points are an outline; of a remote that was asked again, what it has is taken."""
    return MIN_POINTS if attempt == 1 else _FEWEST


def parse_sketch(reply: str, *, least: int = MIN_POINTS) -> tuple[str, ...]:
    """Reads the points of an outline out of a reply.

    Understands numbered and bulleted lists, numbers within one line, a JSON list, and plain short
    lines. Sub-points are left out; more than 15 points are cut.

    Args:
        reply: The reply.
        least: Points at least; fewer than 4 are taken from marked lists only, since a few lines of
            prose are no outline.

    Returns:
        `least` to 15 points, or none if the reply holds no outline.
    """
    text = _FENCE.sub("", _THOUGHT.sub("", reply)).strip()
    marked = (_read_numbered, _read_bulleted, _read_json)
    for read in (_read_numbered, _read_bulleted, _read_inline, _read_json, _read_lines):
        points = tuple(point for point in map(_clean, read(text)) if point)
        if len(points) >= (least if read in marked else MIN_POINTS):
            return points[:MAX_POINTS]
    return ()


def _read_numbered(text: str) -> Iterable[str]:
    return (match.group(2) for match in map(_NUMBERED.match, text.splitlines()) if match)


def _read_bulleted(text: str) -> Iterable[str]:
    return (match.group(1) for match in map(_BULLETED.match, text.splitlines()) if match)


def _read_inline(text: str) -> Iterable[str]:
    return _INLINE.split(" ".join(text.split()))[1:]


def _read_json(text: str) -> Iterable[str]:
    start, end = text.find("["), text.rfind("]")
    try:
        found = json.loads(text[start : end + 1]) if 0 <= start < end else []
    except ValueError:
        return []
    return [str(point) for point in found] if isinstance(found, list) else []


def _read_lines(text: str) -> Iterable[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Lines of prose are no outline: its points are a few words each.
    return lines if all(len(line.split()) <= 12 for line in lines) else []


def _clean(point: str) -> str:
    return " ".join(point.replace("**", "").strip().strip('"').split())[:_LONGEST_POINT]


def _attempts(cleared: ClearedText, style: SketchStyle) -> Sequence[list[BaseMessage]]:
    if not isinstance(cleared, ClearedText):
        raise PrivacyError(
            f"the sketch node was given a {type(cleared).__name__} instead of a ClearedText.",
            hint="Use create_sketch_node(), which clears it, or pass the instruction through "
            "EgressGate.clear() first.",
        )
    first = [*sketch_messages(cleared.text, style)]
    return (first, [*first, HumanMessage(SKETCH_RETRY)])


def _text(reply: AIMessage) -> str:
    content = reply.content
    return content if isinstance(content, str) else str(reply.text)


def _no_outline() -> SketchError:
    return SketchError(
        "the remote answered twice without an outline that could be read.",
        hint=f"What can be read: a numbered or bulleted list, a JSON list of texts ({_FEWEST} at "
        f"least), or {MIN_POINTS} short lines. Use a larger remote model, another mode, or "
        "on_remote_error='local'.",
    )
