"""Instructions in the many ways users word them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from langchain_cogenesis.data.grammar import words
from langchain_cogenesis.data.grammar.occasions import Occasion, Slot
from langchain_cogenesis.data.grammar.tasks import Register, Task, slots_of

_WRAPPERS = (
    "Please {}",
    "Can you help me? {}",
    "I need an e-mail. {}",
    "Quick one. {}",
    "{} Thanks!",
)
_OPENING = """Invite Write Ask Send Tell Decline Say Move Reschedule Confirm Accept Apologise Thank
    Congratulate Introduce Complain Remind Chase Announce Post Offer Share Celebrate Set"""
_VERBS = frozenset(_OPENING.split())
_HINTS: tuple[tuple[str, str], ...] = (
    ("The place is {place}.", "event"),
    ("It is on {day}.", "event"),
    ("It starts at {time}.", "event"),
    ("It is at {place} at {time}.", "event"),
    ("My name is {me_full}.", "me"),
    ("I work at {company}.", "me"),
    ("Mention {company}.", "me"),
    ("I live in {location}.", "me"),
    ("The price was {price}.", "shop"),
    ("The order is {order}.", "shop"),
    ("I bought it on {day}.", "shop"),
    ("It was on {day}.", "doing"),
    ("I go to {city}.", "city"),
)
"""Further sentences of a request, each with the slot without which it makes no sense."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A request as a template.

    Attributes:
        template: With slots.
        register: The register it asks for, if it does.
        short: Whether it asks for a short text; None if it doesn't say.
    """

    template: str
    register: Register | None
    short: bool | None


def create_instruction(
    random: Random, task: Task, occasion: Occasion, register: Register, *, held_out: bool = False
) -> Instruction:
    """Words a request for a text.

    Args:
        random: Source of all choices.
        task: What is to be written.
        occasion: Its facts; the slot `name` is added if the request names the recipient.
        register: The register that the user would ask for.
        held_out: Take wordings that are kept for evaluation.
    """
    template = random.choice(task.held_out if held_out else task.instructions)
    template = template.replace("{who}", _mention(random, occasion))
    hints = [
        hint
        for hint, topic in _HINTS
        if {topic, *slots_of(hint)} <= set(occasion.slots)
        and not slots_of(hint) & slots_of(template)
    ]
    for hint in random.sample(hints, min(len(hints), random.choice((0, 0, 0, 1, 1, 2)))):
        template += f" {hint}"
    wish: Register | None = register if random.random() < 0.25 else None
    if wish:
        template += f" {random.choice(words.REGISTER_WISHES[wish])}"
    short = random.choice((None, None, None, None, True, False))
    if short is not None:
        template += f" {random.choice(words.SHORT_WISHES if short else words.LONG_WISHES)}"
    if random.random() < 0.2 and template.split(" ")[0] in _VERBS:
        wrapper = random.choice(_WRAPPERS)
        inner = template[:1].lower() + template[1:] if wrapper.startswith("Please") else template
        template = wrapper.replace("{}", inner)
    return Instruction(template, wish, short)


def _mention(random: Random, occasion: Occasion) -> str:
    recipient = occasion.recipient
    if recipient.relation in ("shop", "me"):
        return "{shop}"
    # Two in three by given name: that is how people ask.
    name = recipient.given if random.random() < 0.67 or not recipient.surname else recipient.full
    form = random.choice(("{name}",) * 8 + ("my relation {name}",) * 2 + ("my relation",) * 2)
    if "{name}" in form:
        occasion.slots["name"] = Slot(name, "NAME", "instruction", who=recipient.given)
    return form.replace("relation", recipient.relation)
