"""Listening: on loopback only, and clear when the port is taken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from langchain_cogenesis.exceptions import ConfigurationError, ModelFileError
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.server.endpoint import run
from langchain_cogenesis.server.listen import base_url, bind_loopback


def test_free_port_is_found() -> None:
    """Port 0 gives a free port on 127.0.0.1, and its URL is what clients take."""
    with bind_loopback("localhost", 0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        assert base_url(listener) == f"http://127.0.0.1:{port}/v1"


def test_taken_port_is_named(engine: LlamaCppEngine) -> None:
    """A port in use is an error that names it and the option to change it."""
    with bind_loopback("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"{port}.*in use.*--port"):
            run(engine, port=port, api_key=None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", "127.0.0.2", ""])
def test_other_hosts_are_refused(engine: LlamaCppEngine, host: str) -> None:
    """Nothing listens where other machines could reach it."""
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1"):
        run(engine, host, 0, api_key=None)


def test_port_out_of_range_is_refused() -> None:
    """A number that is no port is an error that tells the range."""
    with pytest.raises(ConfigurationError, match="65535"):
        bind_loopback("127.0.0.1", 70000)


def test_missing_model_is_told_and_the_port_is_free_again(tmp_path: Path) -> None:
    """A model that can't be loaded is told as such, and leaves nothing listening."""
    with bind_loopback("127.0.0.1", 0) as found:
        port = found.getsockname()[1]
    with pytest.raises(ModelFileError):
        run(LlamaCppEngine(tmp_path / "missing.gguf"), port=port, api_key=None)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_interrupt_ends_it_cleanly(house_small: Path) -> None:
    """`run` says when it is ready, serves without a key if that is said, and ends at Ctrl-C."""
    code = (
        "import sys; from langchain_cogenesis.models.llamacpp import LlamaCppEngine as E;"
        "from langchain_cogenesis.server.endpoint import run;"
        "run(E(sys.argv[1]), port=0, api_key=None, "
        "on_ready=lambda url: print(url, flush=True)); print('ended')"
    )
    command = [sys.executable, "-c", code, str(house_small)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert httpx.get(f"{url}/models", trust_env=False).status_code == 200
            server.send_signal(signal.SIGINT)
            out, err = server.communicate(timeout=20)
        finally:
            server.kill()
    assert (server.returncode, out, err) == (0, "ended\n", "")
