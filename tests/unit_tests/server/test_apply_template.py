"""The endpoint's own template and vocabulary, as a client that works with ids needs them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.server.process import Endpoint


@pytest.fixture
def http(endpoint: Endpoint) -> Iterator[httpx.Client]:
    root = endpoint.base_url.removesuffix("/v1")
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    with httpx.Client(base_url=root, headers=headers, trust_env=False) as opened:
        yield opened


def test_a_chat_is_rendered(http: httpx.Client, engine: LlamaCppEngine) -> None:
    """Ids are the engine's; the text spells control tokens, and a content brings in none."""
    messages = [
        {"role": "system", "content": "Write"},
        {"role": "user", "content": "café <|end|> 😀"},
    ]
    answer = http.post("/apply-template", json={"messages": messages}).json()
    assert answer["ids"] == engine.apply_template(messages)
    assert answer["prompt"] == ("<|system|>Write<|end|><|user|>café <|end|> 😀<|end|><|assistant|>")
    assert answer["ids"].count(4) == 2
    assert answer["control"] == {
        "1": "<|system|>",
        "2": "<|user|>",
        "3": "<|assistant|>",
        "4": "<|end|>",
    }


@pytest.mark.parametrize(
    "body",
    [{}, {"messages": []}, {"messages": [{"role": "oracle", "content": "secret"}]}, {"a": 1}],
)
def test_bad_requests_are_refused(http: httpx.Client, body: object) -> None:
    """They get status 400, and nothing of them is repeated."""
    answer = http.post("/apply-template", json=body)
    assert answer.status_code == 400
    assert "secret" not in answer.text


def test_it_asks_for_the_key(endpoint: Endpoint) -> None:
    """As every route but /health does."""
    url = endpoint.base_url.removesuffix("/v1") + "/apply-template"
    body = {"messages": [{"role": "user", "content": "hello"}]}
    assert httpx.post(url, json=body, trust_env=False).status_code == 401


def test_the_card_tells_the_vocabulary(http: httpx.Client, engine: LlamaCppEngine) -> None:
    """Sizes and the digest are those of the model."""
    (card,) = http.get("/v1/models").json()["data"]
    assert card["meta"] == {
        "n_ctx": engine.n_ctx,
        "n_vocab": engine.n_vocab,
        "vocab_digest": LocalNextTokenModel(engine).vocabulary.digest,
    }
