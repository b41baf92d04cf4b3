"""A user's profile as YAML or JSON, and an exported context."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from langchain_cogenesis.context.importers.field_names import (
    describe_unknown,
    meant_name,
    shown_name,
)
from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
from langchain_cogenesis.context.importers.sources import describe_invalid, read_text
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import SourceError

# The YAML parser reads some 100 kB a second.
_MAX_YAML_BYTES = 2 * 2**20
_MAX_MAPPED_JSON = 2**18
_EMPTY = ("", "~", "null", "Null", "NULL")
_LISTS = ("traits", "style", "facts")
_KEYS = (*UserProfile.model_fields, "activity")


class _PlainLoader(yaml.BaseLoader):
    """Makes strings of all scalars: no dates, no `no` that becomes false, no objects.

    An alias of a list or a mapping is refused: a few of them can stand for billions of values.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        alias = self.check_event(yaml.AliasEvent)
        mark = self.peek_event().start_mark
        node = super().compose_node(parent, index)
        if alias and not isinstance(node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(
                problem="an alias may stand for one value only", problem_mark=mark
            )
        return node


def read(path: Path, options: ImportOptions) -> Parsed:
    """Reads one profile object, or what `cogenesis context export` wrote.

    A field that is wrong is reported and left out; the rest is imported.

    Raises:
        SourceError: The file is no YAML or JSON, or no object.
    """
    parsed = Parsed()
    default = None if path.suffix.lower() == ".json" else _MAX_YAML_BYTES
    text = read_text(path, parsed.problems, options.max_bytes or default)
    value, lines = _load(text, path)
    if not isinstance(value, Mapping):
        raise SourceError(
            path.name,
            "holds no profile: one object with `name` and further fields is needed.",
            line=1,
            hint=f"Fields are {', '.join(_KEYS)}.",
        )
    if value and set(value) <= set(PrivateContext.model_fields):
        parsed.contexts[None] = _exported(value, path)
    else:
        parsed.contexts[None] = _Profile(path.name, lines, parsed.problems).read(value)
    return parsed


def _load(text: str, path: Path) -> tuple[Any, dict[str, int]]:
    """Returns the value and the line of each key of the topmost mapping."""
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text), _json_lines(text)
        return _load_yaml(text)
    except json.JSONDecodeError as error:
        problem, line = "is not valid JSON here.", error.lineno
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The library's texts quote what it found: only its complaints about structure are kept.
        known = "alias may stand" in str(error.problem)
        problem = f"is not valid YAML here{': an alias of a list or object' if known else ''}."
        line = mark.line + 1 if mark is not None else 1
    except yaml.reader.ReaderError as error:
        problem, line = "holds a character that YAML forbids.", text.count("\n", 0, error.position)
        line += 1
    except (RecursionError, ValueError, TypeError):
        problem, line = "is nested too deeply, or uses lists as keys.", 1
    raise SourceError(
        path.name, problem, line=line, hint="Mend that line, and import the file again."
    )


def _load_yaml(text: str) -> tuple[Any, dict[str, int]]:
    loader = _PlainLoader(text)
    try:
        node = loader.get_single_node()
        lines = {}
        if isinstance(node, yaml.MappingNode):
            lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
        return (loader.construct_document(node) if node is not None else None), lines
    finally:
        loader.dispose()


def _json_lines(text: str) -> dict[str, int]:
    # JSON is YAML as far as lines of keys are concerned, except for tabs and the like.
    if len(text) > _MAX_MAPPED_JSON:
        return {}
    try:
        return _load_yaml(text)[1]
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        return {}


def _exported(value: Mapping[str, Any], path: Path) -> PrivateContext:
    try:
        return PrivateContext.model_validate_json(json.dumps(value))
    except ValidationError as error:
        raise SourceError(
            path.name, describe_invalid(error), hint="Export the context again."
        ) from None


class _Profile:
    """Builds a context from a profile object, field by field."""

    def __init__(self, source: str, lines: Mapping[str, int], problems: list[SourceError]) -> None:
        self._source = source
        self._lines = lines
        self._problems = problems

    def read(self, value: Mapping[str, Any]) -> PrivateContext:
        fields: dict[str, Any] = {}
        for key, content in value.items():
            if key not in _KEYS:
                self._report_unknown(key, value)
            elif content is not None and content not in _EMPTY:
                fields[key] = content
        activities = self._entries(fields.pop("activity", ()), "activity", "text", Activity)
        contacts = self._entries(fields.pop("contacts", ()), "contacts", "name", Contact)
        for key in _LISTS:
            if key in fields:
                fields[key] = self._texts(fields[key], key)
        return PrivateContext(profile=self._profile(fields, contacts), activities=activities)

    def _profile(self, fields: dict[str, Any], contacts: tuple[Any, ...]) -> UserProfile | None:
        if "name" not in fields:
            hint = "Add `name: …`; without it the profile is left out."
            self._problems.append(SourceError(self._source, "has no name.", line=1, hint=hint))
            return None
        checked: dict[str, Any] = {"contacts": contacts}
        for key, content in fields.items():
            if isinstance(content, int | float) and key != "age":
                content = str(content)
            try:
                UserProfile.model_validate({"name": "-", key: content})
            except ValidationError as error:
                self._report(key, describe_invalid(error), "It was left out.")
            else:
                checked[key] = content
        return UserProfile.model_validate(checked) if "name" in checked else None

    def _entries(self, value: Any, key: str, main: str, model: type[BaseModel]) -> tuple[Any, ...]:
        """Reads a list of texts or objects into values of a model."""
        found = []
        for number, entry in enumerate(value if isinstance(value, list | tuple) else [value], 1):
            if isinstance(entry, Mapping):
                content = {name: part for name, part in entry.items() if part not in _EMPTY}
                if isinstance(content.get("people"), str):
                    content["people"] = (content["people"],)
            else:
                content = {main: str(entry).strip()} if entry is not None else {}
            fields = model.model_fields
            strange = [name for name in content if name not in fields]
            wrong = [describe_unknown(strange, fields, content)] if strange else []
            try:
                read = model.model_validate({n: content[n] for n in content if n in fields})
            except ValidationError as error:
                wrong.append(describe_invalid(error))
            if wrong:
                what = f"entry {number}: {' '.join(wrong)}"
                self._report(key, what, "The entry was left out.")
            else:
                found.append(read)
        return tuple(found)

    def _texts(self, value: Any, key: str) -> tuple[str, ...]:
        found = []
        for number, entry in enumerate(value if isinstance(value, list | tuple) else [value], 1):
            # `Closing: Hugs` in a YAML list is an object of one field.
            if isinstance(entry, Mapping) and len(entry) == 1:
                entry = ": ".join(str(part) for part in next(iter(entry.items())))
            if entry is None or isinstance(entry, Mapping | list) or not str(entry).strip():
                self._report(key, f"entry {number} is no text.", "The entry was left out.")
            else:
                found.append(str(entry).strip())
        return tuple(found)

    def _report_unknown(self, key: Any, value: Mapping[str, Any]) -> None:
        meant, shown = meant_name(key, _KEYS), shown_name(key, _KEYS, value)
        advice = f"Did you mean `{meant}`?" if meant else f"Fields are {', '.join(_KEYS)}."
        self._report(key, f"unknown field {shown}".rstrip() + ".", f"It was left out. {advice}")

    def _report(self, key: str, problem: str, hint: str) -> None:
        shown = f"{key}: {problem}" if key in _KEYS else problem
        line = self._lines.get(key)
        self._problems.append(SourceError(self._source, shown, line=line, hint=hint))
