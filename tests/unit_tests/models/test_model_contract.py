"""The contract that fused decoding relies on, and models that break it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from langchain_cogenesis.exceptions import DistributionError
from langchain_cogenesis.models.base import Draft
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, TopLogprobs
from langchain_cogenesis.testing import RemoteStandIn, check_model

CHAT = [{"role": "user", "content": "Invite a friend to dinner."}]


@pytest.fixture(scope="module")
def local(house_small: Path) -> Iterator[LocalNextTokenModel]:
    """The small house model."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


def test_models_keep_the_contract(local: LocalNextTokenModel) -> None:
    """Dense rows of the engine, and few tokens a row as an endpoint gives them."""
    check_model(local, CHAT)
    check_model(RemoteStandIn(local), CHAT)
    check_model(RemoteStandIn(local, top_k=1), CHAT)


class Forgetful(RemoteStandIn):
    """Leaves out the last row."""

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        rows = super().score(ids, first=first)
        return rows if len(rows) == 1 else rows[:-1]


class Fickle(RemoteStandIn):
    """Expects something else each time."""

    def _cut(self, row: Distribution) -> Distribution:
        cut = super()._cut(row)
        assert isinstance(cut, TopLogprobs)
        shift = np.float32(0.2 * self.requests)
        return TopLogprobs(cut.ids, cut.logprobs - shift, cut.n_vocab)


class Adventurous(RemoteStandIn):
    """Drafts what is less likely."""

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        rows = super().draft(ids, count).rows[:1]
        assert isinstance(rows[0], TopLogprobs)
        return Draft((int(rows[0].ids[-1]),), rows)


class Certain(RemoteStandIn):
    """Gives probabilities above 1."""

    def _cut(self, row: Distribution) -> Distribution:
        cut = super()._cut(row)
        assert isinstance(cut, TopLogprobs)
        return TopLogprobs(cut.ids, cut.logprobs + np.float32(2), cut.n_vocab)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Forgetful, "a row for each position"),
        (Fickle, "must agree"),
        (Adventurous, "must be greedy"),
    ],
)
def test_what_is_broken_is_found(
    local: LocalNextTokenModel, broken: type[RemoteStandIn], says: str
) -> None:
    """Each fault is named."""
    with pytest.raises(AssertionError, match=says):
        check_model(broken(local), CHAT)


def test_rows_that_are_no_distribution_are_found(local: LocalNextTokenModel) -> None:
    """More than 1 in all is the model's error, by name."""
    with pytest.raises(DistributionError, match="house-small"):
        check_model(Certain(local), CHAT)
