"""The endpoint over a real wire, with the clients that people use."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI

from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.server.process import Endpoint, serve_in_child

MESSAGES: list[Any] = [
    {"role": "system", "content": "Write the text that the user asks for."},
    {"role": "user", "content": "Invite [NAME_1] to the café on Friday."},
]
# No end-of-text token, so that answers are as long as asked: `<|end|>` has this id in the house
# vocabulary.
ENDLESS = {"4": -100}
PROMPT = "Dear [NAME_1], the café 😀 opens"


def chat_model(endpoint: Endpoint, **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        model=endpoint.model,
        temperature=0,
        max_tokens=24,
        max_retries=0,
        **settings,
    )


def test_models_are_listed(client: openai.OpenAI, endpoint: Endpoint) -> None:
    """The model list names the one model that is served."""
    assert [model.id for model in client.models.list()] == [endpoint.model] == ["house-small"]
    assert client.models.retrieve(endpoint.model).id == endpoint.model


def test_chat_gives_what_the_engine_gives(
    client: openai.OpenAI, endpoint: Endpoint, engine: LlamaCppEngine
) -> None:
    """A greedy chat answer, its log-probabilities and its usage are the engine's own."""
    answer = client.chat.completions.create(
        model=endpoint.model,
        messages=MESSAGES,
        temperature=0,
        max_completion_tokens=12,
        logprobs=True,
        top_logprobs=3,
    )
    prompt = engine.apply_template(MESSAGES)
    expected = list(engine.generate(prompt, max_tokens=12, top_logprobs=3))
    choice = answer.choices[0]
    assert choice.logprobs is not None
    content = choice.logprobs.content or []
    assert [entry.id for entry in content] == [token.id for token in expected]
    assert [entry.bytes for entry in content] == [list(token.text) for token in expected]
    assert choice.message.content == b"".join(token.text for token in expected).decode(
        "utf-8", "replace"
    )
    for entry, token in zip(content, expected, strict=True):
        assert entry.logprob == pytest.approx(token.logprob, abs=1e-4)
        assert [top.id for top in entry.top_logprobs] == [top[0] for top in token.top]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        len(prompt),
        len(expected),
    )


def test_chat_stream_adds_up_to_the_whole_answer(client: openai.OpenAI, endpoint: Endpoint) -> None:
    """A stream's deltas concatenate to the unstreamed answer; usage comes in a chunk of its own."""
    asked: dict[str, Any] = {
        "model": endpoint.model,
        "messages": MESSAGES,
        "seed": 7,
        "max_tokens": 30,
        "logprobs": True,
    }
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    deltas = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert deltas[0].delta.role == "assistant"
    assert "".join(part.delta.content or "" for part in deltas) == whole.choices[0].message.content
    entries = [e.logprob for part in deltas if part.logprobs for e in part.logprobs.content or []]
    assert whole.choices[0].logprobs is not None
    assert entries == [e.logprob for e in whole.choices[0].logprobs.content or []]
    assert deltas[-1].finish_reason == whole.choices[0].finish_reason
    assert [chunk.usage for chunk in chunks if chunk.choices] == [None] * (len(chunks) - 1)
    assert chunks[-1].usage == whole.usage


async def test_langchain_client_in_all_four_ways(endpoint: Endpoint) -> None:
    """`ChatOpenAI` gets the same text from invoke, ainvoke, stream and astream."""
    model = chat_model(endpoint)
    answer = await asyncio.to_thread(model.invoke, MESSAGES)
    texts = [
        (await model.ainvoke(MESSAGES)).content,
        "".join(str(chunk.content) for chunk in model.stream(MESSAGES)),
        "".join([str(chunk.content) async for chunk in model.astream(MESSAGES)]),
    ]
    assert texts == [answer.content] * 3
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


def test_an_answer_can_be_sent_back_as_it_came(client: openai.OpenAI, endpoint: Endpoint) -> None:
    """A conversation goes on with the client's own message object, empty fields and all."""
    asked: dict[str, Any] = {"model": endpoint.model, "max_tokens": 3}
    message = client.chat.completions.create(messages=MESSAGES, **asked).choices[0].message
    for sent in (message, message.model_dump()):
        history: Any = [*MESSAGES, sent, {"role": "user", "content": "Shorter, please."}]
        assert client.chat.completions.create(messages=history, **asked).choices


