"""The four steps by the German grammar."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random

from langchain_cogenesis.data.grammar.german.tasks import load_german_tasks, load_words
from langchain_cogenesis.data.grammar.german.users import GermanUser, create_german_user
from langchain_cogenesis.data.synthesis.orders import Order
from langchain_cogenesis.data.synthesis.schemas import (
    GeneratedUser,
    PersonalText,
    Portrait,
    Step,
    WritingTask,
    WritingTasks,
)
from langchain_cogenesis.data.task.example import Fact

_SPAN = (8, 20)
_YOUNGEST = (18, 60)
_KINDS = ("Termine", "Nachrichten", "Einkäufe", "Notizen")


def _portrait(order: Order) -> Portrait:
    random = Random(f"german/{order.seed}/{order.key}")
    youngest = random.randint(*_YOUNGEST)
    known = load_words()
    fields = random.sample(known["occupations"]["f"], 2)
    return Portrait(
        youngest=youngest,
        oldest=youngest + random.randint(*_SPAN),
        field=", ".join(fields),
        occupations=[name for names in known["occupations"].values() for name in names],
        interests=[noun for noun, _ in random.sample(known["events"], 5)],
        works=[task.name.replace("_", " ") for task in load_german_tasks()],
        usage=random.sample(_KINDS, 3),
    )


def _user(order: Order) -> GeneratedUser:
    return GeneratedUser.of(_made(order).context)


def _tasks(order: Order) -> WritingTasks:
    return WritingTasks(
        tasks=[
            WritingTask(kind=text.task, instruction=text.instruction) for text in _made(order).texts
        ]
    )


def _text(order: Order) -> PersonalText:
    if order.task is None:
        raise ValueError("a text is made from a task")
    text = _made(order).texts[order.task[0]]
    return PersonalText(
        outline=list(text.outline),
        facts=[Fact(name=name, value=value) for name, value in text.facts],
        content=text.answer,
    )


def _made(order: Order) -> GermanUser:
    if order.portrait is None:
        raise ValueError("a user is made from a portrait")
    ages = (order.portrait.youngest, order.portrait.oldest)
    return _create(f"{order.seed}/{order.person}", order.tasks, ages)


@lru_cache(maxsize=64)
def _create(seed: str, tasks: int, ages: tuple[int, int]) -> GermanUser:
    return create_german_user(seed, tasks, ages=ages)


MAKERS: dict[str, Callable[[Order], Step]] = {
    "portrait": _portrait,
    "user": _user,
    "tasks": _tasks,
    "text": _text,
}
