from __future__ import annotations

import threading
import time

from langchain_cogenesis.models.turns import Turns


def _in_thread(turns: Turns, holder: object, done: list[object]) -> threading.Thread:
    def run() -> None:
        with turns.step(holder):
            done.append(holder)
        turns.release(holder)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_step_waits_for_a_running_step() -> None:
    """While a step runs nobody else gets in, however long it takes."""
    turns, done = Turns(idle_seconds=0.01), []
    with turns.step("a"):
        thread = _in_thread(turns, "b", done)
        time.sleep(0.1)
        assert done == []
    thread.join(5)
    assert done == ["b"]


def test_active_holder_keeps_its_turn() -> None:
    """A holder that steps on and on isn't interrupted; the waiter comes after its release."""
    turns, done = Turns(idle_seconds=5), []
    with turns.step("a"):
        thread = _in_thread(turns, "b", done)
    for _ in range(20):
        with turns.step("a"):
            done.append("a")
        time.sleep(0.002)
    turns.release("a")
    thread.join(5)
    assert done == ["a"] * 20 + ["b"]


def test_idle_holder_loses_its_turn() -> None:
    """A waiter takes over after the idle time, not before, with no release at all."""
    turns, done = Turns(idle_seconds=0.2), []
    with turns.step("a"):
        pass
    started = time.monotonic()
    _in_thread(turns, "b", done).join(5)
    assert done == ["b"]
    assert time.monotonic() - started >= 0.15


def test_same_thread_takes_over_at_once() -> None:
    """Two holders stepping alternately on one thread never wait for each other."""
    turns = Turns(idle_seconds=60)
    started = time.monotonic()
    for _ in range(50):
        for holder in ("a", "b"):
            with turns.step(holder):
                pass
    assert time.monotonic() - started < 5


def test_waiters_come_in_order() -> None:
    """Those who wait get their turns in the order in which they came."""
    turns, done, threads = Turns(idle_seconds=5), [], []
    with turns.step("a"):
        for holder in range(5):
            threads.append(_in_thread(turns, holder, done))
            time.sleep(0.03)
    turns.release("a")
    for thread in threads:
        thread.join(5)
    assert done == [0, 1, 2, 3, 4]


def test_release_by_another_changes_nothing() -> None:
    """Only the holder can give its turn back."""
    turns, done = Turns(idle_seconds=0.2), []
    with turns.step("a"):
        pass
    turns.release("b")
    thread = _in_thread(turns, "b", done)
    time.sleep(0.05)
    assert done == []
    thread.join(5)
    assert done == ["b"]


def test_failing_step_frees_the_context() -> None:
    """An exception within a step doesn't keep others out."""
    turns, done = Turns(idle_seconds=0.01), []
    try:
        with turns.step("a"):
            raise RuntimeError
    except RuntimeError:
        pass
    _in_thread(turns, "b", done).join(5)
    assert done == ["b"]
