"""What a text will say, in which order, and how that reads as outline and as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from langchain_cogenesis.data.grammar.instructions import Instruction, add_clause
from langchain_cogenesis.data.grammar.occasions.base import Occasion, Slot
from langchain_cogenesis.data.grammar.tasks import (
    FREE_POINTS,
    Form,
    Point,
    Register,
    Scope,
    Step,
    Task,
    common_choices,
    common_points,
    slots_of,
)
from langchain_cogenesis.data.grammar.wording import Wording

_OPENERS = {
    "named": ("greet {name}", "say hello to {name}", "open with a greeting to {name}"),
    "open": ("greet them", "open with a greeting", "start with a greeting"),
}
_ENDINGS = ("sign off", "close with a greeting and your name", "end with the name")
_MINIMUM = 4
OUTSIDE = -1
"""Number in place of a structure's where a plan follows none."""
_INSERTED = ("note", "post_note", "question", "request")


@dataclass(frozen=True, slots=True)
class Plan:
    """The points of one text.

    Attributes:
        form: E-mail, notice or post.
        structure: Number of the task's structure, or `OUTSIDE`.
        steps: Points in order.
        opens: Whether the outline has a point for the greeting.
        ends: Whether the outline has a point for the closing.
    """

    form: Form
    structure: int
    steps: tuple[Step, ...]
    opens: bool
    ends: bool

    @property
    def points(self) -> tuple[Point, ...]:
        """The points alone."""
        return tuple(step.point for step in self.steps)


def create_plan(
    random: Random, task: Task, occasion: Occasion, instruction: Instruction, *, scope: Scope
) -> Plan:
    """Chooses a structure and which of its optional points are carried out.

    Args:
        random: Source of all choices.
        task: What is written.
        occasion: Its facts; points whose facts it lacks are left out.
        instruction: The request: how long the text should be, and free points that it asks for.
        scope: Which structures to choose from.
    """
    structure = random.choice(task.plans(scope))
    share = {None: 0.6, True: 0.05, False: 0.95}[instruction.short]
    usable = [s for s in task.structures[structure] if _possible(s.point, occasion, instruction)]
    chosen = [not step.optional or random.random() < share for step in usable]
    while sum(chosen) < _MINIMUM and not all(chosen):
        chosen[random.choice([i for i, taken in enumerate(chosen) if not taken])] = True
    steps = [step for step, taken in zip(usable, chosen, strict=True) if taken]
    there = {step.point.name for step in steps}
    known = common_points(task.form)
    for name in instruction.asked:
        if name not in there:
            steps.insert(random.randint(1, len(steps)), Step(known[name], False, False))
    opens = task.form == "email" and ("name" in occasion.slots or random.random() < 0.8)
    return Plan(task.form, structure, tuple(steps), opens, task.form != "post")


def with_surprises(random: Random, plan: Plan, occasion: Occasion) -> Plan:
    """Inserts common points where no structure has them, as a planner may who knows others.

    Args:
        random: Source of all choices.
        plan: The plan so far.
        occasion: Its facts; the clauses of free points are added.
    """
    known, steps = common_points(plan.form), list(plan.steps)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        name = random.choice((*known, *(name for name in _INSERTED if name in known)))
        if name in FREE_POINTS:
            add_clause(random, occasion, name)
        taken = {step.point.name for step in steps}
        if name not in taken and known[name].slots() <= set(occasion.slots):
            free = name not in FREE_POINTS or _is_free(name, occasion)
            if free:
                steps.insert(random.randint(1, len(steps)), Step(known[name], False, False))
    if len(steps) > 3 and random.random() < 0.3:
        first = random.randrange(len(steps) - 1)
        steps[first], steps[first + 1] = steps[first + 1], steps[first]
    return Plan(plan.form, plan.structure, tuple(steps), plan.opens, plan.ends)


