"""ChatLogitFusion: two or more models in one chat model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from langchain_cogenesis import LlamaCppEngine
from langchain_cogenesis.chat_fusion import ChatLogitFusion
from langchain_cogenesis.exceptions import ConfigurationError, ModeError
from langchain_cogenesis.fusion.fixed import LinearFusion, ProxyFusion
from langchain_cogenesis.logit_answering import FusionHelper
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.prompts import PRIVATE_SYSTEM, PUBLIC_TEMPLATES
from langchain_cogenesis.testing import RemoteStandIn

SECRET = "Quillara"
MESSAGES = [
    SystemMessage(f"{PRIVATE_SYSTEM}\nName: {SECRET} Vex\nGreeting: Hi\nClosing: Hugs"),
    HumanMessage("Thank Osric for watering my plants."),
]


@pytest.fixture(scope="module")
def large(house_large: Path) -> Iterator[LocalNextTokenModel]:
    """The larger house model."""
    engine = LlamaCppEngine(house_large, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


@pytest.fixture(scope="module")
def bare(house_small: Path) -> Iterator[LocalNextTokenModel]:
    """The small house model once more, to be asked without context."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield LocalNextTokenModel(engine)
    engine.close()


def _gate() -> EgressGate:
    lexicon = PrivateLexicon([PrivateValue("NAME", "Osric"), PrivateValue("NAME", SECRET)])
    return EgressGate(lexicon, public_texts=PUBLIC_TEMPLATES)


def _model(*helpers: FusionHelper, **more: Any) -> ChatLogitFusion:
    local = ChatLocalLlama(max_tokens=24)
    return ChatLogitFusion(local=local, helpers=helpers, gate=_gate(), **more)


def _seen(remote: RemoteStandIn) -> str:
    return "\n".join(remote.vocabulary.text(ids).decode("utf-8", "replace") for ids in remote.seen)


@pytest.mark.parametrize(
    ("trust", "osric", "secret"),
    [("masked", False, False), ("instruction", True, False), ("context", True, True)],
)
def test_each_tier_sees_what_it_may(
    large: LocalNextTokenModel, trust: Any, osric: bool, secret: bool
) -> None:
    """Masked sees no value, instruction sees the request as it is, context sees everything."""
    remote = RemoteStandIn(large)
    # One request: what is written later isn't part of the tiers' difference.
    answer = _model(FusionHelper(remote, trust), block=None).invoke(MESSAGES, max_tokens=1)
    assert answer.content
    assert ("Osric" in _seen(remote)) is osric
    assert (SECRET in _seen(remote)) is secret


def test_two_models_write_one_text_whatever_the_block(large: LocalNextTokenModel) -> None:
    """Blocks change the number of requests and nothing else; streaming gives the same text."""
    single, blocked = RemoteStandIn(large), RemoteStandIn(large)
    one = _model(FusionHelper(single), block=None).invoke(MESSAGES)
    model = _model(FusionHelper(blocked), block=4)
    assert model.invoke(MESSAGES).content == one.content
    assert blocked.requests < single.requests
    assert "".join(str(chunk.content) for chunk in model.stream(MESSAGES)) == one.content
    told = one.response_metadata["cogenesis"]
    assert told["tokens"]["asked"] > 0
    assert one.usage_metadata["output_tokens"] == 24  # type: ignore[index]


async def test_asynchronous_calls_give_the_same(large: LocalNextTokenModel) -> None:
    """`ainvoke` and `astream` write what `invoke` writes."""
    model = _model(FusionHelper(RemoteStandIn(large)))
    answer = model.invoke(MESSAGES).content
    assert (await model.ainvoke(MESSAGES)).content == answer
    assert "".join([str(c.content) async for c in model.astream(MESSAGES)]) == answer


def test_proxy_takes_the_small_model_twice(
    large: LocalNextTokenModel, bare: LocalNextTokenModel
) -> None:
    """With context, without, and the large one: three rows, each with its own view."""
    remote = RemoteStandIn(large)
    model = _model(FusionHelper(bare, "instruction"), FusionHelper(remote), fusion=ProxyFusion(1.0))
    steps = model.invoke(MESSAGES, attribution=True).response_metadata["cogenesis"]["steps"]
    fused = [step for step in steps if step["why_not"] is None]
    assert fused
    assert all(step["weights"] == [1.0, -1.0, 1.0] for step in fused)
    assert SECRET not in _seen(remote)


def test_an_endpoint_that_is_not_trusted_gets_masked_text_only(large: LocalNextTokenModel) -> None:
    """Any other tier is refused when the model is made, unless the endpoint is declared trusted."""
    remote = RemoteStandIn(large)
    remote.endpoint = "http://10.0.0.7:8000/v1"  # type: ignore[attr-defined]
    for trust in ("instruction", "context"):
        with pytest.raises(ModeError, match="trusted"):
            _model(FusionHelper(remote, trust))  # type: ignore[arg-type]
    trusting = EgressGate(policy=EgressPolicy(trusted=("http://10.0.0.7:8000/v1",)))
    ChatLogitFusion(
        local=ChatLocalLlama(), helpers=(FusionHelper(remote, "context"),), gate=trusting
    )


def test_what_makes_no_sense_is_refused_when_it_is_made(large: LocalNextTokenModel) -> None:
    """No helper, another gate, a block of no tokens: each is named before anything is asked."""
    with pytest.raises(ConfigurationError, match="nothing to fuse"):
        _model()
    with pytest.raises(ConfigurationError, match="block"):
        _model(FusionHelper(large), block=0)
    gated = RemoteStandIn(large)
    gated.gate = EgressGate()  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="gate"):
        _model(FusionHelper(gated))


def test_weights_are_for_as_many_models_as_there_are(large: LocalNextTokenModel) -> None:
    """A fusion of three models with two of them is an error that says so."""
    model = _model(FusionHelper(RemoteStandIn(large)), fusion=LinearFusion((1, 1, 1)))
    with pytest.raises(ConfigurationError, match="3 models"):
        model.invoke(MESSAGES)
