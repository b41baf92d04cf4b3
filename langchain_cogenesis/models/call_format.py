"""How a model writes calls of tools: as its chat template does, or in a plain way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from langchain_cogenesis.models.chat_template import ChatTemplate

ID_HOLE = "\x00"
"""Stands in a format's texts for the id of a call, where the model writes one."""
ID_PATTERN = "[A-Za-z0-9]{9}"

Turn = dict[str, Any]
"""A message for a template: `role`, `content`, and of calls and results what there is."""

_TRIGGER = re.compile(r"[^\s{\[\"\x00]{2,}")
_PROBE_IDS = ("q0Zp7Xw2k", "q1Zp7Xw2k")
_PROBE_NAMES = ("probe_zero_q7", "probe_one_q7")
_PROBE_ARGUMENTS = ({"zero_q7": "nought"}, {"one_q7": "unit"})


@dataclass(frozen=True, slots=True)
class CallFormat:
    """Calls are `before NAME between ARGUMENTS (middle NAME between ARGUMENTS)* after`.

    Attributes:
        before: Text before the first call's name.
        between: Text between a name and its arguments, which are a JSON object.
        middle: Text between a call's arguments and the next one's name; None if there is only ever
            one call.
        after: Text after the last call's arguments.
        trigger: How `before` begins, if that tells a call from any other text; else ''.
        after_text: Whether text can come before the calls.
    """

    before: str
    between: str
    middle: str | None
    after: str
    trigger: str = ""
    after_text: bool = True


PLAIN = CallFormat(
    before='<tool_call>\n{"name": "',
    between='", "arguments": ',
    middle='}\n</tool_call>\n<tool_call>\n{"name": "',
    after="}\n</tool_call>",
    trigger="<tool_call>",
)
"""For models whose template knows nothing of tools."""


def derive_format(template: ChatTemplate, control: Sequence[str]) -> CallFormat | None:
    """Reads a template's way to write calls off how it renders some that were made up.

    Args:
        template: The template.
        control: Texts of the model's control tokens.

    Returns:
        None if it shows no tools, or writes calls in a way that is no JSON object after a name.
    """
    tools = [_probe_tool(name) for name in _PROBE_NAMES]
    ask: Turn = {"role": "user", "content": "x"}
    try:
        opened = template.render([ask], tools=tools)
        if not all(name in opened for name in _PROBE_NAMES):
            return None
        end = _after(template, opened, [ask, {"role": "assistant", "content": "probed"}], tools)
        end = end.partition("probed")[2]
        one = _after(template, opened, [ask, _probe_call(1)], tools)
        first = _pieces(one.removesuffix(end), 1)
    except ConfigurationError:
        return None
    if first is None or not one.endswith(end):
        return None
    before, between, after = first
    try:
        both = _pieces(_after(template, opened, [ask, _probe_call(2)], tools).removesuffix(end), 2)
    except ConfigurationError:
        both = None
    several = both is not None and (both[0], both[1], both[4]) == (before, between, after)
    middle = both[2] if both is not None and several else None
    starts_with_control = any(before.startswith(text) for text in control if text)
    tag = None if starts_with_control else _TRIGGER.match(before)
    return CallFormat(
        before,
        between,
        middle,
        after,
        trigger=tag.group() if tag else "",
        after_text=bool(tag) or starts_with_control,
    )


def _probe_tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    function = {"name": name, "description": "probe", "parameters": parameters}
    return {"type": "function", "function": function}


def _probe_call(count: int) -> Turn:
    calls = [
        {"id": _PROBE_IDS[n], "name": _PROBE_NAMES[n], "args": _PROBE_ARGUMENTS[n]}
        for n in range(count)
    ]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def _after(template: ChatTemplate, opened: str, chat: list[Turn], tools: list[Any]) -> str:
    """What an answer adds to an opened turn.

    Raises:
        ConfigurationError: The template can't render it, or as something that doesn't go on there.
    """
    text = template.render(chat, tools=tools, add_generation_prompt=False)
    if not text.startswith(opened):
        raise ConfigurationError("An answer doesn't go on where the template opens it.")
    return text[len(opened) :]


def _pieces(text: str, count: int) -> list[str] | None:
    """The texts around names and arguments: before, between (, middle, between), after."""
    for call_id in _PROBE_IDS:
        text = text.replace(call_id, ID_HOLE)
    pieces, rest = [], text
    for n in range(count):
        for part in (_PROBE_NAMES[n], json.dumps(_PROBE_ARGUMENTS[n])):
            head, found, rest = rest.partition(part)
            if not found:
                return None
            pieces.append(head)
    known = "".join(pieces) + rest
    # A part that is rendered twice, or not as it was given, is of no use.
    return None if any(name in known for name in _PROBE_NAMES) else [*pieces, rest]


def flatten(chat: Sequence[Turn], instruction: str = "") -> list[Turn]:
    """A chat in which calls and their results are plain text, for templates without tools.

    Args:
        chat: The messages.
        instruction: Added to the system message, which is made if there is none.
    """
    flat: list[Turn] = []
    for turn in chat:
        if turn["role"] == "tool":
            named = {"name": turn.get("name"), "content": turn["content"]}
            told = json.dumps(named, ensure_ascii=False)
            flat.append({"role": "user", "content": f"<tool_response>\n{told}\n</tool_response>"})
        elif turn.get("tool_calls"):
            calls = "\n".join(map(_plain_call, turn["tool_calls"]))
            flat.append(
                {"role": "assistant", "content": "\n".join(filter(None, (turn["content"], calls)))}
            )
        else:
            flat.append({"role": turn["role"], "content": turn["content"]})
    return with_instruction(flat, instruction)


def _plain_call(call: Mapping[str, Any]) -> str:
    arguments = json.dumps(call["args"], ensure_ascii=False)
    return f"{PLAIN.before}{call['name']}{PLAIN.between}{arguments}{PLAIN.after}"


def with_instruction(chat: Sequence[Turn], instruction: str) -> list[Turn]:
    """The chat with an instruction at the end of its first system message, or as one."""
    if not instruction:
        return list(chat)
    if chat and chat[0]["role"] == "system":
        content = f"{chat[0]['content']}\n\n{instruction}"
        return [{**chat[0], "content": content}, *chat[1:]]
    return [{"role": "system", "content": instruction}, *chat]


def tool_instruction(functions: Sequence[Mapping[str, Any]], *, forced: bool) -> str:
    """Tells a model of tools whose template can't.

    Args:
        functions: The tools in OpenAI's shape.
        forced: Whether one has to be called.
    """
    listed = "\n".join(json.dumps(f["function"], ensure_ascii=False) for f in functions)
    when = "Answer with a call of a tool" if forced else "To call a tool, answer"
    shape = f"{PLAIN.before}NAME{PLAIN.between}{{...}}{PLAIN.after}"
    return f"Tools:\n{listed}\n{when} in this form:\n{shape}"
