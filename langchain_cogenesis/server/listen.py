"""Listening on loopback, and on nothing else."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.server.limits import Limits

if TYPE_CHECKING:
    from fastapi import FastAPI


def bind_loopback(host: str, port: int) -> socket.socket:
    """Binds a socket to a loopback address; it doesn't listen yet.

    Args:
        host: 127.0.0.1, ::1 or localhost, which is 127.0.0.1 here.
        port: The port; 0 picks a free one.

    Returns:
        The bound socket, to be closed by the caller.

    Raises:
        ConfigurationError: The address is not loopback, or the port is taken or out of range.
    """
    address = _loopback_address(host)
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"There is no port {port}.", hint="Ports go from 0 to 65535.")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # On Windows this option would let two servers share a port.
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(address), port))
        # Another server may be bound with the same option: listening is what only one of them can.
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _port_error(address.compressed, port, error) from None
    return listener


def _loopback_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        address = None
    # Not all of 127.0.0.0/8: the names that clients may call the endpoint by are a fixed list.
    if address is None or str(address) not in ("127.0.0.1", "::1"):
        raise ConfigurationError(
            f"The endpoint can't listen on {host!r}: it serves this machine only.",
            hint="Use 127.0.0.1, ::1 or localhost.",
        )
    return address


def _port_error(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} on {host} is in use.",
            hint="Choose another with --port, or 0 for any free one.",
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(
            f"Port {port} on {host} needs rights that you don't have.",
            hint="Choose one above 1023 with --port.",
        )
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return ConfigurationError(
        f"Can't listen on {host}, port {port}: {reason}.", hint="Choose another host or port."
    )


def serve_on(
    app: FastAPI,
    listener: socket.socket,
    on_ready: Callable[[str], None] | None = None,
    *,
    limits: Limits = Limits(),
) -> None:
    """Serves an application on a bound socket until interrupted.

    Args:
        app: The application.
        listener: The socket.
        on_ready: Called with the base URL, `http://127.0.0.1:8000/v1`, once requests are answered.
        limits: Bounds on connections.
    """
    import uvicorn

    from langchain_cogenesis.server.connections import bounded_protocol

    class Server(uvicorn.Server):
        """Tells when it has started."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started and on_ready is not None:
                on_ready(base_url(listener))

    config = uvicorn.Config(
        app,
        http=bounded_protocol(limits),
        # An access log would hold paths and queries, which are whatever the client sent.
        access_log=False,
        log_config=None,
        # There is no proxy; a header that says so comes from the client.
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=2,
    )
    with suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listener])


def base_url(listener: socket.socket) -> str:
    """Returns the URL that clients call a bound socket by."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
