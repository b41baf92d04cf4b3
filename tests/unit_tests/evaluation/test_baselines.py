"""Drafts that a remote makes and a local model keeps or replaces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.evaluation.baselines import draft_and_replace
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.prefix import RawPrefix
from langchain_cogenesis.fusion.steps import Helper, Mixer
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.prompts import public_messages, role_pairs

LENGTH = 24


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[LlamaCppEngine, LlamaCppEngine]]:
    made = LlamaCppEngine("house-small"), LlamaCppEngine("house-large")
    yield made
    for engine in made:
        engine.close()


@pytest.fixture(scope="module")
def example() -> Example:
    return create_example("drafts", condition="context", scope="all")


def _mixer(engines: tuple[LlamaCppEngine, LlamaCppEngine], example: Example) -> Mixer:
    local, large = map(LocalNextTokenModel, engines)
    public = role_pairs(public_messages(example.instruction))
    helper = Helper(large, large.prompt_ids(_chat(public)), RawPrefix())
    return Mixer(local, local.prompt_ids(_chat(example.messages())), [helper])


def _chat(messages: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in messages]


def test_a_strict_local_model_writes_its_own_text(
    engines: tuple[LlamaCppEngine, LlamaCppEngine], example: Example
) -> None:
    mixer = _mixer(engines, example)
    own = mixer.local.draft(list(mixer.prompt), LENGTH).ids
    steps = list(draft_and_replace(mixer, LENGTH, draft=4, keep=1))
    assert tuple(step.token for step in steps) == own


def test_a_lenient_local_model_keeps_what_the_remote_writes(
    engines: tuple[LlamaCppEngine, LlamaCppEngine], example: Example
) -> None:
    mixer = _mixer(engines, example)
    theirs = mixer.helpers[0].model.draft(list(mixer.helpers[0].prompt), LENGTH).ids
    steps = list(draft_and_replace(mixer, LENGTH, draft=5, keep=0))
    assert tuple(step.token for step in steps) == theirs
    assert all(step.weights == (0.0, 1.0) for step in steps)


def test_in_between_both_write_and_the_limit_holds(
    engines: tuple[LlamaCppEngine, LlamaCppEngine], example: Example
) -> None:
    mixer = _mixer(engines, example)
    steps = list(draft_and_replace(mixer, 7, draft=10, keep=0.3))
    assert len(steps) <= 7
    assert mixer.ids == [step.token for step in steps] == mixer.helpers[0].prefix.ids
    assert [step.position for step in steps] == list(range(len(steps)))


def test_settings_out_of_range_are_refused(
    engines: tuple[LlamaCppEngine, LlamaCppEngine], example: Example
) -> None:
    for wrong in ({"draft": 0}, {"keep": 1.5}, {"keep": -0.1}):
        with pytest.raises(ConfigurationError):
            next(draft_and_replace(_mixer(engines, example), 4, **wrong))
