"""A real IMAP and a real SMTP server, in threads of the test's process, on loopback."""

from __future__ import annotations

import asyncio
import imaplib
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer

USER, PASSWORD = "nora", "pass-word"


@dataclass
class Imap:
    """A running IMAP server.

    Attributes:
        port: Where it listens.
    """

    port: int

    @property
    def url(self) -> str:
        return f"imap://{USER}@127.0.0.1:{self.port}/INBOX"

    @contextmanager
    def login(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port)
        client.login(USER, PASSWORD)
        try:
            yield client
        finally:
            client.logout()

    def append(self, *messages: bytes) -> None:
        """Lays mails into the inbox."""
        with self.login() as client:
            for message in messages:
                status, _ = client.append("INBOX", "", "", message)
                assert status == "OK"

    def flagged(self, flag: str) -> list[bytes]:
        """The mails of the inbox that have a flag, as they are."""
        with self.login() as client:
            client.select("INBOX", readonly=True)
            _, found = client.search(None, flag)
            fetched = [client.fetch(n.decode(), "(BODY.PEEK[])")[1] for n in found[0].split()]
        return [parts[0][1] for parts in fetched]  # type: ignore[index,misc]


@contextmanager
def imap_server() -> Iterator[Imap]:
    """Runs an IMAP server with an empty inbox while the context lasts."""
    loop, ready, box = asyncio.new_event_loop(), threading.Event(), dict[str, Any]()

    async def serve() -> None:
        settings = Namespace(
            host="127.0.0.1", port=0, debug=False, cert=None, key=None, tls=False,
            proxy_protocol=None, passlib_cfg=None,
            demo_data=False, demo_user=USER, demo_password=PASSWORD,
        )  # fmt: skip
        backend, config = await DictBackend.init(settings)
        config.apply_context()
        answer = ProxyProtocolReader(config.proxy_protocol).get_callback(
            IMAPServer(backend.login, config)
        )
        box["stop"] = asyncio.Event()
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            box["port"] = server.sockets[0].getsockname()[1]
            ready.set()
            await box["stop"].wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            ready.set()
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(60)
    try:
        yield Imap(box["port"])
    finally:
        loop.call_soon_threadsafe(box["stop"].set)
        thread.join(20)


@dataclass
class Smtp:
    """A running SMTP server.

    Attributes:
        port: Where it listens.
        mails: What it took: sender, recipients, and the mail's bytes.
        greetings: The names that clients greeted with.
    """

    port: int = 0
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.greetings.append(session.host_name)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


class _AnyPort(Controller):
    """A controller that looks where its server really listens."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def smtp_server() -> Iterator[Smtp]:
    """Runs an SMTP server that keeps what it takes while the context lasts."""
    kept = Smtp()
    controller = _AnyPort(kept, hostname="127.0.0.1", port=0, ready_timeout=60)
    controller.start()
    kept.port = controller.port
    try:
        yield kept
    finally:
        controller.stop()
