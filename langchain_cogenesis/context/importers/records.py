"""The published CoGenesis records: one user each, with profile, device activity and past writings.

A record's task, its reference text and its further tasks are what is asked of a model, not what is
known of the user; they aren't imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from langchain_cogenesis.context.importers.result import ImportOptions, Parsed, merge_contexts
from langchain_cogenesis.context.importers.sources import describe_invalid, read_text
from langchain_cogenesis.context.schema import (
    Activity,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.exceptions import SourceError

_SINGLE = {"Name": "name", "Age": "age", "Occupation": "occupation", "Location": "location"}
_LISTS = {"Personal_traits": "traits", "Writing_style": "style", "Privacy_info": "facts"}
_ACTIVITY = {"Smart_device_usage": "device", "Ai_assistant_usage": "assistant"}
_SPACE = re.compile(r"[\s,]*")


def read(path: Path, options: ImportOptions) -> Parsed:
    """Reads a JSON list of records, or one record; each user is called by the record's `tid`.

    Raises:
        SourceError: The file can't be read as text.
    """
    parsed = Parsed()
    text = read_text(path, parsed.problems, options.max_bytes)
    for line, record in json_records(text, path.name, parsed.problems, first_key="tid"):
        try:
            user, context = record_context(record)
        except ValidationError as error:
            problem = describe_invalid(error)
        except (KeyError, TypeError, AttributeError):
            problem = "is no CoGenesis record: it needs tid, profile and additional_profile."
        else:
            if user in parsed.contexts:
                context = merge_contexts(parsed.contexts[user], context)
            parsed.contexts[user] = context
            continue
        parsed.problems.append(
            SourceError(path.name, problem, line=line, hint="The record was left out.")
        )
    return parsed


def json_records(
    text: str, source: str, problems: list[SourceError], *, first_key: str
) -> Iterator[tuple[int, Any]]:
    """Yields line and value of each element of a JSON list, going on after a broken one.

    Args:
        text: A list, or one value after the other.
        source: Name of the file.
        problems: Takes what is broken.
        first_key: The key with which a record begins, to find the next one.
    """
    decoder = json.JSONDecoder()
    start = _SPACE.match(text)
    position = start.end() if start else 0
    if text.startswith("[", position):
        position += 1
    line, counted = 1, 0
    while True:
        space = _SPACE.match(text, position)
        position = space.end() if space else position
        if position >= len(text) or text[position] == "]":
            return
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            at = error.pos if isinstance(error, json.JSONDecodeError) else position
            problems.append(
                SourceError(
                    source,
                    f"is not valid JSON here; the record that begins on line {line} was left out.",
                    line=text.count("\n", 0, at) + 1,
                )
            )
            following = re.compile(rf'\{{\s*"{first_key}"').search(text, at)
            if following is None:
                return
            position = following.start()
        else:
            yield line, value


def record_context(record: dict[str, Any]) -> tuple[str, PrivateContext]:
    """The `tid` of a record and what is known of its user.

    Raises:
        KeyError, TypeError, AttributeError: It is no such record.
        ValidationError: A field of its profile is wrong.
    """
    fields: dict[str, Any] = {}
    activities: list[Activity] = []
    for line in str(record["additional_profile"]).splitlines():
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not value:
            continue
        if key in _SINGLE:
            fields[_SINGLE[key]] = value
        elif key in _LISTS:
            fields[_LISTS[key]] = tuple(_parts(value))
        elif key in _ACTIVITY:
            activities += [Activity(kind=_ACTIVITY[key], text=part) for part in _parts(value)]
    writings = tuple(
        WritingSample(text=past["text"], title=past.get("title"))
        for past in record["profile"]
        if past.get("text")
    )
    if not str(fields.get("age", "0")).isdecimal():
        # "Early 40s" is no number, but known all the same.
        fields["facts"] = (*fields.get("facts", ()), f"Age: {fields.pop('age')}")
    profile = UserProfile.model_validate(fields)
    context = PrivateContext(profile=profile, activities=tuple(activities), writings=writings)
    return str(record["tid"]), context


def _parts(value: str) -> Iterator[str]:
    return (part.strip() for part in value.split(";") if part.strip())
