"""Reads a record of what left: requests put together from raw bytes, and all texts in them.

Compression, JSON, escapes, percent-encoding, base64 and token ids are undone before values are
looked for. Nothing here is shared with the code that decides on what leaves.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from langchain_cogenesis.evaluation.audit.undisguise import Undisguise, decode_body

Vocabulary = Mapping[int, str | bytes]

_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")


@dataclass(frozen=True, slots=True, repr=False)
class RecordedRequest:
    """One request as it came.

    Attributes:
        line: The request line.
        headers: Names and values, in order.
        body: Its raw bytes.
        at: When its first byte came, seconds of the recorder's clock; 0 if that wasn't recorded.
    """

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float = 0.0

    def __repr__(self) -> str:
        return f"RecordedRequest(<withheld: {len(self.body)} bytes>)"

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def content(self) -> bytes:
        """The body with its content encodings undone.

        Raises:
            ValueError: An encoding is not known.
        """
        return decode_body(self.body, self.header("content-encoding"))


def recorded_requests(record_file: Path) -> list[RecordedRequest]:
    """The requests of a record file, connection by connection.

    What came but is no complete request is a request too, all of it body: it left all the same.
    """
    requests: list[RecordedRequest] = []
    for data, offsets, times in _connections(record_file).values():
        rest = bytes(data)
        while rest:
            at = times[bisect_right(offsets, len(data) - len(rest)) - 1]
            request, rest = _take_request(rest, at)
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
        kind = request.header("content-type")
        found += undisguise.body(request.content(), f"{place} body", kind)
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


_Connection = tuple[bytearray, list[int], list[float]]
"""What came on a connection; where each frame begins in it, and when that came, seconds."""


def _connections(record_file: Path) -> dict[int, _Connection]:
    found: dict[int, _Connection] = {}
    with record_file.open("rb") as record:
        while frame := _read_frame(record):
            number, content, at = frame
            data, offsets, times = found.setdefault(number, (bytearray(), [], []))
            offsets.append(len(data))
            times.append(at)
            data += content
    return found


def _read_frame(record: IO[bytes]) -> tuple[int, bytes, float] | None:
    head = record.readline()
    if not head:
        return None
    number, length, *at = head.removeprefix(b"@").split()
    content = record.read(int(length))
    record.read(1)
    return int(number), content, float(at[0]) if at else 0.0


def _take_request(data: bytes, at: float) -> tuple[RecordedRequest, bytes]:
    head, separator, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not separator or not re.fullmatch(r"[A-Z]+ \S+ HTTP/1\.[01]", lines[0]):
        return RecordedRequest("", (), data, at), b""
    pairs = (line.partition(":") for line in lines[1:])
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    request = RecordedRequest(lines[0], headers, b"", at)
    if "chunked" in request.header("transfer-encoding").lower():
        body, rest = _unchunk(rest)
    else:
        length = int(request.header("content-length") or 0)
        body, rest = rest[:length], rest[length:]
    return RecordedRequest(lines[0], headers, body, at), rest


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
