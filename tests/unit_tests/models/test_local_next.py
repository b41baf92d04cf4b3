"""The local engine as a next-token model: rows, drafts, limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from langchain_cogenesis.exceptions import ContextLengthError
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Logprobs


@pytest.fixture(scope="module")
def engine(house_small: Path) -> Iterator[LlamaCppEngine]:
    """The small house model with a short window."""
    engine = LlamaCppEngine(house_small, n_ctx=64, n_threads=1)
    yield engine
    engine.close()


@pytest.fixture
def model(engine: LlamaCppEngine) -> LocalNextTokenModel:
    """The same, as a next-token model."""
    return LocalNextTokenModel(engine)


def test_it_has_the_protocols_members(model: LocalNextTokenModel) -> None:
    """With whole rows, and the engine's own tokens."""
    assert isinstance(model, NextTokenModel)
    assert model.capabilities.top_k is None
    assert model.vocabulary.text(model.vocabulary.tokenize("See you.")) == b"See you."
    assert "house-small" in repr(model)


def test_rows_are_the_same_one_at_a_time_and_all_at_once(model: LocalNextTokenModel) -> None:
    """Distributions, bit by bit the same, one more than there are tokens."""
    prompt = model.prompt_ids([{"role": "user", "content": "Invite a friend."}])
    answer = model.vocabulary.tokenize("Hey, come over on Friday.")
    rows = model.score([*prompt, *answer], first=len(prompt))
    assert len(rows) == len(answer) + 1
    for at, row in enumerate(rows):
        assert isinstance(row, Logprobs)
        row.checked(model.name)
        alone = model.next_row([*prompt, *answer[:at]])
        assert np.array_equal(row.values, alone.values)


def test_a_draft_is_what_the_engine_would_write(
    model: LocalNextTokenModel, engine: LlamaCppEngine
) -> None:
    """A row for each token; none more where it was cut short, by count or by the window."""
    prompt = model.prompt_ids([{"role": "user", "content": "Invite a friend."}])
    draft = model.draft(prompt, 6)
    assert list(draft.ids) == [token.id for token in engine.generate(prompt, max_tokens=6)]
    assert len(draft.rows) == len(draft.ids)
    whole = model.draft(prompt, 1000)
    ended = len(prompt) + len(whole.ids) < model.n_ctx
    assert len(whole.rows) == len(whole.ids) + ended
    with pytest.raises(ContextLengthError):
        model.draft([prompt[0]] * model.n_ctx, 1)
    assert model.draft(prompt, 0).ids == ()
