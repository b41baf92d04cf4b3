"""Hosted tracing stays out of private runs, however they are called."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.caches import BaseCache, InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import Runnable, RunnableLambda, RunnableSequence
from langchain_core.tracers.context import tracing_v2_enabled
from langchain_core.tracers.langchain import LangChainTracer
from langsmith import Client

from langchain_cogenesis.exceptions import PrivacyError
from langchain_cogenesis.tracing import (
    ALLOW_VARIABLE,
    PrivacyWarning,
    UntracedChatModel,
    UntracedRuns,
    untraced,
)


class Traced(FakeListChatModel):
    """A model as LangChain makes them."""


class Untraced(UntracedChatModel, FakeListChatModel):
    """The same, kept out of tracing."""


class UntracedSequence(UntracedRuns, RunnableSequence[Any, Any]):
    """A chain kept out of tracing."""


class DiskCache(BaseCache):
    """A cache that isn't in memory, as far as anybody can tell."""

    def lookup(self, prompt: str, llm_string: str) -> None:
        return None

    def update(self, prompt: str, llm_string: str, return_val: Any) -> None:
        return None

    def clear(self, **kwargs: Any) -> None:
        return None


async def by_invoke(runnable: Runnable[Any, Any]) -> None:
    runnable.invoke("secret")


async def by_ainvoke(runnable: Runnable[Any, Any]) -> None:
    await runnable.ainvoke("secret")


async def by_stream(runnable: Runnable[Any, Any]) -> None:
    assert list(runnable.stream("secret"))


async def by_astream(runnable: Runnable[Any, Any]) -> None:
    assert [chunk async for chunk in runnable.astream("secret")]


async def by_batch(runnable: Runnable[Any, Any]) -> None:
    runnable.batch(["secret", "secret"], [{}, {}])


async def by_abatch(runnable: Runnable[Any, Any]) -> None:
    await runnable.abatch(["secret"])


async def by_events(runnable: Runnable[Any, Any]) -> None:
    assert [event async for event in runnable.astream_events("secret", version="v2")]


DOORS = (by_invoke, by_ainvoke, by_stream, by_astream, by_batch, by_abatch, by_events)


def models(kind: type[FakeListChatModel]) -> FakeListChatModel:
    return kind(responses=["answer"] * 50)


@pytest.mark.parametrize("door", DOORS)
async def test_no_run_of_a_model_is_traced(traced: list[str], door: Callable[[Any], Any]) -> None:
    """What LangChain's own model gives to the tracer by this door, ours doesn't."""
    await door(models(Traced))
    assert "secret" in "".join(traced)
    traced.clear()
    await door(models(Untraced))
    assert traced == []


@pytest.mark.parametrize("door", DOORS)
async def test_no_run_of_a_chain_is_traced(traced: list[str], door: Callable[[Any], Any]) -> None:
    """A chain of ours keeps its steps out too, those that know nothing of it among them."""
    step = RunnableLambda(lambda text: text)
    await door(RunnableSequence(first=step, last=models(Traced)))
    assert "secret" in "".join(traced)
    traced.clear()
    await door(UntracedSequence(first=step, last=models(Untraced)))
    assert traced == []


@pytest.mark.parametrize(
    "around",
    [
        lambda model: RunnableLambda(lambda text: text) | model,
        lambda model: RunnableLambda(lambda text: model.invoke(text)),
        lambda model: RunnableLambda(lambda text: asyncio.run(model.ainvoke(text))),
    ],
)
def test_inside_a_traced_chain_the_run_is_refused(
    traced: list[str], around: Callable[[Any], Runnable[Any, Any]]
) -> None:
    """The chain's own run would carry the finished text; the error says what to do."""
    assert around(models(Traced)).invoke("secret").content == "answer"
    with pytest.raises(PrivacyError, match="LANGSMITH_TRACING=false"):
        around(models(Untraced)).invoke("secret")


def test_the_context_manager_of_langchain_is_kept_out_too(traced: list[str]) -> None:
    """`tracing_v2_enabled()` sets a tracer without any variable."""
    with tracing_v2_enabled():
        models(Untraced).invoke("secret")
        assert traced == []
        models(Traced).invoke("secret")
    assert traced


def test_tracing_can_be_allowed(traced: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is explicit, and then a model is traced as any other."""
    monkeypatch.setenv(ALLOW_VARIABLE, "allow")
    (RunnableLambda(lambda text: text) | models(Untraced)).invoke("secret")
    assert "secret" in "".join(traced)


@pytest.mark.parametrize(("inputs", "outputs"), [(True, True), (True, False), (False, True)])
def test_a_tracer_that_hides_texts_may_stay_around(inputs: bool, outputs: bool) -> None:
    """Only one that hides both shows nothing."""
    client = Client(
        "http://127.0.0.1:9", api_key="none", hide_inputs=inputs, hide_outputs=outputs,
        auto_batch_tracing=False,
    )  # fmt: skip
    tracer = LangChainTracer(client=client)
    if inputs and outputs:
        kept = untraced([tracer])
        assert isinstance(kept, list)
        assert tracer not in kept
    else:
        with pytest.raises(PrivacyError):
            untraced([tracer])


def test_other_callbacks_and_parents_are_kept() -> None:
    """Handlers of the app still hear of the run, as a child of the run around it."""
    heard = []

    class Listener(BaseCallbackHandler):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            heard.append(kwargs["parent_run_id"])

    chain = RunnableLambda(lambda text: text) | models(Untraced)
    chain.invoke("hello", {"callbacks": [Listener()]})
    assert len(heard) == 1
    assert heard[0] is not None


def test_a_cache_on_disk_is_warned_of() -> None:
    """One in memory isn't, nor is a model that takes no part in it."""
    model = models(Untraced)
    model.cache = DiskCache()
    with pytest.warns(PrivacyWarning, match="DiskCache"):
        model.invoke("hello")
    for quiet in (InMemoryCache(), False):
        model.cache = quiet
        with warnings.catch_warnings():
            warnings.simplefilter("error", PrivacyWarning)
            model.invoke("hello")
