"""What a text will say, in which order, and how that reads as outline and as text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from langchain_cogenesis.data.grammar.occasions import Occasion, Slot
from langchain_cogenesis.data.grammar.tasks import Form, Point, Register, Task
from langchain_cogenesis.data.grammar.wording import Wording

_OPENERS = {
    "named": ("greet {name}", "say hello to {name}", "open with a greeting to {name}"),
    "open": ("greet them", "open with a greeting", "start with a greeting"),
}
_ENDINGS = ("sign off", "close with a greeting and your name", "end with the name")
_MINIMUM = 4
_PARAGRAPH = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """The points of one text.

    Attributes:
        form: E-mail, notice or post.
        points: Body points in order.
        opens: Whether the outline has a point for the greeting.
        ends: Whether the outline has a point for the closing.
    """

    form: Form
    points: tuple[Point, ...]
    opens: bool
    ends: bool


def create_plan(random: Random, task: Task, *, share: float) -> Plan:
    """Chooses and orders the points of a text.

    Args:
        random: Source of all choices.
        task: What is written.
        share: Probability of each optional point.
    """
    chosen = [point.need or random.random() < share for point in task.points]
    opens = task.form == "email" and random.random() < 0.85
    ends = task.form != "post" and random.random() < 0.85
    while sum(chosen) + opens + ends < _MINIMUM and not all(chosen):
        chosen[random.choice([i for i, taken in enumerate(chosen) if not taken])] = True
    points = [point for point, taken in zip(task.points, chosen, strict=True) if taken]
    movable = [i for i, point in enumerate(points) if point.move]
    if len(movable) > 1 and random.random() < 0.5:
        first, second = movable[:2]
        points[first], points[second] = points[second], points[first]
    return Plan(task.form, tuple(points), opens, ends)


def choose_details(random: Random, task: Task, occasion: Occasion) -> None:
    """Adds the details that the planner invents to the occasion's slots."""
    choices = dict(task.choices)
    for point in task.points:
        choices.update(point.choices)
    for name, values in choices.items():
        occasion.slots[name] = Slot(random.choice(values), None, "planner")


def write_outline(random: Random, plan: Plan, wording: Wording) -> tuple[str, ...]:
    """Words the plan as an outline, from what the planner knows."""
    lines: list[str] = []
    if plan.opens:
        named = wording.knows("{name}") and random.random() < 0.8
        lines.append(wording.fill(random.choice(_OPENERS["named" if named else "open"])))
    for point in plan.points:
        known = [template for template in point.outline if wording.knows(template)]
        if known:
            lines.append(wording.fill(random.choice(known)))
    if plan.ends:
        lines.append(random.choice(_ENDINGS))
    return tuple(lines)


def write_text(
    random: Random, plan: Plan, wording: Wording, register: Register, greeting: str, closing: str
) -> str:
    """Writes the plan out, from what the writer knows."""
    shop = "shop" in wording.slots and wording.slots["to"].who == wording.slots["shop"].who
    hello = "{shop} team" if shop else "{to}"
    parts: list[str] = []
    if plan.form == "email":
        parts.append(
            f"{greeting} {wording.fill(hello)}," if wording.usable(hello) else f"{greeting},"
        )
    sentences: list[tuple[str, str]] = []
    for point in plan.points:
        # A writer who leaves blanks prefers them to a sentence that says nothing.
        usable = [t for t in point.sentences(register) if wording.usable(t)]
        usable = usable or list(point.say.get("open", ()))
        if usable:
            template = random.choice(usable)
            sentences.append((template, wording.fill(template)))
    parts.extend(_paragraphs(sentences))
    if plan.form != "post":
        name = wording.fill("{me}") if wording.usable("{me}") else ""
        parts.append(f"{closing}, {name}" if name else closing)
    return "\n\n".join(parts)


def _paragraphs(sentences: list[tuple[str, str]]) -> list[str]:
    first = _capitalised(sentences[0][1]) if sentences else ""
    paragraph, rest = [first], sentences[1:]
    paragraphs: list[str] = []
    for number, (template, sentence) in enumerate(rest, start=1):
        # A line that begins with a value has no space before it, and its tokens aren't those of
        # the context.
        if number == _PARAGRAPH and len(rest) > _PARAGRAPH and not template.startswith("{"):
            paragraphs.append(" ".join(paragraph))
            paragraph = []
        paragraph.append(_capitalised(sentence))
    return [*paragraphs, " ".join(paragraph)]


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def with_recipient(occasion: Occasion) -> None:
    """Adds the slot `to`: how the text addresses its recipient."""
    recipient = occasion.recipient
    slot = Slot(recipient.given, "NAME", "activity", who=recipient.given)
    if recipient.relation == "shop":
        slot = replace(occasion.slots["shop"])
    occasion.slots["to"] = slot
