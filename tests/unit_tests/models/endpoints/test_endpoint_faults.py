"""What happens when an endpoint fails, lies or is silent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    DistributionError,
    RemoteError,
    RemoteResponseError,
    RemoteUnavailableError,
)
from langchain_cogenesis.models.endpoints import RemoteNextTokenModel, connect
from langchain_cogenesis.models.endpoints.client import EndpointClient
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate

Top = Callable[[list[int], int], list[tuple[int, float]]]
Gates = Callable[[str], EgressGate]
SECRET = "Saltmarsh"


def entry(token: int, value: Any, rest: list[Any]) -> Any:
    return {"id": token, "token": "x", "bytes": [], "logprob": value, "top_logprobs": rest}


@pytest.fixture
def remote(
    replay: Any, local: LocalNextTokenModel, top: Top, trusting: Gates
) -> Iterator[RemoteNextTokenModel]:
    """A model behind a well-behaved replay of llama-server (xllamacpp 2026.10.11549)."""

    def complete(body: Any) -> Any:
        prompts = body["prompt"] if isinstance(body["prompt"][0], list) else [body["prompt"]]
        answers = []
        for number, prompt in enumerate(prompts):
            ids, entries = list(prompt), []
            for _ in range(body["n_predict"]):
                best = top(ids, body["n_probs"])
                entries.append(entry(*best[0], [entry(*pair, []) for pair in best]))
                ids.append(best[0][0])
            answers.append({"index": number, "completion_probabilities": entries})
        return answers if len(answers) > 1 else answers[0]

    replay.routes |= {
        "GET /v1/models": lambda _: {
            "data": [
                {"id": "m", "owned_by": "llamacpp", "meta": {"n_vocab": local.vocabulary.size}}
            ]
        },
        "GET /props": lambda _: {"default_generation_settings": {"n_ctx": 512}},
        "POST /apply-template": lambda _: {"prompt": "x"},
        "POST /tokenize": lambda body: {"tokens": local.vocabulary.tokenize(body["content"])},
        "POST /detokenize": lambda _: {"content": "<|end|>"},
        "POST /completion": complete,
    }
    made = connect(
        replay.url,
        "m",
        gate=trusting(replay.url),
        local_vocabulary=local.vocabulary,
        top_k=4,
        timeout=0.4,
        max_retries=1,
    )
    yield made
    made.close()


@pytest.fixture
def ids(local: LocalNextTokenModel) -> list[int]:
    return local.vocabulary.tokenize(f"Meet me at {SECRET} Hall")


def test_a_hanging_endpoint_times_out(replay: Any, remote: Any, ids: list[int]) -> None:
    """It counts as unavailable after `timeout`, and isn't asked again."""
    replay.routes["POST /completion"] = lambda _: replay.released.wait(10) and {}
    before, begun = len(replay.requests), time.monotonic()
    with pytest.raises(RemoteUnavailableError, match="in time") as error:
        remote.draft(ids, 1)
    assert time.monotonic() - begun < 3
    assert len(replay.requests) == before + 1
    assert error.value.hint is not None


def test_an_answer_that_breaks_off(replay: Any, remote: Any, ids: list[int]) -> None:
    """It is asked again as often as was said, then it is an error."""
    replay.routes["POST /completion"] = lambda _: None
    before = len(replay.requests)
    with pytest.raises(RemoteUnavailableError, match="broke off"):
        remote.draft(ids, 1)
    assert len(replay.requests) == before + 2


def test_an_endpoint_that_is_gone(local: LocalNextTokenModel, trusting: Gates) -> None:
    """Nobody listens: it says so, with the address and what to do."""
    url = "http://127.0.0.1:9/v1"
    with pytest.raises(RemoteUnavailableError, match=r"127\.0\.0\.1:9 can't be reached"):
        connect(
            url,
            "m",
            gate=trusting(url),
            local_vocabulary=local.vocabulary,
            max_retries=0,
        )


