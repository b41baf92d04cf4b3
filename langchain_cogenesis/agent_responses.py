"""Tools and structured responses of agents, as the local model is asked for them.

`create_agent` does the same around its own model, which ours is not: what this model wrote never
reaches the code that would read it there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain.agents.structured_output import (
    AutoStrategy,
    MultipleStructuredOutputsError,
    OutputToolBinding,
    ProviderStrategy,
    ProviderStrategyBinding,
    StructuredOutputError,
    StructuredOutputValidationError,
    ToolStrategy,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from pydantic import ValidationError

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.tool_calling import ToolCallingChatModel

Strategy = ToolStrategy[Any] | ProviderStrategy[Any]


def choose_strategy(asked: Any, local: BaseChatModel) -> Strategy | None:
    """How the local model gives the structured response that an agent asks for.

    Args:
        asked: A strategy, a schema, or None.
        local: The local model.

    Returns:
        None if none is asked for. For a bare schema the shape of the answer, where the model keeps
        to one and there is one schema; else a tool that has to be called.
    """
    if asked is None or isinstance(asked, ToolStrategy | ProviderStrategy):
        return asked
    schema = asked.schema if isinstance(asked, AutoStrategy) else asked
    called: ToolStrategy[Any] = ToolStrategy(schema)
    shaped = (local.profile or {}).get("structured_output")
    return ProviderStrategy(schema) if shaped and len(called.schema_specs) == 1 else called


def bound_options(
    local: BaseChatModel, request: ModelRequest[Any], strategy: Strategy | None
) -> dict[str, Any]:
    """The options of a model call: the request's own, its tools, and the shape of its answer.

    Args:
        local: The model that calls the tools.
        request: The agent's call.
        strategy: How it gives a structured response.

    Returns:
        Options; without `tools` if the local model takes none.

    Raises:
        ConfigurationError: It can't give a structured response either.
        SchemaError: A schema can't become a grammar.
    """
    options, given = dict(request.model_settings), {}
    if strategy is not None and type(local).bind_tools is BaseChatModel.bind_tools:
        raise ConfigurationError(
            f"the agent asks for a structured response, and {type(local).__name__} gives none.",
            hint="Use local=ChatLocalLlama(model=…), or leave response_format out.",
        )
    tools = list(request.tools)
    if request.tool_choice:
        given["tool_choice"] = request.tool_choice
    if isinstance(strategy, ProviderStrategy):
        options |= strategy.to_model_kwargs()
    elif isinstance(strategy, ToolStrategy):
        if not tools and isinstance(local, ToolCallingChatModel):
            given["parallel_tool_calls"] = False  # A response is one.
        tools += [OutputToolBinding.from_schema_spec(spec).tool for spec in strategy.schema_specs]
        given["tool_choice"] = "any"
    if not tools:
        return options
    try:
        bound = local.bind_tools(tools, **given)
    except NotImplementedError:
        return options
    return {**options, **getattr(bound, "kwargs", {})}


def read_response(message: AIMessage, strategy: Strategy | None) -> ModelResponse[Any]:
    """What an answer means to the agent.

    Args:
        message: The local model's.
        strategy: How it was asked for a structured response.

    Returns:
        The answer, with the structured response if it is one. A response that doesn't fit its
        schema is followed by what is wrong with it, where the strategy says so.

    Raises:
        StructuredOutputError: It doesn't fit its schema. The text says where, and holds no value.
    """
    if isinstance(strategy, ProviderStrategy) and not message.tool_calls:
        binding = ProviderStrategyBinding.from_schema_spec(strategy.schema_spec)
        made, error = _attempt(lambda: binding.parse(message))
        if error is not None:
            raise _withheld(strategy.schema_spec, error, message)
        return ModelResponse(result=[message], structured_response=made)
    if isinstance(strategy, ToolStrategy):
        return _read_calls(message, strategy)
    return ModelResponse(result=[message])


def _read_calls(message: AIMessage, strategy: ToolStrategy[Any]) -> ModelResponse[Any]:
    specs = {spec.name: spec for spec in strategy.schema_specs}
    if not message.tool_calls:
        # An agent without other tools would ask again and again, and get the same.
        raise _withheld(strategy.schema_specs[0], ValueError("it wasn't called"), message)
    calls = [call for call in message.tool_calls if call["name"] in specs]
    if not calls:
        return ModelResponse(result=[message])
    if len(calls) > 1:
        several = MultipleStructuredOutputsError([call["name"] for call in calls], message)
        told = _told(strategy, several)
        if told is None:
            raise several
        return ModelResponse(result=[message, *(_result(call, told) for call in calls)])
    [call] = calls
    binding = OutputToolBinding.from_schema_spec(specs[call["name"]])
    made, error = _attempt(lambda: binding.parse(call["args"]))
    if error is None:
        told = strategy.tool_message_content or f"Returning structured response: {made}"
        return ModelResponse(result=[message, _result(call, told)], structured_response=made)
    told = _told(strategy, StructuredOutputValidationError(call["name"], error, message))
    if told is None:
        raise _withheld(specs[call["name"]], error, message)
    return ModelResponse(result=[message, _result(call, told)])


def _result(call: ToolCall, text: str) -> ToolMessage:
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"])


def _attempt(parse: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return parse(), None
    except Exception as error:  # noqa: BLE001 - a schema's validators are the app's
        return None, error


def _told(strategy: ToolStrategy[Any], error: StructuredOutputError) -> str | None:
    """What the model is told of its mistake; None if it isn't asked again."""
    handle = strategy.handle_errors
    if isinstance(handle, str):
        return handle
    if isinstance(handle, type | tuple):
        handle = isinstance(error, handle)
    if isinstance(handle, bool):
        return f"Error: {error}\n Please fix your mistakes." if handle else None
    return handle(error)


def _withheld(spec: Any, error: Exception, message: AIMessage) -> StructuredOutputValidationError:
    """An error that says what is wrong with a response, without what the model wrote."""
    cause = error.__cause__
    if message.response_metadata.get("finish_reason") == "length":
        reason = "the answer was cut off before its end; raise max_tokens"
    elif isinstance(cause, ValidationError):
        known = spec.json_schema.get("properties", {})
        at = [
            f"{found['type']} at {found['loc'][0]!r}"
            if found["loc"] and found["loc"][0] in known
            else found["type"]
            for found in cause.errors()
        ]
        reason = ", ".join(at)
    else:
        reason = str(error) if cause is None else type(cause).__name__
    return StructuredOutputValidationError(spec.name, ValueError(reason), message)
