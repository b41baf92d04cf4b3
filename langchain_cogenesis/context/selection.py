"""Which items go into a prompt: quotas per part of the context, and a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from langchain_cogenesis.context.documents import StoredItem
from langchain_cogenesis.context.lexical import words
from langchain_cogenesis.context.schema import ItemKind

CORE_FIELDS = ("name", "occupation", "company", "location", "style")

_SHARES: Mapping[ItemKind, float] = {"activity": 0.45, "profile": 0.3, "writing": 0.25}
# One long letter must not take the room of everything else.
_WRITING_SHARE = 0.4
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’)\]]*(?=\s|$)|\n+")
_SMALL_WORDS = frozenset({"a", "an", "and", "at", "from", "in", "my", "of", "the", "to"})


@dataclass(slots=True)
class Budget:
    """What may still be used of a number of documents and of tokens.

    Attributes:
        documents: Documents left.
        tokens: Tokens left; None for no limit.
        count: Counts the tokens of a text.
    """

    documents: int
    tokens: int | None
    count: Callable[[str], int]

    def take(self, text: str) -> bool:
        """Takes room for a document; False, and nothing is taken, if it doesn't fit."""
        if self.documents < 1:
            return False
        if self.tokens is not None:
            # One more for the line break between documents.
            cost = self.count(text) + 1
            if cost > self.tokens:
                return False
            self.tokens -= cost
        self.documents -= 1
        return True


def select_core(entries: Sequence[StoredItem], budget: Budget) -> tuple[list[StoredItem], str]:
    """Takes the core of the profile, name first; the last lines go if all don't fit.

    Returns:
        The items and their text; none and an empty text if there are none or not even one fits.
    """
    core = [entry for entry in entries if is_core(entry)]
    core.sort(key=lambda entry: CORE_FIELDS.index(entry.item.field))
    while core:
        text = "\n".join(entry.item.text for entry in core)
        if budget.take(text):
            return core, text
        core.pop()
    return [], ""


def is_core(entry: StoredItem) -> bool:
    """Whether an item belongs to the core of the profile."""
    return entry.item.kind == "profile" and entry.item.field in CORE_FIELDS


def named_contacts(query: str, entries: Sequence[StoredItem]) -> list[StoredItem]:
    """The contacts whom a query names, or implies by their relation (`my sister`), best first."""
    asked = {form for word in words(query) for form in (word, word.removesuffix("s"))}
    ranked: list[tuple[int, StoredItem]] = []
    for entry in entries:
        if entry.item.kind != "profile" or entry.item.field != "contact":
            continue
        contact = entry.item.data["value"]
        names = sum(len(part) > 1 and part in asked for part in set(words(contact["name"])))
        relation = set(words(contact.get("relation") or "")) - _SMALL_WORDS
        strength = 10 * names + len(relation & asked)
        if strength:
            ranked.append((strength, entry))
    return [entry for _, entry in sorted(ranked, key=lambda pair: -pair[0])]


def choose(
    pools: Mapping[ItemKind, Sequence[StoredItem]], budget: Budget
) -> list[tuple[StoredItem, str]]:
    """Fills a budget from several pools by their shares; what one leaves goes to the others.

    Args:
        pools: Items by kind, best first.
        budget: What may be used; it is used up.

    Returns:
        Items with the text to show, which is shorter than the item's for a writing that was cut,
        grouped by kind in the order of the pools, best first.
    """
    total = budget.tokens
    waiting = {kind: iter(pool) for kind, pool in pools.items()}
    chosen: dict[ItemKind, list[tuple[StoredItem, str]]] = {kind: [] for kind in pools}
    while waiting and budget.documents > 0:
        kind = min(waiting, key=lambda name: (len(chosen[name]) + 1) / _SHARES[name])
        took = _next_fitting(waiting[kind], budget, total)
        if took is None:
            del waiting[kind]
        else:
            chosen[kind].append(took)
    return [took for part in chosen.values() for took in part]


def _next_fitting(
    pool: Iterator[StoredItem], budget: Budget, total: int | None
) -> tuple[StoredItem, str] | None:
    for entry in pool:
        text = entry.item.text
        if entry.item.kind == "writing" and total is not None and budget.tokens is not None:
            room = min(budget.tokens - 1, int(total * _WRITING_SHARE))
            text = cut_at_sentence(text, room, budget.count)
        if text and budget.take(text):
            return entry, text
    return None


def cut_at_sentence(text: str, limit: int, count: Callable[[str], int]) -> str:
    """Shortens a text at the end of a sentence, or of a line.

    Args:
        text: The text; its first line, a heading, is kept.
        limit: Tokens at most.
        count: Counts the tokens of a text.

    Returns:
        The text or its longest fitting beginning; empty if no sentence fits.
    """
    if count(text) <= limit:
        return text
    heading = text.find("\n") + 1
    ends = [match.end() for match in _SENTENCE_END.finditer(text, heading)]
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if count(text[: ends[middle]].rstrip()) <= limit:
            low = middle + 1
        else:
            high = middle
    return text[: ends[low - 1]].rstrip() if low else ""
