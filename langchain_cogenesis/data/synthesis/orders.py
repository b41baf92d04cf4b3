"""One unit of work, and who carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from langchain_cogenesis.data.synthesis.schemas import (
    GeneratedUser,
    PersonalText,
    Portrait,
    Step,
    WritingTask,
    WritingTasks,
)

StepName = Literal["portrait", "user", "tasks", "text"]
STEPS: tuple[StepName, ...] = get_args(StepName)
SCHEMAS: Mapping[StepName, type[Step]] = {
    "portrait": Portrait,
    "user": GeneratedUser,
    "tasks": WritingTasks,
    "text": PersonalText,
}
"""What the answer of each step has to be."""


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """One thing to make. Everything in it follows from the run's seed and from earlier answers.

    Attributes:
        step: Which of the four steps.
        key: Its name within the run: `text/3_7_4` is the text of task 4 of user 7 of portrait 3.
        seed: The run's seed.
        tasks: Number of tasks of a user.
        portrait: The group; None in the step that makes it.
        person: Which user: `3_7`.
        user: The user, once it is made.
        task: The task of a text, and its number.
        attempt: How many answers to this order could not be used so far.
        complaint: Why the last one could not be used.
    """

    step: StepName
    key: str
    seed: int
    tasks: int
    portrait: Portrait | None = None
    person: str = ""
    user: GeneratedUser | None = None
    task: tuple[int, WritingTask] | None = None
    attempt: int = 0
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more answers.

    Attributes:
        input_tokens: Of prompts.
        output_tokens: Of answers.
        calls: Number of answers.
        estimated: Of these, how many whose tokens were not told, but estimated.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    estimated: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.calls + other.calls,
            self.estimated + other.estimated,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came back, before anybody has looked at it.

    Attributes:
        text: JSON, one hopes.
        usage: Its tokens.
        fault: Why it can't be whole, as far as the endpoint says so; else empty.
    """

    text: str
    usage: Usage = Usage()
    fault: str = ""


class Generator(Protocol):
    """Carries out orders: the grammar, or a chat model.

    Attributes:
        name: Identifies it in the run's file: two runs in one directory must have the same.
        paid: Whether answers cost money and time; others are made in processes of their own, and
            may be made again.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def paid(self) -> bool: ...  # noqa: D102

    def generate(self, order: Order) -> Answer:
        """Answers an order. It is called from several threads, or processes, at once."""
        ...
