"""Who is refused, and that refusals say what to do without repeating what was sent."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from langchain_cogenesis.server.limits import MAX_BODY_BYTES
from langchain_cogenesis.server.process import Endpoint

SECRET = "Zanzibara Quillfeather"


def post(
    endpoint: Endpoint, body: bytes, path: str = "/v1/completions", **headers: str
) -> tuple[int, dict[str, Any]]:
    """Posts raw bytes; headers given here replace the right ones."""
    port = urlsplit(endpoint.base_url).port
    assert port is not None
    sent = {
        "Host": f"127.0.0.1:{port}",
        "Authorization": f"Bearer {endpoint.api_key}",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body, sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def completion(**options: Any) -> bytes:
    return json.dumps({"prompt": SECRET, "max_tokens": 1, **options}).encode()


def test_a_right_request_passes(endpoint: Endpoint) -> None:
    """With own host, own origin and the right key, a request is served."""
    port = urlsplit(endpoint.base_url).port
    assert post(endpoint, completion())[0] == 200
    assert post(endpoint, completion(), Host=f"localhost:{port}")[0] == 200
    assert post(endpoint, completion(), Origin=f"http://127.0.0.1:{port}")[0] == 200


@pytest.mark.parametrize("key", ["Bearer wrong", "Bearer ", "", "Basic abc"])
def test_wrong_key_is_refused(endpoint: Endpoint, key: str) -> None:
    """A wrong or missing key is a 401 that the official client reads as such."""
    status, body = post(endpoint, completion(), Authorization=key)
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    with (
        openai.OpenAI(base_url=endpoint.base_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError, match="Bearer"),
    ):
        client.models.list()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.2:{port}"]
)
def test_foreign_host_is_refused(endpoint: Endpoint, host: str) -> None:
    """A request that names another host, as after DNS rebinding, is a 403 even with the key."""
    port = urlsplit(endpoint.base_url).port
    status, body = post(endpoint, completion(), Host=host.format(port=port))
    assert (status, body["error"]["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_foreign_origin_is_refused(endpoint: Endpoint, origin: str) -> None:
    """A web page of another origin is a 403 even with the key."""
    status, body = post(endpoint, completion(), Origin=origin)
    assert (status, body["error"]["code"]) == (403, "foreign_origin")


def test_large_body_is_refused(endpoint: Endpoint) -> None:
    """A body above the limit is a 413, and the endpoint goes on serving."""
    try:
        status, _ = post(endpoint, completion(user="x" * MAX_BODY_BYTES))
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # it closed the connection while the body was still being sent
    assert status == 413
    assert post(endpoint, completion())[0] == 200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 2}, "n: "),
        ({"best_of": 3}, "best_of: "),
        ({"frequency_penalty": 0.5}, "frequency_penalty: "),
        ({"temperature": -1}, "temperature: "),
        ({"temperature": float("nan")}, "temperature: "),
        ({"max_tokens": -1}, "max_tokens: "),
        ({"max_tokens": "many"}, "max_tokens: "),
        ({"logprobs": 100000}, "logprobs: "),
        ({"stop": ["a", ""]}, "stop"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"logit_bias": {"99999999": 1}}, "logit_bias"),
        ({"stream_options": {"include_usage": True}}, "stream=true"),
        ({"grammar": "root ::= x"}, "doesn't know the option grammar"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ""}, "empty"),
        ({"prompt": [[]]}, "empty"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [1, True]}, "prompt"),
        ({"prompt": [1, 10**9]}, "position 1"),
        ({"prompt": [-1]}, "position 0"),
        ({"prompt": [5] * 100000}, "context window"),
        ({"prompt": [[5]] * 1000}, "1000 prompts"),
    ],
)
def test_wrong_options_are_named(endpoint: Endpoint, options: dict[str, Any], told: str) -> None:
    """A request that can't be served is a 400 that names the option at fault."""
    status, body = post(endpoint, completion(**options))
    assert (status, told in body["error"]["message"]) == (400, True), body
    assert body["error"]["type"] == "invalid_request_error"


def test_prompt_too_long_has_the_code_that_clients_look_for(endpoint: Endpoint) -> None:
    """A prompt beyond the context window carries OpenAI's code and both lengths."""
    _, body = post(endpoint, completion(prompt=[5] * 5000))
    assert body["error"]["code"] == "context_length_exceeded"
    assert "5000" in body["error"]["message"]


def test_another_model_is_not_found(endpoint: Endpoint) -> None:
    """A request for a model that isn't served is a 404 that tells which one is."""
    status, body = post(endpoint, completion(model=SECRET))
    assert (status, "house-small" in body["error"]["message"]) == (404, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", b'{"prompt": "' + SECRET.encode()),
        ("/v1/completions", json.dumps([SECRET]).encode()),
        ("/v1/completions", completion(**{SECRET: 1})),
        ("/v1/completions", completion(stop=[SECRET] * 20)),
        ("/v1/completions", completion(temperature=SECRET)),
        ("/v1/completions", completion(model=SECRET)),
        ("/v1/completions", completion(prompt=SECRET * 3000)),
        ("/v1/completions", b"\xff\xfe" + SECRET.encode()),
        ("/v1/completions", b"[" * 100000),
        ("/v1/chat/completions", json.dumps({"messages": SECRET}).encode()),
        ("/v1/chat/completions", json.dumps({"messages": []}).encode()),
        ("/v1/chat/completions", json.dumps({"messages": [{"role": SECRET}]}).encode()),
        ("/v1/chat/completions", json.dumps({"messages": [{"role": "tool"}]}).encode()),
        ("/v1/nowhere", b"{}"),
    ],
)
def test_errors_do_not_repeat_the_request(endpoint: Endpoint, path: str, body: bytes) -> None:
    """Whatever is wrong with a request, the error has OpenAI's shape and none of its content."""
    status, answer = post(endpoint, body, path)
    assert 400 <= status < 500
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert "Zanzibara" not in json.dumps(answer)
