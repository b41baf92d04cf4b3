"""What the house models can do, measured in llama.cpp on held-out people, wordings and plans.

Every task comes up equally often. Names are never those of the training, every second instruction
has a wording that was kept out, and structures and sentences are drawn from all there are, those
that one model or both have never seen included.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from os import PathLike
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

from langchain_cogenesis.data.examples import Condition, Example, Writer, create_example
from langchain_cogenesis.data.free_english import FreeExample, load_free_english
from langchain_cogenesis.data.grammar.tasks import FEW_STRUCTURES, UNSEEN_TASKS, load_tasks
from langchain_cogenesis.evaluation.likelihood import (
    chat_ids,
    fused_nll,
    masked_view,
    reference_nll,
)
from langchain_cogenesis.evaluation.records import Record
from langchain_cogenesis.evaluation.texts import Measures, measure_text, repeats
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.prompts import private_messages, public_messages, role_pairs
from langchain_cogenesis.sketch import parse_sketch

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

MAX_TOKENS = 260
_CHUNK = 8
_WRITERS: tuple[Writer, ...] = get_args(Writer)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two models, each a house model's name or a GGUF file."""

    small: str = "house-small"
    large: str = "house-large"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation is.

    Attributes:
        done: Examples so far.
        total: Examples in all.
        records: What was measured in the last of them.
    """

    done: int
    total: int
    records: tuple[Record, ...] = field(repr=False)


def evaluate_pair(pair: Pair, count: int, *, workers: int = 1) -> Iterator[Progress]:
    """Evaluates both models on held-out examples and on the free English set.

    Args:
        pair: The models.
        count: Held-out examples; each is written from in all conditions.
        workers: Processes to share the work.
    """
    jobs: list[tuple[Literal["grammar", "free"], range]] = [
        ("grammar", range(first, min(first + _CHUNK, count))) for first in range(0, count, _CHUNK)
    ]
    free = len(load_free_english())
    jobs += [("free", range(first, min(first + _CHUNK, free))) for first in range(0, free, _CHUNK)]
    done, total = 0, count + free
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(_work, pair, kind, numbers): numbers for kind, numbers in jobs}
        for future in as_completed(pending):
            done += len(pending[future])
            yield Progress(done, total, tuple(future.result()))


def held_out_example(number: int) -> Example:
    """The held-out example of that number, with context and outline.

    Args:
        number: Which; each run of as many as there are tasks has every task once.
    """
    return _made(number, "context_outline")


def _made(number: int, condition: Condition) -> Example:
    tasks = load_tasks()
    return create_example(
        f"evaluation/{number}",
        condition=condition,
        scope="everything",
        task=tasks[number % len(tasks)].name,
        held_out=number % 2 == 0,
        new_names=True,
        surprises=False,
    )


def tags_of(example: Example, number: int) -> tuple[str, ...]:
    """What of an example was held out, and from whom."""
    tags = ["wording" if number % 2 == 0 else "known wording"]
    structure = example.plan.structure if example.plan else 0
    tags.append("task new to small" if example.task in UNSEEN_TASKS else "task known to both")
    last = len({t.name: t for t in load_tasks()}[example.task].structures) - 1
    if structure == last:
        tags.append("plan new to both")
    elif structure >= FEW_STRUCTURES or example.task in UNSEEN_TASKS:
        tags.append("plan new to small")
    else:
        tags.append("plan known to both")
    return tuple(tags)


def _work(pair: Pair, kind: Literal["grammar", "free"], numbers: range) -> list[Record]:
    engines = {"small": _engine(pair.small), "large": _engine(pair.large)}
    make = _grammar_records if kind == "grammar" else _free_records
    return [record for number in numbers for record in make(engines, number)]


@cache
def _engine(model: str | PathLike[str]) -> LlamaCppEngine:
    return LlamaCppEngine(model, n_threads=1)


def _grammar_records(engines: dict[str, LlamaCppEngine], number: int) -> Iterator[Record]:
    outlined = held_out_example(number)
    views: dict[str, Example] = {
        "context + outline": outlined,
        "context": replace(outlined, condition="context", sketch=()),
        "instruction alone": replace(outlined, condition="bare", sketch=(), documents=()),
        "placeholder text": _made(number, "public_text"),
        "placeholder sketch": _made(number, "public_sketch"),
    }
    tags = tags_of(outlined, number)
    for writer in _WRITERS:
        for view, example in views.items():
            measures = _measures(engines[writer], example)
            yield Record(f"{writer}, {view}", example.task, tags, measures)
    sketched = replace(outlined, sketch=sketch_for(engines["large"], outlined))
    measures = _measures(engines["small"], sketched, score=False)
    yield Record("small, context + sketch by large", outlined.task, tags, measures)
    for masked in (True, False):
        nll = fused_nll(engines["small"], engines["large"], views["context"], masked=masked)
        group = f"fused, {'masked' if masked else 'raw'} prefix"
        yield Record(group, outlined.task, tags, dict(nll))


def _measures(engine: LlamaCppEngine, example: Example, *, score: bool = True) -> Measures:
    began = time.perf_counter()
    text, tokens = write(engine, example.messages())
    seconds = time.perf_counter() - began
    measures = measure_text(example, text)
    measures["tokens"] = (tokens, 1)
    measures["seconds a text"] = (seconds, 1)
    if score:
        measures["nll"] = reference_nll(engine, example.messages(), example.answer)
    return measures


def write(engine: LlamaCppEngine, messages: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """Writes greedily; returns the text and its tokens."""
    prompt = engine.apply_template([{"role": role, "content": text} for role, text in messages])
    pieces = [t.text for t in engine.generate(prompt, SamplingParams(), max_tokens=MAX_TOKENS)]
    return b"".join(pieces).decode("utf-8", "replace"), len(pieces)


def sketch_for(engine: LlamaCppEngine, example: Example) -> tuple[str, ...]:
    """The larger model's outline for an example's masked instruction, restored."""
    view = masked_view(example)
    reply, _ = write(engine, role_pairs(public_messages(view.instruction, "sketch")))
    values = dict(view.values)
    return tuple(_restored(point, values) for point in parse_sketch(reply))


def _restored(point: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        point = point.replace(mark, value)
    return point


def _free_records(engines: dict[str, LlamaCppEngine], number: int) -> Iterator[Record]:
    example = load_free_english()[number]
    # Names and places of the context are what the gate would mask.
    reply, _ = write(engines["large"], role_pairs(public_messages(example.masked(), "sketch")))
    sketch = tuple(_restored(p, example.marks()) for p in parse_sketch(reply))
    for writer in _WRITERS:
        messages = private_messages(example.instruction, example.documents)
        yield _free_record(f"free English, {writer}, context", engines[writer], example, messages)
    messages = private_messages(example.instruction, example.documents, sketch)
    group = "free English, small, context + sketch by large"
    yield _free_record(group, engines["small"], example, messages)


def _free_record(
    group: str, engine: LlamaCppEngine, example: FreeExample, messages: Sequence[BaseMessage]
) -> Record:
    text, tokens = write(engine, role_pairs(messages))
    found: Measures = {name: (float(hit), 1) for name, hit in example.judge(text).items()}
    found["facts"] = (example.facts_in(text), len(example.facts))
    found["no repetition"] = (float(not repeats(text)), 1)
    found["tokens"] = (tokens, 1)
    return Record(group, example.kind, (), found)


def seconds_a_letter(model: str, *, tokens: int = 80, letters: int = 8) -> float:
    """Median time to write a letter of so many tokens from context, prompt included, seconds."""
    engine = LlamaCppEngine(model)
    times: list[float] = []
    try:
        for number in range(letters):
            prompt = chat_ids(engine, held_out_example(number).messages())
            began = time.perf_counter()
            written = sum(1 for _ in engine.generate(prompt, SamplingParams(), max_tokens=tokens))
            times.append((time.perf_counter() - began) * tokens / max(written, 1))
    finally:
        engine.close()
    return median(times)