def shuffle_plan(
    random: Random, plan: Plan, task: Task, occasion: Occasion, instruction: Instruction
) -> Plan:
    """Makes a plan of any of the task's points in any order, with a common point or two.

    A writer who only ever sees a task's own structures learns to plan by itself, and not to follow
    the outline.

    Args:
        random: Source of all choices.
        plan: Its form and ends are kept.
        task: Whose points are drawn from.
        occasion: Its facts; points whose facts it lacks are left out.
        instruction: The request; what it asks for is said.
    """
    known = common_points(plan.form)
    own = [p for p in task.points.values() if _possible(p, occasion, instruction)]
    others = [p for p in known.values() if p.name not in FREE_POINTS]
    others = [p for p in others if _possible(p, occasion, instruction)]
    points = random.sample(own, min(len(own), random.randint(2, 6)))
    points += random.sample(others, random.choice((0, 0, 1, 1, 2)))
    points += [known[name] for name in instruction.asked]
    random.shuffle(points)
    steps = (Step(p, False, i > 0 and random.random() < 0.3) for i, p in enumerate(points))
    return replace(plan, structure=OUTSIDE, steps=tuple(steps))


def _possible(point: Point, occasion: Occasion, instruction: Instruction) -> bool:
    if point.name in FREE_POINTS and point.name not in instruction.asked:
        return False
    return point.slots() <= set(occasion.slots)


def _is_free(name: str, occasion: Occasion) -> bool:
    return occasion.slots["note" if name == "post_note" else name].source == "planner"


def choose_details(random: Random, task: Task, occasion: Occasion) -> None:
    """Adds the details that the planner invents to the occasion's slots."""
    for name, values in {**common_choices(task.form), **task.choices}.items():
        occasion.slots[name] = Slot(random.choice(values), None, "planner", who=name)


def write_outline(
    random: Random, plan: Plan, wording: Wording, scope: Scope = "everything"
) -> tuple[str, ...]:
    """Words the plan as an outline, from what the planner knows."""
    lines: list[str] = []
    if plan.opens:
        named = wording.knows("{name}")
        lines.append(wording.fill(random.choice(_OPENERS["named" if named else "open"])))
    for point in plan.points:
        known = [t for t in point.outlines(scope) if wording.knows(t)]
        # What the request gives is noted: it would be lost on a writer who sees the outline only.
        told = [t for t in known if any(not wording.invented(name) for name in slots_of(t))]
        if known:
            lines.append(wording.fill(random.choice(told or known)))
    if plan.ends:
        lines.append(random.choice(_ENDINGS))
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class Voice:
    """How a text opens, sounds and ends."""

    register: Register
    greeting: str
    closing: str
    emoji: str | None = None


def write_text(
    random: Random, plan: Plan, wording: Wording, voice: Voice, scope: Scope = "everything"
) -> str:
    """Writes the plan out, from what the writer knows."""
    parts: list[str] = []
    if plan.form == "email":
        named = wording.usable("{to}")
        parts.append(f"{voice.greeting} {wording.fill('{to}')}," if named else f"{voice.greeting},")
    sentences: list[tuple[bool, str]] = []
    for step in plan.steps:
        # A writer who leaves blanks prefers them to a sentence that says nothing.
        usable = [t for t in step.point.sentences(voice.register, scope) if wording.usable(t)]
        usable = usable or list(step.point.say.get("open", ()))
        if usable:
            template = random.choice(usable)
            # A line that begins with a value has no space before it, and its tokens aren't those
            # of the context.
            breaks = step.paragraph and not template.startswith("{")
            sentences.append((breaks, _capitalised(wording.fill(template))))
    body = list(_paragraphs(sentences))
    if voice.emoji and body:
        body[-1] += f" {voice.emoji}"
    parts += body
    if plan.form != "post":
        name = wording.fill("{me}") if wording.usable("{me}") else ""
        parts.append(f"{voice.closing}, {name}" if name else voice.closing)
    return "\n\n".join(parts)


def _paragraphs(sentences: Iterable[tuple[bool, str]]) -> Iterable[str]:
    paragraph: list[str] = []
    for breaks, sentence in sentences:
        if breaks and paragraph:
            yield " ".join(paragraph)
            paragraph = []
        paragraph.append(sentence)
    if paragraph:
        yield " ".join(paragraph)


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
