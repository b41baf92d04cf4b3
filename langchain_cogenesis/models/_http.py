"""Which httpx to use. Two exist, and the clients of one don't take the transports of the other."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def http_library() -> Any:
    """The httpx that the installed openai client is built on."""
    if int(version("openai").split(".")[0]) >= 3:
        import httpx2

        return httpx2
    import httpx

    return httpx
