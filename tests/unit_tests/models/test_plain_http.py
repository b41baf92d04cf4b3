"""Plain HTTP across a public network is warned of, once for each endpoint."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_cogenesis.cli.app import app
from langchain_cogenesis.exceptions import ConfigurationError, RemoteError
from langchain_cogenesis.models.endpoints import connect
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.plain_http import PlainHttpWarning, crosses_in_clear
from langchain_cogenesis.models.remote import create_remote
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.tracing import PrivacyWarning


@pytest.mark.parametrize(
    ("address", "in_clear"),
    [
        ("https://api.example/v1", False),
        ("http://api.example/v1", True),
        ("HTTP://API.EXAMPLE/v1", True),
        ("http://8.8.8.8:8000/v1", True),
        ("http://134744072/v1", True),
        ("http://[2606:4700::1111]/v1", True),
        ("http://[::ffff:8.8.8.8]/v1", True),
        ("http://127.0.0.1.evil.example/v1", True),
        ("http://local.example/v1", True),
        ("http://127.0.0.1:8000/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://[::ffff:192.168.1.5]/v1", False),
        ("http://10.0.0.7/v1", False),
        ("http://172.16.4.1/v1", False),
        ("http://192.168.1.5/v1", False),
        ("http://[fd00::7]/v1", False),
        ("http://[fe80::1]/v1", False),
        ("http://workshop:8000/v1", False),
        ("http://workshop.local./v1", False),
        ("http://box.home.arpa/v1", False),
    ],
)
def test_which_addresses_cross_a_public_network(address: str, in_clear: bool) -> None:
    """Neither this machine nor a private network; no name is looked up."""
    assert crosses_in_clear(address) is in_clear


def test_create_remote_warns_once_for_each_endpoint() -> None:
    """Host and port tell endpoints apart; neither user, password nor key is in the warning."""
    address = "http://user:hunter2@once.example:8000"
    with pytest.warns(PrivacyWarning, match=r"http://once\.example:8000 .*plain HTTP") as caught:
        create_remote(f"{address}/v1", "m", api_key="secret-key").close()
    assert [warning.category for warning in caught] == [PlainHttpWarning]
    assert Path(caught[0].filename).name == "test_plain_http.py"
    assert "hunter2" not in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PrivacyWarning)
        create_remote(f"{address}/v2", "other").close()
        create_remote("https://once.example:8000/v1", "m").close()
        create_remote("http://192.168.1.5:8000/v1", "m").close()
    with pytest.warns(PlainHttpWarning, match="once.example:8001"):
        create_remote("http://once.example:8001/v1", "m").close()
    with pytest.raises(ConfigurationError, match="not an HTTP URL"):
        create_remote("http://[", "m")


def test_connect_warns_too(house_small: Path) -> None:
    """Before anything is sent."""
    engine = LlamaCppEngine(house_small, n_ctx=64)
    try:
        vocabulary = LocalNextTokenModel(engine).vocabulary
        with (
            pytest.warns(PlainHttpWarning, match=r"connected\.example"),
            pytest.raises(RemoteError),
        ):
            connect(
                "http://connected.example/v1",
                "m",
                gate=EgressGate(),
                local_vocabulary=vocabulary,
                timeout=1,
                max_retries=0,
            )
    finally:
        engine.close()


def test_the_command_shows_it_in_one_line(tmp_path: Path) -> None:
    """On stderr, without a line of code; what is on stdout stays for machines."""
    with UserSession("nora", tmp_path, create=True):
        pass
    done = CliRunner().invoke(
        app,
        [
            *("write", "Hello", "--user", "nora", "--store", str(tmp_path), "--mode", "remote"),
            *("--remote", "http://shown.example/v1", "--remote-model", "m", "--json"),
        ],
    )
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if "plain HTTP" in line]
    assert line.startswith("warning: http://shown.example:80 is asked by plain HTTP")
    assert "warnings.warn" not in done.stderr
    assert "plain HTTP" not in done.stdout
