"""What the ledger keeps of something that is about to leave, whichever way it leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from langchain_cogenesis.privacy.asking import reasons


def egress_entry(
    event: str,
    where: Mapping[str, str],
    body: bytes,
    *,
    size: int | None = None,
    masked: Mapping[str, int],
    asked: Mapping[tuple[str, str], int],
    trusted: bool,
) -> dict[str, Any]:
    """The content of a ledger's entry.

    Args:
        event: `request` at the wire, `message` at the message.
        where: `endpoint`, and of a request `path` and `method`.
        body: What leaves.
        size: Bytes that count as having left, if not all of the body's.
        masked: Kinds of the values that were masked, with counts.
        asked: What was answered to the gate's questions, with counts.
        trusted: Whether the endpoint is.
    """
    return {
        "event": event,
        **where,
        "bytes": len(body) if size is None else size,
        "digest": hashlib.sha256(body).hexdigest(),
        "masked": dict(masked),
        **({"reasons": reasons(asked)} if asked else {}),
        "trusted": trusted,
        "body": body.decode("utf-8", "replace"),
    }
