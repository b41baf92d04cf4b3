"""What LangChain promises of every chat model and its standard suites don't ask."""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.rate_limiters import BaseRateLimiter

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    ChatLogitFusion,
    FusionHelper,
    LlamaCppEngine,
    LocalNextTokenModel,
)
from langchain_cogenesis.exceptions import ConfigurationError, ModelFileError, RemoteError
from langchain_cogenesis.testing import RemoteStandIn

ASK = "Write to Renata about the trip."
END = 4
ENDLESS = {"logit_bias": {END: -1000.0}}
"""The house models' end token is never picked."""


def _local() -> ChatLocalLlama:
    return ChatLocalLlama(n_threads=1, max_tokens=12)


def _cogenesis() -> ChatCoGenesis:
    return ChatCoGenesis(local=_local(), mode="local")


def _fusion(**stand_in: Any) -> ChatLogitFusion:
    large = LocalNextTokenModel(LlamaCppEngine.shared("house-large", n_threads=1))
    return ChatLogitFusion(
        local=_local(), helpers=(FusionHelper(RemoteStandIn(large, **stand_in)),)
    )


@pytest.fixture(params=[_local, _cogenesis, _fusion], ids=["local", "cogenesis", "fusion"])
def model(request: pytest.FixtureRequest) -> BaseChatModel:
    """Each chat model, on the house models."""
    make: Callable[[], BaseChatModel] = request.param
    return make()


class Events(BaseCallbackHandler):
    """Counts what it is told, and how many runs go on at once."""

    raise_error = True

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.tokens: list[str] = []
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        with self._lock:
            self.seen["start"] += 1
            self._running += 1
            self.most = max(self.most, self._running)

    def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
        self.tokens.append(token)

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        with self._lock:
            self.seen["end"] += 1
            self._running -= 1

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        with self._lock:
            self.seen["error"] += 1
            self._running -= 1


