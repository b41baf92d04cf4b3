"""Chat exports of WhatsApp (`.txt`) and Telegram (`.json`).

What the user wrote on one day becomes one writing sample; what others wrote in a row, an activity.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
from langchain_cogenesis.context.importers.sources import read_text
from langchain_cogenesis.context.lexical import words
from langchain_cogenesis.context.schema import Activity, PrivateContext, WritingSample
from langchain_cogenesis.exceptions import SourceError

_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DATE = r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4}),?[ \u00a0\u202f]"
_TIME = r"(\d{1,2})[:.](\d{2})(?:[:.]\d{2})?(?:[ \u00a0\u202f]?([AaPp])\.?[ \u00a0\u202f]?[Mm]\.?)?"
_STAMP = re.compile(rf"\[?{_DATE}{_TIME}\]?(?: [-–])? ?")
_SPEAKER = re.compile(r"([^:\n]{1,60}): (.*)", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"<[^<>]{3,40}>|(?:image|video|audio|sticker|GIF|document) omitted"
    r"|This message was deleted\.?|You deleted this message\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, repr=False)
class _Line:
    """One message; `when` is ISO 8601, to the minute."""

    sender: str
    when: str
    text: str


def is_whatsapp(text: str) -> bool:
    """Whether a text looks like a chat: most of its first lines begin with date and time."""
    first = [line for line in _MARKS.sub("", text).split("\n")[:20] if line.strip()]
    stamped = sum(_STAMP.match(line) is not None for line in first)
    return bool(first) and stamped * 2 > len(first)


def read_whatsapp(path: Path, options: ImportOptions) -> Parsed:
    """Reads a WhatsApp export.

    Raises:
        SourceError: The file can't be read, or holds no message.
    """
    parsed = Parsed()
    text = _MARKS.sub("", read_text(path, parsed.problems, options.max_bytes))
    lines = list(_whatsapp_lines(text, path.name, parsed))
    if not lines:
        raise SourceError(
            path.name,
            "holds no chat message: a line begins with date, time and sender.",
            line=1,
            hint="Export the chat without media as a text file.",
        )
    parsed.contexts[None] = _context(lines, options)
    return parsed


def read_telegram(path: Path, options: ImportOptions) -> Parsed:
    """Reads a Telegram export: one chat, or all of them.

    Raises:
        SourceError: The file can't be read, or is no such export.
    """
    parsed = Parsed()
    text = read_text(path, parsed.problems, options.max_bytes)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(
            path.name, "is not valid JSON here.", line=error.lineno, hint="Export the chat again."
        ) from None
    except RecursionError:
        raise SourceError(path.name, "is nested too deeply.", hint="Export it again.") from None
    value = value if isinstance(value, dict) else {}
    chats = (value.get("chats") or {}).get("list") if "chats" in value else [value]
    chats = [chat for chat in chats or [] if isinstance(chat, dict) and "messages" in chat]
    if not chats:
        raise SourceError(
            path.name, "is no Telegram export: it has no messages.", hint="Export it as JSON."
        )
    options = _with_own_name(options, value)
    context = PrivateContext()
    for chat in chats:
        found = _context(list(_telegram_lines(chat, path.name, parsed)), options)
        context = PrivateContext(
            activities=context.activities + found.activities,
            writings=context.writings + found.writings,
        )
    parsed.contexts[None] = context
    return parsed


def _whatsapp_lines(text: str, source: str, parsed: Parsed) -> Iterator[_Line]:
    raw = [(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    stamps = [_STAMP.match(line) for _, line in raw]
    day_first = _day_first([stamp for stamp in stamps if stamp is not None])
    start: tuple[int, re.Match[str]] | None = None
    body: list[str] = []
    for (number, line), stamp in zip([*raw, (0, "")], [*stamps, None], strict=True):
        if stamp is None and number:
            body.append(line)
            continue
        if start is not None:
            yield from _whatsapp_message(start, "\n".join(body).strip(), day_first, source, parsed)
        if stamp is not None:
            start, body = (number, stamp), [line[stamp.end() :]]


def _whatsapp_message(
    start: tuple[int, re.Match[str]], body: str, day_first: bool, source: str, parsed: Parsed
) -> Iterator[_Line]:
    number, stamp = start
    spoken = _SPEAKER.fullmatch(body)
    # Without a sender it is a notice of the app: somebody joined, the encryption changed.
    if spoken is None or _PLACEHOLDER.fullmatch(spoken[2].strip()) or not spoken[2].strip():
        return
    try:
        when = _moment(stamp, day_first)
    except ValueError:
        parsed.problems.append(
            SourceError(source, "no such date.", line=number, hint="The message was left out.")
        )
        return
    yield _Line(spoken[1].strip(), when, spoken[2].strip())


def _day_first(stamps: Iterable[re.Match[str]]) -> bool:
    """Whether the day stands before the month; a number above 12 in one place tells."""
    first = second = 0
    twelve_hours = False
    for stamp in stamps:
        first, second = max(first, int(stamp[1])), max(second, int(stamp[2]))
        twelve_hours = twelve_hours or stamp[6] is not None
    return first > 12 or (second <= 12 and not twelve_hours)


def _moment(stamp: re.Match[str], day_first: bool) -> str:
    a, b, c = int(stamp[1]), int(stamp[2]), int(stamp[3])
    if len(stamp[1]) == 4:
        year, month, day = a, b, c
    else:
        year = c + 2000 if c < 100 else c
        day, month = (a, b) if day_first else (b, a)
    hour = int(stamp[4])
    if stamp[6]:
        hour = hour % 12 + (12 if stamp[6].lower() == "p" else 0)
    return datetime(year, month, day, hour, int(stamp[5])).strftime("%Y-%m-%dT%H:%M")


def _telegram_lines(chat: dict[str, Any], source: str, parsed: Parsed) -> Iterator[_Line]:
    messages = chat["messages"] if isinstance(chat["messages"], list) else []
    for position, message in enumerate(messages, start=1):
        try:
            if message.get("type", "message") != "message":
                continue
            text, sender = _flat(message.get("text", "")).strip(), message.get("from")
            when = datetime.fromisoformat(message["date"]).strftime("%Y-%m-%dT%H:%M")
        except (AttributeError, KeyError, TypeError, ValueError):
            problem = f"message {position} of a chat can't be read."
            parsed.problems.append(SourceError(source, problem, hint="It was left out."))
            continue
        if text and sender:
            yield _Line(str(sender), when, text)


def _flat(text: Any) -> str:
    parts = text if isinstance(text, list) else [text]
    return "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in parts)


def _with_own_name(options: ImportOptions, export: dict[str, Any]) -> ImportOptions:
    person = export.get("personal_information")
    if options.own_name or not isinstance(person, dict):
        return options
    names = (person.get("first_name"), person.get("last_name"))
    own = " ".join(str(name) for name in names if name)
    return ImportOptions(options.own_address, own or None, options.max_bytes)


def _context(lines: list[_Line], options: ImportOptions) -> PrivateContext:
    senders = {line.sender for line in lines}
    own = next((name for name in sorted(senders) if _same_person(name, options.own_name)), None)
    activities: list[Activity] = []
    days: dict[str, list[str]] = {}
    for sender, run in groupby(lines, key=lambda line: line.sender):
        said = list(run)
        if sender == own:
            for line in said:
                days.setdefault(line.when[:10], []).append(line.text)
        else:
            text = "\n".join(line.text for line in said)
            activities.append(
                Activity(kind="message", when=said[0].when, text=text, people=(sender,))
            )
    others = sorted(senders - {own} if own else senders)
    samples = [
        WritingSample(
            text="\n".join(texts), title="chat", recipient=", ".join(others[:5]) or None, when=day
        )
        for day, texts in days.items()
    ]
    return PrivateContext(activities=tuple(activities), writings=tuple(samples))


def _same_person(sender: str, own_name: str | None) -> bool:
    """Whether a chat's sender is the user: same name, or its first part."""
    mine, theirs = words(own_name or ""), words(sender)
    return bool(mine) and bool(theirs) and (mine == theirs or theirs == mine[:1])
