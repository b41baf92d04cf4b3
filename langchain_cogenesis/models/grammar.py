"""Grammars that an answer follows: JSON schemas, and calls of tools among free text.

They are written in the dialect of Lark that `llguidance` reads, with JSON schemas embedded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_cogenesis.exceptions import SchemaError
from langchain_cogenesis.models.call_format import ID_HOLE, ID_PATTERN, PLAIN, CallFormat
from langchain_cogenesis.models.tool_choice import Tool, ToolUse

Literal = Callable[[str], str]
"""Writes a fixed text as a terminal; control tokens in it count as such."""

MOST_CALLS = 8
_HEADER = "%llguidance {}"
_TEXT = r"TEXT: /(.|\n)*/"
_IN_NAMES = ("properties", "patternProperties", "$defs", "definitions")
_IN_LISTS = ("anyOf", "oneOf", "prefixItems")
_ONE = ("items", "additionalProperties")
_OF_INTEGERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const")
_LARGEST = 2**53 - 1
_OPEN_ENDED = ("additionalProperties", "patternProperties", "unevaluatedProperties")


def schema_rule(schema: Mapping[str, Any], strict: bool | None) -> str:
    """A JSON schema as a rule.

    Objects that name their properties have no others, and integers 53 bits, unless the schema says
    so itself.

    Args:
        schema: The schema.
        strict: True refuses keywords that a grammar can't enforce, None leaves those out, False
            takes any JSON object.
    """
    if strict is False:
        schema = {"type": "object"}
    options = {
        "whitespace_flexible": False,
        "item_separator": ", ",
        "key_separator": ": ",
        "lenient": not strict,
    }
    return "%json " + json.dumps({"x-guidance": options, **_closed(schema)}, ensure_ascii=False)


def _closed(schema: Any) -> Any:
    """The schema, with objects closed that name their properties and don't say otherwise."""
    if not isinstance(schema, Mapping):
        return schema
    made = dict(schema)
    for key in _IN_NAMES:
        if isinstance(made.get(key), Mapping):
            made[key] = {name: _closed(value) for name, value in made[key].items()}
    for key in _IN_LISTS:
        if isinstance(made.get(key), list):
            made[key] = [_closed(value) for value in made[key]]
    for key in _ONE:
        made.update({key: _closed(made[key])} if key in made else {})
    # JSON's readers agree on integers of 53 bits (RFC 8259, section 6); without a limit, a model
    # that repeats a digit never stops.
    if made.get("type") == "integer" and not any(key in made for key in _OF_INTEGERS):
        made |= {"minimum": -_LARGEST, "maximum": _LARGEST}
    if "properties" in made and "allOf" not in made and not any(k in made for k in _OPEN_ENDED):
        made["additionalProperties"] = False
    return made


def schema_grammar(schema: Mapping[str, Any], strict: bool | None) -> str:
    """The grammar of a single JSON value."""
    return f"{_HEADER}\nstart: {schema_rule(schema, strict)}"


def call_grammar(use: ToolUse, form: CallFormat, literal: Literal, free: str | None = None) -> str:
    """The grammar of an answer that calls tools, or may.

    Args:
        use: The tools, and whether one has to be called.
        form: How the model writes calls.
        literal: Writes a fixed text.
        free: The rule of an answer that calls none; by default any text.
    """
    more = ""
    if form.middle is not None and (form is not PLAIN if use.parallel is None else use.parallel):
        more = f"({_fixed(form.middle, literal)} call){{0,{MOST_CALLS - 1}}}"
    rest = f"call {more} {_fixed(form.after, literal)}"
    lines = [_HEADER]
    if use.forced:
        lines.append(f"start: {_fixed(form.before, literal)} {rest}")
    else:
        lines += _optional(form, literal, rest, free)
    calls = (
        f"{literal(tool.name)} {literal(form.between)} {schema_rule(tool.parameters, tool.strict)}"
        for tool in use.tools
    )
    lines.append("call: " + "\n  | ".join(calls))
    lines.append(f"ID: /{ID_PATTERN}/")
    return "\n".join(lines)


def _optional(form: CallFormat, literal: Literal, rest: str, free: str | None) -> list[str]:
    """Rules of an answer that calls tools or doesn't."""
    head = _fixed(form.before, literal)
    if free is not None:
        return [f"start: {head} {rest} | free", f"free: {free}"]
    if not form.after_text:
        first = re.sub(r"([\\\]^/-])", r"\\\1", form.before[0])
        return [f"start: {head} {rest} | TEXT", rf"TEXT: /([^{first}](.|\n)*)?/"]
    if not form.trigger:
        return [f"start: TEXT {head} {rest} | TEXT", _TEXT]
    # Lazy: as soon as the trigger is there, no other reading of the text is left.
    tail = _fixed(form.before[len(form.trigger) :], literal)
    return [
        f"start: head {tail} {rest} | TEXT",
        f"head[lazy]: TEXT {json.dumps(form.trigger, ensure_ascii=False)}",
        _TEXT,
    ]


def _fixed(text: str, literal: Literal) -> str:
    pieces = text.split(ID_HOLE)
    return " ID ".join(literal(piece) for piece in pieces if piece or len(pieces) == 1)


def check_schema(name: str, schema: Mapping[str, Any], strict: bool | None) -> None:
    """Checks that a schema can become a grammar, before any model is loaded.

    Raises:
        SchemaError: It can't.
    """
    from llguidance import LLMatcher

    problem = LLMatcher.validate_grammar(schema_grammar(schema, strict))
    if problem:
        raise SchemaError(
            f"the schema of {name!r} can't become a grammar: {_reason(problem)}.",
            hint="Change the schema; with strict=None keywords that can't be enforced are left "
            "out, with strict=False any JSON object is taken.",
        )


def check_tools(tools: Sequence[Tool]) -> None:
    """Checks the schema of each tool.

    Raises:
        SchemaError: One can't become a grammar.
    """
    for tool in tools:
        check_schema(tool.name, tool.parameters, tool.strict)


def _reason(problem: str) -> str:
    """The first line of llguidance's message, without its position and its copy of the grammar."""
    line = problem.strip().splitlines()[0]
    return line.rpartition("failed to compile JSON schema: ")[2].strip()[:300]
