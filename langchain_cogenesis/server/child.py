"""An endpoint in a process of its own, which lives no longer than its parent.

The parent writes one line of JSON to the child's stdin: model, key and settings, so that the key is
in no argument and no environment. The child answers with one line on stdout, the base URL or the
reason why there is none. Then it serves until stdin ends, which happens when the parent closes the
pipe or dies, however it dies.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any, TextIO

from langchain_cogenesis.exceptions import CoGenesisError

_PARENT_CHECK_SECONDS = 0.5


def main() -> int:
    """Runs the child.

    Returns:
        The exit status: 0 after serving, 2 after a start that failed.
    """
    answers = _take_stdout()
    line = sys.stdin.readline()
    try:
        request: dict[str, Any] = json.loads(line)
        parent = int(request["parent"])
    except (ValueError, TypeError, KeyError):
        hint = "This entry is for serve_in_child(); to serve a model yourself, use: cogenesis serve"
        _tell(answers, {"error": "No settings came on stdin.", "hint": hint})
        return 2
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    try:
        _serve(request, answers)
    except CoGenesisError as error:
        return _refuse(answers, error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - the parent must be told whatever it is
        return _refuse(answers, f"The endpoint failed with {type(error).__name__}: {error}", None)
    return 0


def _serve(request: dict[str, Any], answers: TextIO) -> None:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine
    from langchain_cogenesis.server.endpoint import run

    engine = LlamaCppEngine(request["model"], n_ctx=request["n_ctx"])

    def ready(url: str) -> None:
        _tell(answers, {"base_url": url, "model": request["model_name"] or engine.name})
        # What comes from here on might be about a prompt.
        _silence(2)

    run(
        engine, port=0, api_key=request["api_key"], model_name=request["model_name"], on_ready=ready
    )


def _take_stdout() -> TextIO:
    """Keeps stdout for the answer alone: what native code prints goes to stderr."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _silence(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _tell(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.close()


def _refuse(answers: TextIO, reason: str, hint: str | None) -> int:
    if not answers.closed:
        _tell(answers, {"error": reason, "hint": hint})
    return 2


def _end_with_stdin() -> None:
    # Past Python's buffers: a thread in a buffered read holds a lock that exiting waits for.
    while os.read(0, 4096):
        pass
    # Not sys.exit: a decode may be running, and nothing here needs tidying up.
    os._exit(0)


def _end_with_parent(parent: int) -> None:
    """Ends the process when its parent is gone though the pipe is open.

    A process that the parent forked holds a copy of the pipe's other end and keeps it open.
    """
    while os.name == "posix":
        if os.getppid() != parent:
            os._exit(0)
        time.sleep(_PARENT_CHECK_SECONDS)
