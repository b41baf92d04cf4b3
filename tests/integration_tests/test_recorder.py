"""The recorder: it records everything, finds planted values in each disguise, and can misbehave."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from recorder import (
    Recorder,
    decoded_texts,
    find_values,
    recorded_requests,
    recording_server,
)

VALUE = "Zoë Quillfeather"
HARMLESS = "Mortimer Underbough"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with recording_server(tmp_path) as running:
        yield running


def send(recorder: Recorder, body: bytes, **headers: str) -> httpx.Response:
    sent = {"Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{recorder.base_url}/chat/completions"
    return httpx.post(url, content=body, headers=sent, trust_env=False)


def chat(content: Any, **more: Any) -> bytes:
    message = {"role": "user", "content": content}
    return json.dumps({"model": "m", "messages": [message], **more}, ensure_ascii=False).encode()


def raw_deflate(data: bytes) -> bytes:
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compress.compress(data) + compress.flush()


def brotli(data: bytes) -> bytes:
    import brotli

    return brotli.compress(data)


def nested(value: str) -> str:
    return json.dumps({"arguments": json.dumps({"who": urllib.parse.quote(value)})})


DISGUISES: dict[str, Callable[[str], bytes]] = {
    "plain": chat,
    "upper case": lambda v: chat(f"To {v.upper()}, greetings"),
    "spaced out": lambda v: chat(" ".join(v)),
    "line break": lambda v: chat(v.replace(" ", "\n")),
    "joined": lambda v: chat(v.replace(" ", "")),
    "zero-width": lambda v: chat("\u200b".join(v)),
    "full width": lambda v: chat("".join(chr(ord(c) + 0xFEE0) if "!" < c < "~" else c for c in v)),
    "decomposed": lambda v: chat(v.replace("ë", "e\u0308")),
    "JSON escapes": lambda v: json.dumps({"prompt": v}).encode(),
    "all JSON escapes": lambda v: (
        '{"prompt": "' + "".join(f"\\u{ord(c):04X}" for c in v) + '"}'
    ).encode(),
    "escapes in a string": lambda v: chat(v.encode("unicode_escape").decode()),
    "u escapes in a string": lambda v: chat("".join(f"\\u{ord(c):04x}" for c in v)),
    "JSON in a string": lambda v: chat(json.dumps({"note": [v]})),
    "JSON, JSON, percent": lambda v: chat(nested(v)),
    "percent": lambda v: chat(f"https://x.example/?q={urllib.parse.quote_plus(v)}"),
    "percent twice": lambda v: chat(urllib.parse.quote(urllib.parse.quote(v))),
    "entities": lambda v: chat("".join(f"&#{ord(c)};" for c in v)),
    "base64": lambda v: chat(base64.b64encode(v.encode()).decode()),
    "base64 in a text": lambda v: chat(
        "see data:text/plain;base64," + base64.b64encode(f"x{v}y".encode()).decode()
    ),
    "url-safe base64": lambda v: chat(base64.urlsafe_b64encode(f"??{v}>>".encode()).decode()),
    "base64 of gzip": lambda v: chat(base64.b64encode(gzip.compress(v.encode())).decode()),
    "hex": lambda v: chat(v.encode().hex()),
    "message parts": lambda v: chat(
        [{"type": "text", "text": v[:5]}, {"type": "text", "text": v[5:]}]
    ),
    "list of prompts": lambda v: json.dumps({"prompt": ["a", v]}).encode(),
    "metadata": lambda v: chat("hi", metadata={"k": {"deep": [v]}}),
    "a name of JSON": lambda v: chat("hi", metadata={v: 1}),
    "shadowed by a twin": lambda v: json.dumps({"prompt": v})[:-1].encode() + b', "prompt": ""}',
    "broken JSON": lambda v: chat(v)[:-3],
    "a form": lambda v: urllib.parse.urlencode({"prompt": v}).encode(),
    "UTF-16": lambda v: json.dumps({"prompt": v}, ensure_ascii=False).encode("utf-16"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_planted_value_is_found_in_each_disguise(recorder: Recorder, disguise: str) -> None:
    """A value that left is found whatever it was disguised as, and one that didn't is not."""
    send(recorder, DISGUISES[disguise](VALUE))
    hits = find_values(recorder.record_file, [VALUE, HARMLESS])
    assert {value for value, _ in hits} == {VALUE}
    assert all(place.startswith("request 0 body") for _, place in hits)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("br", brotli),
        ("gzip, br", lambda data: brotli(gzip.compress(data))),
        ("identity", bytes),
    ],
)
def test_compressed_bodies_are_read(
    recorder: Recorder, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    """A compressed body hides nothing."""
    send(recorder, encode(chat(VALUE)), Content_Encoding=encoding)
    assert find_values(recorder.record_file, [VALUE, HARMLESS])[0][0] == VALUE


def test_what_cannot_be_read_is_no_clean_record(recorder: Recorder) -> None:
    """An unknown encoding is an error: nothing found would mean nothing."""
    send(recorder, b"\x28\xb5\x2f\xfd", Content_Encoding="zstd")
    with pytest.raises(ValueError, match="zstd"):
        find_values(recorder.record_file, [VALUE])


def test_token_ids_are_read_through_the_vocabulary(recorder: Recorder) -> None:
    """Ids become text, characters cut between tokens too; without a vocabulary they're an error."""
    vocabulary: dict[int, str | bytes] = {7: "To Zo", 8: b"\xc3", 9: b"\xab", 10: " Quill"}
    vocabulary[11] = "feather"
    for prompt in ([7, 8, 9, 10, 11], [[10], [7, 8, 9, 10, 11]]):
        send(recorder, json.dumps({"prompt": prompt}).encode())
    hits = find_values(recorder.record_file, [VALUE, HARMLESS], vocabulary)
    assert [place for _, place in hits] == [
        "request 0 body $.prompt (token ids)",
        "request 1 body $.prompt[1] (token ids)",
    ]
    with pytest.raises(ValueError, match="vocabulary"):
        find_values(recorder.record_file, [VALUE])
    with pytest.raises(ValueError, match="in the vocabulary"):
        find_values(recorder.record_file, [VALUE], {7: "a", 8: "b", 9: "c", 10: "d"})


def test_headers_and_the_request_line_are_searched(recorder: Recorder) -> None:
    """A value may leave in the path, a query or a header, encoded or not."""
    quoted = urllib.parse.quote(VALUE)
    token = base64.b64encode(f"user:{VALUE}".encode()).decode()
    httpx.get(f"{recorder.base_url}/models?q={quoted}", trust_env=False)
    httpx.get(
        f"{recorder.base_url}/models",
        headers={"Authorization": f"Basic {token}", "X-Note": quoted},
        trust_env=False,
    )
    places = {place.split(" (")[0] for _, place in find_values(recorder.record_file, [VALUE])}
    assert places == {"request 0 line", "request 1 header Authorization", "request 1 header X-Note"}


def test_names_of_the_protocol_are_no_text(recorder: Recorder) -> None:
    """A user called Max doesn't trip on `max_tokens`, but does on a text with the name in it."""
    send(recorder, chat("hi", max_tokens=5))
    assert find_values(recorder.record_file, ["Max"]) == []
    send(recorder, chat("hi, it's max"))
    assert len(find_values(recorder.record_file, ["Max"])) == 1


def test_numbers_are_texts(recorder: Recorder) -> None:
    """A telephone number is found where it was sent as a JSON number."""
    send(recorder, chat("hi", metadata={"n": 4915112345}))
    assert find_values(recorder.record_file, ["49151 12345"])


def test_values_of_one_character_are_refused(recorder: Recorder) -> None:
    """A value that is found everywhere, or nowhere for being empty, is a mistake of the test."""
    for value in ("", " ", "a"):
        with pytest.raises(ValueError, match="fewer than two"):
            find_values(recorder.record_file, [VALUE, value])


def test_bytes_are_recorded_as_they_came(recorder: Recorder) -> None:
    """Chunked, pipelined, broken and unanswered bytes are in the record, in their order."""
    port = urllib.parse.urlsplit(recorder.base_url).port
    connection = http.client.HTTPConnection("127.0.0.1", port)
    parts = [chat(VALUE)[:30], chat(VALUE)[30:]]
    connection.request("POST", "/v1/chat/completions", iter(parts), encode_chunked=True)
    assert connection.getresponse().read()
    connection.request("POST", "/v1/chat/completions", chat("again"))
    assert connection.getresponse().read()
    connection.close()
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"\x16\x03\x01 no HTTP, but " + VALUE.encode() + b"\r\n")
        rude.shutdown(socket.SHUT_WR)
        while rude.recv(1000):
            pass
    first, second, third = recorded_requests(recorder.record_file)
    assert first.body == chat(VALUE)
    assert second.body == chat("again")
    assert first.header("transfer-encoding") == "chunked"
    assert third.body.startswith(b"\x16\x03\x01")
    hits = find_values(recorder.record_file, [VALUE])
    assert {place.split(" body")[0] for _, place in hits} == {"request 0", "request 2"}


