"""Carries out orders: several at once, with retries, and every answer on disk before it is used."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context

from langchain_cogenesis.data.synthesis.answers import BadAnswer, read_answer
from langchain_cogenesis.data.synthesis.costs import Prices
from langchain_cogenesis.data.synthesis.journal import Journal
from langchain_cogenesis.data.synthesis.orders import Answer, Generator, Order, Usage
from langchain_cogenesis.data.synthesis.schemas import Step
from langchain_cogenesis.exceptions import CoGenesisError, ConfigurationError, RemoteResponseError

_CALLS = 2
_CHUNK = 50
_WORTH_PROCESSES = 1000
"""Orders for which other processes are started: that takes them a second or two."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What a run may do.

    Attributes:
        attempts: Answers to one order, until it is set aside.
        concurrency: Requests at once.
        prices: Of the model, if they are known.
        max_cost: No further request is made once all answers have cost so much.
        pause: Seconds to wait after a failed request, doubled each time.
        processes: Processes for a generator that isn't paid; 0 for as many as there are cores.
    """

    attempts: int = 3
    concurrency: int = 8
    prices: Prices | None = None
    max_cost: float | None = None
    pause: float = 2.0
    processes: int = 0

    def __post_init__(self) -> None:
        if self.max_cost is not None and self.prices is None:
            raise ConfigurationError(
                "a limit of the cost needs prices.", hint="Give a price table: --prices FILE."
            )


@dataclass(frozen=True, slots=True, repr=False)
class Settled:
    """What became of an order.

    Attributes:
        order: The order.
        value: What was made; None if nothing could be used, or nothing came.
        reason: Why there is no value.
        text: The last answer that could not be used.
        missing: No answer came; the order is still to be done.
    """

    order: Order
    value: Step | None = None
    reason: str = ""
    text: str = ""
    missing: bool = False


class _NoAnswer(Exception):
    """No answer came."""


class Runner:
    """Carries out orders.

    Args:
        generator: Answers them.
        journal: Keeps the answers.
        limits: What may be done.
    """

    def __init__(self, generator: Generator, journal: Journal, limits: RunLimits) -> None:
        self._generator = generator
        self._journal = journal
        self._limits = limits
        self._stop = threading.Event()
        self._failures = 0
        self._lock = threading.Lock()
        self.stopped = ""
        """Why the run was stopped early; else empty."""
        self.calls = 0
        """Answers that were asked for in this run."""

    def settle(self, orders: Sequence[Order]) -> Iterator[Settled]:
        """Yields what became of each order, as they are done.

        When the caller stops, requests under way are waited for: their answers are kept.
        """
        if not self._generator.paid:
            self._make_ahead(orders)
            yield from map(self._settle, orders)
            return
        pool = ThreadPoolExecutor(self._limits.concurrency)
        try:
            for done in as_completed([pool.submit(self._settle, order) for order in orders]):
                yield done.result()
        except BaseException:
            self._stop.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _settle(self, order: Order) -> Settled:
        reason, text = "", ""
        for attempt in range(self._limits.attempts):
            answer = self._journal.get(order.key, attempt)
            try:
                if answer is None:
                    answer = self._ask(replace(order, attempt=attempt, complaint=reason))
                    self._journal.append([(order.key, attempt, answer)])
                    self._check_cost()
                return Settled(order, read_answer(order, answer))
            except _NoAnswer as failure:
                return Settled(order, reason=str(failure), missing=True)
            except BadAnswer as bad:
                reason, text = str(bad), answer.text if answer else ""
        return Settled(order, reason=reason, text=text)

    def _ask(self, order: Order) -> Answer:
        reason = "the run was stopped"
        for call in range(_CALLS):
            if self._stop.is_set():
                break
            try:
                answer = self._generator.generate(order)
            except Exception as error:  # noqa: BLE001 - any chat model, any kind of failure
                reason = _told(error)
                self._note_failure(reason)
                if isinstance(error, RemoteResponseError) or call + 1 == _CALLS:
                    break
                self._stop.wait(self._limits.pause * 2**call)
            else:
                with self._lock:
                    self._failures = 0
                    self.calls += 1
                return answer
        raise _NoAnswer(reason)

    def _note_failure(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            # Each request at once may fail for the same reason, and then once again.
            if self._failures >= self._limits.concurrency + _CALLS:
                self._stop_run(reason)

    def _check_cost(self) -> None:
        limits = self._limits
        if limits.prices is None or limits.max_cost is None:
            return
        total = sum(self._journal.usage().values(), Usage())
        if limits.prices.cost(total) >= limits.max_cost:
            with self._lock:
                self._stop_run(f"the limit of the cost ({limits.max_cost:g}) is reached")

    def _stop_run(self, reason: str) -> None:
        self.stopped = self.stopped or reason
        self._stop.set()

    def _make_ahead(self, orders: Sequence[Order]) -> None:
        """Has orders that cost nothing answered, by all cores if there are many."""
        new = [order for order in orders if self._journal.get(order.key, 0) is None]
        for start, answers in _made(self._generator, new, self._limits.processes):
            chunk = new[start : start + len(answers)]
            self._journal.append(
                (order.key, 0, answer) for order, answer in zip(chunk, answers, strict=True)
            )
            self.calls += len(answers)


def _made(
    generator: Generator, orders: Sequence[Order], processes: int
) -> Iterator[tuple[int, list[Answer]]]:
    chunks = [orders[start : start + _CHUNK] for start in range(0, len(orders), _CHUNK)]
    starts = range(0, len(orders), _CHUNK)
    count = processes or os.cpu_count() or 1
    if count == 1 or len(orders) < _WORTH_PROCESSES:
        for start, chunk in zip(starts, chunks, strict=True):
            yield start, _answer_all(generator, chunk)
        return
    # Not forked: the command has threads of its own, for the progress that it shows.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        done = pool.map(_answer_all, [generator] * len(chunks), chunks)
        yield from zip(starts, done, strict=True)


def _answer_all(generator: Generator, orders: Sequence[Order]) -> list[Answer]:
    return [generator.generate(order) for order in orders]


def _told(error: Exception) -> str:
    # What other libraries say may quote what they were given.
    return error.message if isinstance(error, CoGenesisError) else type(error).__name__
