"""What a grammar lets a model write, read off its constraint; no model has to be sensible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_cogenesis.exceptions import SchemaError
from langchain_cogenesis.models.call_format import PLAIN, CallFormat
from langchain_cogenesis.models.constraint import Constraint
from langchain_cogenesis.models.grammar import call_grammar, check_schema, schema_grammar
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.tool_choice import Tool, ToolUse

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 3, "maximum": 17},
        "nick": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["name", "age"],
}
TREE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
        }
    },
}
CITY = Tool(
    "city",
    "",
    {"type": "object", "properties": {"is": {"enum": ["Oslo", "Bergen"]}}, "required": ["is"]},
)
CLOCK = Tool("clock", "", {"type": "object", "properties": {}})
LLAMA_LIKE = CallFormat('{"name": "', '", "parameters": ', None, "}", "", False)


def _follows(house: LlamaCppEngine, grammar: str, text: str) -> bool:
    """Whether a text is a whole answer by a grammar, whatever its tokens."""
    constraint = house.grammar_tokens.constraint(grammar)
    return _accepts(constraint, house.tokenize(text)) and constraint.complete


def _accepts(constraint: Constraint, ids: list[int]) -> bool:
    import numpy as np

    for token in ids:
        logits = constraint.apply(np.zeros(constraint._tokens.size, dtype=np.float32))
        if logits[token] < 0:
            return False
        constraint.accept(token)
    return True


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (PERSON, {"name": 'é \n " \\ 晩 🍽', "age": 17}),
        (PERSON, {"name": "", "age": 3, "nick": None}),
        (TREE, {"value": -4, "next": {"value": 2, "next": None}}),
        ({"enum": ["a\\b", 'c"d', "e\nf", "é", 3, None]}, "a\\b"),
        ({"enum": ["a\\b", 'c"d', "e\nf", "é", 3, None]}, "e\nf"),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, [True, False]),
        ({"type": "object", "properties": {"any": {"title": "Any"}}}, {"any": [1, {"b": 2}]}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"x": 1, "y": 2}),
        ({"type": "string", "pattern": "^[a-c]{2,3}$"}, "abc"),
        ({"type": "string", "format": "date"}, "2025-06-14"),
        ({"type": "string", "format": "password"}, "x"),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 2]),
        ({"type": "number"}, -1.5e-7),
    ],
)
def test_what_a_schema_allows_can_be_written(
    house: LlamaCppEngine, schema: dict[str, Any], value: Any
) -> None:
    """Values of a schema are answers, with what JSON needs to escape escaped."""
    text = json.dumps(value, ensure_ascii=False)
    assert _follows(house, schema_grammar(schema, None), text)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (PERSON, '{"name": "a\nb", "age": 4}'),
        (PERSON, '{"name": "a", "age": 2}'),
        (PERSON, '{"name": "a", "age": 18}'),
        (PERSON, '{"name": "a", "age": 04}'),
        (PERSON, '{"name": "a", "age": 4, "other": 1}'),
        (PERSON, '{"name": "a"}'),
        (PERSON, '{"name": "a", "age": 4} and more'),
        ({"enum": ["a\\b"]}, '"a\\b"'),
        ({"type": "integer"}, "9007199254740992"),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, "[true, true, true]"),
        ({"type": "string", "pattern": "^[a-c]{2,3}$"}, '"abd"'),
    ],
)
def test_what_a_schema_forbids_cannot(
    house: LlamaCppEngine, schema: dict[str, Any], text: str
) -> None:
    """Broken JSON, values out of range and keys that nobody named are no answers."""
    assert not _follows(house, schema_grammar(schema, None), text)


def test_not_strict_takes_any_object(house: LlamaCppEngine) -> None:
    """With strict=False the shape alone counts: a JSON object."""
    grammar = schema_grammar(PERSON, False)
    assert _follows(house, grammar, '{"other": [1, 2]}')
    assert not _follows(house, grammar, "[1, 2]")


@pytest.mark.parametrize(
    ("schema", "strict", "problem"),
    [
        ({"type": "object", "properties": {"a": {"not": {"type": "string"}}}}, True, "not"),
        ({"type": "array", "uniqueItems": True}, True, "uniqueItems"),
        ({"$ref": "#/$defs/none"}, None, "none"),
        ({"type": "strong"}, None, "strong"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, None, "minimum"),
        ({"type": "string", "pattern": "(?=x)y"}, None, "regex"),
    ],
)
def test_what_makes_no_grammar_is_named(
    schema: dict[str, Any], strict: bool | None, problem: str
) -> None:
    """The schema's name and the problem are told, before a model is loaded."""
    with pytest.raises(SchemaError, match=f"'thing' can't become a grammar: .*{problem}") as caught:
        check_schema("thing", schema, strict)
    assert "%llguidance" not in str(caught.value)


