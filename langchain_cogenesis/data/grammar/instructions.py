"""Instructions in the many ways users word them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from langchain_cogenesis.data.grammar import clauses, words
from langchain_cogenesis.data.grammar.occasions.base import Occasion, Slot
from langchain_cogenesis.data.grammar.tasks import Form, Register, Task, slots_of

_WRAPPERS = (
    "Please {}",
    "Can you help me? {}",
    "I need your help with something. {}",
    "Quick one. {}",
    "Hi! {}",
    "{} Thanks!",
    "{} Thank you.",
)
_HINTS = (
    "The place is {place}.",
    "It is on {day}.",
    "It starts at {time}.",
    "it's at {place}",
    "The price was {price}.",
    "The order is {order}.",
    "My name is {me_full}.",
    "I am {me_full}.",
)
"""Further sentences of a request."""
_ASKS: dict[str, tuple[str, ...]] = {
    "note": (
        "Mention that {note}.",
        "Tell them that {note}.",
        "Say that {note}.",
        "They should know that {note}.",
        "oh and {note}",
        "By the way, {note}.",
        "and add that {note}",
    ),
    "post_note": ("Mention that {note}.", "Say that {note}.", "and add that {note}"),
    "question": (
        "Ask whether {question}.",
        "I would like to know whether {question}.",
        "and ask if {question}",
    ),
    "request": ("Ask them to {request}.", "They should {request}.", "and can they {request}?"),
}
_BY_OUTLINE: dict[Form, tuple[str, ...]] = {
    "email": (
        "Write an e-mail to {who} along this outline.",
        "Write to {who} and say all of the points.",
        "Turn the outline into a mail to {who}.",
        "Please write this up for {who}.",
        "can you make an e-mail to {who} out of these points?",
        "Write to {who}.",
        "I have noted what to tell {who}. Write it for me.",
    ),
    "notice": (
        "Write the notice along this outline.",
        "Turn the outline into a notice.",
        "can you make an automatic reply out of these points?",
    ),
    "post": (
        "Write a post along this outline.",
        "Turn these points into a post.",
        "can you make a post out of the outline?",
        "I have noted what to post. Write it for me.",
        "Write a post.",
    ),
}
"""Requests that leave what to say to the outline."""
_GRAVE = frozenset({"condole"})
"""Tasks in which nothing else is said by the way."""
_STYLES = {"short": 34, "long": 36, "chatty": 30}
_SLOT = re.compile(r"(\{\w+\})")


@dataclass(frozen=True, slots=True)
class Instruction:
    """A request as a template.

    Attributes:
        template: With slots.
        register: The register it asks for, if it does.
        short: Whether it asks for a short text; None if it doesn't say.
        asked: Names of the free points that it asks for.
    """

    template: str
    register: Register | None
    short: bool | None
    asked: tuple[str, ...]


def create_instruction(
    random: Random,
    task: Task,
    occasion: Occasion,
    register: Register,
    *,
    held_out: bool = False,
    by_outline: bool = False,
) -> Instruction:
    """Words a request for a text.

    Args:
        random: Source of all choices.
        task: What is to be written.
        occasion: Its facts; the slot `name` is added if the request names the recipient, and the
            slots of free clauses if it asks to say something of its own.
        register: The register that the user would ask for.
        held_out: Take wordings that are kept for evaluation.
        by_outline: Take a wording that doesn't say what the text is about.
    """
    style = random.choices(tuple(_STYLES), tuple(_STYLES.values()))[0]
    offered = task.held_out if held_out else task.instructions[style]
    offered = _BY_OUTLINE[task.form] if by_outline else offered
    kept = _kept(task, occasion)
    template = random.choice([t for t in offered if _all_kept(t, occasion, kept)] or offered)
    template = template.replace("{who}", _mention(random, occasion))
    given = {occasion.slots[name].who for name in slots_of(template)}
    hints = [
        hint
        for hint in _HINTS
        if slots_of(hint) <= set(occasion.slots)
        and _all_kept(hint, occasion, kept)
        and not {occasion.slots[name].who for name in slots_of(hint)} & given
    ]
    for hint in random.sample(hints, min(len(hints), random.choice((0, 0, 0, 0, 1)))):
        template += f" {hint}"
    asked = _free(random, task, occasion)
    for name in asked:
        template = f"{template} {random.choice(_ASKS[name])}"
    wish: Register | None = register if random.random() < 0.2 else None
    if wish:
        template += f" {random.choice(words.REGISTER_WISHES[wish])}"
    short = random.choice((None, None, None, None, None, True, False))
    if short is not None:
        template += f" {random.choice(words.SHORT_WISHES if short else words.LONG_WISHES)}"
    return Instruction(_typed(random, template, style), wish, short, asked)


def _kept(task: Task, occasion: Occasion) -> set[str]:
    """Keys of the facts that every text of the task holds."""
    names = {"to"} if task.form == "post" else {"to", "me"}
    for point in task.points.values():
        names |= point.slots() & set(occasion.slots)
    return {occasion.slots[name].who for name in names}


def _all_kept(template: str, occasion: Occasion, kept: set[str]) -> bool:
    # What the user gives and would see masked must come back in the text.
    used = (occasion.slots.get(name) for name in slots_of(template))
    return all(slot is None or slot.kind is None or slot.who in kept for slot in used)


def _free(random: Random, task: Task, occasion: Occasion) -> tuple[str, ...]:
    if task.name in _GRAVE or random.random() > 0.28:
        return ()
    offered = {"email": ("note", "note", "question", "request"), "post": ("post_note",)}
    name = random.choice(offered.get(task.form, ("note",)))
    add_clause(random, occasion, name)
    slot = "note" if name == "post_note" else name
    return (name,) if occasion.slots[slot].source == "planner" else ()


def add_clause(random: Random, occasion: Occasion, name: str) -> None:
    """Adds the slot of a free point, if the occasion has no fact of that name."""
    slot = "note" if name == "post_note" else name
    make = {"note": clauses.note, "question": clauses.question, "request": clauses.request}[slot]
    occasion.slots.setdefault(slot, Slot(make(random), None, "planner", who=slot))


def _mention(random: Random, occasion: Occasion) -> str:
    recipient = occasion.recipient
    if occasion.office:
        return "{shop}" if "shop" in occasion.slots else "{place}"
    # Two in three by given name: that is how people ask.
    name = recipient.given if random.random() < 0.67 else recipient.full
    form = random.choice(("{name}",) * 8 + ("my relation {name}",) * 2 + ("my relation",) * 2)
    if "{name}" in form:
        occasion.slots["name"] = Slot(name, "NAME", "instruction", who=recipient.given)
    return form.replace("relation", recipient.relation)


def _typed(random: Random, template: str, style: str) -> str:
    """Wraps a request, or types it carelessly."""
    if style != "chatty" and random.random() < 0.2:
        wrapper = random.choice(_WRAPPERS)
        lower = wrapper.startswith("Please") and not template.startswith("{")
        return wrapper.replace("{}", template[:1].lower() + template[1:] if lower else template)
    parts = _SLOT.split(template)
    if random.random() < 0.12:
        parts = [part if part.startswith("{") else part.lower() for part in parts]
    if random.random() < 0.08:
        parts = list(_mistyped(random, parts))
    return "".join(parts)


def _mistyped(random: Random, parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        if part.startswith("{") or len(part) < 8:
            yield part
            continue
        at = random.randrange(2, len(part) - 2)
        # Two letters change places, or one is missing.
        swapped = part[:at] + part[at + 1] + part[at] + part[at + 2 :]
        yield random.choice((swapped, part[:at] + part[at + 1 :]))
