"""Records what really left, and looks for values in it whatever they are disguised as.

`recording_server()` starts a server in a process of its own that shares no code with the package.
`find_values()` reads its record, as `cogenesis audit` reads that of its relay.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from langchain_cogenesis.evaluation.audit.recorded import (
    RecordedRequest,
    decoded_texts,
    find_values,
    normalized,
    recorded_requests,
)

__all__ = [
    "Fault",
    "RecordedRequest",
    "Recorder",
    "decoded_texts",
    "find_values",
    "normalized",
    "recorded_requests",
    "recording_server",
]

Fault = Literal["error", "hang", "close_mid_stream", "not_json", "redirect", "rate_limit", "echo"]


@dataclass(frozen=True)
class Recorder:
    """A running recording server.

    Attributes:
        base_url: What OpenAI-compatible clients take.
        elsewhere_url: The origin that the fault `redirect` points to; recorded as well.
        record_file: Where the raw bytes are.
        pid: The server's process id.
    """

    base_url: str
    elsewhere_url: str
    record_file: Path
    pid: int
    _process: subprocess.Popen[bytes] = field(repr=False)

    def set_fault(self, fault: Fault | None, times: int | None = 1) -> None:
        """Answers the next requests with a fault.

        Args:
            fault: `error`: status 500; `hang`: no answer; `close_mid_stream`: half an answer;
                `not_json`: a page of HTML; `redirect`: to another port; `rate_limit`: status 429
                with Retry-After; `echo`: the user's text as the answer. None: no fault any more.
            times: For how many requests; None is until told otherwise.
        """
        self._set(fault=fault, times=times)

    def set_answer(self, text: str | None) -> None:
        """Answers with this text from now on; None is the canned outline or letter again."""
        self._set(answer=text)

    def set_upstream(self, origin: str | None) -> None:
        """Lets a real endpoint answer from now on, by its origin; what arrives is recorded."""
        self._set(upstream=origin)

    def _set(self, **settings: Any) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._process.stdin.flush()
        # Its acknowledgement: the next request meets the new settings.
        assert self._process.stdout.readline(), "the recording server has ended"


@contextmanager
def recording_server(directory: Path, name: str = "record.bin") -> Iterator[Recorder]:
    """Runs a recording server, in a process of its own, while the context lasts.

    Args:
        directory: Where the record file is made.
        name: The record file's name.
    """
    record_file = directory / name
    record_file.touch()
    script = Path(__file__).with_name("recorder_process.py")
    process = subprocess.Popen(
        # -I: neither this environment nor this directory can bring anything in.
        [sys.executable, "-I", str(script), str(record_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            first, second = json.loads(process.stdout.readline())["ports"]
            yield Recorder(
                base_url=f"http://127.0.0.1:{first}/v1",
                elsewhere_url=f"http://127.0.0.1:{second}",
                record_file=record_file,
                pid=process.pid,
                _process=process,
            )
        finally:
            process.stdin.close()
            process.wait(10)
