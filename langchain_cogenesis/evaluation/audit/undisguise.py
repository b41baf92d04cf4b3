"""Undoes what a text can be disguised as on its way out: encodings, escapes, token ids."""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_plus

MAX_DEPTH = 5

# Fields of the protocol: their names are no text of the user's. Any other name is one.
PROTOCOL_FIELDS = frozenset(
    {
        "add_special", "arguments", "best_of", "content", "echo", "frequency_penalty",
        "function", "id", "include_usage", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "messages", "metadata", "min_p", "model",
        "n", "name", "parallel_tool_calls", "parameters", "presence_penalty", "prompt",
        "repetition_penalty", "response_format", "return_tokens_as_token_ids", "role",
        "seed", "stop", "store", "stream", "stream_options", "suffix", "temperature",
        "text", "tokens", "tool_call_id", "tool_calls", "tool_choice", "tools", "top_k",
        "top_logprobs", "top_p", "type", "user", "with_pieces",
    }
)  # fmt: skip
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){4,}")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2})")

Found = tuple[str, str]


def decode_body(body: bytes, encoding: str) -> bytes:
    """Undoes a body's content encodings.

    Args:
        body: Raw bytes.
        encoding: The Content-Encoding header.

    Raises:
        ValueError: An encoding is not known here: what left can't be read.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name in ("gzip", "x-gzip"):
            body = gzip.decompress(body)
        elif name == "deflate":
            body = _inflate(body)
        elif name == "br":
            import brotli

            body = brotli.decompress(body)
        elif name != "identity":
            raise ValueError(f"a body has the content encoding {name!r}, which can't be read")
    return body


def _inflate(body: bytes) -> bytes:
    # Both are met in practice: with the zlib header, as the standard says, and without.
    with suppress(zlib.error):
        return zlib.decompress(body)
    return zlib.decompress(body, -zlib.MAX_WBITS)


class Undisguise:
    """Finds the texts in what left.

    Args:
        vocabulary: Texts or bytes of token ids; None if none are expected.
    """

    def __init__(self, vocabulary: Mapping[int, str | bytes] | None = None) -> None:
        self._vocabulary = vocabulary

    def body(self, body: bytes, place: str, content_type: str) -> Iterator[Found]:
        """The texts in a decoded body."""
        if not body:
            return
        text = body.decode(_charset(content_type) or json.detect_encoding(body), "replace")
        try:
            value = _parse(text)
        except ValueError:
            yield from self.text(text, place)
            return
        yield from self.json(value, f"{place} $")

    def json(self, value: Any, place: str, depth: int = 0) -> Iterator[Found]:
        """The texts in a JSON value: strings, numbers, names outside the protocol, token ids."""
        if isinstance(value, _Pairs):
            for key, item in value:
                if key not in PROTOCOL_FIELDS:
                    yield from self.text(key, f"{place} key", depth)
                yield from self.json(item, f"{place}.{key}" if key.isidentifier() else place, depth)
        elif isinstance(value, list):
            yield from self._list(value, place, depth)
        elif isinstance(value, str):
            yield from self.text(value, place, depth)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield place, str(value)

    def _list(self, value: list[Any], place: str, depth: int) -> Iterator[Found]:
        if value and all(isinstance(item, int) for item in value):
            yield f"{place} (token ids)", self._read_ids(value, place)
        for number, item in enumerate(value):
            yield from self.json(item, f"{place}[{number}]", depth)
        # A value may be spread over the parts of a message.
        for joined in _joined(value):
            yield from self.text(joined, f"{place} (joined)", depth)

    def _read_ids(self, ids: list[int], place: str) -> str:
        if self._vocabulary is None:
            raise ValueError(f"{place} holds token ids: give the vocabulary to read them with")
        missing = [token for token in ids if token not in self._vocabulary]
        if missing:
            raise ValueError(
                f"{place} holds {len(missing)} token ids that aren't in the vocabulary"
            )
        pieces = [self._vocabulary[token] for token in ids]
        data = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
        return b"".join(data).decode("utf-8", "replace")

    def text(self, text: str, place: str, depth: int = 0) -> Iterator[Found]:
        """A text, and what it says when decoded in one way or another, and that again."""
        yield place, text
        if depth >= MAX_DEPTH:
            return
        for how, inner in _decodings(text):
            yield from self.text(inner, f"{place} ({how})", depth + 1)
        if text.lstrip()[:1] in ("{", "[", '"'):
            with suppress(ValueError):
                yield from self.json(_parse(text), f"{place} (JSON)", depth + 1)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its pairs: a dict would drop the first of two equal names."""


def _parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_Pairs)


def _decodings(text: str) -> Iterator[tuple[str, str]]:
    ways = {
        "percent": unquote_plus(text) if "%" in text else text,
        "entities": html.unescape(text),
        "escapes": _ESCAPE.sub(_unescape, text),
    }
    for how, inner in ways.items():
        if inner != text:
            yield how, inner
    for match in _BASE64.finditer(text):
        # Cut from a longer run, it may begin at any of four places.
        for start in range(min(4, len(match[0]) - 7)):
            decoded = _from_base64(match[0][start:])
            if decoded is not None:
                yield "base64", decoded
    for match in _HEX.finditer(text):
        decoded = _printable(bytes.fromhex(match[0]))
        if decoded is not None:
            yield "hex", decoded


def _unescape(match: re.Match[str]) -> str:
    return codecs.decode(match[0], "unicode_escape")


def _from_base64(text: str) -> str | None:
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    text = text[: len(text) - (len(text) % 4 == 1)]
    with suppress(binascii.Error, ValueError):
        return _printable(base64.b64decode(text + "=" * (-len(text) % 4)))
    return None


def _printable(data: bytes) -> str | None:
    with suppress(UnicodeDecodeError, OSError, zlib.error, EOFError):
        plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        text = plain.decode()
        return text if all(c.isprintable() or c.isspace() for c in text) else None
    return None


def _joined(value: list[Any]) -> Iterator[str]:
    if sum(isinstance(item, str) for item in value) > 1:
        yield "".join(item for item in value if isinstance(item, str))
    named: dict[str, list[str]] = {}
    for item in value:
        for key, inner in item if isinstance(item, _Pairs) else ():
            if isinstance(inner, str):
                named.setdefault(key, []).append(inner)
    yield from ("".join(strings) for strings in named.values() if len(strings) > 1)


def _charset(content_type: str) -> str | None:
    match = re.search(r"charset=\"?([\w-]+)", content_type)
    with suppress(LookupError):
        return codecs.lookup(match[1]).name if match else None
    return None
