"""The table of what really leaves, for invented users: every mode by every door, bytes as sent."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODES = ("local", "sketch", "remote", "logits")
DOORS = ("invoke", "ainvoke", "stream", "astream")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark's module."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.wire")


@pytest.mark.slow
async def test_nothing_leaves_and_the_planted_leak_is_found(wire: Any) -> None:
    """With the gate no value of a user is in the bytes; past a blind one all planted ones are."""
    users = wire.invented_users(2)
    rows = await wire.run(users, MODES, max_tokens=8, planted_in=1)
    cells = {(row.task, row.gate, row.mode, row.door): row for row in rows}
    assert len(cells) == len(rows) == 3 * len(MODES) * len(DOORS)
    looked_for = sum(len(user.values) for user in users)
    assert looked_for > 15
    for (task, gate, mode, _), row in cells.items():
        assert row.failed == {}
        assert row.answers == (2 if task == "as typed" else 1)
        assert (row.requests == 0) == (mode == "local")
        assert row.values == (looked_for if task == "as typed" else len(users[0].planted))
        leaks = gate == "blind" and mode != "local"
        assert row.found == (len(users[0].planted) if leaks else 0), row
    assert wire.passed(rows)


async def test_a_row_with_a_leak_does_not_pass(wire: Any) -> None:
    """One value found where the gate stood, or one missed where none did, fails the table."""
    sent = {"requests": 2, "values": 4}
    control = {"task": "planted", "gate": "blind"}
    fine = [
        wire.Row("sketch", "invoke", **sent),
        wire.Row("local", "invoke", **control, values=4),
        wire.Row("sketch", "invoke", **control, **sent, found=4),
    ]
    assert wire.passed(fine)
    for bad in (
        wire.Row("sketch", "stream", **sent, found=1),
        wire.Row("sketch", "stream", values=4),
        wire.Row("local", "stream", **sent),
        wire.Row("logits", "invoke", **control, **sent, found=3),
        wire.Row("logits", "invoke", **control, requests=2),
    ):
        assert not wire.passed([*fine, bad])
