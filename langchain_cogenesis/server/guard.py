"""Who may talk to the endpoint: this machine's programs that know the key, and no web page.

A page in the user's browser can send requests to loopback ports, and by DNS rebinding even read the
answers. `Host`, `Origin` and `Sec-Fetch-Site` headers tell such requests apart. No answer has a
header that would let a page of another origin read it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from langchain_cogenesis.server.errors import describe, error_body
from langchain_cogenesis.server.limits import Limits, RateLimit

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, list[bytes]]
Refusal = tuple[int, dict[str, Any]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


USER = "cogenesis.user"
"""Key of a request's scope: whose key it came with."""
_OPEN_PATHS = ("/health",)
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_OWN_SITES = frozenset({b"same-origin", b"none"})
_logger = logging.getLogger(__name__)


class _BodyTooLargeError(Exception):
    """The body is larger than the endpoint takes."""


class _ClientGoneError(Exception):
    """The client left before its body was complete."""


class Guard:
    """ASGI middleware that refuses foreign hosts and origins, wrong keys and too much of anything.

    It also is the last to see an error, so that no traceback reaches the server's log: the text of
    an unforeseen error might hold a prompt.

    Args:
        app: The application behind it.
        api_key: Bearer token to ask for; None asks for none.
        limits: Bounds on the size, the rate and the time of requests.
        users: Further bearer tokens, and whose they are: the application finds the name in the
            request's scope, under `USER`.
    """

    def __init__(
        self,
        app: App,
        *,
        api_key: str | None,
        limits: Limits,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self._app = app
        keys = {**({} if api_key is None else {api_key: ""}), **(users or {})}
        self._expected = {f"Bearer {key}".encode(): user for key, user in keys.items()}
        self._limits = limits
        self._rate = RateLimit(limits.requests_per_second)
        self._strangers = RateLimit(limits.strangers_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        user = self._user(headers)
        known = user is not None
        scope[USER] = user
        refusal = self._refusal(scope, headers, known)
        # Two buckets: strangers can't use up what those with the key need.
        stranger = refusal is not None or not known
        seconds = (self._strangers if stranger else self._rate).wait()
        if seconds:
            text = f"Too many requests. Try again in {seconds} s."
            body = error_body(text, status=429, code="rate_limit_exceeded")
            await _respond(send, 429, body, seconds)
        elif refusal is not None:
            await _respond(send, *refusal)
        else:
            await self._forward(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await _read_body(scope, receive, self._limits.body_bytes)
        except _ClientGoneError:
            return
        except _BodyTooLargeError:
            text = f"The request body is larger than {self._limits.body_bytes} bytes. Shorten it."
            await _respond(send, 413, error_body(text, status=413))
            return
        except TimeoutError:
            text = f"The request body did not arrive within {self._limits.body_seconds:g} s."
            await _respond(send, 408, error_body(text, status=408))
            return
        try:
            await self._app(scope, _replay(body, receive), noting_send)
        except Exception as error:  # noqa: BLE001 - see the class
            _logger.error("A request failed with %s.", type(error).__name__)
            if not started:
                await _respond(send, *describe(error))

    def _user(self, headers: Headers) -> str | None:
        """Whose key was presented: a user's name, empty for nobody's in particular, or None."""
        if not self._expected:
            return ""
        given = headers.get(b"authorization", [])
        found: str | None = None
        # All of them each time: how long it takes must not tell which one was nearly right.
        for expected, user in self._expected.items():
            if len(given) == 1 and hmac.compare_digest(given[0], expected):
                found = user
        return found

    def _refusal(self, scope: Scope, headers: Headers, known: bool) -> Refusal | None:
        allowed = _allowed_hosts(scope)
        hosts = [host.decode("latin-1").lower() for host in headers.get(b"host", [])]
        if len(hosts) != 1 or hosts[0] not in allowed:
            text = "This endpoint answers requests to its own loopback address only."
            return 403, error_body(text, status=403, code="foreign_host")
        own = {f"http://{host}" for host in allowed}
        origins = [origin.decode("latin-1").lower() for origin in headers.get(b"origin", [])]
        # Browsers send no origin with images, scripts and links; but they say where those are from.
        sites = headers.get(b"sec-fetch-site", [])
        if not own.issuperset(origins) or not _OWN_SITES.issuperset(sites):
            text = "This endpoint answers no requests from web pages of other origins."
            return 403, error_body(text, status=403, code="foreign_origin")
        if known or scope["path"] in _OPEN_PATHS:
            return None
        text = "The API key is missing or wrong. Send it as 'Authorization: Bearer KEY'."
        return 401, error_body(text, status=401, code="invalid_api_key")


def _headers(scope: Scope) -> Headers:
    headers: Headers = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers


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


async def _respond(
    send: Send, status: int, body: dict[str, Any], retry_after: int | None = None
) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        # What is left of a refused body is not read: the connection can't be used again.
        (b"connection", b"close"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
