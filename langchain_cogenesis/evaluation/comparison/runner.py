"""Runs the rows of a comparison over examples; what is there already isn't run again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.evaluation.comparison.forced import (
    UNMEASURED,
    ForcedSteps,
    View,
    forced_steps,
)
from langchain_cogenesis.evaluation.comparison.masks import Mask, teach
from langchain_cogenesis.evaluation.comparison.measuring import (
    asks_remote_tokens,
    cost_measure,
    egress_measures,
    likelihood_measures,
    quality_measures,
    time_measures,
)
from langchain_cogenesis.evaluation.comparison.results import Result, Results
from langchain_cogenesis.evaluation.comparison.rows import Row, Written
from langchain_cogenesis.evaluation.comparison.world import (
    Case,
    PairSettings,
    World,
    open_world,
    read_case,
)
from langchain_cogenesis.evaluation.judge_prompts import QUESTIONS
from langchain_cogenesis.evaluation.metrics.cost import Price, Stopwatch
from langchain_cogenesis.exceptions import CoGenesisError, RemoteUnavailableError

if TYPE_CHECKING:
    from langchain_cogenesis.evaluation.judge import Judge
    from langchain_cogenesis.privacy.gate import EgressGate


@dataclass(frozen=True, slots=True)
class Tick:
    """How far a run is.

    Attributes:
        done: Texts so far, those that were there already included.
        total: Texts in all.
        fresh: Texts that this run wrote.
    """

    done: int
    total: int
    fresh: int


@dataclass(frozen=True, slots=True)
class Judging:
    """A judge, and the gate before it, which must learn each user's values."""

    judge: Judge
    gate: EgressGate | None = None


def run_pairs(
    pair: PairSettings,
    rows: Sequence[Row],
    examples: Sequence[TaskExample],
    results: Results,
    *,
    price: Price | None = None,
    judging: Judging | None = None,
) -> Iterator[Tick]:
    """Does what `run_rows` does with the models of each row, of which one pair is open at a time.

    Args:
        pair: The models of rows that name none.
        rows: The rows; those of the same models stand side by side.
        examples: The examples.
        results: Where results go.
        price: What the remote takes.
        judging: Who judges the texts, if anybody.

    Yields:
        A tick for each pair and example.

    Raises:
        ModelError: A model can't be loaded.
        RemoteError: A remote can't be reached; what was written is kept.
    """
    done = fresh = 0
    total = len(rows) * len(examples)
    for settings, found in groupby(rows, key=lambda row: row.pair or pair):
        group = list(found)
        size, tick = len(group) * len(examples), Tick(0, 0, 0)
        if all(_finished(results, r, e, judging) for r in group for e in examples):
            # Models that have nothing left to write aren't made and loaded again.
            yield Tick(done + size, total, fresh)
        else:
            with open_world(settings) as world:
                ticks = run_rows(world, group, examples, results, price=price, judging=judging)
                for tick in ticks:
                    yield Tick(done + tick.done, total, fresh + tick.fresh)
        done, fresh = done + size, fresh + tick.fresh


def run_rows(
    world: World,
    rows: Sequence[Row],
    examples: Sequence[TaskExample],
    results: Results,
    *,
    price: Price | None = None,
    judging: Judging | None = None,
) -> Iterator[Tick]:
    """Writes and measures all texts that aren't there yet.

    Args:
        world: The models.
        rows: The rows.
        examples: The examples.
        results: Where results go.
        price: What the remote takes.
        judging: Who judges the texts, if anybody.

    Yields:
        A tick for each example.

    Raises:
        RemoteUnavailableError: The remote is down; what was written is kept.
    """
    done = fresh = 0
    for example in examples:
        wanted = [r for r in rows if not _finished(results, r, example, judging)]
        done += len(rows)
        if wanted:
            fresh += len(wanted)
            case = read_case(world, example)
            if any((row.key, example.id) not in results for row in wanted):
                _write_rows(world, case, wanted, results, price)
            if judging is not None:
                _judge_rows(case, wanted, results, judging)
        yield Tick(done, len(rows) * len(examples), fresh)


