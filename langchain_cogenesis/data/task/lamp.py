"""Records of LaMP and LongLaMP: past texts of a user, and a text or title to write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from langchain_cogenesis.context.importers.records import json_records
from langchain_cogenesis.context.importers.sources import describe_invalid, read_text
from langchain_cogenesis.context.schema import PrivateContext, UserProfile, WritingSample
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.exceptions import SourceError

_MAX_BYTES = 2**30
_IDS = ("user", "user_id", "reviewerId", "reviewer_id", "author", "name")
_NAMES = ("name", "author")
_TEXTS = ("text", "abstract", "reviewText", "review_text", "content", "tweet", "body")
_TITLES = ("title", "summary", "subject", "headline")
_DATES = ("date", "when", "year")
_HISTORY = ("profile", "history")
_NEEDS = "is no record of LaMP: it needs a history (profile), an input or title, and an output."


def read_lamp(path: Path, problems: list[SourceError]) -> Iterator[TaskExample]:
    """Yields one example a record.

    The references of `…_questions.json` are read from `…_outputs.json` beside it; other files hold
    them in `output`. A past text that is the reference itself, or that is dated after the record,
    is left out of the context.

    Args:
        path: A JSON list, or one JSON object a line.
        problems: Takes what is broken; such a record is left out.

    Raises:
        SourceError: The file, or that of its references, can't be read.
    """
    text = read_text(path, problems, _MAX_BYTES)
    task, golds = _golds(path)
    first = re.search(r'\{\s*"(\w+)"', text)
    records = json_records(text, path.name, problems, first_key=first[1] if first else "id")
    for number, (line, record) in enumerate(records, start=1):
        try:
            yield _example(record, golds, task, f"{path.stem}-{number}")
            continue
        except ValidationError as error:
            problem = describe_invalid(error)
        except (KeyError, TypeError, AttributeError, StopIteration, RuntimeError):
            problem = _NEEDS
        hint = "The record was left out."
        problems.append(SourceError(path.name, problem, line=line, hint=hint))


def _golds(path: Path) -> tuple[str | None, Mapping[str, str]]:
    if not path.stem.endswith("questions"):
        return None, {}
    beside = path.with_name(path.name.replace("questions", "outputs"))
    if not beside.is_file():
        raise SourceError(
            path.name,
            f"has no references: {beside.name} is not beside it.",
            hint="Put it there. Test sets of LaMP are published without one: use the dev set.",
        )
    try:
        found = json.loads(read_text(beside, [], _MAX_BYTES))
        return str(found["task"]), {str(g["id"]): str(g["output"]) for g in found["golds"]}
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            beside.name, "is no file of references: it needs task and golds.", hint="Fetch it anew."
        ) from None


def _example(
    record: Mapping[str, Any], golds: Mapping[str, str], task: str | None, name: str
) -> TaskExample:
    name = str(record.get("id", name))
    reference = str(golds[name] if golds else record["output"]).strip()
    title = _first(record, _TITLES)
    instruction = _first(record, ("input", "instruction")) or (title and f"Write: {title}")
    known_as = _first(record, _NAMES)
    history = next(record[key] for key in _HISTORY if key in record)
    return TaskExample(
        id=name,
        user=_first(record, _IDS) or name,
        instruction=instruction or "",
        context=PrivateContext(
            profile=UserProfile(name=known_as) if known_as else None,
            writings=tuple(_writings(history, reference, _first(record, _DATES))),
        ),
        reference=reference,
        task=task or "other",
    )


def _writings(
    history: list[Mapping[str, Any]], reference: str, when: str | None
) -> Iterator[WritingSample]:
    until = _moment(when)
    for past in history:
        text, date = _first(past, _TEXTS), _first(past, _DATES)
        moment = _moment(date)
        future = until is not None and moment is not None and moment >= until
        if text and not future and reference not in (text, past.get("title")):
            yield WritingSample(text=text, title=_first(past, _TITLES), when=date)


def _first(record: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    found = (record[key] for key in keys if record.get(key) not in (None, ""))
    value = next(found, None)
    return None if value is None else str(value).strip()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        # A year alone is its first day; zones are left aside, as the sets have none.
        full = f"{text}-01-01" if re.fullmatch(r"\d{4}", text) else text
        return datetime.fromisoformat(full).replace(tzinfo=None)
    except ValueError:
        return None
