from __future__ import annotations

import asyncio
import math
import pickle
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_cogenesis.exceptions import ConfigurationError, ContextLengthError, ModelFileError
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.llamacpp import LlamaCppEngine

ENDLESS = {"logit_bias": {4: -1000.0}}
"""The house models' end token is never picked."""
QUESTION = [SystemMessage("place: Lisbon"), HumanMessage("Write to Renata about the trip.")]


@pytest.fixture
def model() -> ChatLocalLlama:
    """The small house model, sampling repeatably."""
    return ChatLocalLlama(n_threads=1, temperature=2.0, seed=11, max_tokens=30)


def _streamed(model: ChatLocalLlama, messages: Any = QUESTION, **kwargs: Any) -> AIMessageChunk:
    chunks = list(model.stream(messages, **kwargs))
    merged = chunks[0]
    for chunk in chunks[1:]:
        merged += chunk
    return merged


def _shown(data: bytes) -> str:
    """Text as an answer shows it: each byte that is no UTF-8 as U+FFFD."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(
        "\ufffd" if "\udc80" <= character <= "\udcff" else character for character in text
    )


def test_constructing_and_printing_loads_nothing(tmp_path: Path) -> None:
    """A model on a missing file can be made and printed; the error comes with the call."""
    model = ChatLocalLlama(model=str(tmp_path / "none.gguf"))
    assert "none.gguf" in repr(model)
    with pytest.raises(ModelFileError, match=r"none\.gguf"):
        model.invoke("Hi")


def test_answer_reports_what_it_took(model: ChatLocalLlama) -> None:
    """An answer has text, usage that adds up, the model's name and why it ended."""
    answer = model.invoke(QUESTION, **ENDLESS)
    assert answer.content
    usage = answer.usage_metadata
    assert usage is not None
    assert usage["input_tokens"] == model.get_num_tokens_from_messages(QUESTION)
    assert usage["output_tokens"] == 30
    assert usage["total_tokens"] == usage["input_tokens"] + 30
    assert answer.response_metadata == {
        "model_name": "house-small",
        "model_provider": "llama.cpp",
        "finish_reason": "length",
    }


def test_stream_equals_invoke(model: ChatLocalLlama) -> None:
    """Text, metadata, log-probabilities and usage of a stream add up to those of one call."""
    answer = model.invoke(QUESTION, logprobs=True, top_logprobs=3)
    merged = _streamed(model, logprobs=True, top_logprobs=3)
    assert merged.content == answer.content
    assert merged.usage_metadata == answer.usage_metadata
    assert merged.response_metadata == answer.response_metadata
    assert merged.chunk_position == "last"


def test_stream_comes_token_by_token(model: ChatLocalLlama) -> None:
    """Many chunks come, each told to the callbacks; one has the usage, the last its place."""

    class Tokens(BaseCallbackHandler):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
            self.seen.append(token)

    handler = Tokens()
    chunks = list(model.stream(QUESTION, config={"callbacks": [handler]}, **ENDLESS))
    assert len([chunk for chunk in chunks if chunk.content]) > 10
    assert [chunk.content for chunk in chunks] == handler.seen
    assert [chunk for chunk in chunks if chunk.usage_metadata] == chunks[-1:]
    assert [chunk for chunk in chunks if chunk.chunk_position == "last"] == chunks[-1:]


def test_stop_ends_before_the_string(model: ChatLocalLlama) -> None:
    """The answer is the text before the stop string, streamed or not, whoever set it."""
    full = str(model.invoke(QUESTION, **ENDLESS).content)
    stop = re.findall("[A-Za-z]{2,}", full)[-1]
    expected = full[: full.index(stop)]
    for answer in (
        model.invoke(QUESTION, stop=[stop], **ENDLESS),
        _streamed(model, stop=[stop], **ENDLESS),
        model.model_copy(update={"stop": [stop]}).invoke(QUESTION, **ENDLESS),
    ):
        assert answer.content == expected
        assert answer.response_metadata["finish_reason"] == "stop"


def test_stop_cuts_the_log_probabilities_too(model: ChatLocalLlama) -> None:
    """Tokens wholly behind a stop string have no entries; those before it have all."""
    full = str(model.invoke(QUESTION, **ENDLESS).content)
    stop = re.findall("[A-Za-z]{2,}", full)[-1]
    answer = model.invoke(QUESTION, stop=[stop], logprobs=True, **ENDLESS)
    told = bytes(
        b for entry in answer.response_metadata["logprobs"]["content"] for b in entry["bytes"]
    )
    text = str(answer.content)
    assert _shown(told).startswith(text)
    assert len(_shown(told)) - len(text) < 16


def test_end_token_is_a_stop(model: ChatLocalLlama) -> None:
    """An answer that the model ends itself reports 'stop', even with no text."""
    (end,) = model.engine.tokenize("<|end|>", special=True)
    answer = model.invoke(QUESTION, logit_bias={end: 1000.0})
    assert answer.content == ""
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 0