def _finished(results: Results, row: Row, example: TaskExample, judging: Judging | None) -> bool:
    found = results.results.get((row.key, example.id))
    return found is not None and (judging is None or found.judged or found.error is not None)


def _write_rows(
    world: World, case: Case, rows: Sequence[Row], results: Results, price: Price | None
) -> None:
    forced: dict[tuple[Mask, View], ForcedSteps | None] = {}
    for row in rows:
        if (row.key, case.example.id) in results:
            continue
        seen = row.mask, row.view
        if asks_remote_tokens(row) and seen not in forced:
            world.start(case, row.mask)
            try:
                forced[seen] = forced_steps(world, case, row.view)
            except UNMEASURED:
                forced[seen] = None
        results.add(_write_row(world, case, row, forced.get(seen), price))


def _write_row(
    world: World,
    case: Case,
    row: Row,
    steps: ForcedSteps | None,
    price: Price | None,
) -> Result:
    example = case.example
    # The endpoint's own questions at the first contact are no cost of this text.
    if row.fusion is not None or row.key.startswith("draft"):
        _connect(world, row)
    world.start(case, row.mask)
    written, watch = Written(), Stopwatch()
    try:
        text = "".join(watch.watch(row.write(world, case, written)))
    except RemoteUnavailableError:
        raise
    except CoGenesisError as error:
        return Result(
            row.key, example.id, example.task, error=type(error).__name__, language=example.language
        )
    tokens = world.local.engine.count_tokens(text)
    measures = quality_measures(case, text)
    measures |= egress_measures(world, case, written, tokens)
    measures |= cost_measure(price, measures)
    measures |= time_measures(watch, tokens)
    measures |= likelihood_measures(world, case, row, written, steps)
    return Result(
        row.key, example.id, example.task, measures, text, written.sketch, language=example.language
    )


def _connect(world: World, row: Row) -> None:
    from langchain_cogenesis.logit_answering import local_vocabulary

    remote = world.open_remote if row.trusts else world.remote
    if remote is not None:
        try:
            remote.distributions(local_vocabulary(world.local))
        except RemoteUnavailableError:
            raise
        except CoGenesisError:
            # Told again, and noted, when the row is run.
            return


def _judge_rows(case: Case, rows: Sequence[Row], results: Results, judging: Judging) -> None:
    example = case.example
    if judging.gate is not None:
        teach(judging.gate, example.context)
    profile = "\n".join(item.text for item in example.context.items() if item.kind != "writing")
    for row in rows:
        result = results.results.get((row.key, example.id))
        if result is None or result.error is not None or result.judged:
            continue
        measures = dict(result.measures)
        for question in QUESTIONS:
            said = judging.judge.rate(question, example.instruction, result.text, profile)
            if said.rating is not None:
                measures[f"judge {question}"] = (said.rating, 1)
            else:
                measures["judge unscored"] = (measures.get("judge unscored", (0, 1))[0] + 1, 1)
        results.add(replace(result, measures=measures, judged=True))


def run_identity(
    pair: PairSettings, data: str, seed: int, price: Price | None, engines: Sequence[str]
) -> dict[str, Any]:
    """What results must have in common to stand in one table.

    Args:
        pair: The models and how they write.
        data: Name or path of the examples.
        seed: Of the examples.
        price: What the remote takes.
        engines: What tells the models' files from others of the same names.
    """
    return {
        "local": pair.local,
        "remote": pair.remote,
        "remote model": pair.remote_model,
        "third": pair.third,
        "fusion": str(pair.fusion_file) if pair.fusion_file else None,
        "weight": pair.weight,
        "max tokens": pair.max_tokens,
        "items": pair.k,
        "data": data,
        "seed": seed,
        "price": [price.input, price.output] if price else None,
        "files": hashlib.sha256("/".join(engines).encode()).hexdigest()[:16],
    }
