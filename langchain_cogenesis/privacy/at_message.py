"""The record of what goes to a remote whose HTTP client isn't ours: at the message, not the wire.

What such a client makes of the messages, and how often it sends them, can't be seen from here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from langchain_cogenesis.privacy.cleared import ClearedText
from langchain_cogenesis.privacy.entries import egress_entry
from langchain_cogenesis.privacy.metering import count_request


def submit_messages(
    cleared: ClearedText, messages: Sequence[Mapping[str, str]]
) -> Future[int] | None:
    """Notes messages in the ledger of the gate that cleared their text, and counts them.

    Args:
        cleared: The cleared text that they are made of, besides constant templates.
        messages: With `role` and `content`, as they are about to be handed over.

    Returns:
        Done once the ledger's entry is on disk, which must be waited for before the remote is
        called; it raises LedgerError where that fails. None without a ledger.
    """
    gate = cleared.gate
    size = sum(len(message["content"].encode("utf-8", "replace")) for message in messages)
    recorded: Future[int] | None = None
    if gate.ledger is not None:
        body = json.dumps({"messages": [*map(dict, messages)]}, ensure_ascii=False)
        clearance = gate.clearance(cleared.text, cleared.endpoint)
        recorded = gate.ledger.submit(
            egress_entry(
                "message",
                {"endpoint": cleared.endpoint},
                body.encode("utf-8", "surrogatepass"),
                size=size,
                masked=cleared.masked,
                asked=clearance.asked if clearance is not None else {},
                trusted=gate.policy.trusts(cleared.endpoint),
            )
        )
    count_request(size)
    return recorded
