"""Guessing succeeds on texts that tell, and is at chance on texts that don't."""

from __future__ import annotations

from random import Random

import pytest
from audited import subject, texts

from langchain_cogenesis.evaluation.audit.attacks import infer_attribute, link_users
from langchain_cogenesis.evaluation.audit.inference import guess_attribute, link
from langchain_cogenesis.evaluation.audit.report import FAILS, Row, cells
from langchain_cogenesis.evaluation.records import Estimate

TOOLS = {"baker": "oven flour", "nurse": "ward shift", "plumber": "pipe leak"}
FILLER = ("please", "write", "some", "short", "note", "about", "this", "week", "and", "thanks")


def people(count: int) -> list[tuple[str, str]]:
    """Trade and a text that tells it, among words that everybody uses."""
    random = Random(1)
    found = []
    for _ in range(count):
        trade = random.choice(tuple(TOOLS))
        words = [*random.sample(FILLER, 6), *TOOLS[trade].split()]
        found.append((trade, " ".join(random.sample(words, len(words)))))
    return found


def test_a_text_that_tells_the_trade_is_read() -> None:
    """A word of the trade in each text, and nearly every guess is right."""
    trades, told = zip(*people(90), strict=True)
    found = guess_attribute(told, trades)
    assert found is not None
    assert sum(found.hits) / 90 > 0.95
    assert found.chance < 0.5


def test_constant_texts_leave_chance() -> None:
    """From one and the same text nothing is guessed but the most frequent trade."""
    trades = [trade for trade, _ in people(90)]
    found = guess_attribute(["the same for all"] * 90, trades)
    assert found is not None
    assert abs(sum(found.hits) / 90 - found.chance) < 0.02


def test_too_few_users_are_not_measured() -> None:
    """Three users, or one trade, are no measurement."""
    assert guess_attribute(["a", "b", "c"], ["x", "y", "x"]) is None
    assert guess_attribute(["a"] * 30, ["x"] * 30) is None
    assert guess_attribute(["a"] * 30, [str(n) for n in range(30)]) is None


def test_rows_compare_with_the_floor() -> None:
    """A leaky egress misses, a constant one is within what chance and floor allow."""
    trades, told = zip(*people(100), strict=True)
    users = [subject(n, attributes={"trade": trade}) for n, trade in enumerate(trades)]
    silent = [texts("same", raw=t, typed="same", floor="same") for t in told]
    leaky = [texts(t, raw=t, typed=t, floor="same") for t in told]
    missed, met = (infer_attribute("trade", users, own, 0) for own in (leaky, silent))
    assert missed is not None
    assert met is not None
    assert missed.verdict == "MISSED"
    assert missed.excess is not None
    assert missed.excess.low > 0.3
    assert met.excess is not None
    assert met.excess.value == 0
    nothing = [texts("same", raw="same", typed="same", floor="same") for _ in told]
    row = infer_attribute("trade", users, nothing, 0)
    assert row is not None
    assert cells(row)[-1] == FAILS


def test_a_target_is_met_by_the_upper_end() -> None:
    """Equal to the floor isn't enough while the interval is wide."""
    raw, floor = Estimate(0.9, 0.8, 1.0, 50), Estimate(0.3, 0.2, 0.4, 50)
    for high, verdict in ((0.32, "met"), (0.34, "MISSED")):
        ours = Estimate(0.3, 0.28, high, 50)
        row = Row("attribute", "x", {"ours": ours, "raw": raw, "floor": floor}, chance=0.2)
        assert row.verdict == verdict
    row = Row("attribute", "x", {"ours": ours, "raw": raw, "floor": None}, chance=0.2)
    assert row.verdict == "not measured"


def test_each_text_is_linked_to_its_history() -> None:
    """Texts that hold a word of the history are all linked, constant ones at 1/n exactly."""
    histories = [f"person{n} lives in town{n} and likes boats" for n in range(20)]
    found = link([f"please greet person{n} for me" for n in range(20)], histories)
    assert found.hits == (1.0,) * 20
    constant = link(["please write about boats"] * 20, histories)
    assert constant.chance == 0.05
    assert constant.hits == pytest.approx((0.05,) * 20)
    assert link([""] * 20, histories).hits == pytest.approx((0.05,) * 20)


def test_linked_users_are_a_row() -> None:
    """1.0 on raw text, chance on our constant one; one user alone is no measurement."""
    users = [subject(n, fact=f"owns boat{n}") for n in range(30)]
    own = [texts("the same", raw=u.history(), typed=f"boat{u.number}", floor="") for u in users]
    row = link_users(users, own, 0)
    assert row is not None
    values = {name: found.value for name, found in row.results.items() if found}
    assert values["raw"] == values["typed"] == 1.0
    assert abs(values["ours"] - row.chance) < 1e-9
    assert row.verdict == "met"
    assert link_users(users[:1], own[:1], 0) is None
