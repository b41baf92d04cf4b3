"""Training and evaluation examples: prompts exactly as at run time, and their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Literal

from langchain_cogenesis.context.schema import WritingSample
from langchain_cogenesis.data.grammar import words
from langchain_cogenesis.data.grammar.documents import Found, retrieve
from langchain_cogenesis.data.grammar.instructions import Instruction, create_instruction
from langchain_cogenesis.data.grammar.occasions import Occasion, create_occasion
from langchain_cogenesis.data.grammar.personas import Persona, create_persona, event_name
from langchain_cogenesis.data.grammar.plans import (
    Plan,
    choose_details,
    create_plan,
    with_recipient,
    write_outline,
    write_text,
)
from langchain_cogenesis.data.grammar.tasks import Register, Task, load_tasks, slots_of
from langchain_cogenesis.data.grammar.wording import Wording

if TYPE_CHECKING:
    from langchain_core.documents import Document

Condition = Literal[
    "context", "context_outline", "bare", "bare_outline", "public_text", "public_sketch"
]

PRIVATE_MIX: tuple[tuple[Condition, int], ...] = (
    ("context", 44),
    ("context_outline", 48),
    ("bare", 5),
    ("bare_outline", 3),
)
PUBLIC_MIX: tuple[tuple[Condition, int], ...] = (
    ("public_sketch", 42),
    ("public_text", 48),
    ("context", 5),
    ("context_outline", 5),
)
_CERTAIN = frozenset({"NAME", "PLACE", "ORG", "NUMBER", "EMAIL"})
_FURTHER = ("DATE", "TIME", "AMOUNT", "ITEM")
_TOPICS = {"absence": "trip", "favour": "trip", "milestone": "job", "work": "job"}
"""Occasions whose facts could be taken for one another, by what they have in common."""

_DEFAULT_REGISTER: Register = "plain"


@dataclass(frozen=True, slots=True, repr=False)
class Example:
    """One prompt and the answer to it.

    Attributes:
        task: Name of the task.
        condition: What the writer is given.
        instruction: What the user asks for.
        documents: Retrieved private context; empty for public prompts.
        sketch: Points of the outline, where the prompt or the answer has one.
        answer: The text, or the outline as numbered lines.
        facts: Slot and value of every fact that the answer uses.
        greeting: First word or words of an e-mail.
        closing: Line that ends it, without the name.
    """

    task: str
    condition: Condition
    instruction: str
    documents: tuple[Document, ...]
    sketch: tuple[str, ...]
    answer: str
    facts: dict[str, str] = field(default_factory=dict)
    greeting: str = ""
    closing: str = ""

    def messages(self) -> tuple[tuple[str, str], ...]:
        """The prompt as role and content of each message."""
        from langchain_cogenesis.prompts import private_messages, public_messages

        if self.condition == "public_sketch":
            made = public_messages(self.instruction, "sketch")
        elif self.condition == "public_text":
            made = public_messages(self.instruction)
        else:
            outline = self.sketch if self.condition.endswith("outline") else ()
            made = private_messages(self.instruction, self.documents, outline)
        roles = {"system": "system", "human": "user"}
        return tuple((roles[message.type], str(message.content)) for message in made)


def create_example(
    seed: int | str,
    *,
    kind: Literal["private", "public"] = "private",
    condition: Condition | None = None,
    held_out: bool = False,
    made_up: float = 0.0,
) -> Example:
    """Creates an example; the same arguments give the same example.

    Args:
        seed: Which example.
        kind: Mix of conditions to draw from, if `condition` isn't given.
        condition: What the writer is given.
        held_out: Take names and wordings that are kept for evaluation.
        made_up: Probability that names are spelled in a way made up on the spot.
    """
    # Random hashes strings by SHA-512, so the stream is the same on every machine.
    random = Random(f"{kind}/{held_out}/{seed}")
    mix = PRIVATE_MIX if kind == "private" else PUBLIC_MIX
    drawn = random.choices([c for c, _ in mix], [weight for _, weight in mix])[0]
    condition = condition or drawn
    persona = create_persona(random, held_out=held_out, made_up=made_up)
    request = _request(random, persona, random.choice(load_tasks()), held_out=held_out)
    if condition.startswith("public"):
        return _public(random, request, condition)
    return _private(random, persona, [request], [condition])[0]


def create_conversation(
    seed: int | str, turns: int, *, made_up: float = 0.0
) -> tuple[Example, ...]:
    """Creates several requests of one persona over one and the same context.

    A context is long and a text short: with several texts to a context a model learns more from as
    many tokens, and each request's facts are among those of the others.

    Args:
        seed: Which conversation.
        turns: Number of requests.
        made_up: Probability that names are spelled in a way made up on the spot.

    Returns:
        Examples with the same documents; the first one's prompt holds them.
    """
    random = Random(f"conversation/{seed}")
    persona = create_persona(random, made_up=made_up)
    requests: list[_Request] = []
    topics: set[str] = set()
    while len(requests) < turns:
        request = _request(random, persona, random.choice(load_tasks()), held_out=False)
        kind = request.task.occasion
        event = request.occasion.slots.get("event")
        topic = event.value if event else _TOPICS.get(kind, kind)
        if topic not in topics:
            topics.add(topic)
            requests.append(request)
    conditions: list[Condition] = [random.choice(("context", "context_outline")) for _ in requests]
    return tuple(_private(random, persona, requests, conditions))


@dataclass(frozen=True, slots=True, repr=False)
class _Request:
    """What is asked for, and what the answer will say."""

    task: Task
    occasion: Occasion
    instruction: Instruction
    plan: Plan

    def mentioned(self) -> set[str]:
        """Names of the facts that the request itself gives away."""
        return _mentioned(self.occasion, self.instruction)


def _request(random: Random, persona: Persona, task: Task, *, held_out: bool) -> _Request:
    occasion = create_occasion(random, persona, task.occasion)
    choose_details(random, task, occasion)
    with_recipient(occasion)
    instruction = create_instruction(random, task, occasion, persona.register, held_out=held_out)
    share = {None: 0.65, True: 0.05, False: 0.95}[instruction.short]
    return _Request(task, occasion, instruction, create_plan(random, task, share=share))


def _mentioned(occasion: Occasion, instruction: Instruction) -> set[str]:
    known = set(slots_of(instruction.template))
    keys = {occasion.slots[name].who for name in known}
    same = {n for n, slot in occasion.slots.items() if slot.who in keys and slot.kind == "NAME"}
    planned = {name for name, slot in occasion.slots.items() if slot.source == "planner"}
    shop = {"to"} if "shop" in known and occasion.recipient.relation == "shop" else set()
    return known | (same - {"name"} if "name" not in known else same) | planned | shop


def _public(random: Random, request: _Request, condition: Condition) -> Example:
    task, occasion = request.task, request.occasion
    instruction, plan = request.instruction, request.plan
    masked: frozenset[str] = frozenset()
    if random.random() < 0.65:
        masked = _CERTAIN | ({*_FURTHER} if random.random() < 0.35 else frozenset())
    # Blanks where the request itself has placeholders; else now and then.
    holds = any(occasion.slots[n].kind in masked for n in slots_of(instruction.template))
    blanks = holds or random.random() < 0.4
    wording = Wording(
        occasion.slots, _mentioned(occasion, instruction), masked=masked, blanks=blanks
    )
    asked = wording.fill(instruction.template)
    if condition == "public_sketch":
        outline = write_outline(random, plan, wording)
        answer = "\n".join(f"{number}. {point}" for number, point in enumerate(outline, start=1))
        return Example(task.name, condition, asked, (), outline, answer, dict(wording.used))
    register = instruction.register or _DEFAULT_REGISTER
    greeting, closing = words.GREETINGS[register][0], words.CLOSINGS[register][0]
    wording.used.clear()
    text = write_text(random, plan, wording, register, greeting, closing)
    return Example(task.name, condition, asked, (), (), text, dict(wording.used), greeting, closing)


def _private(
    random: Random,
    persona: Persona,
    requests: Sequence[_Request],
    conditions: Sequence[Condition],
) -> list[Example]:
    outlines = [
        write_outline(random, r.plan, Wording(r.occasion.slots, r.mentioned())) for r in requests
    ]
    found = Found((), frozenset())
    if not conditions[0].startswith("bare"):
        count = random.choices((0, 1, 2, 3), (55, 22, 13, 10))[0]
        earlier = [_earlier(random, persona) for _ in range(count)]
        named = all("name" in request.mentioned() for request in requests)
        occasions = [request.occasion for request in requests]
        found = retrieve(random, persona, occasions, named=named, earlier=earlier)
    return [
        _answer(random, persona, request, condition, outline, found)
        for request, condition, outline in zip(requests, conditions, outlines, strict=True)
    ]


def _answer(
    random: Random,
    persona: Persona,
    request: _Request,
    condition: Condition,
    outline: tuple[str, ...],
    found: Found,
) -> Example:
    slots = request.occasion.slots
    known = {name for name, slot in slots.items() if slot.source in found.sources}
    wording = Wording(slots, request.mentioned() | known)
    asked = wording.fill(request.instruction.template)
    wording.used.clear()
    if "style" in found.sources:
        tone, greeting, closing = persona.register, persona.greeting, persona.closing
    else:
        tone = request.instruction.register or _DEFAULT_REGISTER
        greeting, closing = words.GREETINGS[tone][0], words.CLOSINGS[tone][0]
    text = write_text(random, request.plan, wording, tone, greeting, closing)
    return Example(
        request.task.name,
        condition,
        asked,
        found.documents,
        outline,
        text,
        dict(wording.used),
        greeting,
        closing,
    )


def _earlier(random: Random, persona: Persona) -> WritingSample:
    """Something that the persona wrote before."""
    task = random.choice([task for task in load_tasks() if task.form == "email"])
    occasion = create_occasion(random, persona, task.occasion)
    choose_details(random, task, occasion)
    with_recipient(occasion)
    wording = Wording(occasion.slots, occasion.slots)
    plan = create_plan(random, task, share=0.2)
    text = write_text(random, plan, wording, persona.register, persona.greeting, persona.closing)
    title = event_name(random).capitalize() if random.random() < 0.6 else None
    return WritingSample(text=text, title=title, recipient=occasion.recipient.full)
