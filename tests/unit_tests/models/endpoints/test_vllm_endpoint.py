"""vLLM's answers, replayed. vLLM itself was not run here.

The shapes are drawn from vLLM's source: `vllm/entrypoints/openai/completion/serving.py` (commit
cc139d8ea6ff4db984778a3e77e95e1d1c7f1362: `request_output_to_completion_response` and
`_create_completion_logprobs`) and `vllm/entrypoints/serve/tokenize/protocol.py` (commit
030ea52effcb05071543c8c42b8f0145e94cee43); the numbers are the house model's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from clearing import clear

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    RemoteResponseError,
    VocabularyMismatchError,
)
from langchain_cogenesis.models.endpoints import RemoteNextTokenModel, connect
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate

MAX_LOGPROBS = 20
Top = Callable[[list[int], int], list[tuple[int, float]]]
MESSAGES = [{"role": "user", "content": "Invite a friend"}]


class Vllm:
    """Answers as vLLM does, with the house model's numbers."""

    def __init__(self, local: LocalNextTokenModel, top: Top) -> None:
        self.local = local
        self.top = top
        self.shift = 0

    def models(self, _: Any) -> Any:
        return {
            "object": "list",
            "data": [
                {
                    "id": "house",
                    "object": "model",
                    "created": 1,
                    "owned_by": "vllm",
                    "root": "house",
                    "parent": None,
                    "max_model_len": 256,
                    "permission": [],
                }
            ],
        }

    def tokenize(self, body: Any) -> Any:
        if "messages" in body:
            ids = self.local.prompt_ids(body["messages"])
        else:
            ids = self.local.vocabulary.tokenize(body["prompt"])
        return {"count": len(ids), "max_model_len": 256, "tokens": ids, "token_strs": None}

    def detokenize(self, body: Any) -> Any:
        names = {1: "<|system|>", 2: "<|user|>", 3: "<|assistant|>", 4: "<|end|>"}
        return {"prompt": "".join(names[i] for i in body["tokens"])}

    def complete(self, body: Any) -> Any:
        count = body["logprobs"]
        if count > MAX_LOGPROBS:
            return 400, {"error": {"message": "logprobs", "code": 400}}
        assert body["return_tokens_as_token_ids"]
        ids, tokens, tops = list(body["prompt"]), [], []
        for _ in range(body["max_tokens"]):
            best = self.top(ids, count)
            tops.append({f"token_id:{i}": value for i, value in best})
            tokens.append(f"token_id:{best[0][0]}")
            ids.append(best[0][0])
            if best[0][0] in self.local.eog_ids:
                break
        logprobs = {
            "text_offset": [0] * len(tokens),
            "token_logprobs": [max(top.values()) for top in tops],
            "tokens": tokens,
            "top_logprobs": tops,
        }
        choice = {
            "index": 0,
            "text": "…",
            "logprobs": logprobs,
            "finish_reason": "length",
            "stop_reason": None,
            "prompt_logprobs": self.prompt_logprobs(body),
        }
        return {"id": "cmpl-1", "object": "text_completion", "choices": [choice]}

    def prompt_logprobs(self, body: Any) -> Any:
        count, ids = body.get("prompt_logprobs"), body["prompt"]
        if count is None:
            return None
        rows: list[Any] = [None]
        for at in range(1, len(ids)):
            ranked = self.top(ids[: max(1, at - self.shift)], self.local.vocabulary.size)
            rank = next(n for n, (i, _) in enumerate(ranked, 1) if i == ids[at])
            kept = [(rank, *ranked[rank - 1]), *((n, *p) for n, p in enumerate(ranked[:count], 1))]
            rows.append(
                {
                    str(i): {"logprob": value, "rank": n, "decoded_token": "x"}
                    for n, i, value in kept
                }
            )
        return rows


@pytest.fixture
def vllm(replay: Any, local: LocalNextTokenModel, top: Top) -> Vllm:
    server = Vllm(local, top)
    replay.routes |= {
        "GET /v1/models": server.models,
        "POST /tokenize": server.tokenize,
        "POST /detokenize": server.detokenize,
        "POST /v1/completions": server.complete,
    }
    return server


def connected(replay: Any, local: LocalNextTokenModel) -> RemoteNextTokenModel:
    return connect(
        replay.url, "house", gate=EgressGate(), local_vocabulary=local.vocabulary, max_retries=0
    )


