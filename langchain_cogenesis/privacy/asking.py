"""Asks whoever uses the app what happens to a private value, and remembers the answers."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, get_args

T = TypeVar("T")

Decision = Literal["allow", "mask", "refuse"]
"""What may be answered: let the value through, mask it, or send nothing."""

DECISIONS: tuple[Decision, ...] = get_args(Decision)
_THREADS_REMEMBERED = 1024
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, repr=False)
class EgressQuestion:
    """What the egress gate asks about one private value.

    Attributes:
        kind: The kind of value, one of `PLACEHOLDER_KINDS`.
        endpoint: The origin of the endpoint that it would go to, as `https://host:443`.
        surface: The value as it stands in the text.
        excerpt: What stands around it, every private value masked; the one asked about is
            `[NAME?]` there.
    """

    kind: str
    endpoint: str
    surface: str
    excerpt: str

    def __repr__(self) -> str:
        return f"EgressQuestion(kind={self.kind!r}, endpoint={self.endpoint!r}, <withheld>)"


Ask = Callable[[EgressQuestion], Decision | Awaitable[Decision]]
"""Answers a question; a function or a coroutine function. See `EgressGate`."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why a question has no answer; names no value."""

    reason: str
    hint: str


class _Caller(NamedTuple):
    """The event loop that waits for this thread's work, and whether it still does."""

    loop: asyncio.AbstractEventLoop
    is_gone: Callable[[], bool]


_CALLER: ContextVar[_Caller | None] = ContextVar("asking_caller", default=None)


def context_for(
    loop: asyncio.AbstractEventLoop, is_gone: Callable[[], bool]
) -> contextvars.Context:
    """A copy of the context for a thread that works for an event loop.

    A question that is asked there by a coroutine function is then answered on that loop.

    Args:
        loop: The loop that waits for the thread.
        is_gone: Whether nobody waits any more.
    """
    context = contextvars.copy_context()
    context.run(_CALLER.set, _Caller(loop, is_gone))
    return context


async def in_thread(call: Callable[[], T]) -> T:
    """Runs a blocking call on a thread while the event loop goes on, and may be asked there."""
    gone = threading.Event()
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(None, context_for(loop, gone.is_set).run, call)
    finally:
        gone.set()


class Answers:
    """The answers of one conversation for one endpoint. Safe to use from several threads."""

    def __init__(self) -> None:
        self._decisions: dict[tuple[str, str], Decision] = {}
        self._allowed: dict[str, None] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Answers(<withheld: {len(self._decisions)} answers>)"

    def decide(self, question: EgressQuestion, ask: Ask | None) -> Decision | Unanswered:
        """The answer to a question: the remembered one, or that of `ask`, remembered from now on.

        A value is the same in any case and spacing. Whoever asks about the same value at the same
        time waits for the one answer.
        """
        key = question.kind, " ".join(question.surface.split()).casefold()
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            decision: Decision | Unanswered | None = self._decisions.get(key)
            if decision is None:
                decision = _put(question, ask)
            if isinstance(decision, Unanswered):
                return decision
            with self._lock:
                self._decisions[key] = decision
                if decision == "allow":
                    self._allowed[question.surface] = None
            return decision

    def allow(self, text: str, start: int, end: int) -> bool:
        """Whether `text[start:end]` lies within a value that was allowed."""
        with self._lock:
            allowed = list(self._allowed)
        for surface in allowed:
            at = text.find(surface, max(0, end - len(surface)), start + len(surface))
            if at >= 0:
                return True
        return False

    def told(self) -> Counter[tuple[str, str]]:
        """How often each decision was taken, by kind and decision."""
        if not self._decisions:
            return Counter()
        with self._lock:
            return Counter((kind, told) for (kind, _), told in self._decisions.items())


class AnswerBook:
    """The answers of all conversations, by conversation and endpoint; the oldest are forgotten."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[object, str], Answers] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AnswerBook(<withheld: {len(self._answers)} conversations>)"

    def of(self, thread: object, endpoint: str) -> Answers:
        """The answers of a thread of conversation for an endpoint's origin."""
        with self._lock:
            answers = self._answers.get((thread, endpoint))
            if answers is None:
                answers = self._answers[(thread, endpoint)] = Answers()
            self._answers.move_to_end((thread, endpoint))
            while len(self._answers) > _THREADS_REMEMBERED:
                self._answers.popitem(last=False)
            return answers

    def clear(self) -> None:
        """Forgets all answers."""
        with self._lock:
            self._answers.clear()


def reasons(asked: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """Answers as the ledger notes them: kind, decision, and how often."""
    return [
        {"kind": kind, "decision": decision, "count": count}
        for (kind, decision), count in sorted(asked.items())
    ]


def _put(question: EgressQuestion, ask: Ask | None) -> Decision | Unanswered:
    if ask is None:
        return Unanswered(
            "the policy says to ask about values that it holds, and there is nobody to ask",
            "Give EgressGate or UserSession an ask=… function, or let the policy mask them.",
        )
    try:
        answer = ask(question)
        if inspect.isawaitable(answer):
            answer = _wait_for(_awaited(answer))
    except Exception as error:  # noqa: BLE001 - its text may hold the value, so only its type is told
        return Unanswered(
            f"the ask function raised {type(error).__name__}",
            "Make it return 'allow', 'mask' or 'refuse'.",
        )
    for decision in DECISIONS:
        if isinstance(answer, str) and answer == decision:
            return decision
    return Unanswered(
        f"the ask function returned a {type(answer).__name__} that is no decision",
        "Make it return 'allow', 'mask' or 'refuse'.",
    )


async def _awaited(answer: Awaitable[T]) -> T:
    return await answer


def _wait_for(answer: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on the event loop that waits for this thread, else on one of its own."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    caller = _CALLER.get()
    if caller is not None and caller.loop is not running and not caller.loop.is_closed():
        return _result(asyncio.run_coroutine_threadsafe(answer, caller.loop), caller)
    if running is None:
        return asyncio.run(answer)
    # This thread's own loop stands still until there is an answer, so it can't give one.
    future: Future[T] = Future()
    thread = threading.Thread(target=_settle, args=(future, answer), name="cogenesis-ask")
    thread.start()
    return future.result()


def _settle(future: Future[T], answer: Coroutine[Any, Any, T]) -> None:
    try:
        future.set_result(asyncio.run(answer))
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        future.set_exception(error)


def _result(future: Future[T], caller: _Caller) -> T:
    while True:
        try:
            return future.result(timeout=_POLL_SECONDS)
        except TimeoutError:
            # An answer that nobody waits for must not keep this thread, and the process, alive.
            if future.done():
                raise
            if caller.is_gone() or caller.loop.is_closed():
                future.cancel()
                raise
