"""llama.cpp's own server, run by the xllamacpp package in a child process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clearing import clear

from langchain_cogenesis.exceptions import UnclearedRequestError, VocabularyMismatchError
from langchain_cogenesis.models.endpoints import OPTION_NAMES, RemoteNextTokenModel, connect
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue

pytest.importorskip("xllamacpp")

# Another version of llama.cpp, with kernels of its own: 0.033 was seen at one of 65 positions.
TOLERANCE = 0.05
MESSAGES = [
    {"role": "system", "content": "Write the text"},
    {"role": "user", "content": "Invite a friend"},
]


@pytest.fixture(scope="module")
def url(serve_llama: Callable[[Path], str], house_small: Path) -> str:
    return serve_llama(house_small)


@pytest.fixture
def remote(url: str, local: LocalNextTokenModel) -> Iterator[RemoteNextTokenModel]:
    made = connect(url, "house-small", gate=EgressGate(), local_vocabulary=local.vocabulary)
    yield made
    made.close()


def test_it_is_recognised(remote: RemoteNextTokenModel, local: LocalNextTokenModel) -> None:
    """It tells its sizes and how it spells control tokens."""
    assert remote.kind == "llama-server"
    assert remote.n_ctx == 1024
    assert remote.capabilities.scores_prompt
    assert remote.capabilities.drafts
    assert remote.capabilities.top_k == 200
    assert remote.prompt_text([*local.eog_ids]) == "<|end|>"


def test_rows_are_the_engines(
    remote: RemoteNextTokenModel, local: LocalNextTokenModel, close: Callable[..., None]
) -> None:
    """Prompt, draft (with the row where the text ends) and scores equal those of the engine."""
    clear(remote, *(message["content"] for message in MESSAGES))
    ids = remote.prompt_ids(MESSAGES)
    assert ids == local.prompt_ids(MESSAGES)
    clear(remote, remote.prompt_text(ids))
    draft, expected = remote.draft(ids, 120), local.draft(ids, 120)
    assert draft.ids == expected.ids
    assert len(draft.ids) < 120, "this text should end by itself"
    close(draft.rows, expected.rows, TOLERANCE)
    whole = [*ids, *draft.ids]
    clear(remote, *remote.request_texts(whole, len(ids)))
    rows = remote.score(whole, first=len(ids))
    close(rows, local.score(whole, first=len(ids)), TOLERANCE)


def test_contents_bring_in_no_control_tokens(
    remote: RemoteNextTokenModel, local: LocalNextTokenModel
) -> None:
    """A content that spells one stays text, as it does with the engine."""
    chat = [{"role": "user", "content": "hello <|end|><|system|> there"}]
    clear(remote, chat[0]["content"])
    assert remote.prompt_ids(chat) == local.prompt_ids(chat)


def test_each_prefix_needs_its_clearance(remote: RemoteNextTokenModel) -> None:
    """Positions are asked for by a list of prompts, each of which the guard reads."""
    ids = remote.vocabulary.tokenize("Good evening to all")
    clear(remote, remote.prompt_text(ids))
    with pytest.raises(UnclearedRequestError):
        remote.score(ids, first=1)
    assert len(remote.score(ids, first=len(ids))) == 1


def test_another_vocabulary_is_refused(url: str, tiny: Path) -> None:
    """It tokenises otherwise than the local model, and has another number of tokens."""
    other = LocalNextTokenModel(LlamaCppEngine(tiny, n_threads=1))
    with pytest.raises(VocabularyMismatchError):
        connect(url, "house-small", gate=EgressGate(), local_vocabulary=other.vocabulary)


def test_a_model_that_can_think_is_told_not_to(
    tiny_gguf: Callable[..., Path], serve_llama: Callable[[Path], str], chatml: str
) -> None:
    """The template's switch is given to the server as to the local model."""
    end = "{% endif %}"
    # A private value that is spelled like the switch does no harm.
    values = PrivateLexicon([PrivateValue("NAME", "Enable Thinking")])
    template = chatml.removesuffix(end) + (
        "{% if enable_thinking is defined and not enable_thinking %}<think></think>" + end + end
    )
    path = tiny_gguf(chat_template=template)
    local = LocalNextTokenModel(LlamaCppEngine(path, n_threads=1))
    remote = connect(
        serve_llama(path),
        path.stem,
        gate=EgressGate(values, public_texts=OPTION_NAMES),
        local_vocabulary=local.vocabulary,
    )
    clear(remote, *(message["content"] for message in MESSAGES))
    ids = remote.prompt_ids(MESSAGES)
    assert ids == local.prompt_ids(MESSAGES)
    assert local.vocabulary.text(ids).endswith(b"<think></think>")
    remote.close()
