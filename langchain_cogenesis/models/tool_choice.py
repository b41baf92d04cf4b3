"""Which tools a call offers, and whether one has to be called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_cogenesis.exceptions import ConfigurationError

ToolLike = dict[str, Any] | type | Callable[..., Any] | BaseTool
ToolChoice = str | bool | dict[str, Any] | None

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_VALUES = ("default", "const", "enum", "examples")
_NO_ARGUMENTS = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as a model is told of it.

    Attributes:
        name: Its name.
        description: What it is for.
        parameters: JSON schema of its arguments, an object.
        strict: How its schema is enforced; see `schema_rule`.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool | None = None

    def as_function(self) -> dict[str, Any]:
        """The tool in OpenAI's shape, as chat templates take it."""
        described = {"description": self.description} if self.description else {}
        function = {"name": self.name, **described, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The tools of a call.

    Attributes:
        tools: Those that can be called; at least one.
        shown: Those that the prompt tells of: `tools`, or more where a name was asked for.
        forced: Whether the answer has to be a call.
        parallel: Whether it may be several; None if the model's template writes several.
    """

    tools: tuple[Tool, ...]
    shown: tuple[Tool, ...]
    forced: bool
    parallel: bool | None


def openai_tools(tools: Sequence[ToolLike], strict: bool | None = None) -> list[dict[str, Any]]:
    """Tools of every kind that LangChain knows, in OpenAI's shape, checked.

    Args:
        tools: Functions, LangChain tools, pydantic or TypedDict classes, schemas.
        strict: Set for each of them, where it isn't None.

    Raises:
        ConfigurationError: There is none, or a name is unusable or two different tools have it.
    """
    made = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
    read_tools(made)
    return made


def read_tools(given: Sequence[Mapping[str, Any]]) -> tuple[Tool, ...]:
    """Reads tools in OpenAI's shape.

    Raises:
        ConfigurationError: There is none, one has another shape, a name is unusable, or two
            different tools have it.
    """
    tools: dict[str, Tool] = {}
    for tool in map(_read, given):
        known = tools.setdefault(tool.name, tool)
        if known.parameters != tool.parameters:
            raise ConfigurationError(
                f"two tools are named {tool.name!r}.", hint="Give each a name of its own."
            )
    if not tools:
        raise ConfigurationError(
            "there are no tools to call.", hint="Give at least one, or don't bind any."
        )
    return tuple(tools.values())


def _read(given: Mapping[str, Any]) -> Tool:
    function = given.get("function", given)
    name = function.get("name") if isinstance(function, Mapping) else None
    if given.get("type", "function") != "function" or not isinstance(name, str):
        raise ConfigurationError(
            f"a tool of type {given.get('type')!r} can't be called by a local model.",
            hint="Give functions, LangChain tools, classes or JSON schemas.",
        )
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} can't name a tool.", hint="Use letters, digits, '_', '-' and '.'."
        )
    parameters = _untitled(function.get("parameters") or _NO_ARGUMENTS)
    strict = function.get("strict")
    return Tool(name, str(function.get("description") or ""), parameters, strict)


def _untitled(schema: Any) -> Any:
    """A schema without titles, which repeat the names of its properties."""
    if isinstance(schema, list):
        return [_untitled(value) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: value if key in _VALUES else _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def read_choice(
    given: Sequence[Mapping[str, Any]] | None, choice: Any, parallel: bool | None
) -> ToolUse | None:
    """What a call's options say about tools.

    Args:
        given: Tools in OpenAI's shape.
        choice: `auto` (the default), `any` or `required`, `none`, a tool's name, or one of these
            in OpenAI's shape.
        parallel: Whether several calls may be made at once; by default they may where the model's
            template writes several.

    Returns:
        None if no tool may be called.

    Raises:
        ConfigurationError: A tool is malformed, or the choice names none of them.
    """
    if isinstance(choice, Mapping):
        choice = choice.get("function", choice).get("name", choice.get("type"))
    if not given:
        if choice not in (None, False, "auto", "none"):
            raise ConfigurationError(
                f"tool_choice={choice!r} has no tools to choose from.", hint="Bind tools."
            )
        return None
    shown = read_tools(given)
    if choice in (None, "auto"):
        return ToolUse(shown, shown, forced=False, parallel=parallel)
    if choice in (True, "any", "required"):
        return ToolUse(shown, shown, forced=True, parallel=parallel)
    if choice in (False, "none"):
        return None
    named = tuple(tool for tool in shown if tool.name == choice)
    if not named:
        raise ConfigurationError(
            f"tool_choice={choice!r} names none of the tools.",
            hint=f"Use 'auto', 'any', 'none', or one of {', '.join(tool.name for tool in shown)}.",
        )
    return ToolUse(named, shown, forced=True, parallel=parallel)
