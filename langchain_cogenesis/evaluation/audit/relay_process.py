"""The recording relay, a script of its own: Python's standard library and nothing else.

Run as `python -I relay_process.py HOST PORT`. It listens on a loopback port, tells it as a line of
JSON, takes the name of the record file as lines of JSON on stdin, and ends when stdin does. What a
client sends is in the record file before the endpoint gets it, byte by byte, and nobody interprets
it on the way; but the endpoint answers to its own address only, so that address is put in place
of the relay's in what is passed on.

A record file is a row of frames: `@CONNECTION LENGTH SECONDS`, a line break, the bytes, a line
break. Seconds are of a clock that only goes forward.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress

_CHUNK = 1 << 16


class Record:
    """The file that frames are written to; another one when told so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: int | None = None

    def open(self, path: str | None) -> None:
        """Writes to this file from now on; to none with None."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            self._file = None if path is None else os.open(path, flags, 0o600)

    def write(self, connection: int, data: bytes) -> None:
        """Writes a frame.

        Raises:
            OSError: There is no file, or it can't be written: nothing may be passed on.
        """
        frame = b"@%d %d %.6f\n%s\n" % (connection, len(data), time.monotonic(), data)
        with self._lock:
            if self._file is None:
                raise OSError("nothing is being recorded")
            while frame:
                frame = frame[os.write(self._file, frame) :]


def relay(client: socket.socket, number: int, target: tuple[str, int], record: Record) -> None:
    """Passes on what one client sends, once it is recorded, and brings the answers back."""
    own = b"%s:%d" % (target[0].encode(), client.getsockname()[1])
    there = b"%s:%d" % (target[0].encode(), target[1])
    with client, suppress(OSError), socket.create_connection(target) as endpoint:
        for end in (client, endpoint):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_bring_back, args=(endpoint, client), daemon=True).start()
        while data := client.recv(_CHUNK):
            record.write(number, data)
            endpoint.sendall(data.replace(b"ost: " + own + b"\r\n", b"ost: " + there + b"\r\n"))


def _bring_back(endpoint: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := endpoint.recv(_CHUNK):
            client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, target: tuple[str, int], record: Record) -> None:
    for number in itertools.count():
        client, _ = server.accept()
        arguments = (client, number, target, record)
        threading.Thread(target=relay, args=arguments, daemon=True).start()


def main(host: str, port: str) -> None:
    """Runs the relay until stdin ends."""
    record = Record()
    server = socket.create_server((host, 0))
    arguments = (server, (host, int(port)), record)
    threading.Thread(target=_accept, args=arguments, daemon=True).start()
    _tell({"port": server.getsockname()[1]})
    for line in sys.stdin:
        record.open(json.loads(line)["file"])
        _tell({})
    # Not sys.exit: threads wait for their clients.
    os._exit(0)


def _tell(answer: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
