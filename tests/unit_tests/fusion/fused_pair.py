"""One text of a made-up person, set up for fused decoding: prompts, gate, prefix."""

from __future__ import annotations

from typing import Any

from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.fusion.prefix import MaskedPrefix
from langchain_cogenesis.fusion.steps import Helper, Mixer
from langchain_cogenesis.logit_answering import admitting
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES, TEXT_SYSTEM

ELSEWHERE = "http://127.0.0.1:1/v1"


def make_example(seed: int) -> Example:
    """A person, what is known of them, and what they ask for."""
    return create_example(seed, condition="context", scope="all")


def make_lexicon(example: Example) -> PrivateLexicon:
    """The names, places and firms of an example."""
    kinds = {"NAME", "PLACE", "ORG"}
    return PrivateLexicon(
        PrivateValue(slot.kind, slot.value)
        for slot in example.slots.values()
        if slot.kind in kinds and slot.value
    )


def make_mixer(
    local: LocalNextTokenModel,
    remote: NextTokenModel,
    example: Example,
    *,
    gate: EgressGate | None = None,
    **options: Any,
) -> Mixer:
    """Both models before the first token; what goes to the remote passes the gate."""
    lexicon = make_lexicon(example)
    gate = gate or EgressGate(public_texts=PUBLIC_TEMPLATES)
    gate.lexicon = lexicon
    conversation, where = Conversation(), str(getattr(remote, "endpoint", ELSEWHERE))
    cleared = gate.require(example.instruction, endpoint=where, conversation=conversation)
    chat = [{"role": "system", "content": TEXT_SYSTEM}, {"role": "user", "content": cleared.text}]
    prefix = MaskedPrefix(local.vocabulary, PrefixMask(gate.find, conversation.mask, lexicon))
    admit = admitting(gate, where, conversation, remote)
    private = [{"role": role, "content": text} for role, text in example.messages()]
    helper = Helper(remote, remote.prompt_ids(chat), prefix, admit)
    return Mixer(local, local.prompt_ids(private), [helper], **options)