def test_keywords_that_no_grammar_enforces_are_left_out_unless_strict() -> None:
    """strict=None keeps what it can of a schema."""
    check_schema("thing", {"type": "array", "uniqueItems": True}, None)


def _call(name: str, arguments: Any) -> str:
    return f"{PLAIN.before}{name}{PLAIN.between}{json.dumps(arguments)}{PLAIN.after}"


def _use(*tools: Tool, forced: bool = False, parallel: bool | None = None) -> ToolUse:
    return ToolUse(tools, tools, forced, parallel)


@pytest.mark.parametrize(
    ("text", "free", "forced"),
    [
        ("Hello there.", True, False),
        ("", True, False),
        ("a < b, <tool_cal", True, False),
        (_call("city", {"is": "Oslo"}), True, True),
        ("Let me see.\n" + _call("clock", {}), True, False),
        (_call("city", {"is": "Rome"}), False, False),
        (_call("town", {"is": "Oslo"}), False, False),
        (_call("clock", {}) + " and more", False, False),
        (_call("clock", {}) + "\n" + _call("city", {"is": "Bergen"}), False, False),
        ("a <tool_call> b", False, False),
    ],
)
def test_calls_among_free_text(house: LlamaCppEngine, text: str, free: bool, forced: bool) -> None:
    """With `auto` text, or text and a call; with `any` a call and nothing else."""
    literal = house.grammar_tokens.literal
    auto = call_grammar(_use(CITY, CLOCK), PLAIN, literal)
    must = call_grammar(_use(CITY, CLOCK, forced=True), PLAIN, literal)
    assert _follows(house, auto, text) is free
    assert _follows(house, must, text) is forced


def test_several_calls_where_they_are_asked_for(house: LlamaCppEngine) -> None:
    """parallel_tool_calls=True allows up to eight."""
    grammar = call_grammar(
        _use(CITY, CLOCK, forced=True, parallel=True), PLAIN, house.grammar_tokens.literal
    )
    calls = [_call("clock", {}), _call("city", {"is": "Oslo"})] * 4
    assert _follows(house, grammar, "\n".join(calls))
    assert not _follows(house, grammar, "\n".join([*calls, calls[0]]))


def test_calls_that_begin_like_text_come_first_or_not_at_all(house: LlamaCppEngine) -> None:
    """A format without a tag of its own takes its first character from texts."""
    grammar = call_grammar(_use(CLOCK), LLAMA_LIKE, house.grammar_tokens.literal)
    assert _follows(house, grammar, '{"name": "clock", "parameters": {}}')
    assert _follows(house, grammar, "Hello {x}")
    assert _follows(house, grammar, "")
    assert not _follows(house, grammar, "{x}")


def test_control_tokens_of_a_format_are_control_tokens(house: LlamaCppEngine) -> None:
    """What spells a control token in a format is that token, and never its letters."""
    form = CallFormat("<|reserved_1|>", "|", None, "<|reserved_2|>")
    grammar = call_grammar(_use(CLOCK), form, house.grammar_tokens.literal)
    ids = house.tokenize("Well. <|reserved_1|>clock|{}<|reserved_2|>", special=True)
    constraint = house.grammar_tokens.constraint(grammar)
    assert _accepts(constraint, ids)
    assert constraint.complete
    letters = house.tokenize("<|reserved_1|>clock|{", special=False)
    spelled = house.grammar_tokens.constraint(
        call_grammar(_use(CLOCK, forced=True), form, house.grammar_tokens.literal)
    )
    assert not _accepts(spelled, letters)
