"""Renders a chat through the template of a GGUF file, and keeps contents apart from markup."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.call_format import Turn

if TYPE_CHECKING:
    from jinja2 import Template

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATE_OPTIONS = {"enable_thinking": False}
"""Templates of models that can think aloud open the answer itself then (Qwen3's, for one)."""
ROLES = ("system", "user", "assistant", "tool")

# While a template is rendered, marks stand for the contents, and for the arguments of calls. A file
# separator (a space to Python's strip) on either side of a content shows afterwards whether the
# template trims it.
_EDGE = "\x1c"
_MARK = re.compile(
    f"(?P<left>{_EDGE}?)cogenesis(?P<content>\\d{{6}})content(?P<right>{_EDGE}?)"
    r'|\{\s*"cogenesis(?P<arguments>\d{6})arguments":\s*0\s*\}'
)


@dataclass(frozen=True, slots=True, repr=False)
class Segment:
    """A piece of a rendered prompt.

    Attributes:
        text: The piece.
        markup: Whether it comes from the template, where control tokens count.
    """

    text: str
    markup: bool

    def __repr__(self) -> str:
        return f"Segment(<{len(self.text)} characters>, markup={self.markup})"


class ChatTemplate:
    """A chat template in Jinja, run in a sandbox.

    Args:
        source: The template.
        bos_token: Text of the beginning-of-sequence token.
        eos_token: Text of the end-of-sequence token.
    """

    def __init__(self, source: str, *, bos_token: str = "", eos_token: str = "") -> None:
        self._source = source
        self._tokens = {"bos_token": bos_token, "eos_token": eos_token}

    def segments(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        add_generation_prompt: bool = True,
    ) -> list[Segment]:
        """Renders messages.

        A template that insists on alternating roles gets consecutive messages of one role merged;
        one that takes no system message gets it at the head of the first user message.

        Args:
            messages: `{"role": "system" | "user" | "assistant" | "tool", "content": text}`; of an
                assistant also `tool_calls`, each `{"id", "name", "args"}`; of a tool also `name`
                and `tool_call_id`.
            tools: Tools in OpenAI's shape, for templates that know them.
            add_generation_prompt: Whether the assistant's turn is opened at the end.

        Returns:
            The prompt in pieces, markup and contents apart.

        Raises:
            ConfigurationError: If a message is malformed or the template can't render the chat.
        """
        chat = _checked(messages)
        problem = ""
        for variant in (chat, _merged(chat), _merged(_folded(chat))):
            try:
                return self._render(variant, tools, add_generation_prompt)
            except _RenderError as error:
                problem = problem or str(error)
        raise ConfigurationError(
            f"The model's chat template can't render {len(chat)} messages "
            f"({', '.join(turn['role'] for turn in chat[:8])}): {problem}.",
            hint="Begin with a user message and let roles alternate, or give a chat_template.",
        )

    def render(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> str:
        """The text that `segments` gives, in one piece."""
        return "".join(segment.text for segment in self.segments(messages, **options))

    def _render(
        self, chat: list[Turn], tools: Sequence[Mapping[str, Any]], add_generation_prompt: bool
    ) -> list[Segment]:
        from jinja2 import TemplateError

        marks = _Marks()
        marked = [marks.turn(turn) for turn in chat]
        given: dict[str, Any] = {**TEMPLATE_OPTIONS, **({"tools": list(tools)} if tools else {})}
        try:
            text = _compiled(self._source).render(
                messages=marked,
                add_generation_prompt=add_generation_prompt,
                **given,
                **self._tokens,
            )
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise _RenderError(f"{type(error).__name__}: {str(error)[:200]}") from None
        return marks.segments(text)


class _Marks:
    """Marks that stand for contents in a rendered prompt, and what they stand for."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._needed: set[int] = set()

    def turn(self, turn: Turn) -> Turn:
        """A message for the template, with marks in it."""
        calls = turn.get("tool_calls")
        # What is said beside calls may be left out: some templates show the calls alone.
        content = self._content(turn["content"], needed=not calls) if turn["content"] else ""
        if not turn["content"] and not calls:
            content = self._content("", needed=True)
        marked: Turn = {**turn, "content": content}
        if calls:
            marked["tool_calls"] = [self._call(call) for call in calls]
        return marked

    def _content(self, text: str, *, needed: bool) -> str:
        number = self._add(text, needed)
        return f"{_EDGE}cogenesis{number:06d}content{_EDGE}"

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        number = self._add(json.dumps(call["args"], ensure_ascii=False), needed=True)
        arguments = {f"cogenesis{number:06d}arguments": 0}
        function = {"name": call["name"], "arguments": arguments}
        return {"id": call["id"], "type": "function", "function": function}

    def _add(self, text: str, needed: bool) -> int:
        self._texts.append(text)
        if needed:
            self._needed.add(len(self._texts) - 1)
        return len(self._texts) - 1

    def segments(self, text: str) -> list[Segment]:
        """A rendered prompt in pieces, with the contents back in it.

        Raises:
            _RenderError: A content is missing.
        """
        segments, end, seen = [], 0, set()
        for found in _MARK.finditer(text):
            number = int(found["content"] or found["arguments"])
            seen.add(number)
            content = self._texts[number]
            if found["content"]:
                content = content if found["left"] else content.lstrip()
                content = content if found["right"] else content.rstrip()
            segments += [Segment(text[end : found.start()], True), Segment(content, False)]
            end = found.end()
        if not seen >= self._needed:
            raise _RenderError("it leaves messages out, or writes arguments not as JSON")
        segments.append(Segment(text[end:], markup=True))
        return [segment for segment in segments if segment.text]


class Tokenizer(Protocol):
    """What is needed of a model to tokenise a prompt."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text; control tokens are recognised if `special`."""
        ...

    def is_control(self, token: int) -> bool:
        """Whether a token is markup."""
        ...


def tokenize_segments(segments: Sequence[Segment], tokenizer: Tokenizer) -> list[int]:
    """Tokenises a rendered prompt, recognising control tokens in its markup alone.

    Args:
        segments: The prompt in pieces.
        tokenizer: The model's tokenizer.

    Returns:
        Token ids, without BOS unless the template writes it.
    """
    whole = tokenizer.tokenize("".join(segment.text for segment in segments), special=True)
    apart = [tokenizer.tokenize(segment.text, special=segment.markup) for segment in segments]
    markup = [
        token
        for segment, ids in zip(segments, apart, strict=True)
        if segment.markup
        for token in ids
    ]
    # The whole is what the model was trained on, unless a content spells a control token.
    if list(filter(tokenizer.is_control, whole)) == list(filter(tokenizer.is_control, markup)):
        return whole
    return [token for ids in apart for token in ids]


class _RenderError(Exception):
    """A template did not render; never leaves this module."""


def _checked(messages: Sequence[Mapping[str, Any]]) -> list[Turn]:
    chat = []
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ROLES or not isinstance(content, str):
            raise ConfigurationError(
                f"Message {number} has role {role!r} and a content of type "
                f"{type(content).__name__}.",
                hint=f"Roles are {', '.join(ROLES)}; the content is text.",
            )
        chat.append(dict(message))
    if not chat:
        raise ConfigurationError("There are no messages.", hint="Give at least one.")
    return chat


def _merged(chat: list[Turn]) -> list[Turn]:
    """Consecutive messages of one role become one, but for calls and their results."""
    merged: list[Turn] = []
    for turn in chat:
        last = merged[-1] if merged else {}
        plain = last.keys() == turn.keys() == {"role", "content"}
        if plain and last["role"] == turn["role"] != "tool":
            merged[-1] = {**turn, "content": f"{last['content']}\n\n{turn['content']}"}
        else:
            merged.append(turn)
    return merged


def _folded(chat: list[Turn]) -> list[Turn]:
    """System messages become the beginning of the next user message."""
    return [{**turn, "role": "user"} if turn["role"] == "system" else turn for turn in chat]


@functools.lru_cache(maxsize=16)
def _compiled(source: str) -> Template:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def tojson(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda layout: datetime.now().strftime(layout)
    environment.filters["tojson"] = tojson
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise ConfigurationError(
            f"The chat template is no valid Jinja: {error}.", hint="Give another chat_template."
        ) from None
