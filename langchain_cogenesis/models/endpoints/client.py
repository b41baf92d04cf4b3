"""The HTTP client of remote next-token models: every request passes the egress guard."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_cogenesis.exceptions import (
    RemoteError,
    RemoteResponseError,
    RemoteUnavailableError,
)
from langchain_cogenesis.models._http import http_library
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.policy import origin
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.privacy.transport import EgressGuard, EgressTransport
from langchain_cogenesis.privacy.wire import Detokenize

_CONNECT_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


class RequestRefusedError(RemoteResponseError):
    """The endpoint answered a request with a status that sending it again won't change.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, message: str, *, hint: str, status: int) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class EndpointClient:
    """Sends JSON to one endpoint and reads JSON from it.

    Args:
        base_url: The endpoint, as in `https://host/v1`.
        model: The model's name there.
        gate: Clears what may leave.
        detokenize: Reads token-id prompts through the remote's vocabulary, control tokens too.
        api_key: The endpoint's key, if it wants one.
        timeout: Seconds without a byte after which the endpoint counts as hanging.
        max_retries: How often a request is sent again after a broken connection, a status of 500
            or above, or 429; each time is in the ledger.

    Raises:
        ConfigurationError: The address is not an HTTP URL.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        gate: EgressGate,
        detokenize: Detokenize,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 2,
    ) -> None:
        self.origin = origin(base_url)
        self.base_url = base_url.rstrip("/")
        self.root = self.base_url.removesuffix("/v1")
        self.model = model
        self.gate = gate
        self._max_retries = max_retries
        self._library = http = http_library()
        guard = EgressGuard(gate, base_url, models=(model,), detokenize=detokenize)
        self._client = http.Client(
            transport=EgressTransport(http.HTTPTransport(trust_env=False), guard),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=http.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            trust_env=False,
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"EndpointClient({self.origin!r})"

    @property
    def source(self) -> str:
        """What to call the endpoint in errors."""
        return f"the remote at {self.origin}"

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def get(self, url: str) -> Any:
        """Reads a resource; None where the endpoint has none.

        Raises:
            RemoteError: The endpoint failed.
        """
        try:
            return self._send("GET", url, b"")
        except RequestRefusedError:
            return None

    def post(self, url: str, body: Mapping[str, Any], *, constants: Iterable[str] = ()) -> Any:
        """Sends a request whose texts the caller had cleared.

        Args:
            url: Where to.
            body: What to send.
            constants: Texts of ours in it: names of options that the guard doesn't know, and probe
                texts. They go through the gate here; one that looks private to it is refused.

        Raises:
            UnclearedRequestError: The guard met a text that no clearance covers.
            RequestRefusedError: The endpoint doesn't take the request.
            RemoteError: The endpoint failed.
        """
        for text in constants:
            self.gate.clear(
                text, endpoint=self.base_url, conversation=Conversation(), may_ask=False
            )
        return self._send("POST", url, json.dumps(body, allow_nan=False).encode())

    def _send(self, method: str, url: str, content: bytes) -> Any:
        pause = _FIRST_PAUSE_SECONDS
        for left in range(self._max_retries, -1, -1):
            try:
                response = self._client.request(
                    method, url, content=content, headers={"content-type": "application/json"}
                )
            except self._library.TimeoutException:
                raise self._slow() from None
            except self._library.HTTPError as error:
                if not left:
                    raise self._broken(error) from None
            else:
                again = response.status_code >= 500 or response.status_code == 429
                if not (again and left):
                    return self._read(response)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _read(self, response: Any) -> Any:
        if response.status_code != 200:
            raise self._status(response.status_code)
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise self.unusable("no JSON") from None

    def unusable(self, what: str) -> RemoteResponseError:
        """The error for an answer that can't be used.

        Args:
            what: What is wrong with it; nothing of its content.
        """
        return RemoteResponseError(
            f"{self.source} answered something that is not of this protocol ({what}).",
            hint="Check that the address is an OpenAI-compatible endpoint; it usually ends in /v1.",
        )

    def _slow(self) -> RemoteError:
        return RemoteUnavailableError(
            f"{self.source} did not answer in time.",
            hint="Try again, raise `timeout`, or set on_remote_error='local'.",
        )

    def _broken(self, error: Exception) -> RemoteError:
        if isinstance(error, self._library.ConnectError):
            return RemoteUnavailableError(
                f"{self.source} can't be reached.",
                hint="Check its address and that it runs, or set on_remote_error='local'.",
            )
        if isinstance(error, self._library.DecodingError):
            return self.unusable("an encoding that can't be read")
        return RemoteUnavailableError(
            f"the connection to {self.source} broke off in mid-answer.",
            hint="Try again, or set on_remote_error='local'.",
        )

    def _status(self, status: int) -> RemoteError:
        hints = {
            400: "Shorten the prompt, or check the model's name and options.",
            401: "Check the API key.",
            403: "Check the API key and what it may do.",
            404: "Check the address (it usually ends in /v1) and the model's name.",
            413: "Shorten the prompt.",
            429: "Wait, then try again, or set on_remote_error='local'.",
        }
        message = f"{self.source} refused the request with HTTP status {status}."
        hint = hints.get(status, "Try again, or set on_remote_error='local'.")
        if status >= 500 or status in (401, 403, 429):
            return RemoteUnavailableError(message, hint=hint)
        return RequestRefusedError(message, hint=hint, status=status)