def test_half_a_request_is_recorded(recorder: Recorder) -> None:
    """What a client sent before it gave up has left."""
    port = urllib.parse.urlsplit(recorder.base_url).port
    with socket.create_connection(("127.0.0.1", port)) as client:
        head = b"POST /v1/completions HTTP/1.1\r\nContent-Length: 9999\r\n\r\n"
        client.sendall(head + chat(VALUE)[:-3])
    deadline = time.monotonic() + 5
    while not find_values(recorder.record_file, [VALUE]):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def client_of(recorder: Recorder, **settings: Any) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=recorder.base_url, api_key="none", **{"max_retries": 0, "timeout": 5, **settings}
    )


def ask(client: openai.OpenAI, content: str = "Write an outline", **more: Any) -> str:
    messages: list[Any] = [{"role": "system", "content": content}, {"role": "user", "content": "u"}]
    answer = client.chat.completions.create(model="m", messages=messages, **more)
    if more.get("stream"):
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    return answer.choices[0].message.content or ""


def test_canned_answers(recorder: Recorder) -> None:
    """The official client gets an outline or a letter, streamed or not, or what the test set."""
    with client_of(recorder) as client:
        assert ask(client).startswith("1. ")
        assert ask(client, stream=True) == ask(client)
        assert ask(client, "Write a letter").startswith("Dear [NAME_1]")
        both = client.completions.create(model="m", prompt=["a", "b"])
        assert [choice.index for choice in both.choices] == [0, 1]
        recorder.set_answer("no list")
        assert ask(client) == "no list"
        recorder.set_answer(None)
        assert ask(client).startswith("1. ")
    assert len(recorded_requests(recorder.record_file)) == 7


