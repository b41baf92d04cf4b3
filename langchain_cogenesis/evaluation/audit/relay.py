"""Starts the recording relay in front of an endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from langchain_cogenesis.exceptions import RemoteUnavailableError

_END_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Relay:
    """A running relay.

    Attributes:
        base_url: What clients take in place of the endpoint's address.
    """

    base_url: str
    _process: subprocess.Popen[bytes] = field(repr=False)

    def record_to(self, path: str | os.PathLike[str] | None) -> None:
        """Has what arrives from now on written to a file, 0600; with None nothing is passed on.

        Raises:
            RemoteUnavailableError: The relay has ended.
        """
        assert self._process.stdin is not None
        target = None if path is None else os.fspath(path)
        try:
            self._process.stdin.write(json.dumps({"file": target}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _gone() from None
        # Its acknowledgement: what comes next goes to this file.
        _told(self._process)


@contextmanager
def recording_relay(base_url: str) -> Iterator[Relay]:
    """Runs a relay to a loopback endpoint, in a process of its own, while the context lasts.

    Args:
        base_url: The endpoint's address, `http://127.0.0.1:PORT/v1`.

    Raises:
        RemoteUnavailableError: The relay could not start.
    """
    target = urlsplit(base_url)
    script = Path(__file__).with_name("relay_process.py")
    process = subprocess.Popen(
        # -I: neither this environment nor this directory can bring anything in.
        [sys.executable, "-I", str(script), str(target.hostname), str(target.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=os.name == "posix",
    )
    with process:
        assert process.stdin is not None
        try:
            port = _told(process)["port"]
            yield Relay(f"http://{target.hostname}:{port}{target.path}", process)
        finally:
            process.stdin.close()
            process.wait(_END_SECONDS)


def _told(process: subprocess.Popen[bytes]) -> dict[str, int]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise _gone()
    answer: dict[str, int] = json.loads(line)
    return answer


def _gone() -> RemoteUnavailableError:
    return RemoteUnavailableError(
        "the recording relay has ended.", hint="Run the audit again: it goes on where it stopped."
    )
