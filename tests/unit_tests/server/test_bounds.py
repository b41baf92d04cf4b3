"""Clients that are slow, many, large or hasty, over real sockets; what the server says of it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.server.limits import Limits, RateLimit

KEY = "a-key-that-is-long-enough"
SECRET = "Zanzibara Quillfeather"
SERVER = """
import json, sys
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.server.endpoint import run
from langchain_cogenesis.server.limits import Limits
limits = Limits(**json.loads(sys.argv[2]))
run(
    LlamaCppEngine(sys.argv[1]), port=0, api_key=sys.argv[3], limits=limits,
    on_ready=lambda url: print(url, flush=True),
)
"""
STRICT = {
    "head_seconds": 1.0,
    "body_seconds": 1.0,
    "head_bytes": 20_000,
    "waiting_connections": 20,
    "strangers_per_second": 1000.0,
}


@dataclass
class Served:
    """A server with narrow bounds: where it is, and its process."""

    port: int
    process: subprocess.Popen[str]

    def connect(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        opened.settimeout(20)
        return opened

    def head(self, path: str = "/v1/models", method: str = "GET", **headers: str) -> bytes:
        """Request line and headers, with the key, up to the empty line but without it."""
        sent = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"Bearer {KEY}", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines]).encode() + b"\r\n"

    def get(self, key: str = KEY) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}/v1/models"
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(url, headers=headers, trust_env=False, timeout=20)


@contextmanager
def start(model: Path, **limits: float) -> Iterator[Served]:
    """Serves a model with narrow bounds."""
    told = json.dumps({**STRICT, **limits})
    command = [sys.executable, "-c", SERVER, str(model), told, KEY]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = urlsplit(process.stdout.readline().strip()).port
            assert port is not None
            yield Served(port, process)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served(house_small: Path) -> Iterator[Served]:
    """One server for the tests that use nothing up."""
    with start(house_small) as running:
        yield running


def read_all(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes; it does, or this times out."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(4096):
            received += piece
    return received


def test_many_silent_connections_keep_nobody_out(served: Served) -> None:
    """With 300 connections open that say nothing or half of something, a request is served."""
    with ExitStack() as stack:
        opened = [stack.enter_context(served.connect()) for _ in range(300)]
        for connection in opened[::2]:
            with suppress(OSError):  # closed already: too many
                connection.sendall(served.head())
        assert served.get().status_code == 200
        # Of those that wait, the ones that came first were closed to make room.
        assert read_all(opened[0]) == b""
    assert served.get().status_code == 200


def test_an_honest_client_is_served_while_others_drip(served: Served) -> None:
    """Connections that send a byte now and then neither last nor slow the official client."""
    stop = threading.Event()

    def drip() -> None:
        with served.connect() as connection, suppress(OSError):
            for byte in served.head() * 100:
                connection.sendall(bytes([byte]))
                if stop.wait(0.02):
                    return

    threads = [threading.Thread(target=drip) for _ in range(15)]
    for thread in threads:
        thread.start()
    try:
        url = f"http://127.0.0.1:{served.port}/v1"
        with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
            for _ in range(3):
                answer = client.completions.create(model="house-small", prompt="a", max_tokens=2)
                assert answer.choices[0].finish_reason
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_head_that_does_not_end_is_cut_off(served: Served) -> None:
    """Header after header, always in time for the next: the whole has a bound."""
    with served.connect() as connection:
        connection.sendall(served.head())
        with suppress(OSError):
            for number in range(200):
                connection.sendall(f"X-Slow-{number}: 1\r\n".encode())
                time.sleep(0.02)
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_silent_connection_is_closed(served: Served) -> None:
    """Also a second request on a connection that was used must come in time."""
    with served.connect() as silent, served.connect() as used:
        used.sendall(served.head() + b"\r\n")
        assert read_all(silent) == b""
        assert read_all(used).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_does_not_come_is_cut_off(served: Served) -> None:
    """A body is waited for within bounds, and what is wrong is told."""
    head = served.head("/v1/completions", "POST", Content_Length="100")
    with served.connect() as connection:
        connection.sendall(head + b'\r\n{"prompt"')
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive" in answer


def test_a_body_of_a_stranger_is_not_waited_for(served: Served) -> None:
    """Without the key the answer comes before the body does."""
    head = served.head("/v1/completions", "POST", Content_Length="100", Authorization="Bearer no")
    with served.connect() as connection:
        connection.sendall(head + b"\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 401 ")


def test_headers_without_end_are_refused(served: Served) -> None:
    """More bytes of headers than anybody needs are not kept."""
    with served.connect() as connection:
        with suppress(OSError):
            for _ in range(400):
                connection.sendall(b"GET /v1/models HTTP/1.1\r\n" if not _ else b"X: " + b"a" * 997)
        assert b" 431 " in read_all(connection)[:40]
    assert served.get().status_code == 200


def test_a_hasty_client_is_told_when_to_come_back(house_small: Path) -> None:
    """Above the rate the answer is 429 with Retry-After; then requests are served again."""
    with start(house_small, requests_per_second=5) as served:
        with served.connect() as connection, suppress(OSError):
            connection.sendall((served.head() + b"\r\n") * 500)
            answers = read_all(connection)
        assert answers.startswith(b"HTTP/1.1 200 ")
        last = answers[answers.rindex(b"HTTP/1.1 ") :]
        assert last.startswith(b"HTTP/1.1 429 ")
        assert b"rate_limit_exceeded" in last
        [told] = [line for line in last.splitlines() if line.lower().startswith(b"retry-after:")]
        time.sleep(int(told.split()[1]))
        assert served.get().status_code == 200


def test_trying_keys_is_slowed_and_locks_nobody_out(house_small: Path) -> None:
    """Of many wrong keys few are answered as such; the right one is served all the while."""
    with start(house_small, strangers_per_second=0.1) as served:
        statuses = [served.get("wrong").status_code for _ in range(12)]
        assert statuses[0] == 401
        assert set(statuses) == {401, 429}
        assert served.get().status_code == 200
        waiting = httpx.get(f"http://127.0.0.1:{served.port}/health", trust_env=False)
        assert waiting.status_code == 429
        assert int(waiting.headers["retry-after"]) >= 1


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:{port}"])
def test_no_page_of_another_origin_may_read(served: Served, origin: str) -> None:
    """No answer, to a preflight or to a request, has a header of CORS."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    asked = {
        "Origin": origin.format(port=served.port),
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    own = "127.0.0.1" in origin
    for method, headers, expected in (
        ("OPTIONS", asked, 401 if own else 403),
        ("OPTIONS", {**asked, "Authorization": f"Bearer {KEY}"}, 405 if own else 403),
        ("GET", {"Origin": asked["Origin"], "Authorization": f"Bearer {KEY}"}, 200 if own else 403),
    ):
        connection.request(method, "/v1/models", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    connection.close()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_embeds_is_refused(served: Served, site: str) -> None:
    """An image or a link of another site comes without an origin, and says where it is from."""
    with served.connect() as connection:
        connection.sendall(served.head(Sec_Fetch_Site=site, Connection="close") + b"\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 403 ")


def test_two_hosts_or_two_keys_are_refused(served: Served) -> None:
    """Where a header comes twice, none of them is believed."""
    again = {
        403: b"Host: evil.example\r\n",
        401: b"Authorization: Bearer wrong\r\n",
    }
    for status, line in again.items():
        with served.connect() as connection:
            connection.sendall(served.head(Connection="close") + line + b"\r\n")
            assert read_all(connection).startswith(f"HTTP/1.1 {status} ".encode())


def test_the_server_says_nothing_of_what_it_was_sent(house_small: Path) -> None:
    """Paths, queries, headers, bodies, keys and nonsense leave no trace in its output."""
    with start(house_small) as served:
        name = SECRET.replace(" ", "%20")
        body = json.dumps({"prompt": SECRET, "max_tokens": 1, "stop": SECRET}).encode()
        length = str(len(body))
        requests = [
            served.head(f"/{name}?q={name}", X_Name=SECRET, Connection="close") + b"\r\n",
            served.head("/v1/models", Authorization=f"Bearer {SECRET}", Connection="close")
            + b"\r\n",
            served.head("/v1/models", "GET", Host=f"{name}.example", Connection="close") + b"\r\n",
            served.head("/v1/completions", "POST", Content_Length=length, Connection="close")
            + b"Content-Type: application/json\r\n\r\n"
            + body,
            f"{SECRET} nonsense\r\n\r\n".encode(),
            served.head("/v1/models", Upgrade="websocket", Connection="Upgrade") + b"\r\n",
        ]
        answers = b""
        for request in requests:
            with served.connect() as connection:
                connection.sendall(request)
                answers += read_all(connection)
        assert answers.count(b"HTTP/1.1 ") == len(requests)
        assert b"HTTP/1.1 200 " in answers
        assert b"Zanzibara" not in answers
        served.process.terminate()
        out, err = served.process.communicate(timeout=20)
        assert "Zanzibara" not in out + err
        assert KEY not in out + err


@pytest.mark.parametrize("name", ["body_bytes", "head_seconds", "requests_per_second", "jobs"])
def test_bounds_must_be_above_zero(name: str) -> None:
    """A bound of nothing would serve nobody; it is named."""
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: 0})
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: float("nan")})


def test_a_rate_that_is_used_up_says_how_long() -> None:
    """Twice the rate at once, then one has to wait, in whole seconds."""
    rate = RateLimit(0.01)
    assert rate.wait() == 0
    assert 95 <= rate.wait() <= 100
    assert [RateLimit(3).wait() for _ in range(3)] == [0, 0, 0]
