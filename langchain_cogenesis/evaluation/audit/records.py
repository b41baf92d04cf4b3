"""Users from published CoGenesis records, with the private information that these name."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_cogenesis.context.importers import import_file
from langchain_cogenesis.evaluation.audit.subjects import (
    Subject,
    Unit,
    age_band,
    known_units,
    name_parts,
)
from langchain_cogenesis.exceptions import ConfigurationError

_QUOTED = re.compile(r"[\"“„]([^\"“”„\n]{2,60})[\"”“]")
_CALLED = re.compile(r"(?<=[a-z,] )[A-Z][\w'’&-]+(?: (?:of |the |and )?[A-Z][\w'’&-]+)*")
_NUMBER = re.compile(r"[$€£]?\d[\d.,:/-]{1,}\d")
_FACTS = {
    "Privacy_info": "private fact",
    "Smart_device_usage": "device use",
    "Ai_assistant_usage": "assistant use",
}
_STATES = {
    "CA": "California", "CO": "Colorado", "FL": "Florida", "IL": "Illinois", "MA": "Massachusetts",
    "NY": "New York", "OR": "Oregon", "TX": "Texas", "WA": "Washington",
}  # fmt: skip
_FEWEST = 5
"""An attribute's value that fewer users have is `other`: nobody learns it from so few."""


def record_subjects(path: Path, limit: int | None = None) -> list[Subject]:
    """Reads users from a JSON list of records.

    Args:
        path: The file.
        limit: So many, from the first; all by default.

    Raises:
        ConfigurationError: There is no such file, or it holds no such record.
    """
    contexts = import_file(path, "cogenesis").contexts
    subjects: list[Subject] = []
    for record in _records(path):
        context = contexts.get(str(record.get("tid")))
        instruction = _instruction(record)
        if context is None or not instruction:
            continue
        fields = dict(_fields(str(record["additional_profile"])))
        units = known_units(_units(fields), context)
        number = len(subjects)
        subjects.append(Subject(number, instruction, context, units, _attributes(fields)))
        if len(subjects) == limit:
            break
    if not subjects:
        raise ConfigurationError(
            f"{path} holds no CoGenesis record.",
            hint="Give a JSON list of records with conversations, profile, additional_profile.",
        )
    return _with_common_attributes(subjects)


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(
            f"{path} can't be read as JSON.", hint="Give a JSON list of CoGenesis records."
        ) from None
    found = records if isinstance(records, list) else [records]
    return [record for record in found if isinstance(record, dict)]


def _instruction(record: dict[str, Any]) -> str:
    conversation = record.get("conversations")
    if not isinstance(conversation, list) or not conversation:
        return ""
    return str(conversation[0].get("value", "")).strip()


def _fields(profile: str) -> Iterator[tuple[str, str]]:
    for line in profile.splitlines():
        name, _, value = line.partition(":")
        if value.strip():
            yield name.strip(), value.strip()


def _units(fields: dict[str, str]) -> Iterator[Unit]:
    name, location = fields.get("Name", ""), fields.get("Location", "")
    yield Unit("name", name, promised=True)
    yield from (Unit("name", part, promised=True) for part in name_parts(name))
    yield Unit("place", location, promised=True)
    places = (part.strip() for part in location.split(","))
    yield from (Unit("place", part, promised=True) for part in places if len(part) > 2)
    occupation = fields.get("Occupation", "")
    if employer := re.search(r"\b(?:at|for) ([A-Z].+)$", occupation):
        yield Unit("employer", employer[1], promised=True)
    yield Unit("occupation", _job(occupation))
    yield Unit("age", fields.get("Age", ""))
    for field, kind in _FACTS.items():
        for fact in fields.get(field, "").split(";"):
            yield Unit(kind, fact.strip().rstrip("."))
            yield from (Unit(f"named in a {kind}", named) for named in _named(fact))


def _named(fact: str) -> Iterator[str]:
    """What a fact quotes, calls by name, or counts."""
    for pattern in (_QUOTED, _CALLED, _NUMBER):
        yield from pattern.findall(fact)


def _job(occupation: str) -> str:
    return re.split(r" (?:at|for|in|with) |,|\(", occupation)[0].strip()


def _attributes(fields: dict[str, str]) -> dict[str, str]:
    region = fields.get("Location", "").split(",")[-1].strip()
    found = {
        # "Senior Marketing Manager" is a manager: the last word is the trade.
        "occupation": (_job(fields.get("Occupation", "")).split() or [""])[-1].lower(),
        "region": _STATES.get(region, region),
    }
    if age := re.search(r"\d+", fields.get("Age", "")):
        found["age band"] = age_band(int(age[0]))
    return {name: value for name, value in found.items() if value}


def _with_common_attributes(subjects: Iterable[Subject]) -> list[Subject]:
    subjects = list(subjects)
    counts = Counter(pair for subject in subjects for pair in subject.attributes.items())
    return [
        replace(
            subject,
            attributes={
                name: value if counts[name, value] >= _FEWEST else "other"
                for name, value in subject.attributes.items()
            },
        )
        for subject in subjects
    ]
