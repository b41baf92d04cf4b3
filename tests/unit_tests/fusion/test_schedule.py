"""Schedules: which steps ask."""

from __future__ import annotations

import numpy as np
import pytest

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.schedule import (
    EntropySchedule,
    EveryStep,
    FixedRate,
    Pkt,
    Schedule,
    entropy,
    parse_schedule,
)
from langchain_cogenesis.models.logprobs import Logprobs

EVEN = Logprobs(np.log(np.full(4, 0.25, dtype=np.float32)))
SURE = Logprobs(np.log(np.array([1.0, 1e-30, 1e-30, 1e-30], dtype=np.float32)))


def _asked(schedule: Schedule, steps: int, row: Logprobs = EVEN) -> list[int]:
    return [n for n in range(steps) if schedule.asks(n, row)]


def test_pkt_is_dense_at_first_and_sparse_later() -> None:
    """The first P steps ask; after K silent ones T ask, again and again."""
    assert _asked(Pkt(3, 2, 1), 12) == [0, 1, 2, 5, 8, 11]
    assert _asked(Pkt(0, 0, 1), 4) == [0, 1, 2, 3]
    assert _asked(Pkt(2, 1, 0), 6) == [0, 1]


def test_a_fixed_rate_does_not_look_at_the_text() -> None:
    """Sure or unsure, the same steps ask."""
    assert _asked(FixedRate(4), 9, EVEN) == _asked(FixedRate(4), 9, SURE) == [0, 4, 8]


def test_entropy_asks_where_the_model_is_unsure() -> None:
    """An even row asks, a sure one doesn't; zero probabilities add no entropy."""
    assert entropy(EVEN) == pytest.approx(np.log(4), abs=1e-6)
    assert entropy(SURE) == pytest.approx(0, abs=1e-6)
    holes = Logprobs(np.array([np.log(0.5), np.log(0.5), -np.inf, -np.inf], dtype=np.float32))
    assert entropy(holes) == pytest.approx(np.log(2), abs=1e-6)
    assert _asked(EntropySchedule(1.0), 2, EVEN) == [0, 1]
    assert _asked(EntropySchedule(1.0), 2, SURE) == []


def test_schedules_are_read_as_they_are_written() -> None:
    """Every kind has a spelling; anything else is named."""
    assert parse_schedule("every") == EveryStep()
    assert parse_schedule("pkt:20/8/2") == Pkt(20, 8, 2)
    assert parse_schedule("rate:4") == FixedRate(4)
    assert parse_schedule("entropy:1.5") == EntropySchedule(1.5)
    for wrong in ("", "often", "pkt:1/2", "rate:x", "rate:0", "pkt:1/0/0"):
        with pytest.raises(ConfigurationError):
            parse_schedule(wrong)
