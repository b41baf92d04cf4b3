"""The child process: it starts, it tells, and it never outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from langchain_cogenesis.exceptions import ConfigurationError, RemoteUnavailableError
from langchain_cogenesis.server.process import Endpoint, serve_in_child

PARENT = """
import os, sys, time
from langchain_cogenesis.server.process import serve_in_child
with serve_in_child(sys.argv[1]) as endpoint:
    if sys.argv[2] == "forked" and os.fork() == 0:
        os.closerange(1, 3)
        time.sleep(20)
        os._exit(0)
    print(endpoint.pid, endpoint.base_url, flush=True)
    time.sleep(60)
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")


def answers(endpoint: Endpoint) -> bool:
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    try:
        answer = httpx.get(f"{endpoint.base_url}/models", headers=headers, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected by init doesn't."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_it_serves_while_the_context_lasts(house_small: Path) -> None:
    """Inside the context requests are answered; afterwards there is not even a zombie."""
    with serve_in_child(house_small, model_name="writer") as endpoint:
        assert endpoint.model == "writer"
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        assert answers(endpoint)
        left = time.monotonic()
    # Long before the parent would lose patience and kill it.
    assert time.monotonic() - left < 3
    with pytest.raises(ProcessLookupError):
        os.kill(endpoint.pid, 0)
    assert not answers(endpoint)


def test_it_ends_when_the_body_fails(house_small: Path) -> None:
    """An exception in the context passes through, and the child is gone."""
    with pytest.raises(KeyError), serve_in_child(house_small) as endpoint:
        raise KeyError
    assert not alive(endpoint.pid)


@needs_proc
def test_key_is_random_and_nowhere_to_be_seen(house_small: Path) -> None:
    """The key is in no repr, argument or environment, and each child has another."""
    with serve_in_child(house_small) as one, serve_in_child(house_small) as two:
        assert one.api_key != two.api_key
        assert one.api_key not in repr(one)
        process = Path(f"/proc/{one.pid}")
        assert one.api_key.encode() not in (process / "cmdline").read_bytes()
        assert one.api_key.encode() not in (process / "environ").read_bytes()


@needs_proc
def test_nothing_is_inherited(house_small: Path) -> None:
    """A socket of the parent, inheritable even, is not open in the child."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        os.set_inheritable(own.fileno(), True)
        mine = os.readlink(f"/proc/self/fd/{own.fileno()}")
        with serve_in_child(house_small) as endpoint:
            descriptors = list(Path(f"/proc/{endpoint.pid}/fd").iterdir())
            opened = {os.readlink(path) for path in descriptors if path.is_symlink()}
    assert mine.startswith("socket:")
    assert mine not in opened


def test_missing_model_is_told() -> None:
    """A child that can't load its model passes the reason on."""
    with (
        pytest.raises(RemoteUnavailableError, match=r"could not start: .*no-such\.gguf"),
        serve_in_child("/nowhere/no-such.gguf"),
    ):
        pass


def test_child_that_dies_is_told(house_small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ends before it could answer leaves its last words in the error."""
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with (
        pytest.raises(RemoteUnavailableError, match=r"ended while it started: .+"),
        serve_in_child(house_small),
    ):
        pass


def test_slow_start_is_told_and_leaves_nothing(house_small: Path) -> None:
    """A child that isn't ready in time is ended, and the error names the option."""
    before = _children()
    with (
        pytest.raises(RemoteUnavailableError, match="startup_timeout"),
        serve_in_child(house_small, startup_timeout=0.01),
    ):
        pass
    assert _children() <= before


def test_empty_key_is_refused(house_small: Path) -> None:
    """An empty key would let anybody in by mistake."""
    with (
        pytest.raises(ConfigurationError, match="API key"),
        serve_in_child(house_small, api_key=""),
    ):
        pass


def test_it_works_from_threads(house_small: Path) -> None:
    """Two threads each have a child of their own, and one's end doesn't touch the other."""
    ended: dict[int, bool] = {}
    both = threading.Barrier(2, timeout=60)
    first_gone = threading.Event()

    def serve(number: int) -> None:
        with serve_in_child(house_small) as endpoint:
            both.wait()
            if number == 1:
                first_gone.wait(30)
            ended[number] = answers(endpoint)
        if number == 0:
            first_gone.set()

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended == {0: True, 1: True}


async def test_it_works_beside_an_event_loop(house_small: Path) -> None:
    """Entered in a thread, it serves clients of the running event loop."""

    def serve(entered: threading.Event, done: threading.Event) -> None:
        with serve_in_child(house_small) as endpoint:
            found.append(endpoint)
            entered.set()
            done.wait(30)

    found: list[Endpoint] = []
    entered, done = threading.Event(), threading.Event()
    serving = asyncio.create_task(asyncio.to_thread(serve, entered, done))
    await asyncio.to_thread(entered.wait, 60)
    headers = {"Authorization": f"Bearer {found[0].api_key}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        assert (await client.get(f"{found[0].base_url}/models")).status_code == 200
    done.set()
    await serving


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
@pytest.mark.parametrize("parent", ["alone", "forked"])
def test_killed_parent_takes_the_child_along(house_small: Path, parent: str) -> None:
    """After `kill -9` of the parent the child is gone, also if a fork of the parent lives on."""
    command = [sys.executable, "-c", PARENT, str(house_small), parent]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid_text, url = process.stdout.readline().split()
        assert alive(int(pid_text))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert gone_within(int(pid_text), 5)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/models", trust_env=False)


def test_started_by_hand_it_says_what_to_do() -> None:
    """Without settings on stdin the entry ends at once and names the command to use."""
    done = subprocess.run(
        [sys.executable, "-m", "langchain_cogenesis.server"],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "cogenesis serve" in done.stdout


def _children() -> set[str]:
    """Ids of this process's children, zombies included; empty where /proc isn't."""
    found = set()
    for task in Path("/proc/self/task").glob("*/children"):
        found |= set(task.read_text().split())
    return found
