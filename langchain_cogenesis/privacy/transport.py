"""The one seam to the network: a transport that refuses what was not cleared.

It looks at the request as it is about to be sent: its address, its headers, and its decoded body.
Every text in it must be one that the egress gate cleared for this endpoint (or one of the gate's
constant templates), and no text may hold a value known to be private all the same. What passes is
in the ledger before the first byte leaves.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import unquote_plus, urlsplit

from langchain_cogenesis.exceptions import ConfigurationError, UnclearedRequestError
from langchain_cogenesis.privacy.cleared import Clearance
from langchain_cogenesis.privacy.entries import egress_entry
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.metering import count_request
from langchain_cogenesis.privacy.policy import origin
from langchain_cogenesis.privacy.wire import Detokenize, Part, read_parts

if TYPE_CHECKING:
    from concurrent.futures import Future

_ROLES = frozenset({"system", "user", "assistant", "developer", "tool", "text", "json_object"})
_UNREAD_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "content-length", "host"})
_SENT_HEADERS = frozenset({"accept", "accept-encoding", "connection", "content-type"})
_USER_AGENT = "langchain-cogenesis"


class EgressGuard:
    """Decides whether a request may be sent, and notes it in the ledger.

    Args:
        gate: Knows what was cleared and which values are private; its ledger is written to.
        endpoint: The address that requests may go to, and no other.
        models: Names of models that the endpoint's owner gave; they may leave as they are.
        detokenize: Reads token-id prompts through the remote's vocabulary. Without it such
            prompts are refused.
    """

    def __init__(
        self,
        gate: EgressGate,
        endpoint: str,
        *,
        models: tuple[str, ...] = (),
        detokenize: Detokenize | None = None,
    ) -> None:
        self.gate = gate
        self.endpoint = endpoint
        self.models = models
        self.detokenize = detokenize

    def check(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Lets a request pass or refuses it; either is noted in the ledger.

        Args:
            method: The HTTP method.
            url: The whole address.
            headers: As they will be sent.
            body: As it will be sent, bytes.

        Raises:
            UnclearedRequestError: Something in it was not cleared; nothing is sent.
            LedgerError: The ledger can't be written; nothing is sent.
        """
        recorded = self.admit(method, url, headers, body)
        if recorded is not None:
            recorded.result()

    def admit(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Future[int] | None:
        """Lets a request pass or refuses it; see `check`.

        Returns:
            Done once the ledger's entry is on disk, which must be waited for before anything is
            sent; it raises LedgerError where that fails. None without a ledger.

        Raises:
            UnclearedRequestError: Something in it was not cleared.
        """
        target = urlsplit(url)
        where = {"endpoint": self._origin(url), "path": target.path, "method": method}
        if where["endpoint"] != origin(self.endpoint):
            self._refuse(where, "it goes to another address than the endpoint's")
        trusted = self.gate.policy.trusts(self.endpoint)
        masked: Counter[str] = Counter()
        asked: Counter[tuple[str, str]] = Counter()
        parts: list[Part] = []
        if not trusted:
            self._check_address(where, target.path, target.query, headers)
            parts = self._read_body(where, headers, body)
            for clearance in self._check_parts(where, parts):
                masked.update(clearance.masked)
                asked.update(clearance.asked)
        elif self.gate.ledger is not None:
            parts = self._try_to_read(body)
        recorded: Future[int] | None = None
        if self.gate.ledger is not None:
            entry = egress_entry(
                "request", where, body, masked=masked, asked=asked, trusted=trusted
            )
            recorded = self.gate.ledger.submit({**entry, **_prompts(parts)})
        count_request(len(body))
        return recorded

    def _check_address(
        self, where: Mapping[str, str], path: str, query: str, headers: Mapping[str, str]
    ) -> None:
        for name, text in (("path", path), ("query", query)):
            # The endpoint's own path was given by whoever configured it.
            said = text.removeprefix(urlsplit(self.endpoint).path) if name == "path" else text
            if self.gate.known_values(unquote_plus(said), self.endpoint):
                self._refuse(where, f"its {name} holds a private value")
        for name, value in headers.items():
            if name.lower() in _UNREAD_HEADERS:
                continue
            if self.gate.known_values(value, self.endpoint):
                self._refuse(where, f"its header {name!r} holds a private value")

    def _read_body(
        self, where: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> list[Part]:
        if not body:
            return []
        if any(name.lower() == "content-encoding" for name in headers):
            self._refuse(where, "its body is encoded and can't be read")
        try:
            return list(read_parts(json.loads(body), self.detokenize))
        except (ValueError, RecursionError):
            self._refuse(where, "its body is not JSON of this protocol")

    def _try_to_read(self, body: bytes) -> list[Part]:
        """What a trusted endpoint is sent, for the ledger alone: it may be anything."""
        try:
            return list(read_parts(json.loads(body), self.detokenize)) if self.detokenize else []
        except (ValueError, RecursionError):
            return []

    def _check_parts(self, where: Mapping[str, str], parts: list[Part]) -> list[Clearance]:
        checked = (self._check_part(where, part) for part in parts)
        return [clearance for clearance in checked if clearance is not None]

    def _check_part(self, where: Mapping[str, str], part: Part) -> Clearance | None:
        if part.kind == "ids":
            self._refuse(where, "it holds token ids, and no vocabulary to read them was given")
        if part.kind == "setting":
            named = part.text in (self.models if part.key == "model" else _ROLES)
            if not named and self.gate.known_values(part.text, self.endpoint):
                self._refuse(where, f"its option {part.key!r} holds a private value")
            return None
        if self.gate.is_public(part.text):
            return None
        clearance = self.gate.clearance(part.text, self.endpoint)
        if clearance is None:
            self._refuse(where, f"a text under {part.key!r} was not cleared by the egress gate")
        if self.gate.known_values(part.text, self.endpoint, clearance.answers):
            self._refuse(where, f"a text under {part.key!r} holds a private value")
        return clearance

    def _refuse(self, where: Mapping[str, str], why: str) -> NoReturn:
        if self.gate.ledger is not None:
            self.gate.ledger.append({"event": "refused", **where, "path": "", "why": why})
        raise UnclearedRequestError(
            f"a request to {where['endpoint']} was not sent: {why}.",
            hint="Call the remote by ChatCoGenesis or create_cogenesis_chain(), in an agent by "
            "CoGenesisMiddleware; or send it nothing but what EgressGate.clear() returns.",
        )

    @staticmethod
    def _origin(url: str) -> str:
        try:
            return origin(url)
        except ConfigurationError:
            return "an address that can't be read"


def _prompts(parts: list[Part]) -> dict[str, list[str]]:
    """The ledger's reading of token-id prompts: nobody could see from ids what has left."""
    read = [part.text for part in parts if part.read]
    return {"prompts": read} if read else {}


class _Transport:
    """What both transports share: the guard, and which headers go out."""

    def __init__(self, inner: Any, guard: EgressGuard) -> None:
        self._inner = inner
        self.guard = guard

    def _admit(self, request: Any, body: bytes) -> tuple[Any, Future[int] | None]:
        """The request as it may be sent, once it is recorded.

        The original is left alone: its client reads it later.
        """
        kept = _SENT_HEADERS | _UNREAD_HEADERS
        headers = {k: v for k, v in request.headers.items() if k.lower() in kept}
        # Client libraries tell operating system, architecture and versions; nobody needs them.
        headers["user-agent"] = _USER_AGENT
        recorded = self.guard.admit(request.method, str(request.url), headers, body)
        admitted = type(request)(
            request.method,
            request.url,
            headers=headers,
            content=body,
            extensions=request.extensions,
        )
        return admitted, recorded


class EgressTransport(_Transport):
    """A synchronous httpx transport behind the guard.

    It needs nothing of httpx itself, so that it serves `httpx` and `httpx2` alike.

    Args:
        inner: The transport that sends.
        guard: Decides.
    """

    def handle_request(self, request: Any) -> Any:
        """Sends a request that the guard lets pass."""
        admitted, recorded = self._admit(request, request.read())
        if recorded is not None:
            recorded.result()
        return self._inner.handle_request(admitted)

    def close(self) -> None:
        """Closes the inner transport."""
        self._inner.close()

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._inner.__exit__(kind, error, trace)


class AsyncEgressTransport(_Transport):
    """An asynchronous httpx transport behind the guard.

    Args:
        inner: The transport that sends.
        guard: Decides.
    """

    async def handle_async_request(self, request: Any) -> Any:
        """Sends a request that the guard lets pass."""
        admitted, recorded = self._admit(request, await request.aread())
        if recorded is not None:
            # The event loop goes on meanwhile. A call that is cancelled leaves the entry be: it is
            # noted that it was about to be sent.
            await asyncio.shield(asyncio.wrap_future(recorded))
        return await self._inner.handle_async_request(admitted)

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)
