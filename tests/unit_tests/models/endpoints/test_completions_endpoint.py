"""Generic completions servers, replayed in both answer shapes. No such server was run here.

The list of dicts is that of OpenAI's completions API, as vLLM writes it too
(`vllm/entrypoints/openai/completion/serving.py`, commit cc139d8ea6ff4db984778a3e77e95e1d1c7f1362,
`_create_completion_logprobs`); the chat shape is what llama-server answers under /v1/completions
(xllamacpp 2026.10.11549, whose native entries are compared in test_llama_server_endpoint.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    ModeError,
    UnclearedRequestError,
    VocabularyMismatchError,
)
from langchain_cogenesis.models.endpoints import connect
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.restore import Conversation

Top = Callable[[list[int], int], list[tuple[int, float]]]
Gates = Callable[[str], EgressGate]


class Completions:
    """A server that tokenises text itself and gives at most five tokens a row, as strings."""

    def __init__(self, local: LocalNextTokenModel, top: Top, *, chat: bool) -> None:
        self.local = local
        self.top = top
        self.chat = chat
        self.foreign = 0.0

    def complete(self, body: Any) -> Any:
        if body["logprobs"] > 5:
            return 400, {"error": {"message": "logprobs is too large"}}
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        choices = [
            {"index": n, "text": "", "logprobs": self.logprobs(prompt, body), "finish_reason": "?"}
            for n, prompt in enumerate(prompts)
        ]
        return {"object": "text_completion", "choices": choices[::-1]}

    def logprobs(self, prompt: str, body: Any) -> Any:
        ids, rows, tokens = self.local.vocabulary.tokenize(prompt), [], []
        for _ in range(body["max_tokens"]):
            rows.append(self.top(ids, body["logprobs"]))
            tokens.append(rows[-1][0])
            ids.append(rows[-1][0][0])
        if self.chat:
            content = [
                {**self.entry(*token), "top_logprobs": [self.entry(*pair) for pair in row]}
                for token, row in zip(tokens, rows, strict=True)
            ]
            return {"content": content}
        return {
            "tokens": [self.spell(i) for i, _ in tokens],
            "token_logprobs": [value for _, value in tokens],
            "top_logprobs": [
                {self.spell(i): value + np.log1p(-self.foreign) for i, value in row}
                | ({"€foreign€": float(np.log(self.foreign))} if self.foreign else {})
                for row in rows
            ],
            "text_offset": [0] * len(tokens),
        }

    def spell(self, token: int) -> str:
        return self.local.vocabulary.piece(token).decode("utf-8", "replace") or "<|end|>"

    def entry(self, token: int, value: float) -> Any:
        piece = self.local.vocabulary.piece(token) or b"<|end|>"
        return {"token": piece.decode("utf-8", "replace"), "bytes": [*piece], "logprob": value}


@pytest.fixture(params=["list of dicts", "chat shape"])
def server(
    request: pytest.FixtureRequest, replay: Any, local: LocalNextTokenModel, top: Top
) -> Completions:
    made = Completions(local, top, chat=request.param == "chat shape")
    replay.routes["POST /v1/completions"] = made.complete
    return made


def connected(replay: Any, local: LocalNextTokenModel, gate: EgressGate, **settings: Any) -> Any:
    return connect(
        replay.url,
        "davinci",
        gate=gate,
        local_vocabulary=local.vocabulary,
        max_retries=0,
        control_tokens={"<|end|>": 4},
        **settings,
    )


def test_both_shapes_give_rows_by_text(
    replay: Any,
    server: Completions,
    local: LocalNextTokenModel,
    trusting: Gates,
    close: Callable[..., None],
) -> None:
    """Tokens are found among the local ones by their bytes, and text is what is sent."""
    remote = connected(replay, local, trusting(replay.url))
    assert remote.kind == "completions"
    assert not remote.capabilities.ids
    assert remote.capabilities.top_k == 5
    assert remote.capabilities.scores_prompt
    assert remote.capabilities.drafts
    ids = local.vocabulary.tokenize("The garden was")
    rows = remote.score(ids, first=len(ids))
    close(rows, local.score(ids, first=len(ids)))
    assert rows[0].unmapped == 0
    assert replay.requests[-1][1]["prompt"] == "The garden was"
    draft = remote.draft(ids, 3)
    assert draft.ids[:1] == local.draft(ids, 1).ids
    assert len(draft.rows) == len(draft.ids) == 3
    remote.close()


def test_what_is_not_in_the_vocabulary_is_counted(
    replay: Any, local: LocalNextTokenModel, top: Top, trusting: Gates
) -> None:
    """Its probability is told as unmapped, and is part of the tail."""
    server = Completions(local, top, chat=False)
    server.foreign = 0.25
    replay.routes["POST /v1/completions"] = lambda body: server.complete({**body, "logprobs": 4})
    remote = connected(replay, local, trusting(replay.url), top_k=5)
    (row,) = remote.score(local.vocabulary.tokenize("The"), first=1)[-1:]
    assert row.unmapped == pytest.approx(0.25)
    assert row.tail >= 0.25 - 1e-6
    remote.close()
    server.foreign = 0.75
    with pytest.raises(VocabularyMismatchError, match="doesn't have"):
        connected(replay, local, trusting(replay.url), top_k=5)


def test_the_template_is_the_callers(
    replay: Any, server: Completions, local: LocalNextTokenModel
) -> None:
    """Without one there is no prompt; with one its text is what the guard sees."""
    chat = [{"role": "user", "content": "Invite a friend"}]
    without = connected(replay, local, EgressGate())
    with pytest.raises(ConfigurationError, match="chat template"):
        without.prompt_ids(chat)
    without.close()
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    for settings in (
        {"chat_template": template},
        {"render": lambda messages: f"<user>{messages[0]['content']}<assistant>"},
    ):
        remote = connected(replay, local, EgressGate(), **settings)
        ids = remote.prompt_ids(chat)
        text = remote.prompt_text(ids)
        assert text == "<user>Invite a friend<assistant>"
        with pytest.raises(UnclearedRequestError):
            remote.draft(ids, 1)
        remote.gate.require(text, endpoint=remote.endpoint, conversation=Conversation())
        assert len(remote.draft(ids, 1).ids) == 1
        assert replay.requests[-1][1]["prompt"] == text
        remote.close()


def test_text_that_ends_within_a_character_is_not_sent(
    replay: Any, server: Completions, local: LocalNextTokenModel, trusting: Gates
) -> None:
    """Half an emoji has no text; nor has a control token of unknown spelling."""
    remote = connected(replay, local, trusting(replay.url))
    ids = local.vocabulary.tokenize("😀")
    assert len(ids) > 1
    with pytest.raises(ConfigurationError, match="within a character"):
        remote.draft(ids[:1], 1)
    with pytest.raises(ConfigurationError, match="can't be spelled"):
        remote.draft([1], 1)
    remote.close()


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"error": {"message": "This is a chat model"}}),
        (400, {"error": {"message": "logprobs are not supported"}}),
        {"choices": [{"index": 0, "text": "x", "logprobs": None}]},
        {"choices": [{"index": 0, "text": "x"}]},
    ],
    ids=["chat only", "no option", "null", "ignored"],
)
def test_an_endpoint_without_logprobs_is_refused(
    replay: Any, local: LocalNextTokenModel, answer: Any
) -> None:
    """The refusal says which mode such an endpoint can serve."""
    replay.routes["POST /v1/completions"] = lambda body: json.loads(json.dumps(answer))
    if isinstance(answer, tuple):
        replay.routes["POST /v1/completions"] = lambda body: answer
    with pytest.raises(ModeError, match="mode 'sketch' can"):
        connected(replay, local, EgressGate())


def test_ollama_and_anthropic_are_refused(replay: Any, local: LocalNextTokenModel) -> None:
    """Neither continues a given beginning; of the second nothing is even asked."""
    replay.routes["GET /v1/models"] = lambda _: {
        "data": [{"id": "davinci", "object": "model", "owned_by": "library"}]
    }
    with pytest.raises(ModeError, match="can't continue"):
        connected(replay, local, EgressGate())
    with pytest.raises(ModeError, match="sketch"):
        connect(
            "https://api.anthropic.com/v1",
            "claude",
            gate=EgressGate(),
            local_vocabulary=local.vocabulary,
        )
