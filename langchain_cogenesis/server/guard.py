"""Who may talk to the endpoint: this machine's programs that know the key, and no web page.

A page in the user's browser can send requests to loopback ports, and by DNS rebinding even read the
answers. `Host` and `Origin` headers tell such requests apart.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from langchain_cogenesis.server.errors import describe, error_body

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 8 * 1024 * 1024

_OPEN_PATHS = ("/health",)
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_logger = logging.getLogger(__name__)


class _BodyTooLargeError(Exception):
    """The body is larger than the endpoint takes."""


class _ClientGoneError(Exception):
    """The client left before its body was complete."""


class Guard:
    """ASGI middleware that refuses foreign hosts and origins, wrong keys and over-large bodies.

    It also is the last to see an error, so that no traceback reaches the server's log: the text of
    an unforeseen error might hold a prompt.

    Args:
        app: The application behind it.
        api_key: Bearer token to ask for; None asks for none.
        max_body_bytes: Largest body taken.
    """

    def __init__(
        self, app: App, *, api_key: str | None = None, max_body_bytes: int = MAX_BODY_BYTES
    ) -> None:
        self._app = app
        self._expected = None if api_key is None else f"Bearer {api_key}".encode()
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _respond(send, *refusal)
            return
        await self._forward(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            body = await _read_body(scope, receive, self._max_body_bytes)
            await self._app(scope, _replay(body, receive), noting_send)
        except _ClientGoneError:
            return
        except _BodyTooLargeError:
            message = f"The request body is larger than {self._max_body_bytes} bytes. Shorten it."
            await _respond(send, 413, error_body(message, status=413))
        except Exception as error:  # noqa: BLE001 - see the class
            _logger.error("A request failed with %s.", type(error).__name__)
            if not started:
                await _respond(send, *describe(error))

    def _refusal(self, scope: Scope) -> tuple[int, dict[str, Any]] | None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        allowed = _allowed_hosts(scope)
        hosts = [host.decode("latin-1").lower() for host in headers.get(b"host", [])]
        if len(hosts) != 1 or hosts[0] not in allowed:
            text = "This endpoint answers requests to its own loopback address only."
            return 403, error_body(text, status=403, code="foreign_host")
        own = {f"http://{host}" for host in allowed}
        if any(
            origin.decode("latin-1").lower() not in own for origin in headers.get(b"origin", [])
        ):
            text = "This endpoint answers no requests from web pages of other origins."
            return 403, error_body(text, status=403, code="foreign_origin")
        if self._expected is None or scope["path"] in _OPEN_PATHS:
            return None
        given = headers.get(b"authorization", [b""])
        if len(given) == 1 and hmac.compare_digest(given[0], self._expected):
            return None
        text = "The API key is missing or wrong. Send it as 'Authorization: Bearer KEY'."
        return 401, error_body(text, status=401, code="invalid_api_key")


def _allowed_hosts(scope: Scope) -> set[str]:
    port = (scope.get("server") or ("", None))[1]
    hosts = {f"{name}:{port}" for name in _LOOPBACK_NAMES}
    # Clients leave the scheme's default port out.
    return hosts | set(_LOOPBACK_NAMES) if port == 80 else hosts


async def _read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _BodyTooLargeError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        body += message.get("body", b"")
        if len(body) > limit:
            raise _BodyTooLargeError
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replaying_receive() -> Message:
        return pending.pop() if pending else await receive()

    return replaying_receive


async def _respond(send: Send, status: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        # What is left of a refused body is not read: the connection can't be used again.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
