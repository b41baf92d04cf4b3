"""Records what really left, and looks for values in it whatever they are disguised as.

`recording_server()` starts a server in a process of its own that shares no code with the package.
`find_values()` reads its record: requests are put together from raw bytes, and compression, JSON,
escapes, percent-encoding, base64 and token ids are undone before values are looked for.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from undisguise import Undisguise, decode_body

Fault = Literal["error", "hang", "close_mid_stream", "not_json", "redirect", "rate_limit", "echo"]
Vocabulary = Mapping[int, str | bytes]

_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")


@dataclass(frozen=True)
class Recorder:
    """A running recording server.

    Attributes:
        base_url: What OpenAI-compatible clients take.
        elsewhere_url: The origin that the fault `redirect` points to; recorded as well.
        record_file: Where the raw bytes are.
        pid: The server's process id.
    """

    base_url: str
    elsewhere_url: str
    record_file: Path
    pid: int
    _process: subprocess.Popen[bytes] = field(repr=False)

    def set_fault(self, fault: Fault | None, times: int | None = 1) -> None:
        """Answers the next requests with a fault.

        Args:
            fault: `error`: status 500; `hang`: no answer; `close_mid_stream`: half an answer;
                `not_json`: a page of HTML; `redirect`: to another port; `rate_limit`: status 429
                with Retry-After; `echo`: the user's text as the answer. None: no fault any more.
            times: For how many requests; None is until told otherwise.
        """
        self._set(fault=fault, times=times)

    def set_answer(self, text: str | None) -> None:
        """Answers with this text from now on; None is the canned outline or letter again."""
        self._set(answer=text)

    def set_upstream(self, origin: str | None) -> None:
        """Lets a real endpoint answer from now on, by its origin; what arrives is recorded."""
        self._set(upstream=origin)

    def _set(self, **settings: Any) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._process.stdin.flush()
        # Its acknowledgement: the next request meets the new settings.
        assert self._process.stdout.readline(), "the recording server has ended"


@contextmanager
def recording_server(directory: Path, name: str = "record.bin") -> Iterator[Recorder]:
    """Runs a recording server, in a process of its own, while the context lasts.

    Args:
        directory: Where the record file is made.
        name: The record file's name.
    """
    record_file = directory / name
    record_file.touch()
    script = Path(__file__).with_name("recorder_process.py")
    process = subprocess.Popen(
        # -I: neither this environment nor this directory can bring anything in.
        [sys.executable, "-I", str(script), str(record_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            first, second = json.loads(process.stdout.readline())["ports"]
            yield Recorder(
                base_url=f"http://127.0.0.1:{first}/v1",
                elsewhere_url=f"http://127.0.0.1:{second}",
                record_file=record_file,
                pid=process.pid,
                _process=process,
            )
        finally:
            process.stdin.close()
            process.wait(10)


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it came: the request line, headers in order, and the body's raw bytes."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")


def recorded_requests(record_file: Path) -> list[RecordedRequest]:
    """The requests of a record file, connection by connection.

    What came but is no complete request is a request too, all of it body: it left all the same.
    """
    requests: list[RecordedRequest] = []
    for data in _connections(record_file).values():
        rest = data
        while rest:
            request, rest = _take_request(rest)
            requests.append(request)
    return requests


def decoded_texts(record_file: Path, vocabulary: Vocabulary | None = None) -> list[tuple[str, str]]:
    """All texts that left, undisguised, each with where it was found.

    Args:
        record_file: The record.
        vocabulary: Texts or bytes of token ids, to read token-id prompts with.

    Returns:
        Pairs of place and text: raw values, and what is inside them once decoded. Names of JSON
        fields that the OpenAI protocol defines are left out, other names are texts like any.

    Raises:
        ValueError: A body can't be read: an unknown encoding, or token ids without a vocabulary.
    """
    found: list[tuple[str, str]] = []
    undisguise = Undisguise(vocabulary)
    for number, request in enumerate(recorded_requests(record_file)):
        place = f"request {number}"
        found += undisguise.text(request.line, f"{place} line")
        for name, value in request.headers:
            found += undisguise.text(f"{name}: {value}", f"{place} header {name}")
            found += undisguise.text(value, f"{place} header {name}")
        body = decode_body(request.body, request.header("content-encoding"))
        found += undisguise.body(body, f"{place} body", request.header("content-type"))
    return found


def find_values(
    record_file: Path, values: Iterable[str], vocabulary: Vocabulary | None = None
) -> list[tuple[str, str]]:
    """Looks for values in what left; case, white space and invisible characters don't matter.

    Args:
        record_file: The record.
        values: What must not have left.
        vocabulary: As in `decoded_texts`.

    Returns:
        Pairs of value and place; empty if none left.

    Raises:
        ValueError: A body can't be read, or a value is too short to mean anything.
    """
    wanted = {value: normalized(value) for value in values}
    short = [number for number, text in enumerate(wanted.values()) if len(text) < 2]
    if short:
        raise ValueError(f"values {short} have fewer than two characters")
    hits: dict[tuple[str, str], None] = {}
    for place, text in decoded_texts(record_file, vocabulary):
        plain = normalized(text)
        hits.update({(value, place): None for value, key in wanted.items() if key in plain})
    return list(hits)


def normalized(text: str) -> str:
    """A text as it is compared: folded, without white space and invisible characters."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text).casefold())


def _connections(record_file: Path) -> dict[int, bytes]:
    data: dict[int, bytes] = {}
    with record_file.open("rb") as record:
        while frame := _read_frame(record):
            number, content = frame
            data[number] = data.get(number, b"") + content
    return data


def _read_frame(record: IO[bytes]) -> tuple[int, bytes] | None:
    head = record.readline()
    if not head:
        return None
    number, length = head.removeprefix(b"@").split()
    content = record.read(int(length))
    record.read(1)
    return int(number), content


def _take_request(data: bytes) -> tuple[RecordedRequest, bytes]:
    head, separator, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not separator or not re.fullmatch(r"[A-Z]+ \S+ HTTP/1\.[01]", lines[0]):
        return RecordedRequest("", (), data), b""
    pairs = (line.partition(":") for line in lines[1:])
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    request = RecordedRequest(lines[0], headers, b"")
    if "chunked" in request.header("transfer-encoding").lower():
        body, rest = _unchunk(rest)
    else:
        length = int(request.header("content-length") or 0)
        body, rest = rest[:length], rest[length:]
    return RecordedRequest(lines[0], headers, body), rest


def _unchunk(data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while data:
        size_line, _, data = data.partition(b"\r\n")
        size = int(size_line.split(b";")[0] or b"0", 16)
        if size == 0:
            # Trailers are headers too, in their way: they end with an empty line.
            trailers, _, rest = data.partition(b"\r\n")
            return body + trailers, rest
        body, data = body + data[:size], data[size + 2 :]
    return body, data
