"""Requests, and what a writer answers from what the writer is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Literal

from langchain_cogenesis.context.schema import WritingSample
from langchain_cogenesis.data.grammar import words
from langchain_cogenesis.data.grammar.documents import Found, retrieve
from langchain_cogenesis.data.grammar.instructions import Instruction, create_instruction
from langchain_cogenesis.data.grammar.occasions import create_occasion
from langchain_cogenesis.data.grammar.occasions.base import Occasion, Slot
from langchain_cogenesis.data.grammar.personas import Persona, event_name
from langchain_cogenesis.data.grammar.plans import (
    OUTSIDE,
    Plan,
    Voice,
    choose_details,
    create_plan,
    shuffle_plan,
    with_surprises,
    write_outline,
    write_text,
)
from langchain_cogenesis.data.grammar.tasks import (
    Register,
    Scope,
    Task,
    slots_of,
    tasks_within,
)
from langchain_cogenesis.data.grammar.wording import Wording

if TYPE_CHECKING:
    from langchain_core.documents import Document

Condition = Literal[
    "context", "context_outline", "bare", "bare_outline", "public_text", "public_sketch"
]

_CERTAIN = frozenset({"NAME", "PLACE", "ORG", "NUMBER", "EMAIL", "PHONE", "ADDRESS"})
_FURTHER = ("DATE", "TIME", "AMOUNT", "ITEM")
_BY_OUTLINE = 0.3
_MASKED = 0.72
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
        emoji: What the body ends with, if the style asks for it.
        plan: The points that the answer carries out.
        slots: What the slots of the plan's templates stand for.
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
    emoji: str | None = None
    plan: Plan | None = None
    slots: dict[str, Slot] = field(default_factory=dict)

    def messages(self) -> tuple[tuple[str, str], ...]:
        """The prompt as role and content of each message."""
        from langchain_cogenesis.prompts import private_messages, public_messages, role_pairs

        if self.condition == "public_sketch":
            made = public_messages(self.instruction, "sketch")
        elif self.condition == "public_text":
            made = public_messages(self.instruction)
        else:
            outline = self.sketch if self.condition.endswith("outline") else ()
            made = private_messages(self.instruction, self.documents, outline)
        return role_pairs(made)


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What is asked for, and what the answer will say."""

    task: Task
    occasion: Occasion
    instruction: Instruction
    plan: Plan
    scope: Scope

    def mentioned(self) -> set[str]:
        """Names of the slots that the request gives away, or that the planner fills."""
        slots = self.occasion.slots
        told = {slots[name].who for name in slots_of(self.instruction.template) if name in slots}
        given = {name for name, slot in slots.items() if slot.who in told and slot.kind}
        # Of day and weekday only what is said can be written; masked they are one and the same.
        given = {name for name in given if slots[name].kind != "DATE"}
        given |= slots_of(self.instruction.template)
        return given | {name for name, slot in slots.items() if slot.source == "planner"}

    def masked_mentioned(self) -> set[str]:
        """The same where dates are masked: a weekday's placeholder stands for the day, too."""
        slots, mentioned = self.occasion.slots, self.mentioned()
        told = {slots[name].who for name in mentioned}
        return mentioned | {
            n for n, slot in slots.items() if slot.kind == "DATE" and slot.who in told
        }


def create_request(
    random: Random,
    persona: Persona,
    task: Task,
    scope: Scope,
    *,
    held_out: bool = False,
    loose: bool = False,
) -> Request:
    """Creates an occasion of the task's kind, a wording of the request and a plan.

    Args:
        random: Source of all choices.
        persona: Who asks.
        task: What is written.
        scope: Structures and sentences to draw from.
        held_out: Take a wording of the request that is kept for evaluation.
        loose: Follow no structure; the request may leave it to the outline what the text is about,
            and always does so where the task lies outside of the scope.
    """
    occasion = create_occasion(random, persona, task.occasion)
    choose_details(random, task, occasion)
    by_outline = loose and (task not in tasks_within(scope) or random.random() < _BY_OUTLINE)
    instruction = create_instruction(
        random, task, occasion, persona.register, held_out=held_out, by_outline=by_outline
    )
    plan = create_plan(random, task, occasion, instruction, scope=scope)
    if loose:
        plan = shuffle_plan(random, plan, task, occasion, instruction)
    return Request(task, occasion, instruction, plan, scope)


def _masks(random: Random) -> frozenset[str]:
    return _CERTAIN | (frozenset(_FURTHER) if random.random() < 0.35 else frozenset())


