"""The package's own server, in a child process, as a next-token model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clearing import clear

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    ContextLengthError,
    UnclearedRequestError,
    VocabularyMismatchError,
)
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.endpoints import (
    OPTION_NAMES,
    RemoteNextTokenModel,
    connect,
)
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.server.process import Endpoint, serve_in_child

MESSAGES = [
    {"role": "system", "content": "Write the text"},
    {"role": "user", "content": "Invite a friend"},
]


@pytest.fixture(scope="module")
def endpoint(house_small: Path) -> Iterator[Endpoint]:
    with serve_in_child(house_small) as running:
        yield running


Connect = Callable[..., RemoteNextTokenModel]


@pytest.fixture
def connected(endpoint: Endpoint, local: LocalNextTokenModel) -> Iterator[Connect]:
    opened: list[RemoteNextTokenModel] = []

    def make(gate: EgressGate, **settings: Any) -> RemoteNextTokenModel:
        made = connect(
            endpoint.base_url,
            endpoint.model,
            gate=gate,
            local_vocabulary=local.vocabulary,
            api_key=endpoint.api_key,
            **settings,
        )
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.close()


def test_it_is_a_next_token_model(connected: Connect, local: LocalNextTokenModel) -> None:
    """It is recognised by itself, and can be asked for everything."""
    remote = connected(EgressGate())
    assert isinstance(remote, NextTokenModel)
    assert remote.kind == "own"
    assert remote.capabilities.ids
    assert remote.capabilities.scores_prompt
    assert remote.capabilities.drafts
    assert remote.capabilities.top_k == 200
    assert remote.n_ctx == local.n_ctx
    assert connected(EgressGate(), top_k=7).capabilities.top_k == 7


def test_rows_are_the_engines(
    connected: Connect, local: LocalNextTokenModel, close: Callable[..., None]
) -> None:
    """Prompt, draft (with the row where the text ends) and scores equal those of the engine."""
    remote = connected(EgressGate())
    clear(remote, *(message["content"] for message in MESSAGES))
    ids = remote.prompt_ids(MESSAGES)
    assert ids == local.prompt_ids(MESSAGES)
    text = remote.prompt_text(ids)
    assert text == ("<|system|>Write the text<|end|><|user|>Invite a friend<|end|><|assistant|>")
    clear(remote, text)
    draft, expected = remote.draft(ids, 120), local.draft(ids, 120)
    assert draft.ids == expected.ids
    assert len(draft.ids) < 120, "this text should end by itself"
    close(draft.rows, expected.rows)
    short = remote.draft(ids, 2)
    assert (short.ids, len(short.rows)) == (expected.ids[:2], 2)
    whole = [*ids, *draft.ids]
    clear(remote, *remote.request_texts(whole, len(ids)))
    close(remote.score(whole, first=len(ids)), local.score(whole, first=len(ids)))


def test_nothing_leaves_without_clearance(connected: Connect) -> None:
    """Messages, and ids read with their control tokens, are refused until they are cleared."""
    gate = EgressGate(PrivateLexicon([PrivateValue("PLACE", "Saltmarsh Hall")]))
    remote = connected(gate)
    with pytest.raises(UnclearedRequestError):
        remote.prompt_ids(MESSAGES)
    ids = remote.vocabulary.tokenize("Meet me at Saltmarsh Hall")
    for call in (lambda: remote.draft(ids, 1), lambda: remote.score(ids, first=1)):
        with pytest.raises(UnclearedRequestError) as refusal:
            call()
        assert "Saltmarsh" not in str(refusal.value)
    # Clearing the words alone doesn't cover the whole prompt.
    clear(remote, *(message["content"] for message in MESSAGES))
    prompt = remote.prompt_ids(MESSAGES)
    with pytest.raises(UnclearedRequestError):
        remote.draft(prompt, 1)


def test_private_values_that_look_like_the_protocol(
    connected: Connect, local: LocalNextTokenModel, close: Callable[..., None]
) -> None:
    """A user called Token, born on the 4th of Morning, can be served all the same."""
    names = ("Token", "Return", "Morning", "Weather", "hello", "4")
    lexicon = PrivateLexicon([PrivateValue("NAME", name) for name in names])
    assert connected(EgressGate(lexicon)).capabilities.scores_prompt
    remote = connected(EgressGate(lexicon, public_texts=OPTION_NAMES))
    assert remote.capabilities.scores_prompt
    ids = local.vocabulary.tokenize("The garden was")
    clear(remote, remote.prompt_text(ids))
    close(remote.score(ids, first=1), local.score(ids, first=1))


def test_the_ledger_has_every_request(connected: Connect, tmp_path: Path) -> None:
    """Probe, template and scoring are noted before they leave."""
    ledger = EgressLedger(tmp_path / "ledger", b"k" * 32)
    remote = connected(EgressGate(ledger=ledger))
    before = len(list(ledger.entries()))
    assert before > 3
    clear(remote, "Good evening")
    remote.draft(remote.vocabulary.tokenize("Good evening"), 1)
    assert len(list(ledger.entries())) == before + 1


def test_another_vocabulary_is_refused(endpoint: Endpoint, tiny: Path) -> None:
    """The digest on the model's card tells that the tokens are others."""
    other = LocalNextTokenModel(LlamaCppEngine(tiny, n_threads=1))
    with pytest.raises(VocabularyMismatchError, match="different vocabularies"):
        connect(
            endpoint.base_url,
            endpoint.model,
            gate=EgressGate(),
            local_vocabulary=other.vocabulary,
            api_key=endpoint.api_key,
        )


