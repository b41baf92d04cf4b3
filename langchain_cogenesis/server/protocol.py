"""Answers in the shapes of OpenAI's chat and completions protocols.

Beyond OpenAI's fields, entries of a chat's log-probabilities carry the token's `id`; and with
`return_tokens_as_token_ids`, tokens are spelled `token_id:17` in both protocols, so that a client
can fuse distributions by id, with no tokenising again and no two tokens of the same text confused.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.server.generation import Finished, Piece, TokenRecord, Top

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

# JSON has no infinity; the hosted API reports impossible tokens so.
_LOWEST_LOGPROB = -9999.0

Events = Iterable[tuple[int, Piece | Finished]]


def to_json(value: Any) -> bytes:
    """Serialises an answer."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _event(value: Any) -> bytes:
    return b"data: " + to_json(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Envelope:
    """What all parts of one answer share: id, time, model, and how tokens are spelled.

    Args:
        engine: The model, for the bytes of tokens.
        kind: `chat.completion` or `text_completion`.
        model: The name that the endpoint serves under.
        as_ids: Whether tokens are spelled as `token_id:17`.
    """

    def __init__(
        self, engine: LlamaCppEngine, *, kind: str, model: str, as_ids: bool = False
    ) -> None:
        self._engine = engine
        self._kind = kind
        self._as_ids = as_ids
        prefix = "chatcmpl" if self.is_chat else "cmpl"
        self._head = {
            "id": f"{prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
        }

    @property
    def is_chat(self) -> bool:
        """Whether the answer is in the chat protocol's shape."""
        return self._kind == "chat.completion"

    def wrap(self, choices: list[dict[str, Any]], *, chunk: bool, **more: Any) -> dict[str, Any]:
        """Puts choices into an answer, or into a chunk of a streamed one."""
        kind = f"{self._kind}.chunk" if chunk and self.is_chat else self._kind
        return {**self._head, "object": kind, "choices": choices, **more}

    def spell(self, token_id: int, piece: bytes) -> str:
        """Spells a token: as text where it is text, else by bytes or by id."""
        if self._as_ids or not piece:
            return f"token_id:{token_id}"
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)

    def chat_logprobs(self, tokens: Sequence[TokenRecord]) -> dict[str, Any]:
        """Returns log-probabilities in the chat protocol's shape."""
        content = [
            {
                **self._entry(token.id, token.text, token.logprob),
                "top_logprobs": [
                    self._entry(token_id, self._engine.token_bytes(token_id), logprob)
                    for token_id, logprob in token.top or ()
                ],
            }
            for token in tokens
        ]
        return {"content": content, "refusal": None}

    def _entry(self, token_id: int, piece: bytes, logprob: float | None) -> dict[str, Any]:
        return {
            "id": token_id,
            "token": self.spell(token_id, piece),
            "logprob": _finite(logprob),
            "bytes": list(piece),
        }

    def completion_logprobs(self, tokens: Sequence[TokenRecord]) -> dict[str, Any]:
        """Returns log-probabilities in the completions protocol's shape."""
        return {
            "tokens": [self.spell(token.id, token.text) for token in tokens],
            "token_logprobs": [_finite(token.logprob) for token in tokens],
            "top_logprobs": [
                None if token.top is None else self._by_text(token, token.top) for token in tokens
            ],
            "text_offset": [token.offset for token in tokens],
        }

    def _by_text(self, token: TokenRecord, top: Top) -> dict[str, float | None]:
        spelled: dict[str, float | None] = {}
        entries = [(i, self._engine.token_bytes(i), logprob) for i, logprob in top]
        if token.logprob is not None and all(i != token.id for i, _ in top):
            entries.append((token.id, token.text, token.logprob))
        for token_id, piece, logprob in entries:
            name = self.spell(token_id, piece)
            # Two tokens may have the same text; the less probable one must not replace the other.
            spelled[f"token_id:{token_id}" if name in spelled else name] = _finite(logprob)
        return spelled


def whole_answer(envelope: Envelope, events: Events, *, logprobs: bool) -> dict[str, Any]:
    """Collects the events of all choices into one answer.

    Args:
        envelope: What the answer is wrapped in.
        events: Pieces and ends, each with the index of its choice.
        logprobs: Whether the answer tells log-probabilities.
    """
    texts: dict[int, list[str]] = {}
    tokens: dict[int, list[TokenRecord]] = {}
    ends: dict[int, Finished] = {}
    for index, event in events:
        if isinstance(event, Finished):
            ends[index] = event
        else:
            texts.setdefault(index, []).append(event.text)
            tokens.setdefault(index, []).extend(event.tokens)
    choices = []
    for index, end in sorted(ends.items()):
        text, own = "".join(texts.get(index, [])), tokens.get(index, [])
        if envelope.is_chat:
            body: dict[str, Any] = {
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": envelope.chat_logprobs(own) if logprobs else None,
            }
        else:
            scores = envelope.completion_logprobs(own) if logprobs else None
            body = {"text": text, "logprobs": scores}
        choices.append({"index": index, **body, "finish_reason": end.reason})
    return envelope.wrap(choices, chunk=False, usage=_usage(ends.values()))


def stream_answer(
    envelope: Envelope,
    events: Events,
    *,
    logprobs: bool,
    include_usage: bool,
    more_at_end: Callable[[], Mapping[str, Any]] = dict,
) -> Iterator[bytes]:
    """Turns events into the server-sent events of a streamed answer.

    Args:
        envelope: What each chunk is wrapped in.
        events: Pieces and ends, each with the index of its choice.
        logprobs: Whether chunks tell log-probabilities.
        include_usage: Whether a last chunk tells the usage.
        more_at_end: Further fields of the chunk that tells why a choice ended.

    Yields:
        Server-sent events, `[DONE]` last.
    """
    ends: list[Finished] = []
    # With usage asked for, the other chunks say that theirs is not known.
    more: dict[str, Any] = {"usage": None} if include_usage else {}
    opened: set[int] = set()

    def chunk(index: int, body: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": index, "logprobs": None, **body, "finish_reason": reason}
        told = {} if reason is None else more_at_end()
        return _event(envelope.wrap([choice], chunk=True, **more, **told))

    for index, event in events:
        if envelope.is_chat and index not in opened:
            opened.add(index)
            yield chunk(index, {"delta": {"role": "assistant", "content": ""}})
        if isinstance(event, Finished):
            ends.append(event)
            yield chunk(index, {"delta": {}} if envelope.is_chat else {"text": ""}, event.reason)
        elif envelope.is_chat:
            scores = {"logprobs": envelope.chat_logprobs(event.tokens)} if logprobs else {}
            yield chunk(index, {"delta": {"content": event.text}, **scores})
        else:
            scores = {"logprobs": envelope.completion_logprobs(event.tokens)} if logprobs else {}
            yield chunk(index, {"text": event.text, **scores})
    if include_usage:
        yield _event(envelope.wrap([], chunk=True, usage=_usage(ends)))
    yield DONE


def _usage(ends: Iterable[Finished]) -> dict[str, int]:
    ends = list(ends)
    prompt = sum(end.prompt_tokens for end in ends)
    completion = sum(end.completion_tokens for end in ends)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _finite(logprob: float | None) -> float | None:
    return None if logprob is None else max(float(logprob), _LOWEST_LOGPROB)
