"""What a retriever would hand over for an occasion: relevant items, others, in varied order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from langchain_cogenesis.context.schema import PrivateContext, WritingSample
from langchain_cogenesis.data.grammar.occasions.base import Occasion
from langchain_cogenesis.data.grammar.personas import Persona, distractions

if TYPE_CHECKING:
    from langchain_core.documents import Document

    from langchain_cogenesis.context.schema import ContextItem

_SHARES = {
    "name": 1.0,
    "occupation": 0.8,
    "company": 0.85,
    "location": 0.85,
    "age": 0.15,
    "email": 0.15,
    "trait": 0.3,
    "contact": 0.2,
    "fact": 0.45,
}
"""How often a profile item is found that the text may not need."""


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """Retrieved documents and the sources of facts that are among them."""

    documents: tuple[Document, ...]
    sources: frozenset[str]


def retrieve(
    random: Random,
    persona: Persona,
    occasions: Sequence[Occasion],
    *,
    named: bool,
    earlier: Sequence[WritingSample] = (),
) -> Found:
    """Chooses what is handed over.

    Args:
        random: Source of all choices.
        persona: Whose context it is.
        occasions: What the texts are about.
        named: Whether every request names its recipient; if not, the contacts are always there.
        earlier: Earlier writings.
    """
    from langchain_core.documents import Document

    others = distractions(random, persona, random.choice((0, 1, 1, 2, 2, 3, 4)))
    # Now and then the store doesn't hold the occasion, and the writer must not invent it.
    relevant = [activity for occasion in occasions for activity in occasion.activities]
    if random.random() > 0.96:
        relevant = []
    context = PrivateContext(
        profile=persona.profile,
        activities=tuple(random.sample([*relevant, *others], len(relevant) + len(others))),
        writings=tuple(earlier),
    )
    sources = {"activity"} if relevant else set()
    style = random.random() < 0.92
    recipients = [occasion.recipient.given for occasion in occasions]
    kept: list[ContextItem] = []
    for item in context.items():
        if item.kind == "profile" and not _keep(random, item, recipients, named=named, style=style):
            continue
        kept.append(item)
        sources.add(item.field)
    if random.random() < 0.4:
        random.shuffle(kept)
    if not style:
        sources.discard("style")
    documents = tuple(Document(item.text, metadata={"kind": item.kind}) for item in kept)
    return Found(documents, frozenset(sources))


def _keep(
    random: Random, item: ContextItem, recipients: Sequence[str], *, named: bool, style: bool
) -> bool:
    if item.field == "style":
        # Greeting and closing come together; the tone can be missing.
        return style and (not item.text.startswith("Tone") or random.random() < 0.85)
    if item.field == "contact" and any(given in item.text for given in recipients):
        return not named or random.random() < 0.75
    return random.random() < _SHARES[item.field]
