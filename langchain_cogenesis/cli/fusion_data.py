"""What `cogenesis fusion fit` is fitted on, by the name that `--data` gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_cogenesis.data.examples import Example
    from langchain_cogenesis.data.task.example import TaskExample
    from langchain_cogenesis.fusion.recordings import HelperView, Triple
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

GRAMMAR = "grammar"


@dataclass(frozen=True, slots=True)
class Job:
    """What is recorded, and by whom; models are None where the data's language names them."""

    data: str
    count: int
    local: str | None
    helper: str | None
    top_k: int
    seed: int


def task_examples(job: Job) -> list[TaskExample]:
    """Examples of the task; none for letters of the English grammar and for files of prompts."""
    from langchain_cogenesis.evaluation.task_sources import load_task_examples

    path = Path(job.data)
    if job.data == GRAMMAR or (path.suffix == ".jsonl" and (not path.exists() or _prompts(path))):
        return []
    # Other users than those of a comparison with the same seed.
    return load_task_examples(job.data, limit=job.count, seed=-1 - job.seed)


def _prompts(path: Path) -> bool:
    """Whether a file holds prompts, and no examples of the task."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = next((line for line in file if line.strip()), "")
    return not ('"context"' in first and '"instruction"' in first)


def language_of(examples: Sequence[TaskExample]) -> str:
    """The language of all examples; English, if there are none."""
    from langchain_cogenesis.exceptions import ConfigurationError

    languages = {example.language for example in examples} or {"en"}
    if len(languages) > 1:
        raise ConfigurationError(
            f"the examples are in {', '.join(sorted(languages))}, and a fusion is for one pair.",
            hint="Give examples of one language, or name both models.",
        )
    return languages.pop()


def fit_triples(
    job: Job, engine: LlamaCppEngine, tasks: Sequence[TaskExample]
) -> tuple[Iterable[Triple], HelperView | None]:
    """Prompts and references, and what the helper reads of these, if not all.

    Args:
        job: What was asked for.
        engine: The local model.
        tasks: What `task_examples` found.
    """
    if job.data == GRAMMAR:
        return _grammar(job, engine)
    if tasks:
        from langchain_cogenesis.evaluation.fit_examples import FitExamples

        found = FitExamples(engine, tasks)
        return found, found.view
    return _read_jsonl(Path(job.data), job.count), None


def _grammar(job: Job, engine: LlamaCppEngine) -> tuple[Iterable[Triple], HelperView]:
    """Letters whose names neither model has seen; the helper sees placeholders for their facts."""
    from langchain_cogenesis.data.examples import create_example
    from langchain_cogenesis.evaluation.likelihood import masked_view, public_ids
    from langchain_cogenesis.prompts import chat_of, public_messages, role_pairs

    @lru_cache(maxsize=2)
    def made(number: int) -> Example:
        name = f"fusion/{job.seed}/{number}"
        return create_example(name, condition="context", scope="all", made_up=1.0)

    def triples() -> Iterator[Triple]:
        for number in range(job.count):
            public = public_messages(masked_view(made(number)).instruction)
            private = made(number).messages()
            yield chat_of(private), chat_of(role_pairs(public)), made(number).answer

    def view(number: int, tokens: Sequence[int]) -> tuple[list[int], dict[int, int]]:
        return public_ids(engine, tokens, masked_view(made(number)).spans)

    return triples(), view


def _read_jsonl(path: Path, count: int) -> list[Triple]:
    """Reads all that is wanted, so that a broken line is told before anything is recorded."""
    from langchain_cogenesis.exceptions import ConfigurationError, SourceError

    if not path.is_file():
        raise ConfigurationError(
            f"there is no file {path}.", hint="Give --data grammar, or a JSONL file."
        )
    found: list[Triple] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for line, text in enumerate(file, start=1):
            if len(found) == count:
                break
            if not text.strip():
                continue
            triple = _triple(text)
            if triple is None:
                raise SourceError(path.name, "not a record of this format", line=line, hint=_SHAPE)
            found.append(triple)
    return found


def _triple(text: str) -> Triple | None:
    from langchain_cogenesis.prompts import chat_of

    try:
        record = json.loads(text)
        private, public = (chat_of((str(r), str(t)) for r, t in record[side]) for side in _SIDES)
        reference = record["reference"]
    except (ValueError, KeyError, TypeError):
        return None
    return (private, public, reference) if isinstance(reference, str) else None


_SIDES = ("private", "public")
_SHAPE = 'A line is {"private": [[role, text], …], "public": [[role, text], …], "reference": text}.'
