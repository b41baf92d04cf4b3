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

if TYPE_CHECKING:
    from jinja2 import Template

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ROLES = ("system", "user", "assistant")

# While a template is rendered, marks stand for the contents. A file separator (a space to Python's
# strip) on either side shows afterwards whether the template trims its contents.
_EDGE = "\x1c"
_MARK = re.compile(f"({_EDGE}?)cogenesis(\\d{{6}})content({_EDGE}?)")


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
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True
    ) -> list[Segment]:
        """Renders messages.

        A template that insists on alternating roles gets consecutive messages of one role merged;
        one that takes no system message gets it at the head of the first user message.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`.
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
                return self._render(variant, add_generation_prompt)
            except _RenderError as error:
                problem = problem or str(error)
        raise ConfigurationError(
            f"The model's chat template can't render {len(chat)} messages "
            f"({', '.join(role for role, _ in chat[:8])}): {problem}.",
            hint="Begin with a user message and let roles alternate, or give a chat_template.",
        )

    def _render(self, chat: list[tuple[str, str]], add_generation_prompt: bool) -> list[Segment]:
        from jinja2 import TemplateError

        marked = [
            {"role": role, "content": f"{_EDGE}cogenesis{number:06d}content{_EDGE}"}
            for number, (role, _) in enumerate(chat)
        ]
        try:
            text = _compiled(self._source).render(
                messages=marked, add_generation_prompt=add_generation_prompt, **self._tokens
            )
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise _RenderError(f"{type(error).__name__}: {str(error)[:200]}") from None
        parts = _MARK.split(text)
        if {int(number) for number in parts[2::4]} != set(range(len(chat))):
            raise _RenderError("it leaves messages out")
        return _interleaved(parts, [content for _, content in chat])


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


def _checked(messages: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    chat = []
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ROLES or not isinstance(content, str):
            raise ConfigurationError(
                f"Message {number} has role {role!r} and a content of type "
                f"{type(content).__name__}.",
                hint=f"Roles are {', '.join(ROLES)}; the content is text.",
            )
        chat.append((role, content))
    if not chat:
        raise ConfigurationError("There are no messages.", hint="Give at least one.")
    return chat


def _merged(chat: list[tuple[str, str]]) -> list[tuple[str, str]]:
    merged: list[tuple[str, str]] = []
    for role, content in chat:
        if merged and merged[-1][0] == role:
            content = f"{merged.pop()[1]}\n\n{content}"
        merged.append((role, content))
    return merged


def _folded(chat: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """System messages become the beginning of the next user message."""
    return [("user" if role == "system" else role, content) for role, content in chat]


def _interleaved(parts: list[str], contents: list[str]) -> list[Segment]:
    segments = [Segment(parts[0], markup=True)]
    for left, number, right, markup in zip(*(parts[n::4] for n in (1, 2, 3, 4)), strict=True):
        content = contents[int(number)]
        content = content if left else content.lstrip()
        content = content if right else content.rstrip()
        segments += [Segment(content, markup=False), Segment(markup, markup=True)]
    return [segment for segment in segments if segment.text]


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