@pytest.mark.parametrize(
    ("status", "kind", "times"),
    [
        (500, RemoteUnavailableError, 2),
        (429, RemoteUnavailableError, 2),
        (401, RemoteUnavailableError, 1),
        (400, RemoteResponseError, 1),
        (302, RemoteResponseError, 1),
    ],
)
def test_statuses(
    replay: Any, remote: Any, ids: list[int], status: int, kind: type[RemoteError], times: int
) -> None:
    """Those that may pass are asked again; a redirect isn't followed; no text is repeated."""
    replay.routes["POST /completion"] = lambda _: (status, {"error": SECRET})
    before = len(replay.requests)
    with pytest.raises(kind, match=str(status)) as error:
        remote.draft(ids, 1)
    assert len(replay.requests) == before + times
    assert SECRET not in str(error.value)


def test_a_busy_endpoint_is_asked_again(replay: Any, remote: Any, ids: list[int]) -> None:
    """One 429, then the answer."""
    well, faults = replay.routes["POST /completion"], [(429, {})]
    replay.routes["POST /completion"] = lambda body: faults.pop() if faults else well(body)
    assert len(remote.draft(ids, 2).rows) == 2


ROW = [entry(7, -0.5, []), entry(8, -2.0, [])]


@pytest.mark.parametrize(
    ("rows", "kind", "what"),
    [
        ([[entry(7, float("nan"), []), entry(8, -1.0, [])]], DistributionError, "NaN"),
        ([[entry(7, None, []), entry(8, -1.0, [])]], RemoteResponseError, "no number"),
        ([[entry(7, "x", [])]], RemoteResponseError, "no number"),
        ([[entry(7, 0.5, []), entry(8, -1.0, [])]], DistributionError, "above 1"),
        ([[entry(7, -0.1, []), entry(8, -0.1, [])]], DistributionError, "above 1"),
        ([[entry(7, float("inf"), [])]], DistributionError, "above 1"),
        ([[entry(7, -1.0, []), entry(7, -2.0, [])]], DistributionError, "twice"),
        ([[entry(10**30, -1.0, [])]], DistributionError, "not in the vocabulary"),
        ([[entry(-1, -1.0, [])]], DistributionError, "not in the vocabulary"),
        ([[]], DistributionError, "no log-probabilities"),
        ([], RemoteResponseError, "0 rows"),
    ],
    ids=[
        *("nan", "null", "text", "one above 1", "sum above 1", "infinite", "twice"),
        *("huge id", "negative id", "empty", "too few"),
    ],
)
def test_rows_that_are_no_distributions(
    replay: Any, remote: Any, ids: list[int], rows: Any, kind: type[RemoteError], what: str
) -> None:
    """Each is an error that names the endpoint and repeats nothing."""
    replay.routes["POST /completion"] = lambda _: {
        "index": 0,
        "completion_probabilities": [entry(7, -1.0, row) for row in rows],
    }
    with pytest.raises(kind, match=what) as error:
        remote.score(ids, first=len(ids))
    assert remote.client.origin in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "answer",
    [
        *(b"<html>", b"[]", b"null", b'{"completion_probabilities": 3}', b"[" * 100_000),
        b'{"index": 0, "completion_probabilities": [{"id": "7", "top_logprobs": []}]}',
        b'{"index": 3, "completion_probabilities": []}',
    ],
    ids=["html", "list", "null", "number", "deep", "id as text", "index"],
)
def test_answers_of_another_protocol(
    replay: Any, remote: Any, ids: list[int], answer: bytes
) -> None:
    """They are told from answers."""
    replay.routes["POST /completion"] = lambda _: answer
    with pytest.raises(RemoteResponseError, match="protocol"):
        remote.draft(ids, 1)


def test_too_few_answers_for_a_list_of_prompts(replay: Any, remote: Any, ids: list[int]) -> None:
    """A list of prompts must come back whole."""
    well = replay.routes["POST /completion"]
    replay.routes["POST /completion"] = lambda body: well(body)[:-1]
    with pytest.raises(RemoteResponseError, match="prompts"):
        remote.score(ids, first=1)


def test_keys_and_addresses_stay_hidden(trusting: Gates) -> None:
    """No `repr` shows the key, and an address that is none is refused."""
    url = "http://127.0.0.1:9/v1"
    client = EndpointClient(url, "m", gate=trusting(url), detokenize=str, api_key="sk-secret")
    assert "secret" not in repr(client)
    client.close()
    with pytest.raises(ConfigurationError, match="address"):
        EndpointClient("ftp://x", "m", gate=trusting(url), detokenize=str)
