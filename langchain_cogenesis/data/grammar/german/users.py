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
    BY_OUTLINE_ONLY,
    Point,
    Register,
    Task,
    load_german_tasks,
    load_words,
)
from langchain_cogenesis.data.grammar.tasks import Scope

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
        text, occasion = write_german_text(random, persona, known[order[number % len(known)]])
        texts.append(text)
        activities += occasion.activities
    earlier = tuple(write_german_sample(random, persona) for _ in range(random.randint(1, 2)))
    activities += distractions(random, random.randint(*_OTHER_ACTIVITIES))
    random.shuffle(activities)
    context = PrivateContext(
        profile=persona.profile, activities=tuple(activities), writings=earlier
    )
    return GermanUser(persona, context, tuple(texts))


def write_german_sample(
    random: Random, persona: Persona, scope: Scope = "everything"
) -> WritingSample:
    """An earlier writing, about something else."""
    offered = [t for t in load_german_tasks() if scope != "few" or t.name not in BY_OUTLINE_ONLY]
    task = random.choice(offered)
    text, occasion = write_german_text(random, persona, task, scope)
    named = task.form == "email" and not occasion.office
    return WritingSample(text=text.answer, recipient=occasion.to.full if named else None)


def write_german_text(
    random: Random,
    persona: Persona,
    task: Task,
    scope: Scope = "everything",
    *,
    sentences: Scope | None = None,
    by_outline: bool = False,
) -> tuple[GermanText, Occasion]:
    """A request of a task and the text that answers it.

    Args:
        random: Source of all choices.
        persona: Who asks.
        task: What is written.
        scope: Structures, sentences and wordings of the request to draw from.
        sentences: Sentences to draw from, if others.
        by_outline: Take any points of the task in any order, and a request that doesn't say what
            the text is about.
    """
    occasion = create_occasion(random, persona, task.occasion)
    register: Register = occasion.to.register if task.form == "email" else "sie"
    if occasion.office:
        register = "sie"
    points = _shuffled(random, task) if by_outline else list(_points(random, task, scope))
    said = [random.choice(point.sentences(register, sentences or scope)) for point in points]
    answer, used = _text(persona, task, occasion, said, register)
    planned = tuple(random.choice(point.outline) for point in points)
    outline = tuple(_filled(template, occasion.slots) for template in planned)
    asked = occasion.slots | mention(random, occasion.to)
    wordings = load_words()["by_outline"][task.form] if by_outline else task.wordings(scope)
    if by_outline and occasion.office:
        asked |= {"who": occasion.slots["shop"], "whom": occasion.slots["shop"]}
    instruction = _upper(_filled(random.choice(wordings), asked))
    wish = random.choice(load_words()["wishes"]) if random.random() < 0.3 else ""
    wish = wish if instruction.endswith(".") else ""
    facts: dict[str, str] = {}
    for name, value in used:
        facts.setdefault(value, name)
    text = GermanText(
        task=task.name,
        instruction=f"{instruction} {wish}".strip(),
        outline=outline,
        answer=answer,
        facts=tuple((name, value) for value, name in facts.items()),
        points=tuple(points),
    )
    return text, occasion


def _points(random: Random, task: Task, scope: Scope) -> Iterator[Point]:
    for name in random.choice(task.plans(scope)):
        if not name.endswith("?") or random.random() < 0.6:
            yield task.points[name.removesuffix("?")]


def _shuffled(random: Random, task: Task) -> list[Point]:
    """A task's points as no structure has them."""
    points = list(task.points.values())
    return random.sample(points, random.randint(2, len(points)))


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
