"""The queue before the model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_cogenesis.server.jobs import Job, QueueFullError, Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(max_jobs=4)
    yield made
    made.close()


async def collect(job: Job[Any]) -> list[Any]:
    return [item async for item in job]


def held(gate: threading.Event, *items: Any) -> Callable[[Callable[[], bool]], Iterator[Any]]:
    """Yields items once the gate is open."""

    def make(_: Callable[[], bool]) -> Iterator[Any]:
        gate.wait(10)
        yield from items

    return make


async def test_jobs_run_in_the_order_they_came(worker: Worker) -> None:
    """Items of an earlier job are all made before any of a later one."""
    gate, order = threading.Event(), []

    def noting(name: str) -> Callable[[Callable[[], bool]], Iterator[str]]:
        def make(_: Callable[[], bool]) -> Iterator[str]:
            gate.wait(10)
            for part in "xy":
                order.append(name + part)
                yield name + part

        return make

    jobs = [worker.submit(noting(name)) for name in "abc"]
    gate.set()
    assert await asyncio.gather(*map(collect, jobs)) == [["ax", "ay"], ["bx", "by"], ["cx", "cy"]]
    assert order == ["ax", "ay", "bx", "by", "cx", "cy"]


async def test_cancelled_job_that_waits_never_starts(worker: Worker) -> None:
    """A job that is cancelled in the queue ends at once, is not run, and frees its place."""
    gate = threading.Event()
    first = worker.submit(held(gate, 1))
    second = worker.submit(held(gate, 2))
    second.cancel()
    assert await asyncio.wait_for(collect(second), 2) == []
    assert worker.jobs == 1
    gate.set()
    assert await collect(first) == [1]


async def test_cancelled_job_that_runs_stops_and_closes_its_generator(worker: Worker) -> None:
    """A running job ends before its next item, and its generator is closed in the worker."""
    closed = threading.Event()

    def make(cancelled: Callable[[], bool]) -> Iterator[int]:
        try:
            number = 0
            while not cancelled():
                yield (number := number + 1)
        finally:
            closed.set()

    job = worker.submit(make)
    async for number in job:
        if number == 3:
            job.cancel()
            break
    assert await asyncio.to_thread(closed.wait, 5)
    assert await asyncio.wait_for(collect(worker.submit(lambda _: iter([7]))), 5) == [7]


async def test_leaving_client_cancels(worker: Worker) -> None:
    """The job ends when the client's disconnection is received, and not at other messages."""
    gate = threading.Event()
    messages = iter(["http.request", "http.disconnect"])

    async def receive() -> dict[str, Any]:
        return {"type": next(messages)}

    job = worker.submit(held(gate, 1, 2))
    await job.cancel_when_gone(receive)
    gate.set()
    assert await asyncio.wait_for(collect(job), 5) == []


async def test_an_error_reaches_who_waits_and_the_next_job_runs(worker: Worker) -> None:
    """What goes wrong in the worker is raised where the items are read, and nowhere else."""

    def make(_: Callable[[], bool]) -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    broken, following = worker.submit(make), worker.submit(lambda _: iter([2]))
    items = aiter(broken)
    assert await anext(items) == 1
    with pytest.raises(KeyError):
        await anext(items)
    assert await collect(following) == [2]


async def test_full_queue_is_told(worker: Worker) -> None:
    """More jobs than the worker takes are refused; there is room again when one is done."""
    gate = threading.Event()
    jobs = [worker.submit(held(gate, n)) for n in range(4)]
    with pytest.raises(QueueFullError, match="Try again"):
        worker.submit(held(gate))
    gate.set()
    assert await asyncio.gather(*map(collect, jobs)) == [[0], [1], [2], [3]]
    while worker.jobs:
        await asyncio.sleep(0.01)
    assert await collect(worker.submit(lambda _: iter([5]))) == [5]