def compose_public(random: Random, request: Request, condition: Condition) -> Example:
    """What a writer without context makes of a request, mostly with placeholders."""
    occasion, instruction, plan = request.occasion, request.instruction, request.plan
    masked = _masks(random) if random.random() < _MASKED else frozenset()
    known = request.masked_mentioned() if "DATE" in masked else request.mentioned()
    # Blanks where the request itself has placeholders; else now and then.
    asked_for = slots_of(instruction.template)
    holds = any(occasion.slots[n].kind in masked for n in asked_for if n in occasion.slots)
    wording = Wording(occasion.slots, known, masked=masked, blanks=holds or random.random() < 0.4)
    asked = wording.fill(instruction.template)
    voice = _plain_voice(instruction)
    sketch: tuple[str, ...] = ()
    wording.used.clear()
    if condition == "public_sketch":
        sketch = write_outline(random, plan, wording, request.scope)
        text = "\n".join(f"{number}. {point}" for number, point in enumerate(sketch, start=1))
    else:
        text = write_text(random, plan, wording, voice, request.scope)
    return _example(request, condition, asked, (), sketch, text, wording, voice)


def _plain_voice(instruction: Instruction) -> Voice:
    register = instruction.register or _DEFAULT_REGISTER
    return Voice(register, words.GREETINGS[register][0], words.CLOSINGS[register][0])


def compose_private(
    random: Random,
    persona: Persona,
    requests: Sequence[Request],
    conditions: Sequence[Condition],
    *,
    surprises: bool = True,
) -> list[Example]:
    """What a writer makes of requests of one persona, over one context.

    Args:
        random: Source of all choices.
        persona: Whose requests they are.
        requests: The requests.
        conditions: What the writer is given for each; all with context, or none.
        surprises: Whether an outline may have points that no structure of the task has.
    """
    found = Found((), frozenset())
    if not conditions[0].startswith("bare"):
        count = random.choices((0, 1, 2, 3), (85, 10, 3, 2))[0]
        earlier = [write_earlier(random, persona, requests[0].scope) for _ in range(count)]
        named = all("name" in slots_of(request.instruction.template) for request in requests)
        occasions = [request.occasion for request in requests]
        found = retrieve(random, persona, occasions, named=named, earlier=earlier)
    return [
        answer_request(random, persona, request, condition, found, surprises=surprises)
        for request, condition in zip(requests, conditions, strict=True)
    ]


def answer_request(
    random: Random,
    persona: Persona,
    request: Request,
    condition: Condition,
    found: Found,
    *,
    surprises: bool,
) -> Example:
    """What a writer makes of one request.

    Args:
        random: Source of all choices.
        persona: Whose request it is.
        request: The request.
        condition: What the writer is given.
        found: What of the context: facts of other sources aren't known.
        surprises: Whether an outline may have points that no structure of the task has.
    """
    outlined, bare = condition.endswith("outline"), condition.startswith("bare")
    if outlined and surprises and request.plan.structure != OUTSIDE:
        plan = with_surprises(random, request.plan, request.occasion)
        request = replace(request, plan=plan)
    slots, mentioned = request.occasion.slots, request.mentioned()
    masked: frozenset[str] = frozenset()
    if bare and random.random() < 0.5:
        masked = _masks(random)
        mentioned = request.masked_mentioned() if "DATE" in masked else mentioned
    known = {name for name, slot in slots.items() if slot.source in found.sources}
    # Without context, a masked request is answered as a remote would: with blanks.
    wording = Wording(slots, mentioned | known, masked=masked, blanks=bool(masked))
    asked = wording.fill(request.instruction.template)
    sketch: tuple[str, ...] = ()
    if outlined:
        # The planner knows what the request says, and nothing of the context.
        planner = Wording(slots, mentioned, masked=masked, given=wording.given)
        sketch = write_outline(random, request.plan, planner, request.scope)
    wording.used.clear()
    voice = _plain_voice(request.instruction)
    if "style" in found.sources:
        voice = Voice(persona.register, persona.greeting, persona.closing, persona.emoji)
    text = write_text(random, request.plan, wording, voice, request.scope)
    return _example(request, condition, asked, found.documents, sketch, text, wording, voice)


def _example(
    request: Request,
    condition: Condition,
    asked: str,
    documents: tuple[Document, ...],
    sketch: tuple[str, ...],
    text: str,
    wording: Wording,
    voice: Voice,
) -> Example:
    return Example(
        request.task.name,
        condition,
        asked,
        documents,
        sketch,
        text,
        dict(wording.used),
        voice.greeting,
        voice.closing,
        voice.emoji,
        request.plan,
        dict(request.occasion.slots),
    )


def write_earlier(random: Random, persona: Persona, scope: Scope) -> WritingSample:
    """Something that the persona wrote before."""
    mails = [task for task in tasks_within(scope) if task.form == "email"]
    request = create_request(random, persona, random.choice(mails), scope)
    wording = Wording(request.occasion.slots, request.occasion.slots)
    voice = Voice(persona.register, persona.greeting, persona.closing, persona.emoji)
    text = write_text(random, request.plan, wording, voice, scope)
    title = event_name(random).capitalize() if random.random() < 0.6 else None
    return WritingSample(text=text, title=title, recipient=request.occasion.recipient.full)
