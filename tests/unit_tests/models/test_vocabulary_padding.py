"""Rows of a model's matrix behind its last token: part of no vocabulary, in no way of comparing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from langchain_cogenesis.exceptions import RemoteResponseError, VocabularyMismatchError
from langchain_cogenesis.models.endpoints import connect
from langchain_cogenesis.models.endpoints.rows import top_row
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.vocabulary import require_same
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.policy import EgressPolicy

WIDE = 27


@pytest.fixture(scope="module")
def narrow(tiny_gguf: Callable[..., Path], chatml: str) -> Iterator[LlamaCppEngine]:
    """A model without padding."""
    engine = LlamaCppEngine(tiny_gguf(chat_template=chatml), n_threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def wide_file(tiny_gguf: Callable[..., Path], chatml: str) -> Path:
    """A model of the same tokens with padding, and other weights."""
    return tiny_gguf(chat_template=chatml, padding=WIDE, seed=1)


def test_padding_is_no_part_of_the_vocabulary(narrow: LlamaCppEngine, wide_file: Path) -> None:
    """Two models of one tokenizer and two widths have one vocabulary, and rows of one length."""
    wide = LlamaCppEngine(wide_file, n_threads=1)
    assert wide.n_vocab == narrow.n_vocab
    require_same(narrow.vocabulary, "one", wide.vocabulary, "other")
    ids = wide.tokenize("a text of some length")
    for row in wide.score(ids, first=1):
        assert row.shape == (narrow.n_vocab,)
        assert np.exp(row.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
    wide.close()


def test_tokens_at_the_end_that_differ_are_no_padding(
    narrow: LlamaCppEngine, house: LlamaCppEngine
) -> None:
    """Another vocabulary is still refused."""
    with pytest.raises(VocabularyMismatchError):
        require_same(narrow.vocabulary, "one", house.vocabulary, "other")


def test_a_server_that_tells_the_width_is_taken(
    narrow: LlamaCppEngine, wide_file: Path, serve_llama: Callable[[Path], str]
) -> None:
    """llama-server tells the width with padding; rows come in the local model's ids."""
    url = serve_llama(wide_file)
    gate = EgressGate(policy=EgressPolicy(trusted=frozenset({url})))
    vocabulary = LocalNextTokenModel(narrow).vocabulary
    remote = connect(url, wide_file.stem, gate=gate, local_vocabulary=vocabulary)
    try:
        ids = remote.prompt_ids([{"role": "user", "content": "a text"}])
        row = remote.score(ids, first=len(ids))[0]
        assert row.n_vocab == vocabulary.size
        assert int(row.ids.max()) < vocabulary.size
        # Some of the random weights' mass is on the padding, and counts as a token not listed.
        assert 0 < row.unmapped <= row.tail + 1e-6
    finally:
        remote.close()


def test_mass_on_padding_is_unmapped() -> None:
    """Ids in the padding take nothing of a row but their probability."""
    pairs = [(0, np.log(0.5)), (4, np.log(0.25)), (1, np.log(0.25))]
    row = top_row(pairs, 3, 3, RemoteResponseError, padding=2)
    assert row.ids.tolist() == [0, 1]
    assert row.unmapped == pytest.approx(0.25)
    assert row.tail == pytest.approx(0.25)


@pytest.mark.parametrize("value", [0.1, float("nan")])
def test_what_is_no_probability_is_refused_there_too(value: float) -> None:
    """A lie about padding is a lie."""
    with pytest.raises(RemoteResponseError):
        top_row([(0, -1.0), (4, value)], 3, 3, RemoteResponseError, padding=2)
