"""German users, what they ask for, and the texts that answer it."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from langchain_cogenesis.context.schema import Activity, PrivateContext, WritingSample
from langchain_cogenesis.data.grammar.german.occasions import Occasion, create_occasion
from langchain_cogenesis.data.grammar.german.people import (
    Persona,
    create_german_persona,
    distractions,
    greet,
    mention,
)
from langchain_cogenesis.data.grammar.german.tasks import (
    Point,
    Register,
    Task,
    load_german_tasks,
    load_words,
)

_OTHER_ACTIVITIES = (3, 6)
_STAYS = ("Ihr", "Sie")
"""Words that keep their capital after the comma of a greeting."""


@dataclass(frozen=True, slots=True, repr=False)
class GermanText:
    """A request and the text that answers it.

    Attributes:
        task: Name of the task.
        instruction: What the user asks for.
        outline: Points of the text.
        answer: The text.
        facts: Name and value of what the text says of the private context, each value once.
        points: What the text carries out, in order.
    """

    task: str
    instruction: str
    outline: tuple[str, ...]
    answer: str
    facts: tuple[tuple[str, str], ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, repr=False)
class GermanUser:
    """An invented user, all that is known of them, and what they ask for."""

    persona: Persona
    context: PrivateContext
    texts: tuple[GermanText, ...]


def create_german_user(
    seed: int | str,
    tasks: int,
    *,
    ages: tuple[int, int] = (18, 80),
    occupations: tuple[str, ...] = (),
    first: int | None = None,
) -> GermanUser:
    """Creates a user; the same arguments, the same user.

    Args:
        seed: Which user.
        tasks: How many texts; of each kind one, before any comes again.
        ages: Youngest and oldest.
        occupations: To choose from.
        first: Number of the task of the first text; by default drawn.
    """
    random = Random(f"german/{seed}")
    persona = create_german_persona(random, ages=ages, occupations=occupations)
    known = load_german_tasks()
    order = random.sample(range(len(known)), len(known))
    if first is not None:
        order = [first % len(known), *(n for n in order if n != first % len(known))]
    texts: list[GermanText] = []
    activities: list[Activity] = []
    for number in range(tasks):
        text, occasion = _write(random, persona, known[order[number % len(known)]])
        texts.append(text)
        activities += occasion.activities
    earlier = tuple(_sample(random, persona) for _ in range(random.randint(1, 2)))
    activities += distractions(random, random.randint(*_OTHER_ACTIVITIES))
    random.shuffle(activities)
    context = PrivateContext(
        profile=persona.profile, activities=tuple(activities), writings=earlier
    )
    return GermanUser(persona, context, tuple(texts))


def _sample(random: Random, persona: Persona) -> WritingSample:
    """An earlier writing, about something else."""
    task = random.choice(load_german_tasks())
    text, occasion = _write(random, persona, task)
    named = task.form == "email" and not occasion.office
    return WritingSample(text=text.answer, recipient=occasion.to.full if named else None)


def _write(random: Random, persona: Persona, task: Task) -> tuple[GermanText, Occasion]:
    occasion = create_occasion(random, persona, task.occasion)
    register: Register = occasion.to.register if task.form == "email" else "sie"
    if occasion.office:
        register = "sie"
    points = list(_points(random, task))
    said = [random.choice(point.sentences(register)) for point in points]
    answer, used = _text(persona, task, occasion, said, register)
    outline = tuple(_filled(random.choice(point.outline), occasion.slots) for point in points)
    asked = occasion.slots | mention(random, occasion.to)
    instruction = _upper(_filled(random.choice(task.instructions), asked))
    wish = random.choice(load_words()["wishes"]) if random.random() < 0.3 else ""
    wish = wish if instruction.endswith(".") else ""
    facts: dict[str, str] = {}
    for name, value in used:
        facts.setdefault(value, name)
    made = tuple((name, value) for value, name in facts.items())
    asked_for = f"{instruction} {wish}".strip()
    return GermanText(task.name, asked_for, outline, answer, made, tuple(points)), occasion


def _points(random: Random, task: Task) -> Iterator[Point]:
    for name in random.choice(task.structures):
        if not name.endswith("?") or random.random() < 0.6:
            yield task.points[name.removesuffix("?")]


def _text(
    persona: Persona, task: Task, occasion: Occasion, said: list[str], register: Register
) -> tuple[str, list[tuple[str, str]]]:
    """The text, and name and value of the facts in it."""
    used = [
        occasion.facts[name]
        for template in said
        for _, name, _, _ in string.Formatter().parse(template)
        if name in occasion.facts
    ]
    sentences = [_upper(_filled(template, occasion.slots)) for template in said]
    if task.form == "post":
        return " ".join(sentences), used
    to = occasion.to if task.form == "email" and not occasion.office else None
    if not sentences[0].startswith(_STAYS):
        # What follows the comma of a greeting goes on in small letters.
        sentences[0] = sentences[0][0].lower() + sentences[0][1:]
    me = persona.me.given if register == "du" else persona.me.full
    if to is not None:
        used.insert(0, ("to", to.key))
    used.append(("me", me))
    body = " ".join(sentences)
    return f"{greet(persona, to)}\n\n{body}\n\n{persona.closings[register]}\n{me}", used


def _filled(template: str, slots: dict[str, str]) -> str:
    return template.format_map(slots)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