def test_rows_are_the_servers(
    replay: Any, vllm: Vllm, local: LocalNextTokenModel, close: Callable[..., None]
) -> None:
    """K is found, prompts are scored in one request, and drafts end with the row of the end."""
    remote = connected(replay, local)
    assert remote.kind == "vllm"
    assert remote.capabilities.top_k == MAX_LOGPROBS
    assert remote.capabilities.scores_prompt
    assert remote.capabilities.drafts
    assert remote.n_ctx == 256
    clear(remote, "Invite a friend")
    ids = remote.prompt_ids(MESSAGES)
    text = remote.prompt_text(ids)
    assert text == "<|user|>Invite a friend<|end|><|assistant|>"
    clear(remote, text)
    draft, expected = remote.draft(ids, 40), local.draft(ids, 40)
    assert draft.ids == expected.ids
    close(draft.rows, expected.rows)
    whole = [*ids, *draft.ids]
    clear(remote, *remote.request_texts(whole, 1))
    before = len(replay.requests)
    rows = remote.score(whole, first=1)
    assert len(replay.requests) == before + 1
    close(rows, local.score(whole, first=1))
    # The token that was there comes with its rank; of those beyond K nothing is kept.
    assert max(len(row.ids) for row in rows) == MAX_LOGPROBS
    remote.close()


def test_rows_of_another_position_are_found_out(
    replay: Any, vllm: Vllm, local: LocalNextTokenModel, close: Callable[..., None]
) -> None:
    """A server whose prompt rows are off by one is asked position by position."""
    vllm.shift = 1
    remote = connected(replay, local)
    assert not remote.capabilities.scores_prompt
    ids = local.vocabulary.tokenize("Good evening to all")
    clear(remote, *remote.request_texts(ids, 1))
    close(remote.score(ids, first=1), local.score(ids, first=1))
    remote.close()


def test_another_tokenizer_is_refused(replay: Any, vllm: Vllm, local: LocalNextTokenModel) -> None:
    """Awkward strings give other ids."""
    replay.routes["POST /tokenize"] = lambda body: {"tokens": [ord(c) for c in body["prompt"]]}
    with pytest.raises(VocabularyMismatchError, match="different vocabularies"):
        connected(replay, local)


def test_another_way_of_cutting_is_no_other_vocabulary(
    replay: Any, vllm: Vllm, local: LocalNextTokenModel
) -> None:
    """Ids that spell the same text by the local tokens are of the same vocabulary."""
    by_piece = local.vocabulary.by_piece
    replay.routes["POST /tokenize"] = lambda body: {
        "tokens": [by_piece[bytes([byte])] for byte in body["prompt"].encode()]
    }
    connected(replay, local).close()


@pytest.mark.parametrize("prompt_logprobs", [None, []], ids=["ignored", "empty"])
def test_a_server_that_ignores_prompt_scoring_is_found_out(
    replay: Any, vllm: Vllm, local: LocalNextTokenModel, prompt_logprobs: Any
) -> None:
    """It is asked position by position, and says so."""
    vllm.prompt_logprobs = lambda body: prompt_logprobs  # type: ignore[method-assign]
    remote = connected(replay, local)
    assert not remote.capabilities.scores_prompt
    assert remote.capabilities.drafts
    assert len(remote.request_texts([9, 10, 11], 1)) == 3
    remote.close()


def test_another_model_is_refused(replay: Any, vllm: Vllm, local: LocalNextTokenModel) -> None:
    """A name that the server doesn't have is told at once."""
    with pytest.raises(ConfigurationError, match="'house'"):
        connect(replay.url, "mansion", gate=EgressGate(), local_vocabulary=local.vocabulary)


def test_a_short_prompt_row_list_is_refused(
    replay: Any, vllm: Vllm, local: LocalNextTokenModel
) -> None:
    """Fewer rows than positions are an error, with the endpoint's origin in it."""
    remote = connected(replay, local)
    ids = local.vocabulary.tokenize("Good evening to all")
    clear(remote, *remote.request_texts(ids, 1))

    def short(body: Any) -> Any:
        answer = vllm.complete(body)
        answer["choices"][0]["prompt_logprobs"].pop()
        return answer

    replay.routes["POST /v1/completions"] = short
    with pytest.raises(RemoteResponseError, match=r"127\.0\.0\.1:\d+ .*rows"):
        remote.score(ids, first=1)
    remote.close()
