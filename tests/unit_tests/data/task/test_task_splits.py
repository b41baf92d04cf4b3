"""Splits by user."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from langchain_cogenesis.data.task.grammar import read_grammar
from langchain_cogenesis.data.task.splits import SPLITS, split_examples, split_of
from langchain_cogenesis.exceptions import ConfigurationError

USERS = [f"user-{number}" for number in range(2000)]


def test_no_user_is_in_two_sets_and_none_is_lost() -> None:
    """All examples of a user are in one set, in their order."""
    examples = list(read_grammar(40, tasks=2))
    sets = split_examples(examples, shares={"train": 0.5, "dev": 0.25, "test": 0.25})
    users = {split: {example.user for example in found} for split, found in sets.items()}
    assert not users["train"] & users["dev"]
    assert not users["train"] & users["test"]
    assert not users["dev"] & users["test"]
    assert sorted(e.id for found in sets.values() for e in found) == sorted(e.id for e in examples)
    assert all(users.values())


def test_sets_stay_as_they_are_when_users_are_added() -> None:
    """Who is added, and in which order, moves nobody."""
    few = list(read_grammar(10, tasks=1))
    many = [*reversed(list(read_grammar(25, tasks=1)))]
    before = {e.user: split for split, found in split_examples(few).items() for e in found}
    after = {e.user: split for split, found in split_examples(many).items() for e in found}
    assert {user: after[user] for user in before} == before


def test_sets_have_the_shares_that_were_asked_for() -> None:
    """Of many users each set gets its share, within chance; another seed deals anew."""
    counts = Counter(split_of(user) for user in USERS)
    assert abs(counts["train"] / len(USERS) - 0.8) < 0.04
    assert abs(counts["dev"] / len(USERS) - 0.1) < 0.03
    moved = sum(split_of(user) != split_of(user, seed=1) for user in USERS)
    assert moved > len(USERS) // 10
    assert {split_of(user, shares={"test": 1.0}) for user in USERS} == {"test"}


def test_sets_do_not_depend_on_the_process() -> None:
    """Another process with another hash seed deals in the same way."""
    code = (
        "from langchain_cogenesis.data.task.splits import split_of\n"
        "print([split_of(f'user-{n}') for n in range(50)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == str([split_of(user) for user in USERS[:50]])


@pytest.mark.parametrize("shares", [{"train": 0.5}, {"train": 1.5, "test": -0.5}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    """Shares are positive and sum up to 1."""
    with pytest.raises(ConfigurationError, match="sum up to 1"):
        split_of("u", shares=shares)  # type: ignore[arg-type]
    assert SPLITS == ("train", "dev", "test")
