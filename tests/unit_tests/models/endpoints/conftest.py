"""A small HTTP server that answers as a test says, and the house model to answer with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.policy import EgressPolicy

Route = Callable[[Any], Any]


class Replay(ThreadingHTTPServer):
    """Answers by `routes`, `"POST /v1/completions"` to a function of the body.

    A function returns JSON, `(status, JSON)`, bytes to be sent as they are, or None to hang up in
    the middle of an answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Route] = {}
        self.requests: list[tuple[str, Any]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no fault."""


class Handler(BaseHTTPRequestHandler):
    server: Replay
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._answer(f"GET {self.path}")

    def do_POST(self) -> None:
        self._answer(f"POST {self.path}")

    def _answer(self, name: str) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(content) if content else None
        self.server.requests.append((name, body))
        route = self.server.routes.get(name)
        answer = (404, {"error": {"code": 404}}) if route is None else route(body)
        self.close_connection = True
        if answer is None:
            self._start(200, 1000)
            self.wfile.write(b'{"choices": [')
            return
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._start(status, len(data))
        self.wfile.write(data)

    def _start(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length))
        self.send_header("connection", "close")
        self.end_headers()


@pytest.fixture
def replay() -> Iterator[Replay]:
    """A server with no routes yet."""
    server = Replay()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def local(house: LlamaCppEngine) -> LocalNextTokenModel:
    """The local model, to compare with."""
    return LocalNextTokenModel(house)


def trusting(url: str) -> EgressGate:
    """A gate whose user trusts the endpoint, so that nothing needs a clearance."""
    return EgressGate(policy=EgressPolicy(trusted=frozenset({url})))


@pytest.fixture(name="trusting")
def trusting_fixture() -> Callable[[str], EgressGate]:
    """Makes such gates."""
    return trusting


@pytest.fixture
def top(local: LocalNextTokenModel) -> Callable[[list[int], int], list[tuple[int, float]]]:
    """The house model's most probable ids after a sequence, best first, with log-probabilities."""

    def best(ids: list[int], count: int) -> list[tuple[int, float]]:
        values = local.next_row(ids).values
        return [(int(i), float(values[i])) for i in np.argsort(-values, kind="stable")[:count]]

    return best


@pytest.fixture
def close() -> Callable[[list[Any], list[Any]], None]:
    """Asserts that top-k rows have the values of dense ones."""

    def check(rows: list[Any], dense: list[Any], tolerance: float = 1e-3) -> None:
        assert len(rows) == len(dense)
        for row, whole in zip(rows, dense, strict=True):
            expected = np.exp(whole.values[row.ids])
            assert np.abs(np.exp(row.logprobs) - expected).max() < tolerance
            assert abs(float(row.logprobs.max()) - float(whole.values.max())) < 50 * tolerance

    return check
