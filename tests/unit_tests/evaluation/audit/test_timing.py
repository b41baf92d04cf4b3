"""Rhythms that depend on a text are told from fixed ones; fixed ones aren't told apart."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from langchain_cogenesis.evaluation.audit.attacks import time_requests
from langchain_cogenesis.evaluation.audit.timing import Rhythm, read_rhythm, tell_apart


def fixed(seed: int, count: int = 40) -> list[Rhythm]:
    """A request each 20 ms or so, for each token."""
    random = Random(seed)
    return [
        Rhythm(n, tuple(random.uniform(0.018, 0.022) for _ in range(30)), (1,) * 30)
        for n in range(count)
    ]


def uneven(seed: int, count: int = 40) -> list[Rhythm]:
    """Now and then some tokens without a request."""
    random = Random(seed)
    found = []
    for number in range(count):
        steps = tuple(random.choice((1, 1, 1, 4)) for _ in range(20))
        gaps = tuple(step * random.uniform(0.018, 0.022) for step in steps)
        found.append(Rhythm(number, gaps, steps))
    return found


def test_another_schedule_is_told() -> None:
    """Skipped tokens show, and the interval is apart from a half."""
    found = tell_apart(uneven(1), fixed(2))
    assert found is not None
    assert found.value > 0.95
    assert found.low > 0.5


def test_the_same_schedule_is_not_told() -> None:
    """Two runs of one schedule: the interval holds a half."""
    found = tell_apart(fixed(1), fixed(2))
    assert found is not None
    assert found.low < 0.5 < found.high


def test_times_alone_tell_too() -> None:
    """Longer pauses show although every request is one token further."""
    random = Random(3)
    slow = [
        Rhythm(n, tuple(random.choice((0.02, 0.02, 0.1)) for _ in range(30)), (1,) * 30)
        for n in range(40)
    ]
    found = tell_apart(slow, fixed(2))
    assert found is not None
    assert found.low > 0.7


def test_rows_and_too_few() -> None:
    """Uneven rhythms miss the target; a handful of users is no measurement."""
    rhythms = {"fixed": fixed(1), "fixed again": fixed(2), "entropy": uneven(3)}
    assert time_requests({**rhythms, "ours": uneven(4)}, 0).verdict == "MISSED"
    few = {name: some[:2] for name, some in rhythms.items()}
    assert time_requests({**few, "ours": uneven(4)[:2]}, 0).verdict == "not measured"


def test_rhythms_are_read_from_the_wire(tmp_path: Path) -> None:
    """Times and lengths of token-id prompts, over several connections and in order of time."""
    frames = b""
    for connection, at, length in ((1, 5.0, 10), (2, 6.5, 14), (1, 5.5, 11)):
        body = json.dumps({"prompt": [7] * length}).encode()
        head = b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        frames += b"@%d %d %.6f\n%s\n" % (connection, len(head), at, head)
        frames += b"@%d %d %.6f\n%s\n" % (connection, len(body), at + 0.25, body)
    other = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
    frames += b"@3 %d 1.0\n%s\n" % (len(other), other)
    record = tmp_path / "record.wire"
    record.write_bytes(frames)
    assert read_rhythm(4, record) == Rhythm(4, (0.5, 1.0), (1, 3))