def test_faults_last_as_long_as_told(recorder: Recorder) -> None:
    """An error once lets the client's retry through; each try is recorded."""
    with client_of(recorder, max_retries=1) as client:
        recorder.set_fault("error")
        assert ask(client).startswith("1. ")
        assert len(recorded_requests(recorder.record_file)) == 2
        recorder.set_fault("error", times=None)
        with pytest.raises(openai.InternalServerError):
            ask(client)
        recorder.set_fault(None)
        assert ask(client).startswith("1. ")


def test_each_fault_is_what_its_name_says(recorder: Recorder) -> None:
    """Rate limit, hang, half an answer and a page of HTML are met as such by the client."""
    with client_of(recorder) as client:
        recorder.set_fault("rate_limit")
        with pytest.raises(openai.RateLimitError) as limited:
            ask(client)
        assert limited.value.response.headers["retry-after"] == "1"
        recorder.set_fault("hang")
        with pytest.raises(openai.APITimeoutError):
            ask(client.with_options(timeout=0.3))
        recorder.set_fault("close_mid_stream", times=2)
        with pytest.raises(openai.APIConnectionError):
            ask(client)
        with pytest.raises(openai.APIConnectionError):
            ask(client, stream=True)
        recorder.set_fault("not_json")
        answer = client.chat.completions.with_raw_response.create(model="m", messages=[])
        assert answer.headers["content-type"] == "text/html"


def test_redirect_leads_to_a_port_that_is_recorded(recorder: Recorder) -> None:
    """A client that follows a redirect to another origin is seen there."""
    recorder.set_fault("redirect")
    url = f"{recorder.base_url}/chat/completions"
    answer = httpx.post(url, content=chat(VALUE), trust_env=False)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(recorder.elsewhere_url)
    httpx.post(answer.headers["location"], content=chat(VALUE), trust_env=False)
    first, second = recorded_requests(recorder.record_file)
    assert first.header("host") != second.header("host")
    assert first.body == second.body


def test_echo_gives_the_text_back(recorder: Recorder) -> None:
    """With the fault `echo` the answer is what the user's message said."""
    recorder.set_fault("echo")
    answer = send(recorder, chat(VALUE)).json()
    assert answer["choices"][0]["message"]["content"] == VALUE


def test_it_shares_no_code_and_ends_with_its_context(tmp_path: Path) -> None:
    """The server imports the standard library alone, and is gone after the context."""
    script = Path(__file__).with_name("recorder_process.py")
    code = (
        f"import sys, runpy; runpy.run_path({str(script)!r}, run_name='loaded');"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "['__main__']"
    with recording_server(tmp_path) as running:
        os.kill(running.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


def test_nothing_sent_is_nothing_found(recorder: Recorder) -> None:
    """An empty record has no texts."""
    assert decoded_texts(recorder.record_file) == []
