"""By what an item is known, and where it belongs."""

from __future__ import annotations

import json

from langchain_cogenesis.context.documents import StoredItem
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.schema import ContextItem

_REPEATABLE = frozenset({"trait", "style", "contact", "fact"})


def identify(keys: StoreKeys, item: ContextItem) -> str:
    """The keyed digest of an item's content, 64 hex digits."""
    canonical = json.dumps([item.kind, item.field, item.data], sort_keys=True, ensure_ascii=True)
    return keys.digest(canonical.encode())


def slot_of(entry: StoredItem) -> str:
    """Where an entry belongs: a single field of the profile has one place, others one each."""
    item = entry.item
    single = item.kind == "profile" and item.field not in _REPEATABLE
    return f"profile/{item.field}" if single else entry.id
