"""How far a comparison is, and how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from langchain_cogenesis.cli.output import err

if TYPE_CHECKING:
    from langchain_cogenesis.evaluation.comparison.runner import Tick

_SPOKEN_EVERY = 20.0


def show_progress(ticks: Iterable[Tick]) -> None:
    """A bar on a terminal; elsewhere a line now and then. Both say how long it will take."""
    if sys.stderr.isatty():
        columns = (
            TextColumn("Writing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=err(), transient=True) as progress:
            task = progress.add_task("Writing", total=None)
            for tick in ticks:
                progress.update(task, completed=tick.done, total=tick.total)
        return
    began = spoken = time.monotonic()
    for tick in ticks:
        now = time.monotonic()
        if tick.fresh and (now - spoken > _SPOKEN_EVERY or tick.done == tick.total):
            spoken = now
            left = (now - began) / tick.fresh * (tick.total - tick.done)
            err().print(f"{tick.done} of {tick.total} texts, about {_spelled(left)} left")


def _spelled(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
