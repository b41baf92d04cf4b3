"""What a request to a model endpoint says: its texts, its numbers and its token-id prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

PartKind = Literal["text", "setting", "ids"]

Detokenize = Callable[[Sequence[int]], str]
"""Reads token ids through the remote's vocabulary."""

_MAX_DEPTH = 32
_ID_KEYS = frozenset({"prompt", "input", "input_ids", "prompt_token_ids", "tokens"})
# Values under these keys name things of the protocol; they are looked at, but need no clearance.
_SETTING_KEYS = frozenset(
    {
        "encoding_format",
        "finish_reason",
        "model",
        "object",
        "reasoning_effort",
        "role",
        "service_tier",
        "truncation",
        "type",
        "verbosity",
    }
)
_KNOWN_KEYS = _SETTING_KEYS | {
    "add_generation_prompt",
    "add_special",
    "add_special_tokens",
    "best_of",
    "cache_prompt",
    "content",
    "continue_final_message",
    "detail",
    "echo",
    "echo_from",
    "frequency_penalty",
    "id_slot",
    "include_usage",
    "include_obfuscation",
    "input",
    "input_ids",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "min_p",
    "min_tokens",
    "n",
    "n_predict",
    "n_probs",
    "parallel_tool_calls",
    "parse_special",
    "post_sampling_probs",
    "presence_penalty",
    "prompt",
    "prompt_logprobs",
    "prompt_token_ids",
    "repetition_penalty",
    "response_format",
    "return_tokens",
    "return_tokens_as_token_ids",
    "seed",
    "skip_special_tokens",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "timings_per_token",
    "tokens",
    "top_k",
    "top_logprobs",
    "top_p",
    "truncate_prompt_tokens",
    "with_pieces",
}


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """One thing that a request says.

    Attributes:
        kind: `text` needs clearance; a `setting` (a role, a model's name, a number) is looked at
            only; `ids` are token ids that nobody could read.
        key: The option it stands under, where the protocol knows it.
        text: What it says.
        read: Whether the text was read out of token ids.
    """

    kind: PartKind
    key: str
    text: str
    read: bool = False

    def __repr__(self) -> str:
        return f"Part(kind={self.kind!r}, text=<withheld>)"


def read_parts(body: Any, detokenize: Detokenize | None = None) -> Iterator[Part]:
    """Yields everything that a decoded JSON body says.

    Option names that the protocol knows are passed over, because a private value may be spelled
    like one; names that it doesn't know are texts. Numbers count from six digits on: a shorter one
    can't be told from a setting.

    Args:
        body: The decoded JSON.
        detokenize: Reads the token ids of a prompt; without it they come out as `ids`.

    Raises:
        ValueError: The body is nested deeper than any request of the protocol.
    """
    yield from _walk(body, "", detokenize, 0)


def _walk(value: Any, key: str, detokenize: Detokenize | None, depth: int) -> Iterator[Part]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        if value:
            yield Part("setting" if key in _SETTING_KEYS else "text", key, value)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        if len(str(value).strip("-")) >= 6:
            yield Part("setting", key, str(value))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in _KNOWN_KEYS:
                yield Part("text", key, str(name))
            # An unknown name may itself be private: it is looked at, and not repeated.
            known = str(name) if name in _KNOWN_KEYS else "an unknown option"
            yield from _walk(inner, known, detokenize, depth + 1)
    elif key in _ID_KEYS and _is_ids(value):
        yield _read_ids(value, key, detokenize)
    else:
        for inner in value:
            yield from _walk(inner, key, detokenize, depth + 1)


def _is_ids(value: Any) -> bool:
    return bool(value) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)


def _read_ids(ids: Sequence[int], key: str, detokenize: Detokenize | None) -> Part:
    if detokenize is None:
        return Part("ids", key, "")
    return Part("text", key, detokenize(ids), read=True)
