"""The four steps by the grammar: no model, no network, no cost."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from random import Random

from langchain_cogenesis.data.grammar import words
from langchain_cogenesis.data.grammar.personas import create_persona
from langchain_cogenesis.data.grammar.tasks import load_tasks
from langchain_cogenesis.data.synthesis import german
from langchain_cogenesis.data.synthesis.orders import Answer, Order, Usage
from langchain_cogenesis.data.synthesis.schemas import (
    GeneratedUser,
    PersonalText,
    Portrait,
    WritingTask,
    WritingTasks,
)
from langchain_cogenesis.data.task.grammar import GrammarUser, create_user, facts_of

_SPAN = (8, 20)
_YOUNGEST = (18, 60)
_KINDS = {"calendar": "appointments", "message": "messages", "purchase": "orders"} | {
    "health": "visits to the doctor", "travel": "bookings", "payment": "bills", "note": "notes"
}  # fmt: skip


class GrammarGenerator:
    """Answers every order from its seed alone; the same order gets the same answer.

    Args:
        language: `en` or `de`.
    """

    paid = False
    language = "en"

    def __init__(self, language: str = "en") -> None:
        self.language = language

    @property
    def name(self) -> str:
        """`grammar`, and which one if it isn't English."""
        return "grammar" if self.language == "en" else f"grammar:{self.language}"

    def generate(self, order: Order) -> Answer:
        """Makes what the step gives, as JSON."""
        makers = german.MAKERS if self.language == "de" else _MAKERS
        made = makers[order.step](order)
        return Answer(made.model_dump_json(exclude_defaults=True), Usage(calls=1))


def _portrait(order: Order) -> Portrait:
    random = Random(f"{order.seed}/{order.key}")
    youngest = random.randint(*_YOUNGEST)
    works = random.sample([task.name.replace("_", " ") for task in load_tasks()], 6)
    occupations = random.sample(words.OCCUPATIONS, 5)
    return Portrait(
        youngest=youngest,
        oldest=youngest + random.randint(*_SPAN),
        field=", ".join(occupations[:2]),
        occupations=occupations,
        interests=random.sample(words.EVENT_NOUNS, 5),
        works=works,
        usage=random.sample(sorted(_KINDS.values()), 4),
    )


def _user(order: Order) -> GeneratedUser:
    return GeneratedUser.of(_made(order).context)


def _tasks(order: Order) -> WritingTasks:
    made = _made(order)
    return WritingTasks(
        tasks=[
            WritingTask(kind=example.task, instruction=example.instruction)
            for example in made.examples
        ]
    )


def _text(order: Order) -> PersonalText:
    if order.task is None:
        raise ValueError("a text is made from a task")
    example = _made(order).examples[order.task[0]]
    return PersonalText(
        outline=list(example.sketch), facts=list(facts_of(example)), content=example.answer
    )


def _made(order: Order) -> GrammarUser:
    if order.portrait is None:
        raise ValueError("a user is made from a portrait")
    portrait = order.portrait
    return _create(
        f"{order.seed}/{order.person}",
        order.tasks,
        (portrait.youngest, portrait.oldest),
        tuple(portrait.occupations),
    )


@lru_cache(maxsize=64)
def _create(
    seed: str, tasks: int, ages: tuple[int, int], occupations: tuple[str, ...]
) -> GrammarUser:
    random = Random(f"person/{seed}")
    persona = create_persona(random)
    profile = persona.profile.model_copy(
        update={"age": random.randint(*ages), "occupation": random.choice(occupations)}
    )
    return create_user(seed, tasks, persona=replace(persona, profile=profile))


_MAKERS = {"portrait": _portrait, "user": _user, "tasks": _tasks, "text": _text}
