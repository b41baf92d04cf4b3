"""The recording server, a script of its own: Python's standard library and nothing else.

Run as `python -I recorder_process.py RECORD_FILE`. It listens on two loopback ports, tells them as
a line of JSON, takes settings as lines of JSON on stdin, and ends when stdin does. Every byte that
arrives on either port is appended to the record file as it comes, before anybody interprets it.
"""

from __future__ import annotations

import gzip
import http.server
import io
import itertools
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

OUTLINE = (
    "1. Greet [NAME_1] warmly\n2. Say why you write\n3. Name the day and the place\n"
    "4. Ask for an answer\n5. Close with thanks"
)
LETTER = "Dear [NAME_1],\n\nI hope you are well. Let us meet soon.\n\nBest wishes"


class Settings:
    """What the tests have set: the fault, for how many requests, and who answers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.fault: str | None = None
        self.times: int | None = None
        self.answer: str | None = None
        self.upstream: str | None = None
        self.elsewhere = ""

    def update(self, change: dict[str, Any]) -> None:
        with self.lock:
            for name, value in change.items():
                setattr(self, name, value)

    def take_fault(self) -> str | None:
        """The fault for this request; counts it."""
        with self.lock:
            if self.fault is None or self.times == 0:
                return None
            if self.times is not None:
                self.times -= 1
            return self.fault


class Record:
    """The file that all connections write to, frame by frame."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._numbers = itertools.count()

    def next_connection(self) -> int:
        return next(self._numbers)

    def write(self, connection: int, data: bytes) -> None:
        # One write for a frame: threads can't interleave, and a kill leaves whole frames.
        os.write(self._file, b"@%d %d\n%s\n" % (connection, len(data), data))


class Tee(io.RawIOBase):
    """Reads from a socket and records what comes."""

    def __init__(self, connection: socket.socket, record: Record) -> None:
        self._connection = connection
        self._record = record
        self._number = record.next_connection()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._connection.recv_into(buffer)
        if count:
            self._record.write(self._number, bytes(buffer[:count]))
        return count


class Server(http.server.ThreadingHTTPServer):
    """Takes a client's leaving as it is: no traceback."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tells faults of this script only."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers like an OpenAI-compatible endpoint, or with the fault that is set."""

    protocol_version = "HTTP/1.1"
    record: Record
    settings: Settings

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(Tee(self.connection, self.record))

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        if self.settings.upstream:
            self._forward(None, cut=None)
            return
        self._send(200, {"object": "list", "data": [{"id": "recorded", "object": "model"}]})

    def do_POST(self) -> None:
        body = self._read_body()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            asked = json.loads(body)
        except ValueError:
            self._send(400, {"error": {"message": "not JSON"}})
            return
        fault = self.settings.take_fault()
        if self.settings.upstream and fault in (None, "close_mid_stream"):
            self._forward(body, cut=40 if fault else None)
        elif fault in (None, "echo", "close_mid_stream"):
            self._answer(asked, fault)
        else:
            self._fail(fault)

    def _forward(self, body: bytes | None, *, cut: int | None) -> None:
        """Lets a real endpoint answer, and hands its answer on."""
        kept = ("authorization", "content-type")
        headers = {k: v for k, v in self.headers.items() if k.lower() in kept}
        request = urllib.request.Request(f"{self.settings.upstream}{self.path}", body, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                self._send_bytes(answer.status, answer.read(), "application/json", cut=cut)
        except urllib.error.HTTPError as error:
            self._send_bytes(error.code, error.read(), "application/json")

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _fail(self, fault: str | None) -> None:
        if fault == "error":
            self._send(500, {"error": {"message": "broken for once", "type": "server_error"}})
        elif fault == "rate_limit":
            self._send(429, {"error": {"message": "slow down"}}, {"Retry-After": "1"})
        elif fault == "redirect":
            self._send(307, {}, {"Location": f"{self.settings.elsewhere}{self.path}"})
        elif fault == "not_json":
            self._send_bytes(200, b"<html>Sign in to the network</html>", "text/html")
        else:
            self.rfile.read()  # hangs until the client leaves, and records what it still sends
            self.close_connection = True

    def _answer(self, asked: dict[str, Any], fault: str | None) -> None:
        chat = self.path.endswith("/chat/completions")
        prompts = [None] if chat else _prompts(asked.get("prompt"))
        texts = [self._text(asked, chat, fault, prompt) for prompt in prompts]
        if asked.get("stream"):
            self._stream(_chunks(asked, chat, texts), broken=fault == "close_mid_stream")
            return
        choices = [_choice(index, text, chat) for index, text in enumerate(texts)]
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        answer = _wrap(asked, chat, choices, usage=usage)
        if fault == "close_mid_stream":
            self._send_bytes(200, json.dumps(answer).encode(), "application/json", cut=40)
        else:
            self._send(200, answer)

    def _text(self, asked: dict[str, Any], chat: bool, fault: str | None, prompt: Any) -> str:
        messages = asked.get("messages", [])
        if fault == "echo":
            users = [_content(m) for m in messages if m.get("role") == "user"]
            return "\n".join(users) if chat else str(prompt)
        if self.settings.answer is not None:
            return self.settings.answer
        system = " ".join(_content(m) for m in messages if m.get("role") == "system")
        return OUTLINE if "outline" in system.lower() else LETTER

    def _stream(self, chunks: list[dict[str, Any]], *, broken: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks[: len(chunks) // 2] if broken else chunks:
            self._send_chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        if broken:
            self.close_connection = True
            return
        self._send_chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(body).encode(), "application/json", headers)

    def _send_bytes(
        self,
        status: int,
        body: bytes,
        kind: str,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = self.close_connection or cut is not None


def _content(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content)


def _prompts(prompt: Any) -> list[Any]:
    several = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
    return list(prompt) if several else [prompt]


def _wrap(asked: dict[str, Any], chat: bool, choices: list[Any], **more: Any) -> dict[str, Any]:
    kind = "chat.completion" if chat else "text_completion"
    kind += ".chunk" if chat and asked.get("stream") else ""
    model = asked.get("model", "recorded")
    return {
        "id": "recorded-1", "object": kind, "created": int(time.time()), "model": model,
        "choices": choices, **more,
    }  # fmt: skip


def _choice(index: int, text: str, chat: bool) -> dict[str, Any]:
    body = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    return {"index": index, **body, "logprobs": None, "finish_reason": "stop"}


def _chunks(asked: dict[str, Any], chat: bool, texts: list[str]) -> list[dict[str, Any]]:
    """A few characters a chunk, so that a placeholder is cut in two."""
    chunks = []
    for index, text in enumerate(texts):
        for at in range(0, len(text), 4):
            part = text[at : at + 4]
            body = {"delta": {"role": "assistant", "content": part}} if chat else {"text": part}
            chunks.append(_wrap(asked, chat, [{"index": index, **body, "finish_reason": None}]))
        end = {"delta": {}} if chat else {"text": ""}
        chunks.append(_wrap(asked, chat, [{"index": index, **end, "finish_reason": "stop"}]))
    return chunks


def main(record_file: str) -> None:
    settings, record = Settings(), Record(record_file)
    ports = []
    for _ in range(2):
        handler = type("Bound", (Handler,), {"record": record, "settings": settings})
        server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports.append(server.server_address[1])
    settings.elsewhere = f"http://127.0.0.1:{ports[1]}"
    _tell({"ports": ports})
    for line in sys.stdin:
        settings.update(json.loads(line))
        _tell({})
    os._exit(0)


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