def test_log_probabilities_have_openais_shape(model: ChatLocalLlama) -> None:
    """Each token has its bytes, a log-probability, and as many alternatives as were asked for."""
    answer = model.invoke(QUESTION, top_logprobs=4, **ENDLESS)
    content = answer.response_metadata["logprobs"]["content"]
    assert len(content) == 30
    told = bytes(b for entry in content for b in entry["bytes"])
    assert _shown(told) == answer.content
    for entry in content:
        tops = [other["logprob"] for other in entry["top_logprobs"]]
        assert set(entry) == {"token", "bytes", "logprob", "top_logprobs"}
        assert len(tops) == 4
        assert tops == sorted(tops, reverse=True)
        assert entry["logprob"] <= tops[0] <= 0
        assert sum(map(math.exp, tops)) <= 1 + 1e-6
        assert entry["token"].encode() == bytes(entry["bytes"]) or "�" in entry["token"]


def test_calls_override_settings(model: ChatLocalLlama) -> None:
    """What a call asks for goes before the model's settings; `None` leaves them."""
    plain = model.invoke(QUESTION).content
    assert model.invoke(QUESTION, seed=None, temperature=None).content == plain
    assert model.invoke(QUESTION, seed=12).content != plain
    greedy = ChatLocalLlama(n_threads=1, max_tokens=30).invoke(QUESTION, logprobs=True)
    assert model.invoke(QUESTION, temperature=0.0, logprobs=True).response_metadata == (
        greedy.response_metadata
    )
    answer = model.invoke(QUESTION, max_tokens=3, **ENDLESS)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 3


def test_model_can_be_chosen_by_call(model: ChatLocalLlama) -> None:
    """Another model can be named with a call, and the answer says so."""
    answer = model.invoke(QUESTION, model="house-large", max_tokens=2)
    assert answer.response_metadata["model_name"] == "house-large"


def test_answer_is_cut_to_what_fits() -> None:
    """An answer ends where the context is full, as 'length', even if more was asked for."""
    model = ChatLocalLlama(n_threads=1, n_ctx=64, max_tokens=999, temperature=1.0, seed=1)
    answer = model.invoke(QUESTION, **ENDLESS)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 64
    assert answer.response_metadata["finish_reason"] == "length"


def test_too_long_prompt_is_refused_without_its_text(model: ChatLocalLlama) -> None:
    """A prompt longer than the context names both lengths and never its content."""
    n_ctx = model.engine.n_ctx
    with pytest.raises(ContextLengthError, match=rf"\d+ tokens long .* {n_ctx}") as caught:
        model.invoke("secret " * n_ctx)
    assert "secret" not in str(caught.value)


def test_unknown_option_is_named(model: ChatLocalLlama) -> None:
    """An option that doesn't exist is an error for calls, streams and the constructor."""
    with pytest.raises(ConfigurationError, match="'temprature'"):
        model.invoke(QUESTION, temprature=0.5)
    with pytest.raises(ConfigurationError, match="'functions'"):
        list(model.stream(QUESTION, functions=[]))
    with pytest.raises(ConfigurationError, match="'temprature'"):
        ChatLocalLlama(temprature=0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "options",
    [{"temperature": -1.0}, {"max_tokens": 0}, {"n_ctx": 0}, {"top_p": 2.0}, {"top_logprobs": -1}],
)
def test_settings_out_of_range_are_refused(model: ChatLocalLlama, options: dict[str, Any]) -> None:
    """Settings out of range are refused when the model is made; with a call, then."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        ChatLocalLlama(**options)
    if "n_ctx" not in options:
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            model.invoke(QUESTION, **options)


def test_messages_of_every_text_kind(model: ChatLocalLlama) -> None:
    """Two human messages in a row, chat messages, AI messages and text blocks all work."""
    text_blocks = HumanMessage([{"type": "text", "text": "Hel"}, "lo"])
    messages = [HumanMessage("A"), text_blocks, AIMessage("B"), ChatMessage("C", role="user")]
    plain = [HumanMessage("A"), HumanMessage("Hello"), AIMessage("B"), HumanMessage("C")]
    assert model.invoke(messages).content == model.invoke(plain).content


def test_what_is_no_text_is_refused(model: ChatLocalLlama) -> None:
    """Images are refused by kind, in results of tools too, and without their content."""
    image = HumanMessage([{"type": "image_url", "image_url": {"url": "data:secret"}}])
    with pytest.raises(ConfigurationError, match="image_url") as caught:
        model.invoke([image])
    assert "secret" not in str(caught.value)
    picture = ToolMessage(
        [{"type": "image", "base64": "secret", "mime_type": "image/png"}], tool_call_id="1"
    )
    with pytest.raises(ConfigurationError, match="'image'") as caught:
        model.invoke([HumanMessage("A"), picture])
    assert "secret" not in str(caught.value)


def test_copies_and_pickles_share_the_engine(model: ChatLocalLlama) -> None:
    """Copying, binding and pickling don't load the model again, and keep its settings."""
    again = pickle.loads(pickle.dumps(model))
    assert again == model
    assert again.engine is model.engine
    assert model.model_copy(update={"temperature": 0.0}).engine is model.engine
    assert again.invoke(QUESTION).content == model.invoke(QUESTION).content


