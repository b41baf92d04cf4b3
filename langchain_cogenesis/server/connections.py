"""Connections that say nothing, or say it slowly, are closed and hold nobody up.

Until its request line and headers are whole, nobody knows whose a connection is. So there is a
bound on how long and how much that may take, and on how many may be in that state; of too many,
the one that has waited longest goes.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from langchain_cogenesis.server.limits import Limits


def bounded_protocol(limits: Limits) -> type[asyncio.Protocol]:
    """Returns uvicorn's protocol for HTTP, with bounds on requests that aren't whole yet.

    Args:
        limits: The bounds.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol
    most = min(limits.waiting_connections, _open_files() // 2)
    # In the order in which they began to wait.
    waiting: dict[Any, asyncio.TimerHandle] = {}

    class BoundedProtocol(base):
        """One connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._begin_waiting()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before:
                self._end_waiting()
                return
            if self in waiting:
                self._head_bytes += len(data)
                if self._head_bytes > limits.head_bytes:
                    self._close(b"431 Request Header Fields Too Large")

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle is None or self.cycle.response_complete:
                self._begin_waiting()

        def connection_lost(self, error: Exception | None) -> None:
            self._end_waiting()
            super().connection_lost(error)

        def _begin_waiting(self) -> None:
            self._end_waiting()
            self._head_bytes = 0
            if self.transport.is_closing():
                return
            loop = asyncio.get_running_loop()
            waiting[self] = loop.call_later(
                limits.head_seconds, self._close, b"408 Request Timeout"
            )
            if len(waiting) > most:
                next(iter(waiting))._close()

        def _end_waiting(self) -> None:
            timer = waiting.pop(self, None)
            if timer is not None:
                timer.cancel()

        def _close(self, status: bytes = b"") -> None:
            self._end_waiting()
            # Whoever said nothing has asked nothing.
            if status and self._head_bytes and not self.transport.is_closing():
                self.transport.write(
                    b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                )
            self.transport.close()

    return BoundedProtocol


def _open_files() -> int:
    """How many files this process may have open, connections among them."""
    if sys.platform == "win32":
        return 512
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
