"""Training and evaluation examples: prompts exactly as at run time, and their texts."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Literal, get_args

from langchain_cogenesis.data.composition import (
    Condition,
    Example,
    Request,
    compose_private,
    compose_public,
    create_request,
)
from langchain_cogenesis.data.grammar.personas import create_persona
from langchain_cogenesis.data.grammar.tasks import Scope, load_tasks, tasks_within

Writer = Literal["small", "large"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)

MIXES: dict[Writer, dict[Condition, int]] = {
    "small": {
        "context": 34,
        "context_outline": 40,
        "bare": 4,
        "bare_outline": 4,
        "public_text": 9,
        "public_sketch": 9,
    },
    "large": {
        "context": 7,
        "context_outline": 5,
        "bare": 3,
        "bare_outline": 2,
        "public_text": 47,
        "public_sketch": 36,
    },
}
"""How often each writer is trained on each condition."""

SHORT_MIX: dict[Condition, int] = {
    "bare": 8,
    "bare_outline": 36,
    "public_text": 34,
    "public_sketch": 22,
}
"""The same for the beginning of a training: no context, so that there is less to read."""

SCOPES: dict[Writer, Scope] = {"small": "few", "large": "all"}
"""What each writer is trained on of tasks, structures and wordings."""

_TOPICS = {
    "absence": "trip", "favour": "trip", "travels": "trip", "milestone": "job", "work": "job",
    "leaving": "job", "progress": "project", "handover": "project", "faulty": "item",
    "sale": "item", "address": "home", "illness": "visit",
}  # fmt: skip
"""Occasions whose facts could be taken for one another, by what they have in common."""


def create_example(
    seed: int | str,
    *,
    writer: Writer = "small",
    condition: Condition | None = None,
    mix: Mapping[Condition, int] | None = None,
    scope: Scope | None = None,
    task: str | None = None,
    held_out: bool = False,
    new_names: bool = False,
    surprises: bool = True,
    made_up: float = 0.0,
    loose: float = 0.0,
) -> Example:
    """Creates an example; the same arguments give the same example.

    Args:
        seed: Which example.
        writer: Whose mix of conditions and whose scope to draw from, where they aren't given.
        condition: What the writer is given.
        mix: Conditions to draw from, if none is given; by default the writer's own.
        scope: Tasks, structures and sentences to draw from.
        task: Name of the task; by default any within the scope.
        held_out: Take a wording of the instruction that is kept for evaluation.
        new_names: Take names from the families that are kept for evaluation.
        surprises: Whether an outline may have points that no structure of the task has.
        made_up: Probability that names are spelled in a way made up on the spot.
        loose: Probability that an outline follows no structure of its task; the task is then any,
            and a task outside of the scope shows its points alone, never a request for it.
    """
    # Random hashes strings by SHA-512, so the stream is the same on every machine.
    random = Random(f"{writer}/{held_out}/{seed}")
    mix, scope = mix or MIXES[writer], scope or SCOPES[writer]
    drawn = random.choices(tuple(mix), tuple(mix.values()))[0]
    condition = condition or drawn
    persona = create_persona(random, held_out=new_names, made_up=made_up)
    freely = loose > 0 and condition.endswith("outline") and random.random() < loose
    offered = load_tasks() if freely else tasks_within(scope)
    chosen = random.choice([t for t in offered if task in (None, t.name)])
    request = create_request(random, persona, chosen, scope, held_out=held_out, loose=freely)
    if condition.startswith("public"):
        return compose_public(random, request, condition)
    return compose_private(random, persona, [request], [condition], surprises=surprises)[0]


def create_conversation(
    seed: int | str,
    turns: int,
    *,
    writer: Writer = "small",
    made_up: float = 0.0,
    loose: float = 0.0,
) -> tuple[Example, ...]:
    """Creates several requests of one persona over one and the same context.

    A context is long and a text short: with several texts to a context a model learns more from as
    many tokens, and each request's facts are among those of the others.

    Args:
        seed: Which conversation.
        turns: Number of requests.
        writer: Whose scope to draw from.
        made_up: Probability that names are spelled in a way made up on the spot.
        loose: Probability that an outline follows no structure of its task.

    Returns:
        Examples with the same documents; the first one's prompt holds them.
    """
    random, scope = Random(f"conversation/{writer}/{seed}"), SCOPES[writer]
    persona = create_persona(random, made_up=made_up)
    kinds: tuple[Condition, ...] = ("context", "context_outline")
    conditions = random.choices(kinds, [MIXES[writer][kind] for kind in kinds], k=turns)
    requests: list[Request] = []
    topics: set[str] = set()
    while len(requests) < turns:
        outlined = conditions[len(requests)] == "context_outline"
        freely = loose > 0 and outlined and random.random() < loose
        task = random.choice(load_tasks() if freely else tasks_within(scope))
        request = create_request(random, persona, task, scope, loose=freely)
        topic = topic_of(request)
        if topic not in topics:
            topics.add(topic)
            requests.append(request)
    return tuple(compose_private(random, persona, requests, conditions))


def topic_of(request: Request) -> str:
    """What a request is about: facts of two requests on one topic could be mixed up."""
    kind = request.task.occasion
    event = request.occasion.slots.get("event")
    return event.value if event else _TOPICS.get(kind, kind)


__all__ = [
    "CONDITIONS",
    "MIXES",
    "SCOPES",
    "SHORT_MIX",
    "Condition",
    "Example",
    "Writer",
    "create_conversation",
    "create_example",
    "topic_of",
]