def test_path_survives_a_change_of_directory(
    house_small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A relative path means the file it meant when the model was made."""
    monkeypatch.chdir(house_small.parent)
    model = ChatLocalLlama(model="house-small.gguf", n_threads=1)
    monkeypatch.chdir(tmp_path)
    assert model.engine is LlamaCppEngine.shared(house_small, n_threads=1)


async def test_async_equals_sync(model: ChatLocalLlama) -> None:
    """Concurrent calls and streams on one event loop give what each gives alone."""
    questions = [f"Write note number {n}." for n in range(6)]
    expected = [model.invoke(question).content for question in questions]

    async def stream(question: str) -> str:
        return "".join([str(chunk.content) async for chunk in model.astream(question)])

    invoked = await asyncio.gather(*(model.ainvoke(question) for question in questions))
    assert [answer.content for answer in invoked] == expected
    assert list(await asyncio.gather(*map(stream, questions))) == expected


async def test_many_streams_dont_starve_each_other(model: ChatLocalLlama) -> None:
    """More streams than an event loop has threads all end, without waiting for idle ones."""
    started = time.monotonic()

    async def stream(question: str) -> int:
        return len([chunk async for chunk in model.astream(question)])

    lengths = await asyncio.gather(*(stream(f"Note {n}") for n in range(40)))
    assert min(lengths) >= 1
    assert time.monotonic() - started < 20


async def test_cancelled_call_frees_the_engine(model: ChatLocalLlama) -> None:
    """A call that runs into a timeout stops generating at the next token."""
    model.engine.load()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(model.ainvoke(QUESTION, max_tokens=900, **ENDLESS), 0.02)
    threads = [t for t in threading.enumerate() if t.name == "cogenesis-iterator"]
    for thread in threads:
        thread.join(0.2)
    assert not any(thread.is_alive() for thread in threads)


async def test_async_errors_reach_the_caller(model: ChatLocalLlama) -> None:
    """An error in the thread of an asynchronous call is raised where the call is awaited."""
    with pytest.raises(ContextLengthError):
        await model.ainvoke("word " * 5000)
    with pytest.raises(ContextLengthError):
        [chunk async for chunk in model.astream("word " * 5000)]


def test_batch_equals_single_calls(model: ChatLocalLlama) -> None:
    """A batch gives what each of its prompts gives alone."""
    questions = [f"Write note number {n}." for n in range(6)]
    expected = [model.invoke(question).content for question in questions]
    assert [answer.content for answer in model.batch(questions)] == expected


def test_two_streams_in_one_thread(model: ChatLocalLlama) -> None:
    """Two streams read alternately give what each gives alone."""
    alone = [str(model.invoke(question).content) for question in ("A", "B")]
    streams = [model.stream(question) for question in ("A", "B")]
    texts = ["", ""]
    for pair in zip(*streams, strict=False):
        for n, chunk in enumerate(pair):
            texts[n] += str(chunk.content)
    for n, rest in enumerate(streams):
        texts[n] += "".join(str(chunk.content) for chunk in rest)
    assert texts == alone


def test_identity_tells_files_and_settings_apart(
    model: ChatLocalLlama, tiny: Path, tmp_path: Path
) -> None:
    """What could change an answer changes its key in LangChain's cache; no path is in it."""
    twin = tmp_path / tiny.name
    twin.write_bytes(tiny.read_bytes())
    identities = [
        str(other._identifying_params)
        for other in (
            model,
            model.model_copy(update={"temperature": 0.5}),
            model.model_copy(update={"seed": 12}),
            ChatLocalLlama(model=str(tiny)),
            ChatLocalLlama(model=str(twin)),
            ChatLocalLlama(model=str(tiny), chat_template="{{ messages }}"),
        )
    ]
    assert len(set(identities)) == len(identities)
    assert str(tmp_path) not in "".join(identities)


def test_tracing_is_told_the_callers_settings(model: ChatLocalLlama) -> None:
    """Tracing parameters name model, temperature, limit and stop of the call at hand."""
    params = model._get_ls_params(stop=["x"], model="a/b:c.gguf", temperature=0.2, max_tokens=5)
    assert params["ls_model_name"] == "a/b:c.gguf"
    assert (params["ls_temperature"], params["ls_max_tokens"]) == (0.2, 5)
    assert params["ls_stop"] == ["x"]
    assert model._get_ls_params()["ls_model_name"] == "house-small"


def test_tokens_are_the_models_own(model: ChatLocalLlama) -> None:
    """Token counts come from the model's vocabulary."""
    assert model.get_num_tokens("[NAME_1]") == 1
    assert model.get_token_ids("Hi there") == model.engine.tokenize("Hi there")