def test_seed_repeats_a_sampled_answer(client: openai.OpenAI, endpoint: Endpoint) -> None:
    """Equal seeds give equal texts at temperature 1, and another seed gives another text."""

    def sample(seed: int) -> str:
        answer = client.completions.create(
            model=endpoint.model, prompt=PROMPT, seed=seed, temperature=1, max_tokens=24
        )
        return answer.choices[0].text

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_prompt_shapes(client: openai.OpenAI, endpoint: Endpoint, engine: LlamaCppEngine) -> None:
    """A string, its ids, and lists of either give the same choices, in the order of the prompts."""
    other = "A note about the market"
    ids, other_ids = engine.tokenize(PROMPT), engine.tokenize(other)

    def texts(prompt: Any) -> list[tuple[int, str]]:
        answer = client.completions.create(
            model=endpoint.model, prompt=prompt, max_tokens=6, temperature=0, echo=True
        )
        return [(choice.index, choice.text) for choice in answer.choices]

    alone = texts(PROMPT)
    assert alone == texts(ids) == texts([ids]) == texts([PROMPT])
    pair = [(0, alone[0][1]), (1, texts(other)[0][1])]
    assert texts([PROMPT, other]) == texts([ids, other_ids]) == pair


def test_echo_scores_the_given_tokens(
    client: openai.OpenAI, endpoint: Endpoint, engine: LlamaCppEngine
) -> None:
    """Scoring gives each token's row as the engine does: none for the first, none off by one."""
    ids = engine.tokenize(PROMPT)
    answer = client.completions.create(
        model=endpoint.model,
        prompt=ids,
        max_tokens=0,
        echo=True,
        logprobs=5,
        extra_body={"return_tokens_as_token_ids": True},
    )
    choice = answer.choices[0]
    assert choice.logprobs is not None
    assert choice.text == PROMPT
    assert choice.logprobs.tokens == [f"token_id:{i}" for i in ids]
    assert choice.logprobs.token_logprobs is not None
    assert choice.logprobs.top_logprobs is not None
    assert choice.logprobs.token_logprobs[0] is None
    assert choice.logprobs.top_logprobs[0] is None
    for position, row in zip(range(1, len(ids)), engine.score(ids), strict=False):
        assert choice.logprobs.token_logprobs[position] == pytest.approx(
            float(row[ids[position]]), abs=1e-4
        )
        top = choice.logprobs.top_logprobs[position]
        best = sorted(range(row.size), key=lambda i: -row[i])[:5]
        assert list(top)[:5] == [f"token_id:{i}" for i in best]
        assert f"token_id:{ids[position]}" in top
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 0


@pytest.mark.parametrize("stream", [False, True])
def test_text_offsets_point_into_the_text(
    client: openai.OpenAI, endpoint: Endpoint, stream: bool
) -> None:
    """Each token that is whole text stands at its offset, in the prompt and after it."""
    answer = client.completions.create(
        model=endpoint.model,
        prompt=PROMPT,
        echo=True,
        logprobs=0,
        seed=3,
        max_tokens=10,
        stream=stream,
    )
    choices = [part.choices[0] for part in answer] if stream else [answer.choices[0]]
    text = "".join(choice.text for choice in choices)
    assert text.startswith(PROMPT)
    checked = 0
    for choice in choices:
        scores = choice.logprobs
        for token, at in zip(scores.tokens, scores.text_offset, strict=True) if scores else ():
            if not token.startswith(("bytes:", "token_id:")):
                assert text[at : at + len(token)] == token
                checked += 1
    assert checked > 10


def test_no_tokens_asked_gives_none(client: openai.OpenAI, endpoint: Endpoint) -> None:
    """`max_tokens=0` without echo is an empty text, not one without end."""
    answer = client.completions.create(model=endpoint.model, prompt=PROMPT, max_tokens=0)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("", "length")


@pytest.mark.parametrize("stream", [False, True])
def test_stop_string_ends_the_text(client: openai.OpenAI, endpoint: Endpoint, stream: bool) -> None:
    """The text ends before the stop string, and no token of what was cut off is reported."""
    asked: dict[str, Any] = {
        "model": endpoint.model,
        "prompt": PROMPT,
        "seed": 5,
        "max_tokens": 40,
        "logit_bias": ENDLESS,
        "logprobs": 0,
    }
    full = client.completions.create(**asked).choices[0].text
    stop = full[20:25]
    answer = client.completions.create(**asked, stop=[stop, "never to come"], stream=stream)
    choices = [part.choices[0] for part in answer] if stream else [answer.choices[0]]
    text = "".join(choice.text for choice in choices)
    assert text == full[: full.index(stop)]
    assert choices[-1].finish_reason == "stop"
    offsets = [at for c in choices if c.logprobs for at in c.logprobs.text_offset]
    assert offsets == sorted(offsets)
    assert all(at < len(text) for at in offsets)


