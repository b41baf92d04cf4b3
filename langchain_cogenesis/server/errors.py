"""Errors in OpenAI's shape. None of them repeats what the client sent but names of options."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_cogenesis.exceptions import (
    CoGenesisError,
    ConfigurationError,
    ContextLengthError,
    EgressDeniedError,
    RemoteError,
)
from langchain_cogenesis.server.jobs import QueueFullError

_OPTION_NAME = re.compile(r"[a-z][a-z_]{0,40}")


def error_body(
    message: str, *, status: int, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """Returns the JSON object that OpenAI's clients read errors from.

    Args:
        message: What is wrong and what to do.
        status: The HTTP status it goes with.
        param: The option at fault.
        code: A name for the case.
    """
    kinds = {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        429: "rate_limit_error",
    }
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def describe(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Returns HTTP status and body for an error.

    An error that isn't one of this package is told by its class alone: its text might
    hold a prompt.
    """
    if isinstance(error, ContextLengthError):
        body = error_body(str(error), status=400, code="context_length_exceeded")
        return 400, body
    if isinstance(error, QueueFullError):
        return 503, error_body(str(error), status=503, code="overloaded")
    if isinstance(error, ConfigurationError):
        return 400, error_body(str(error), status=400)
    if isinstance(error, EgressDeniedError):
        return 403, error_body(str(error), status=403, code="egress_denied")
    if isinstance(error, RemoteError):
        return 502, error_body(str(error), status=502, code="remote_failed")
    if isinstance(error, CoGenesisError):
        return 500, error_body(str(error), status=500)
    name = type(error).__name__
    return 500, error_body(f"The endpoint failed ({name}).", status=500, code="internal_error")


def describe_invalid(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the error body for a request body that failed validation.

    Args:
        problems: pydantic's list of errors; the first one is told.
    """
    problem = problems[0]
    kind = str(problem["type"])
    path = [part for part in problem["loc"] if part != "body"]
    if kind == "json_invalid":
        return error_body("The request body is not valid JSON.", status=400)
    if not path and kind != "value_error":
        return error_body(
            "The request body is not a JSON object; send one as Content-Type: application/json.",
            status=400,
        )
    param = _spell(path) if path else None
    if kind == "extra_forbidden":
        return error_body(
            f"This endpoint doesn't know the option {param}. Leave it out.", status=400, param=param
        )
    text = str(problem["msg"]).removeprefix("Value error, ")
    message = f"{param}: {text}." if param else f"{text}."
    return error_body(message, status=400, param=param)


def server_sent_error(error: BaseException) -> bytes:
    """Returns the event that ends a stream in which something went wrong."""
    return b"data: " + json.dumps(describe(error)[1]).encode() + b"\n\n"


def _spell(path: Sequence[Any]) -> str:
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        elif _OPTION_NAME.fullmatch(str(part)):
            spelled += f".{part}" if spelled else str(part)
        elif not spelled:
            spelled = "(unnamed)"
    return spelled
