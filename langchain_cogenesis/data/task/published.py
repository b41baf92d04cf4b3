"""The published CoGenesis records as examples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from langchain_cogenesis.context.importers.records import json_records, record_context
from langchain_cogenesis.context.importers.sources import describe_invalid, read_text
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.data.task.facts import facts_in
from langchain_cogenesis.exceptions import SourceError

_SHAPE = "is no CoGenesis record: it needs tid, conversations, profile and additional_profile."


def read_published(path: Path, problems: list[SourceError]) -> Iterator[TaskExample]:
    """Yields one example a record.

    A user is known by the profile: records with the same one are one user's. The facts are those
    that the reference states in the profile's own words, which is a lower bound.

    Args:
        path: A JSON list of records, or one record.
        problems: Takes what is broken; such a record is left out.

    Raises:
        SourceError: The file can't be read as text.
    """
    text = read_text(path, problems)
    for line, record in json_records(text, path.name, problems, first_key="tid"):
        try:
            yield _example(record)
            continue
        except ValidationError as error:
            problem = describe_invalid(error)
        except (KeyError, TypeError, AttributeError, StopIteration):
            problem = _SHAPE
        hint = "The record was left out."
        problems.append(SourceError(path.name, problem, line=line, hint=hint))


def _example(record: dict[str, Any]) -> TaskExample:
    said = {turn["from"]: str(turn["value"]).strip() for turn in record["conversations"]}
    instruction, reference = said["user"], said["assistant"]
    name, context = record_context(record)
    profile = str(record["additional_profile"]).strip()
    return TaskExample(
        id=name,
        user=hashlib.blake2s(profile.encode("utf-8"), digest_size=8).hexdigest(),
        instruction=instruction,
        context=context,
        reference=reference,
        facts=facts_in(context, reference),
    )
