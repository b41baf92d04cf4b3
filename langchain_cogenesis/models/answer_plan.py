"""What is decided before an answer is written: its prompt, its grammar, the form of its calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.call_format import CallFormat, with_instruction
from langchain_cogenesis.models.constraint import Constraint
from langchain_cogenesis.models.grammar import call_grammar, schema_grammar, schema_rule
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.messages import to_chat
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.models.tool_choice import ToolUse

_ANY_OBJECT = {"type": "object"}


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The shape of an answer that is one JSON value.

    Attributes:
        schema: Its JSON schema; None for any object, of which the prompt is told nothing.
        strict: How the schema is enforced; see `schema_rule`.
    """

    schema: Mapping[str, Any] | None
    strict: bool | None = None

    @property
    def rule_schema(self) -> Mapping[str, Any]:
        """The schema, or that of any object."""
        return _ANY_OBJECT if self.schema is None else self.schema


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What holds for one call.

    Attributes:
        sampling: How to sample.
        max_tokens: Tokens to generate at most.
        stop: Texts before which the answer ends.
        logprobs: Whether log-probabilities are reported.
        top_logprobs: How many of the most probable tokens are reported at each position.
        tools: The tools that can be called; None for none.
        response: The shape of an answer that is no call; None for text.
    """

    sampling: SamplingParams
    max_tokens: int
    stop: tuple[str, ...]
    logprobs: bool
    top_logprobs: int
    tools: ToolUse | None = None
    response: ResponseFormat | None = None


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """A prompt, and how what follows it is read.

    Attributes:
        prompt: Token ids.
        constraint: Keeps the answer to a grammar; None for any text. Good for one answer.
        form: How calls are written in it; None if it can hold none.
        forced: Whether it has to be a call.
    """

    prompt: Sequence[int]
    constraint: Constraint | None = None
    form: CallFormat | None = None
    forced: bool = False


def plan_answer(
    engine: LlamaCppEngine, messages: Sequence[BaseMessage], options: CallOptions
) -> AnswerPlan:
    """Plans an answer.

    Args:
        engine: The model.
        messages: The chat so far.
        options: What holds for the call.

    Raises:
        ConfigurationError: If a message is malformed or the template can't render the chat.
        SchemaError: If tools or schema make no grammar.
    """
    prompt = prompt_ids(engine, messages, options)
    use, response = options.tools, options.response
    if use is None and response is None:
        return AnswerPlan(prompt)
    tokens = engine.grammar_tokens
    if use is None:
        assert response is not None
        grammar = schema_grammar(response.rule_schema, response.strict)
        return AnswerPlan(prompt, tokens.constraint(grammar))
    form = engine.call_format
    free = schema_rule(response.rule_schema, response.strict) if response else None
    grammar = call_grammar(use, form, tokens.literal, free)
    return AnswerPlan(prompt, tokens.constraint(grammar), form, use.forced)


def prompt_ids(
    engine: LlamaCppEngine, messages: Sequence[BaseMessage], options: CallOptions
) -> list[int]:
    """The prompt of an answer: messages, tools and schema, by the model's own template."""
    chat = to_chat(messages)
    response = options.response
    if response is not None and response.schema is not None:
        schema = json.dumps(response.schema, ensure_ascii=False)
        chat = with_instruction(chat, f"Answer with JSON of this schema:\n{schema}")
    return engine.apply_template(chat, tools=options.tools)


def read_response_format(given: Any) -> ResponseFormat | None:
    """Reads `response_format` in OpenAI's shape.

    Raises:
        ConfigurationError: It has another shape.
    """
    kind = given.get("type") if isinstance(given, Mapping) else None
    if given is None or kind == "text":
        return None
    if kind == "json_object":
        return ResponseFormat(None)
    described = given.get("json_schema") if kind == "json_schema" else None
    if isinstance(described, Mapping) and isinstance(described.get("schema"), Mapping):
        return ResponseFormat(described["schema"], described.get("strict"))
    raise ConfigurationError(
        f"response_format can't be of type {kind!r}.",
        hint='Use {"type": "json_schema", "json_schema": {"name": …, "schema": …}}, or '
        '{"type": "json_object"}.',
    )