def test_bad_arguments(endpoint: Endpoint, connected: Connect, local: LocalNextTokenModel) -> None:
    """Ids, positions and lengths out of range are refused before anything is sent."""
    remote = connected(EgressGate())
    with pytest.raises(ConfigurationError, match="empty"):
        remote.score([], first=1)
    with pytest.raises(ConfigurationError, match="out of range"):
        remote.score([5, 6], first=3)
    with pytest.raises(ConfigurationError, match="doesn't have"):
        remote.draft([local.vocabulary.size], 1)
    with pytest.raises(ContextLengthError):
        remote.draft([9] * local.n_ctx, 1)
    with pytest.raises(ConfigurationError, match="house-small"):
        connect(
            endpoint.base_url,
            "house-huge",
            gate=EgressGate(),
            local_vocabulary=local.vocabulary,
            api_key=endpoint.api_key,
        )
    with pytest.raises(ConfigurationError, match="kind"):
        connected(EgressGate(), kind="oracle")
    with pytest.raises(ConfigurationError, match="top_k"):
        connected(EgressGate(), top_k=0)
    assert remote.draft([5], 0).ids == ()
    assert endpoint.api_key not in repr(remote)


def test_the_wrong_kind_still_gives_the_right_rows(
    connected: Connect, local: LocalNextTokenModel, close: Callable[..., None]
) -> None:
    """As a generic completions endpoint the same server gives the same rows, by text."""
    remote = connected(
        EgressGate(), kind="completions", control_tokens={"token_id:4": 4}, n_ctx=512
    )
    assert not remote.capabilities.ids
    assert remote.n_ctx == 512
    ids = local.vocabulary.tokenize("Dear friend, the garden is")
    clear(remote, *remote.request_texts(ids, 1))
    rows = remote.score(ids, first=1)
    # The server tokenises text: where it would cut it otherwise, rows are of other positions.
    same = [at for at in range(1, len(ids) + 1) if _tokenized_alike(local, ids[:at])]
    assert len(ids) in same
    close([rows[at - 1] for at in same], [local.next_row(ids[:at]) for at in same])


def _tokenized_alike(local: LocalNextTokenModel, ids: list[int]) -> bool:
    text = local.vocabulary.text(ids).decode("utf-8", "replace")
    return local.vocabulary.tokenize(text) == ids
