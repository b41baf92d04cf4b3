"""Likelihood of references under one model and under two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from langchain_cogenesis.evaluation.house import held_out_example
from langchain_cogenesis.evaluation.likelihood import (
    chat_ids,
    fused_nll,
    masked_view,
    public_ids,
    reference_nll,
)
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN


@pytest.fixture(scope="module")
def small(house_small: Path) -> Iterator[LlamaCppEngine]:
    """The small house model."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def large(house_large: Path) -> Iterator[LlamaCppEngine]:
    """The larger house model."""
    engine = LlamaCppEngine(house_large, n_threads=1)
    yield engine
    engine.close()


def test_masked_view_hides_every_fact_with_a_kind() -> None:
    """No name, place, number or date of an example is left, and each keeps its placeholder."""
    for number in range(60):
        example = held_out_example(number)
        view = masked_view(example)
        answer = example.answer.encode()
        left = bytearray(answer)
        for first, last, mark in view.spans:
            assert PLACEHOLDER_PATTERN.fullmatch(mark)
            left[first:last] = b"_" * (last - first)
        for name, value in example.facts.items():
            if example.slots[name].kind:
                assert value not in view.instruction.split(), (number, name)
                assert value not in left.decode(), (number, name)


def test_likelihood_is_the_sum_over_tokens(small: LlamaCppEngine) -> None:
    """Token by token, one prefix at a time, gives the same sum."""
    example = held_out_example(2)
    nats, tokens = reference_nll(small, example.messages(), example.answer)
    ids = [*chat_ids(small, example.messages()), *small.tokenize(example.answer)]
    total = 0.0
    for end in range(len(ids) - int(tokens), len(ids)):
        *_, row = small.score(ids[:end], first=end)
        total -= float(row[ids[end]])
    assert nats == pytest.approx(total, rel=1e-3)


def test_public_ids_are_the_tokens_outside_of_private_spans(small: LlamaCppEngine) -> None:
    """What the larger model reads is the answer with placeholders, in the answer's own tokens."""
    for number in range(20):
        example = held_out_example(number)
        tokens, view = small.tokenize(example.answer), masked_view(example)
        seen, rows = public_ids(small, tokens, view.spans)
        masked = bytearray()
        end = 0
        for first, last, mark in view.spans:
            masked += example.answer.encode()[end:first] + mark.encode()
            end = last
        masked += example.answer.encode()[end:]
        assert small.detokenize(seen).replace(b" ", b"") == bytes(masked).replace(b" ", b"")
        assert all(seen[row] == tokens[index] for index, row in rows.items())


def test_fusion_loses_at_most_a_bit_a_token(small: LlamaCppEngine, large: LlamaCppEngine) -> None:
    """Half of a probability is left whatever the other model says; masked spans lose nothing."""
    for number in (1, 6):
        example = held_out_example(number)
        for masked in (True, False):
            found = fused_nll(small, large, example, masked=masked)
            (alone, tokens), (fused, count) = found["alone"], found["fused"]
            assert tokens == count == len(small.tokenize(example.answer))
            assert fused <= alone + np.log(2) * tokens + 1e-3
        assert alone == pytest.approx(
            reference_nll(small, example.messages(), example.answer)[0], rel=1e-3
        )


def test_a_model_fused_with_itself_is_that_model(large: LlamaCppEngine) -> None:
    """Where both are asked the same, the mixture is either."""
    from dataclasses import replace

    example = replace(held_out_example(4), condition="public_text", documents=(), sketch=())
    found = fused_nll(large, large, example, masked=False)
    assert found["fused"][0] == pytest.approx(found["alone"][0], rel=1e-3)