def _entries(answer: AIMessage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.response_metadata["logprobs"]["content"]
    return found


def test_log_probabilities_are_openais_and_the_same_in_a_stream(model: BaseChatModel) -> None:
    """Every token has its bytes and log-probability; they spell the text, streamed or not."""
    answer = model.invoke(ASK, logprobs=True, **ENDLESS)
    entries = _entries(answer)
    assert b"".join(bytes(e["bytes"]) for e in entries).decode("utf-8", "replace") == answer.text
    assert len(entries) == answer.usage_metadata["output_tokens"] == 12  # type: ignore[index]
    for entry in entries:
        assert set(entry) == {"token", "bytes", "logprob", "top_logprobs"}
        assert -math.inf < entry["logprob"] <= 1e-6
    streamed = [
        chunk.response_metadata.get("logprobs", {}).get("content", [])
        for chunk in model.stream(ASK, logprobs=True, **ENDLESS)
    ]
    assert [entry for piece in streamed for entry in piece] == entries


def test_stop_is_taken_from_the_model_and_from_the_call(model: BaseChatModel) -> None:
    """A text ends before the string; a call's own strings replace the model's."""
    full = model.invoke(ASK, **ENDLESS).text
    first, second = full[4:7], full[-3:]
    stopping = model.model_copy(update={"stop": [first]})
    answer = stopping.invoke(ASK, **ENDLESS)
    assert answer.text == full[: full.index(first)]
    assert answer.response_metadata["finish_reason"] == "stop"
    assert stopping.invoke(ASK, stop=[second], **ENDLESS).text == full[: full.index(second)]


def test_a_seed_repeats_and_another_differs(model: BaseChatModel) -> None:
    """Equal seeds give equal texts, set with the model or with the call."""
    options = {"temperature": 3.0, "max_tokens": 24, **ENDLESS}
    one, again = (model.invoke(ASK, seed=5, **options).text for _ in range(2))
    assert one == again
    assert one == model.model_copy(update={"seed": 5}).invoke(ASK, **options).text
    assert len({model.invoke(ASK, seed=seed, **options).text for seed in range(4)}) > 1


def test_content_blocks_of_version_1(model: BaseChatModel) -> None:
    """With output_version="v1" contents are blocks, merged from a stream into the same one."""
    answer = model.model_copy(update={"output_version": "v1"}).invoke(ASK, **ENDLESS)
    assert answer.response_metadata["output_version"] == "v1"
    assert [block["type"] for block in answer.content_blocks] == ["text"]
    assert answer.text == model.invoke(ASK, **ENDLESS).text
    merged = None
    for chunk in model.model_copy(update={"output_version": "v1"}).stream(ASK, **ENDLESS):
        merged = chunk if merged is None else merged + chunk
    assert merged is not None
    assert [block["type"] for block in merged.content_blocks] == ["text"]
    assert merged.text == answer.text


async def test_events_of_a_stream(model: BaseChatModel) -> None:
    """One start, the chunks in order, one end with usage and the whole text."""
    events = [event async for event in model.astream_events(ASK, version="v2", **ENDLESS)]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "on_chat_model_start"
    assert kinds[-1] == "on_chat_model_end"
    assert set(kinds[1:-1]) == {"on_chat_model_stream"}
    output = events[-1]["data"]["output"]
    assert "".join(event["data"]["chunk"].text for event in events[1:-1]) == output.text
    assert output.usage_metadata["output_tokens"] == 12


async def test_callbacks_hear_every_run(model: BaseChatModel) -> None:
    """A start and an end for each of the four ways to call, tokens for the two that stream."""
    handler = Events()
    config: Any = {"callbacks": [handler]}
    text = model.invoke(ASK, config, **ENDLESS).text
    await model.ainvoke(ASK, config, **ENDLESS)
    assert handler.tokens == []
    list(model.stream(ASK, config, **ENDLESS))
    assert "".join(handler.tokens) == text
    async for _ in model.astream(ASK, config, **ENDLESS):
        pass
    assert "".join(handler.tokens) == text * 2
    assert handler.seen == {"start": 4, "end": 4}


def test_an_error_is_told_to_callbacks(model: BaseChatModel) -> None:
    """A run that fails ends with an error, for the caller and for callbacks."""
    handler = Events()
    with pytest.raises(ConfigurationError, match="temprature"):
        model.invoke(ASK, {"callbacks": [handler]}, temprature=1)
    assert handler.seen == {"start": 1, "error": 1}


class Gate(BaseRateLimiter):
    """A rate limiter that lets everybody in and counts."""

    def __init__(self) -> None:
        self.count = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.count += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire()


async def test_the_rate_limiter_is_asked_once_a_call(model: BaseChatModel) -> None:
    """Each call and each stream asks once, before it begins."""
    limiter = Gate()
    limited = model.model_copy(update={"rate_limiter": limiter})
    limited.batch([ASK, ASK], max_tokens=2)
    list(limited.stream(ASK, max_tokens=2))
    await limited.ainvoke(ASK, max_tokens=2)
    assert limiter.count == 4


@pytest.fixture
def cache() -> Iterator[InMemoryCache]:
    """LangChain's global cache of answers, for one test."""
    made = InMemoryCache()
    set_llm_cache(made)
    yield made
    set_llm_cache(None)


def test_the_cache_tells_settings_apart(model: BaseChatModel, cache: InMemoryCache) -> None:
    """The same call is answered from the cache; another setting or option never is."""
    first = model.invoke(ASK, **ENDLESS)
    handler = Events()
    again = model.invoke(ASK, {"callbacks": [handler]}, **ENDLESS)
    assert again.content == first.content
    assert len(cache._cache) == 1
    for other in (
        model.bind(max_tokens=3),
        model.bind(seed=9),
        model.model_copy(update={"temperature": 0.5}),
        model.model_copy(update={"stop": ["@"]}),
    ):
        before = len(cache._cache)
        other.invoke(ASK, **ENDLESS)
        assert len(cache._cache) == before + 1


def test_local_models_are_pickled_and_those_with_a_gate_refuse(model: BaseChatModel) -> None:
    """What is tied to private values and connections says why it isn't pickled."""
    if isinstance(model, ChatLocalLlama):
        assert pickle.loads(pickle.dumps(model)) == model
        return
    with pytest.raises(ConfigurationError, match="isn't pickled"):
        pickle.dumps(model)


def test_fallbacks_answer_for_a_model_that_fails(model: BaseChatModel, tmp_path: Path) -> None:
    """In a chain of fallbacks each of our models can stand, first or second."""
    broken = ChatLocalLlama(model=str(tmp_path / "none.gguf"))
    answer = broken.with_fallbacks([model]).invoke(ASK, max_tokens=4)
    assert answer.text == model.invoke(ASK, max_tokens=4).text
    with pytest.raises(ModelFileError):
        broken.with_fallbacks([model], exceptions_to_handle=(KeyError,)).invoke(ASK)


def test_a_retry_asks_again() -> None:
    """A helper that fails once has the whole call repeated, and the second time it answers."""
    flaky = _fusion(fails_at=0)
    with pytest.raises(RemoteError):
        flaky.invoke(ASK)
    helper: Any = flaky.helpers[0].model
    calls: list[int] = []

    def recover(*args: Any, **kwargs: Any) -> None:
        calls.append(1)
        helper._fails_at = None

    retrying = flaky.with_retry(
        retry_if_exception_type=(RemoteError,), wait_exponential_jitter=False, stop_after_attempt=2
    )
    handler = Events()
    handler.on_llm_error = recover  # type: ignore[method-assign]
    assert retrying.invoke(ASK, {"callbacks": [handler]}).text == _fusion().invoke(ASK).text
    assert calls == [1]


def test_bound_options_hold_for_every_way_to_call(model: BaseChatModel) -> None:
    """`bind` sets options of calls, streams and batches."""
    bound = model.bind(max_tokens=3, **ENDLESS)
    assert bound.invoke(ASK).usage_metadata["output_tokens"] == 3  # type: ignore[index]
    usage = [chunk.usage_metadata for chunk in bound.stream(ASK) if chunk.usage_metadata]
    assert [counts["output_tokens"] for counts in usage] == [3]
    (answer,) = bound.batch([ASK])
    assert answer.usage_metadata["output_tokens"] == 3  # type: ignore[index]


@pytest.mark.parametrize("limit", [1, 2])
def test_a_batch_keeps_to_its_limit(model: BaseChatModel, limit: int) -> None:
    """No more calls run at once than max_concurrency says, and all are answered in order."""
    handler = Events()
    asks = [f"Write note number {n}." for n in range(5)]
    answers = model.batch(asks, {"max_concurrency": limit, "callbacks": [handler]}, **ENDLESS)
    assert handler.most <= limit
    assert handler.seen == {"start": 5, "end": 5}
    assert [answer.text for answer in answers] == [
        model.invoke(ask, **ENDLESS).text for ask in asks
    ]


async def test_an_asynchronous_batch_keeps_to_its_limit(model: BaseChatModel) -> None:
    """The same for `abatch`."""
    handler = Events()
    config: Any = {"max_concurrency": 2, "callbacks": [handler]}
    answers = await model.abatch(["A", "B", "C", "D"], config, **ENDLESS)
    assert handler.most <= 2
    assert len({answer.id for answer in answers}) == 4


async def test_a_cancelled_call_stops_generating(model: BaseChatModel) -> None:
    """Whoever stops waiting frees the model: the thread ends long before the text would."""
    options: Any = {"max_tokens": 900, **ENDLESS}
    await model.ainvoke(ASK, max_tokens=1)
    stream = model.astream(ASK, **options)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    call = asyncio.ensure_future(model.ainvoke(ASK, **options))
    while not _workers():
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    for thread in _workers():
        await asyncio.to_thread(thread.join, 5)
    assert _workers() == []


def _workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cogenesis-iterator"]


@pytest.mark.parametrize("make", [_cogenesis, _fusion])
def test_unknown_settings_are_named(make: Callable[[], BaseChatModel]) -> None:
    """A setting that a model doesn't have is an error, not dropped in silence."""
    parts = {"local": _local(), "helpers": getattr(make(), "helpers", ())}
    known = {name: part for name, part in parts.items() if name in type(make()).model_fields}
    with pytest.raises(ConfigurationError, match="'temprature'"):
        type(make())(**known, temprature=0.5)


def test_settings_hold_for_every_call() -> None:
    """Temperature, seed, limit and stop of a model of models reach the one that writes."""
    local = _local()
    for model in (ChatCoGenesis(local=local, mode="local", max_tokens=3), _fusion()):
        limited = model.model_copy(update={"max_tokens": 3})
        assert limited.invoke(ASK, **ENDLESS).usage_metadata["output_tokens"] == 3  # type: ignore[index]
        assert limited._get_ls_params()["ls_max_tokens"] == 3
        params = model._get_ls_params(stop=["x"], model="other", temperature=0.2)
        assert (params["ls_model_name"], params["ls_temperature"]) == ("other", 0.2)
        assert params["ls_stop"] == ["x"]


def test_another_model_is_a_matter_of_the_local_side() -> None:
    """`model` chooses the local model of a call where one writes, and is refused elsewhere."""
    answer = _cogenesis().invoke(ASK, model="house-large")
    assert answer.response_metadata["model_name"] == "house-large"
    with pytest.raises(ConfigurationError, match="remote mode"):
        _cogenesis().invoke(ASK, model="house-large", mode="remote")
    with pytest.raises(ConfigurationError, match="vocabulary"):
        _fusion().invoke(ASK, model="house-large")
