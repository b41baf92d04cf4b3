"""The texts that are attacked: what left, and what it is compared with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_cogenesis.evaluation.audit.recorded import (
    Vocabulary,
    decoded_texts,
    recorded_requests,
)
from langchain_cogenesis.evaluation.audit.subjects import Subject, without_values


@dataclass(frozen=True, slots=True, repr=False)
class Texts:
    """One user's texts, from what left down to what could not be avoided.

    Attributes:
        number: The user's.
        ours: What the bodies of our requests say.
        wire: Everything that left, headers and all, with encodings undone.
        raw: What an app without us would send: the instruction and all context.
        typed: The instruction as it was typed, alone.
        floor: The instruction without any private value, by an oracle that knows them all.
        bytes: Bytes of all bodies.
        requests: How many requests.
    """

    number: int
    ours: str
    wire: str
    raw: str
    typed: str
    floor: str
    bytes: int
    requests: int

    def __repr__(self) -> str:
        return f"Texts({self.number}, <withheld: {self.requests} requests>)"


def read_texts(subject: Subject, record_file: Path, vocabulary: Vocabulary | None = None) -> Texts:
    """Reads what left for one user, and makes what it is compared with.

    Args:
        subject: The user.
        record_file: What left.
        vocabulary: Texts or bytes of token ids, which logit mode sends.

    Raises:
        ValueError: A body can't be read.
    """
    requests = recorded_requests(record_file)
    bodies = [request.content() for request in requests]
    said = (text for body in bodies for text in _said(body, vocabulary))
    secrets = [unit.text for unit in subject.units] + [c.text for c in subject.canaries]
    return Texts(
        number=subject.number,
        ours="\n".join(longest(said)),
        wire="\n".join(dict.fromkeys(text for _, text in decoded_texts(record_file, vocabulary))),
        raw=f"{subject.history()}\n{subject.instruction}",
        typed=subject.instruction,
        floor=without_values(subject.instruction, secrets),
        bytes=sum(map(len, bodies)),
        requests=len(requests),
    )


def longest(texts: Iterable[str]) -> list[str]:
    """The texts without those that another one begins with: a text that grows is told once.

    >>> longest(["Dear", "Dear Tomas", "Hi", "Dear"])
    ['Dear Tomas', 'Hi']
    """
    ordered = sorted(set(texts))
    following = [*ordered[1:], ""]
    return [
        text
        for text, after in zip(ordered, following, strict=False)
        if text and not after.startswith(text)
    ]


def _said(body: bytes, vocabulary: Vocabulary | None) -> Iterator[str]:
    if not body:
        return
    try:
        value = json.loads(body)
    except ValueError:
        yield body.decode("utf-8", "replace")
        return
    yield from _strings(value, vocabulary)


def _strings(value: Any, vocabulary: Vocabulary | None) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner, vocabulary)
    elif isinstance(value, list):
        if vocabulary is not None and is_ids(value):
            pieces = (vocabulary.get(token, b"\xef\xbf\xbd") for token in value)
            data = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
            yield b"".join(data).decode("utf-8", "replace")
        for inner in value:
            yield from _strings(inner, vocabulary)


def is_ids(value: Sequence[Any]) -> bool:
    """Whether a JSON list is a row of token ids."""
    return bool(value) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)


def local_vocabulary() -> dict[int, bytes]:
    """What the token ids of the house models stand for."""
    from langchain_cogenesis.evaluation.audit.runs import LOCAL
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

    engine = LlamaCppEngine.shared(LOCAL)
    return {token: engine.token_bytes(token) for token in range(engine.n_vocab)}
