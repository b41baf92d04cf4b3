"""Clears what a test sends, as logit mode does: placeholders in it stand for something."""

from __future__ import annotations

from langchain_cogenesis.models.endpoints import RemoteNextTokenModel
from langchain_cogenesis.privacy.gate import ClearedText
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_KINDS, PLACEHOLDERS_PER_KIND
from langchain_cogenesis.privacy.restore import Conversation


def clear(model: RemoteNextTokenModel, *texts: str) -> None:
    """Has the model's gate admit texts, in a conversation that knows all placeholders."""
    conversation = Conversation()
    for kind in PLACEHOLDER_KINDS:
        for number in range(PLACEHOLDERS_PER_KIND):
            conversation.mask(kind, f"{kind} {number}")
    for text in texts:
        admitted = model.gate.admit(text, endpoint=model.endpoint, conversation=conversation)
        assert isinstance(admitted, ClearedText)
