"""Tools and structured output of chat models whose answers follow a grammar."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import (
    BaseOutputParser,
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    PydanticOutputParser,
    PydanticToolsParser,
)
from langchain_core.outputs import Generation
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.grammar import check_schema, check_tools
from langchain_cogenesis.models.tool_choice import (
    ToolChoice,
    ToolLike,
    openai_tools,
    read_choice,
    read_tools,
)

Method = Literal["json_schema", "function_calling", "json_mode"]
Schema = dict[str, Any] | type


class ToolCallingChatModel(BaseChatModel):
    """For chat models that take `tools`, `tool_choice` and `response_format` with a call."""

    def _resolve_model_profile(self) -> ModelProfile | None:
        # By this agents choose between a tool and the shape of the answer for what they ask for.
        return ModelProfile(
            text_inputs=True,
            image_inputs=False,
            audio_inputs=False,
            video_inputs=False,
            text_outputs=True,
            tool_calling=True,
            tool_choice=True,
            structured_output=True,
        )

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: ToolChoice = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Binds tools to the model. A grammar keeps calls to the tools' names and schemas.

        Args:
            tools: Functions, LangChain tools, pydantic or TypedDict classes, schemas. None binds
                the options alone.
            tool_choice: `auto` (the default) leaves it to the model, `any` or `required` asks for
                a call, a name for one of that tool, `none` for none.
            strict: How schemas are enforced. `None`: keywords that a grammar can't enforce are
                left out. `True`: such schemas are refused. `False`: any JSON object is taken.
            parallel_tool_calls: Whether several calls may be made at once; by default they may,
                where the model's template writes several.
            kwargs: Further options of each call.

        Returns:
            A Runnable that answers with text or `tool_calls`.

        Raises:
            ConfigurationError: A name can't be used, or the choice names no tool.
            SchemaError: A schema can't become a grammar.
        """
        if not tools:
            read_choice(None, tool_choice, parallel_tool_calls)
            return self.bind(**kwargs)
        made = openai_tools(tools, strict)
        check_tools(read_tools(made))
        read_choice(made, tool_choice, parallel_tool_calls)
        options = {"tool_choice": tool_choice, "parallel_tool_calls": parallel_tool_calls}
        given = {name: value for name, value in options.items() if value is not None}
        return self.bind(tools=made, **given, **kwargs)

    def with_structured_output(
        self,
        schema: Schema,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Has the model answer in the shape of a schema; a grammar keeps it to that.

        Args:
            schema: A pydantic or TypedDict class, a JSON schema, or a function in OpenAI's shape.
            method: `json_schema`: the answer is JSON of the schema, which the prompt tells.
                `function_calling`: the schema is a tool that has to be called. `json_mode`: the
                answer is any JSON object, and your prompt says of which keys.
            include_raw: Whether the answer itself is returned too, and errors instead of raised:
                `{"raw", "parsed", "parsing_error"}`.
            strict: As for `bind_tools`.
            kwargs: Further options of each call.

        Returns:
            A Runnable that gives an instance of a pydantic class, else a dict.

        Raises:
            ConfigurationError: There is no such method.
            SchemaError: The schema can't become a grammar.
        """
        described = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
        kwargs["ls_structured_output_format"] = described
        if method == "function_calling":
            name = convert_to_openai_tool(schema)["function"]["name"]
            model = self.bind_tools(
                [schema], tool_choice=name, strict=strict, parallel_tool_calls=False, **kwargs
            )
            return _parsed(model, _tool_parser(schema, name), include_raw)
        if method == "json_schema":
            known = convert_to_json_schema(schema)
            name = str(known.get("title") or "answer")
            check_schema(name, known, strict)
            shape = {"name": name, "schema": known, "strict": strict}
            response: dict[str, Any] = {"type": "json_schema", "json_schema": shape}
        elif method == "json_mode":
            response = {"type": "json_object"}
        else:
            raise ConfigurationError(
                f"there is no method {method!r} of structured output.",
                hint="Use 'json_schema', 'function_calling' or 'json_mode'.",
            )
        bound = self.bind(response_format=response, **kwargs)
        return _parsed(bound, _json_parser(schema), include_raw)


class _WholeAnswer(BaseOutputParser[Any]):
    """Parses answers that came to their end. Parsers complete broken JSON by a guess."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """As the parser's, once it is known that nothing was cut off.

        Raises:
            OutputParserException: The answer was cut off at max_tokens.
        """
        message = getattr(result[0], "message", None)
        if message is not None and message.response_metadata.get("finish_reason") == "length":
            raise OutputParserException("The answer was cut off before its end: raise max_tokens.")
        return super().parse_result(result, partial=partial)


class _WholeJson(_WholeAnswer, JsonOutputParser):
    pass


class _WholePydantic(_WholeAnswer, PydanticOutputParser[Any]):
    pass


class _WholeCall(_WholeAnswer, JsonOutputKeyToolsParser):
    pass


class _WholePydanticCall(_WholeAnswer, PydanticToolsParser):
    pass


def _json_parser(schema: Schema) -> BaseOutputParser[Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return _WholePydantic(pydantic_object=schema)
    return _WholeJson()


def _tool_parser(schema: Schema, name: str) -> BaseOutputParser[Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return _WholePydanticCall(tools=[schema], first_tool_only=True)
    return _WholeCall(key_name=name, first_tool_only=True)


def _parsed(model: Runnable[Any, Any], parser: Any, include_raw: bool) -> Runnable[Any, Any]:
    if not include_raw:
        parsed: Runnable[Any, Any] = model | parser
        return parsed
    right = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    wrong = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | right.with_fallbacks([wrong], exception_key="parsing_error")
