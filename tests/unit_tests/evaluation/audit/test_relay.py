"""The relay records every byte before it passes it on, and passes on nothing unrecorded."""

from __future__ import annotations

import http.server
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from langchain_cogenesis.evaluation.audit.recorded import find_values, recorded_requests
from langchain_cogenesis.evaluation.audit.relay import Relay, recording_relay


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An endpoint that says what it got, and as whom it was addressed."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    """A relay in front of it."""
    with recording_relay(endpoint) as running:
        yield running


def test_what_passes_is_recorded_as_it_is(relay: Relay, endpoint: str, tmp_path: Path) -> None:
    """Bodies and headers, small and large, over one connection; the endpoint sees its own name."""
    record = tmp_path / "first.wire"
    relay.record_to(record)
    with httpx.Client(trust_env=False) as client:
        url = f"{relay.base_url}/completions"
        first = client.post(url, json={"prompt": "Tomas Vexmoor"}, headers={"x-own": "Casa Lume"})
        large = client.post(url, content=b"x" * 300_000)
    assert first.headers["x-host"] == endpoint.split("/")[2]
    assert (first.json(), len(large.content)) == ({"prompt": "Tomas Vexmoor"}, 300_000)
    requests = recorded_requests(record)
    assert [len(request.body) for request in requests] == [len(first.content), 300_000]
    assert requests[0].header("host") == relay.base_url.split("/")[2]
    assert 0 < requests[0].at < requests[1].at
    assert {value for value, _ in find_values(record, ["Tomas Vexmoor", "Casa Lume"])} == {
        "Tomas Vexmoor",
        "Casa Lume",
    }
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_records_are_kept_apart_and_nothing_passes_without_one(
    relay: Relay, tmp_path: Path
) -> None:
    """Each user's bytes are in that user's file; with no file the connection ends."""
    files = [tmp_path / name for name in ("a.wire", "b.wire")]
    with httpx.Client(trust_env=False) as client:
        for number, file in enumerate(files):
            relay.record_to(file)
            client.post(f"{relay.base_url}/x", content=f"text{number}")
        relay.record_to(None)
        with pytest.raises(httpx.TransportError):
            client.post(f"{relay.base_url}/x", content="unrecorded")
    bodies = [[request.body for request in recorded_requests(file)] for file in files]
    assert bodies == [[b"text0"], [b"text1"]]