def test_an_end_of_text_at_once_is_an_empty_answer(
    client: openai.OpenAI, endpoint: Endpoint, engine: LlamaCppEngine
) -> None:
    """A model that ends at once gives an empty text, reason stop and empty lists, no error."""
    bias = {str(token): 100 for token in engine.eog_ids}
    answer = client.completions.create(
        model=endpoint.model, prompt=PROMPT, logit_bias=bias, logprobs=2, temperature=0
    )
    choice = answer.choices[0]
    assert (choice.text, choice.finish_reason) == ("", "stop")
    assert choice.logprobs is not None
    assert choice.logprobs.tokens == []


def test_tokenize_and_back(endpoint: Endpoint, engine: LlamaCppEngine) -> None:
    """Texts become the engine's ids and come back unchanged; control tokens aren't recognised."""
    root = endpoint.base_url.removesuffix("/v1")
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    with httpx.Client(base_url=root, headers=headers, trust_env=False) as http:
        ids = http.post("/tokenize", json={"content": PROMPT}).json()["tokens"]
        assert ids == engine.tokenize(PROMPT)
        assert http.post("/detokenize", json={"tokens": ids}).json() == {"content": PROMPT}
        pieces = http.post("/tokenize", json={"content": PROMPT, "with_pieces": True}).json()
        assert [entry["id"] for entry in pieces["tokens"]] == ids
        spelled = [entry["piece"] for entry in pieces["tokens"]]
        parts = [part.encode() if isinstance(part, str) else bytes(part) for part in spelled]
        assert b"".join(parts) == PROMPT.encode()
        assert any(isinstance(part, list) for part in spelled), "the emoji should be split"
        control = http.post("/tokenize", json={"content": "<|end|>"}).json()["tokens"]
        assert not engine.eog_ids & set(control)


def test_a_client_that_leaves_frees_the_queue(house_small: Any) -> None:
    """When clients leave, streaming or not, their work is dropped and the next is served."""
    endless = {"max_tokens": 8000, "prompt": PROMPT, "logit_bias": ENDLESS, "temperature": 0}
    with serve_in_child(house_small, n_ctx=8192) as endpoint:
        headers = {"Authorization": f"Bearer {endpoint.api_key}"}
        with httpx.Client(base_url=endpoint.base_url, headers=headers, trust_env=False) as http:
            for leaving in range(2):
                with pytest.raises(httpx.ReadTimeout):
                    http.post("/completions", json=endless, timeout=0.3 + leaving / 10)
            with http.stream("POST", "/completions", json={**endless, "stream": True}) as answer:
                next(answer.iter_lines())
            begun = time.monotonic()
            short = http.post("/completions", json={**endless, "max_tokens": 1}, timeout=20)
            assert short.status_code == 200
            assert time.monotonic() - begun < 2
            health = http.get(endpoint.base_url.removesuffix("/v1") + "/health")
            assert health.json() == {"status": "ok", "jobs": 0}


def test_clients_are_served_in_the_order_they_came(endpoint: Endpoint) -> None:
    """Three requests at once are answered one after the other, first come first served."""
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    finished: list[int] = []

    def ask(number: int) -> None:
        body = {
            "prompt": PROMPT,
            "logit_bias": ENDLESS,
            # The later, the shorter: served side by side, they would finish the other way round.
            # The last still takes long enough for the one before to have been read by then.
            "max_tokens": (400, 200, 100)[number],
        }
        with httpx.Client(headers=headers, trust_env=False, timeout=60) as http:
            assert http.post(f"{endpoint.base_url}/completions", json=body).status_code == 200
        finished.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    health = endpoint.base_url.removesuffix("/v1") + "/health"
    with httpx.Client(headers=headers, trust_env=False) as http:
        for number, thread in enumerate(threads):
            thread.start()
            while http.get(health).json()["jobs"] <= number:
                assert not finished, "the first request ended before the last one came"
    for thread in threads:
        thread.join()
    assert finished == [0, 1, 2]


def test_engine_settings_reach_the_sampler(engine: LlamaCppEngine, client: openai.OpenAI) -> None:
    """The request's sampling options give the text that the engine gives with the same ones."""
    sampling = SamplingParams(temperature=0.7, top_k=40, top_p=0.9, min_p=0.02, seed=11)
    ids = engine.tokenize(PROMPT)
    expected = b"".join(t.text for t in engine.generate(ids, sampling, max_tokens=12))
    answer = client.completions.create(
        model="house-small",
        prompt=ids,
        max_tokens=12,
        temperature=0.7,
        top_p=0.9,
        seed=11,
        extra_body={"top_k": 40, "min_p": 0.02},
    )
    assert answer.choices[0].text == expected.decode("utf-8", "replace")
