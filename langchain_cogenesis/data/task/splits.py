"""Train, dev and test sets that share no user."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.exceptions import ConfigurationError

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
DEFAULT_SHARES: Mapping[Split, float] = {"train": 0.8, "dev": 0.1, "test": 0.1}


def split_of(user: str, *, seed: int = 0, shares: Mapping[Split, float] = DEFAULT_SHARES) -> Split:
    """The set that a user belongs to.

    It follows from seed and user alone, on every machine: whoever else is there, and in which
    order, changes nothing.

    Args:
        user: The user's id.
        seed: Another seed gives other sets.
        shares: Share of each set, 1 in sum; a set that isn't named is empty.

    Raises:
        ConfigurationError: The shares are negative, or don't sum up to 1.
    """
    if min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-9:
        raise ConfigurationError(
            f"shares of the sets are {dict(shares)}.", hint="Give shares that sum up to 1."
        )
    digest = hashlib.blake2b(f"{seed}/{user}".encode(), digest_size=8).digest()
    place, reached = int.from_bytes(digest, "big") / 2**64, 0.0
    for split in SPLITS:
        reached += shares.get(split, 0.0)
        if place < reached:
            return split
    # Rounding may leave the sum a little below 1.
    return next(split for split in reversed(SPLITS) if shares.get(split))


def split_examples(
    examples: Iterable[TaskExample],
    *,
    seed: int = 0,
    shares: Mapping[Split, float] = DEFAULT_SHARES,
) -> dict[Split, list[TaskExample]]:
    """Deals examples out by user; all of one user are in one set, in the order given.

    Raises:
        ConfigurationError: As `split_of`.
    """
    sets: dict[Split, list[TaskExample]] = {split: [] for split in SPLITS}
    for example in examples:
        sets[split_of(example.user, seed=seed, shares=shares)].append(example)
    return sets
