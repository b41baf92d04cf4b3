"""Runs a comparison in several processes: each has models of its own, and a share of the examples.

A small model is no faster on more threads, but several texts can be written at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.evaluation.comparison.results import Result, Results
from langchain_cogenesis.evaluation.comparison.rows import Row
from langchain_cogenesis.evaluation.comparison.runner import Tick, run_pairs
from langchain_cogenesis.evaluation.comparison.world import PairSettings
from langchain_cogenesis.evaluation.metrics.cost import Price
from langchain_cogenesis.exceptions import ModelError

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

MakeRows = Callable[[PairSettings], Sequence[Row]]
"""Makes the rows of a pair; it is pickled, rows can't be."""
_LOOK_SECONDS, _END_SECONDS = 1.0, 20.0


@dataclass(frozen=True, slots=True, repr=False)
class _Share:
    pair: PairSettings
    make_rows: MakeRows
    examples: Sequence[TaskExample]
    known: Sequence[Result]
    price: Price | None


class _Sent(Results):
    """Results that go to the process that keeps them."""

    def __init__(self, queue: Queue[Any], known: Sequence[Result]) -> None:
        super().__init__()
        self._queue = queue
        self.results.update({(result.row, result.example): result for result in known})

    def add(self, result: Result) -> None:
        """Sends a text."""
        super().add(result)
        self._queue.put(result)


def run_in_workers(
    pair: PairSettings,
    make_rows: MakeRows,
    examples: Sequence[TaskExample],
    results: Results,
    *,
    workers: int,
    price: Price | None = None,
) -> Iterator[Tick]:
    """Does what `run_pairs` does, several examples at once.

    Args:
        pair: The models.
        make_rows: Their rows.
        examples: The examples.
        results: Where results go, as they come.
        workers: How many processes; each loads the models.
        price: What the remote takes.

    Yields:
        A tick for each text, after one for those that were there.

    Raises:
        ModelError: A model can't be loaded, or a process died.
        RemoteError: A remote can't be reached; what was written is kept.
    """
    rows = make_rows(pair)
    total = len(rows) * len(examples)
    missing = [e for e in examples if any((row.key, e.id) not in results for row in rows)]
    left = sum((row.key, e.id) not in results for row in rows for e in missing)
    yield Tick(total - left, total, 0)
    shares = [
        _Share(pair, make_rows, part, [r for r in results if r.example in ids], price)
        for part in (missing[number::workers] for number in range(workers))
        if (ids := {example.id for example in part})
    ]
    with _started(shares) as (queue, running):
        for fresh, result in enumerate(_arriving(queue, running), start=1):
            results.add(result)
            yield Tick(total - left + fresh, total, fresh)


@contextmanager
def _started(shares: Sequence[_Share]) -> Iterator[tuple[Queue[Any], list[BaseProcess]]]:
    """Processes at work; whatever happens, none of them outlives the block."""
    context = get_context("spawn")
    queue: Queue[Any] = context.Queue()
    running: list[BaseProcess] = [
        context.Process(target=_work, args=(queue, share), daemon=False) for share in shares
    ]
    try:
        with _deaf_to_interrupts():
            for process in running:
                process.start()
        yield queue, running
        # Who has said all there is gets the time to put its own house in order.
        for process in running:
            process.join(_END_SECONDS)
    finally:
        for process in running:
            if process.pid is not None:
                process.terminate()
                process.join()
        queue.close()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """What is started in the block inherits that it has no ear for the terminal's interrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _arriving(queue: Queue[Any], running: Sequence[BaseProcess]) -> Iterator[Result]:
    """Results until all processes have ended; the first error that one of them tells is raised."""
    ended = 0
    while ended < len(running):
        try:
            said = queue.get(timeout=_LOOK_SECONDS)
        except Empty:
            if any(process.exitcode not in (None, 0) for process in running):
                raise ModelError(
                    "a process that wrote texts died.",
                    hint="Run the command again: it goes on. --workers 1 takes less memory.",
                ) from None
            continue
        if said is None:
            ended += 1
        elif isinstance(said, Exception):
            raise said
        else:
            yield said


def _work(queue: Queue[Any], share: _Share) -> None:
    # An interrupt at the terminal is for the process that started this one and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sent = _Sent(queue, share.known)
    try:
        rows = share.make_rows(share.pair)
        for _ in run_pairs(share.pair, rows, share.examples, sent, price=share.price):
            pass
    except Exception as error:  # noqa: BLE001 - it is raised where the user sees it
        queue.put(error)
    else:
        queue.put(None)
