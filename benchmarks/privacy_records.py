"""Texts with the private values in them, from files named by the caller and from our grammar."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.data.examples import create_example
from langchain_cogenesis.privacy.detectors import PatternDetector, merge_overlaps
from langchain_cogenesis.privacy.lexicon import PrivateValue

_ANONYMISED = "presidio_anonymized"
_FIELDS = {"Name": "NAME", "Location": "PLACE", "Company": "ORG", "Email": "EMAIL"}


@dataclass(frozen=True, repr=False)
class Record:
    """A text that a user typed, and what is private of this user.

    Attributes:
        text: What would be sent.
        values: What the user's private context knows; it may stand in the text or not.
    """

    text: str
    values: tuple[PrivateValue, ...]

    def __repr__(self) -> str:
        return f"Record(<withheld: {len(self.values)} values>)"


@dataclass(frozen=True)
class Source:
    """Records of one origin, and what was left out of them.

    Attributes:
        name: What the table calls it.
        records: The records.
        left_out: Units that the data's authors had put a mark in place of already.
    """

    name: str
    records: tuple[Record, ...]
    left_out: int = 0


def read_pupa(path: Path, count: int | None = None) -> Source:
    """Reads queries and their private units from a CSV with `user_query` and `pii_units`.

    Args:
        path: The file; its units are joined by `||`.
        count: So many rows, from the first; all by default.
    """
    csv.field_size_limit(1 << 30)
    records: list[Record] = []
    left_out = 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if count is not None and len(records) >= count:
                break
            units = dict.fromkeys(
                unit.strip() for unit in row["pii_units"].split("||") if unit.strip()
            )
            kept = [unit for unit in units if _ANONYMISED not in unit.lower()]
            left_out += len(units) - len(kept)
            records.append(
                Record(row["user_query"], tuple(_typed(unit, row["user_query"]) for unit in kept))
            )
    return Source("PUPA", tuple(records), left_out)


def read_profiles(path: Path, count: int | None = None) -> Source:
    """Reads tasks and the structured fields of their users' profiles from a JSON list.

    Args:
        path: The published context-aware records.
        count: So many, from the first; all by default.
    """
    records = json.loads(path.read_text(encoding="utf-8"))[:count]
    return Source("profiles", tuple(map(_profile_record, records)))


def grammar_records(count: int) -> Source:
    """Creates instructions of our grammar, with what they and their personas hold as context."""
    records = []
    for seed in range(count):
        example = create_example(f"privacy-{seed}")
        values = tuple(
            PrivateValue(slot.kind, slot.value)
            for slot in example.slots.values()
            if slot.kind and slot.value
        )
        records.append(Record(example.instruction, tuple(dict.fromkeys(values))))
    return Source("grammar", tuple(records))


def _typed(unit: str, text: str) -> PrivateValue:
    """A unit with the kind that its shape tells; else `ORG`, a name that is known whole.

    The file has its units in small letters. A user's context has them as they are spelled: as they
    stand in the text, where they do.
    """
    spelled = re.search(r"\s+".join(map(re.escape, unit.split())), text, re.IGNORECASE)
    found = merge_overlaps(PatternDetector().find(unit))
    whole = len(found) == 1 and found[0].end - found[0].start == len(unit)
    return PrivateValue(found[0].kind if whole else "ORG", spelled.group() if spelled else unit)


def _profile_record(record: dict[str, object]) -> Record:
    conversation = record["conversations"]
    assert isinstance(conversation, list)
    fields = dict(_lines(str(record["additional_profile"])))
    values: list[PrivateValue] = []
    for name, kind in _FIELDS.items():
        whole = fields.get(name, "")
        # Whoever knows the parts knows enough: they count as units of their own.
        parts = whole.split() if kind == "NAME" else re.split(r",\s*", whole)
        kept = [part for part in dict.fromkeys([whole, *parts]) if _tells(part)]
        values += [PrivateValue(kind, part) for part in kept]
    employer = re.search(r"\b(?:at|for) ([A-Z].+)$", fields.get("Occupation", ""))
    if employer:
        values.append(PrivateValue("ORG", employer[1]))
    return Record(str(conversation[0]["value"]), tuple(values))


def _tells(part: str) -> bool:
    return len(part) > 2 and part.rstrip(".") not in ("Mr", "Mrs", "Dr", "Prof", "USA")


def _lines(profile: str) -> Iterable[tuple[str, str]]:
    for line in profile.splitlines():
        name, found, value = line.partition(": ")
        if found:
            yield name, value.strip()
