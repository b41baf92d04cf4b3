"""When the model fails: clients are told, and neither they nor the log see the prompt again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from langchain_cogenesis.exceptions import ModelError
from langchain_cogenesis.models.llamacpp import GeneratedToken, LlamaCppEngine
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.server.endpoint import create_app

SECRET = "Zanzibara Quillfeather"


class FailingEngine(LlamaCppEngine):
    """The real engine, which fails after a number of tokens."""

    def __init__(self, path: Path, good_tokens: int, error: Exception) -> None:
        super().__init__(path)
        self._good_tokens = good_tokens
        self._error = error

    def generate(
        self,
        prompt: Sequence[int],
        sampling: SamplingParams = SamplingParams(),
        *,
        max_tokens: int,
        top_logprobs: int = 0,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[GeneratedToken]:
        """Yields some tokens, then raises."""
        yield from super().generate(prompt, sampling, max_tokens=self._good_tokens)
        raise self._error


async def ask(engine: LlamaCppEngine, *, stream: bool) -> httpx.Response:
    app = create_app(engine, api_key=None)
    body = {"prompt": SECRET, "stream": stream, "logit_bias": {"4": -100}}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.post("/v1/completions", json=body)


async def test_unforeseen_error_is_told_by_its_class(
    house_small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An error with the prompt in its text reaches the client as a 500 without it; so the log."""
    engine = FailingEngine(house_small, 0, RuntimeError(f"bad: {SECRET}"))
    for stream in (False, True):
        answer = await ask(engine, stream=stream)
        assert answer.status_code == 500
        assert "RuntimeError" in answer.json()["error"]["message"]
        assert SECRET not in answer.text
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


async def test_own_error_is_told_with_its_hint(house_small: Path) -> None:
    """An error of the package is a 500 with message and hint."""
    engine = FailingEngine(house_small, 0, ModelError("It broke.", hint="Mend it."))
    answer = await ask(engine, stream=False)
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "It broke. Mend it.")


async def test_error_in_a_stream_is_its_last_event(
    house_small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that breaks after it began ends with an error event and without `[DONE]`."""
    answer = await ask(FailingEngine(house_small, 3, RuntimeError(SECRET)), stream=True)
    assert answer.status_code == 200
    events = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert "error" in json.loads(events[-1])
    assert all("choices" in json.loads(event) for event in events[:-1])
    assert len(events) > 1
    assert "RuntimeError" in caplog.text
    assert SECRET not in answer.text + caplog.text
