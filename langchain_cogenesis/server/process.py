"""Starts an endpoint as a child process and ends it with its parent."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from langchain_cogenesis.exceptions import ConfigurationError, RemoteUnavailableError
from langchain_cogenesis.server.keys import make_key

_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that runs in a child process. Its `repr` hides the key.

    Attributes:
        base_url: What OpenAI-compatible clients take: `http://127.0.0.1:PORT/v1`.
        api_key: The key that it asks for.
        model: The name that it serves the model under.
        pid: The child's process id.
    """

    base_url: str
    api_key: str = field(repr=False)
    model: str
    pid: int


@contextmanager
def serve_in_child(
    model: str | os.PathLike[str] = "house-large",
    *,
    api_key: str | None = None,
    n_ctx: int | None = None,
    model_name: str | None = None,
    startup_timeout: float = 60.0,
) -> Iterator[Endpoint]:
    """Serves a model from a child process, on a free loopback port, while the context lasts.

    The child ends with the context, and also when this process dies, `kill -9` included. It
    listens on 127.0.0.1 only, and the key reaches it over a pipe: neither arguments nor environment
    show it.

    Args:
        model: A house model's name, a GGUF's path, or `owner/repo:file.gguf` on the hub.
        api_key: The key to ask for; a random one by default.
        n_ctx: Context length in tokens; the model's own by default.
        model_name: The name to serve under; the model's own by default.
        startup_timeout: Seconds until the endpoint must answer, loading included.

    Yields:
        The running endpoint.

    Raises:
        RemoteUnavailableError: The child couldn't start, or not in time; its reason is told.
        ConfigurationError: The API key is empty.
    """
    if api_key is not None and not api_key:
        raise ConfigurationError("The API key is empty.", hint="Leave it out, or give one.")
    key = api_key or make_key()
    request = {
        "model": os.fspath(model),
        "api_key": key,
        "n_ctx": n_ctx,
        "model_name": model_name,
        "parent": os.getpid(),
    }
    with tempfile.TemporaryFile() as complaints:
        child = _start(complaints)
        try:
            answer = _ask(child, request, complaints, startup_timeout)
            yield Endpoint(answer["base_url"], key, answer["model"], child.pid)
        finally:
            _end(child)


def _start(complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = (
        # An interrupt at the terminal is for the parent, which then ends the child in its own time.
        {"start_new_session": True}
        if os.name == "posix"
        else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    )
    return subprocess.Popen(
        # -P: no module of the working directory may stand in for one that the child imports.
        [sys.executable, "-P", "-m", "langchain_cogenesis.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        close_fds=True,
        **options,
    )


def _ask(
    child: subprocess.Popen[bytes], request: dict[str, Any], complaints: IO[bytes], timeout: float
) -> dict[str, Any]:
    assert child.stdin is not None
    with suppress(OSError):  # a child that died at once is told below
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()
    line = _read_line(child, timeout)
    if line is None:
        raise RemoteUnavailableError(
            f"The endpoint for {request['model']!r} did not start within {timeout:g} s.",
            hint="Give it a longer startup_timeout; a model from the hub may still be downloading.",
        )
    if not line:
        raise RemoteUnavailableError(
            f"The endpoint for {request['model']!r} ended while it started"
            f"{_last_words(complaints)}.",
            hint="Try the model with: cogenesis serve",
        )
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise RemoteUnavailableError(
            f"The endpoint for {request['model']!r} could not start: {answer['error']}",
            hint=answer["hint"],
        )
    return answer


def _read_line(child: subprocess.Popen[bytes], timeout: float) -> bytes | None:
    """Reads the child's answer; None if it takes too long, empty if the child ended."""
    assert child.stdout is not None
    lines: queue.Queue[bytes] = queue.Queue()
    reader = child.stdout

    def read() -> None:
        with suppress(OSError, ValueError):  # the pipe was closed meanwhile
            lines.put(reader.readline())

    # A thread, because not every system can wait for a pipe with a timeout.
    threading.Thread(target=read, daemon=True).start()
    try:
        return lines.get(timeout=timeout)
    except queue.Empty:
        return None


def _last_words(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1].strip()[:300]}" if lines else ""


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(OSError):
        child.stdin.close()
    try:
        child.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    finally:
        child.stdout.close()
