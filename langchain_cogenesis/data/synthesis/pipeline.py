"""The four steps: portraits of groups, their users, writing tasks, personalised texts.

After Zhang et al. 2024, section 4.1 (appendix A). Each step waits for the one before. What a run
makes follows from its settings and the generator's answers alone: a run that was killed goes on
where it was, and asks for nothing twice.
"""

from __future__ import annotations

from collections.abc import Generator as Stream
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path

from langchain_cogenesis.context.schema import WritingSample
from langchain_cogenesis.data.synthesis.directory import RunDirectory, open_run
from langchain_cogenesis.data.synthesis.duplicates import NearDuplicates, near_search
from langchain_cogenesis.data.synthesis.orders import Generator, Order, StepName, Usage
from langchain_cogenesis.data.synthesis.running import RunLimits, Runner, Settled
from langchain_cogenesis.data.synthesis.schemas import (
    GeneratedUser,
    PersonalText,
    Portrait,
    WritingTask,
    WritingTasks,
)
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.data.task.jsonl import write_examples

EDITION = 1
"""Edition of prompts and seeds: answers of another one are not mixed in."""
_ROUNDS = 4
USERS_OF_A_PORTRAIT = 8


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """What is made.

    Attributes:
        users: How many users.
        tasks: Texts of each.
        seed: Of everything that is drawn.
        threshold: From which similarity on a text counts as a duplicate; 0 to 1.
        language: What the generator writes, as ISO 639-1 code.
    """

    users: int
    tasks: int = 4
    seed: int = 0
    threshold: float = 0.8
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is."""

    step: StepName
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run has made, in all and this time.

    Attributes:
        users: Users with at least one example.
        examples: How many there are.
        set_aside: Answers that could not be used, by step.
        duplicates: Users and texts that were nearly another.
        missing: Orders that got no answer: run again.
        calls: Answers that were asked for this time.
        usage: Tokens of all answers, by step.
        stopped: Why the run ended early; else empty.
        near_search: Whether near-duplicates were looked for, or copies only.
    """

    users: int
    examples: int
    set_aside: dict[str, int]
    duplicates: int
    missing: int
    calls: int
    usage: dict[StepName, Usage]
    stopped: str
    near_search: bool


def synthesizing(
    directory: Path,
    generator: Generator,
    settings: SynthesisSettings,
    limits: RunLimits | None = None,
) -> Stream[Progress, None, Summary]:
    """Makes users and their texts; yields progress, returns a summary.

    Args:
        directory: Where everything is kept; a run that was begun there goes on.
        generator: Carries out the steps.
        settings: What to make.
        limits: What may be done on the way.

    Raises:
        ConfigurationError: The directory can't be used, or holds another run.
    """
    identity = {
        "edition": EDITION,
        "generator": generator.name,
        "seed": settings.seed,
        "tasks": settings.tasks,
    }
    with open_run(directory, identity) as opened:
        runner = Runner(generator, opened.journal, limits or RunLimits())
        run = _Run(settings, runner)
        people = yield from run.people()
        tasks = yield from run.tasks(people)
        texts = yield from run.texts(people, tasks)
        return run.finish(opened, people, texts)


_Text = tuple[int, WritingTask, PersonalText]


class _Run:
    """What a run knows so far."""

    def __init__(self, settings: SynthesisSettings, runner: Runner) -> None:
        self._settings = settings
        self._runner = runner
        self._portraits: dict[int, Portrait | None] = {}
        self._bad: list[Settled] = []
        self._duplicates: list[tuple[str, StepName, str]] = []

    def people(self) -> Stream[Progress, None, dict[str, GeneratedUser]]:
        """Makes as many users as wanted; others stand in for those that were set aside."""
        people: dict[str, GeneratedUser] = {}
        search, tried = NearDuplicates(self._settings.threshold), 0
        for _ in range(_ROUNDS):
            wanted = self._settings.users - len(people)
            if wanted <= 0 or any(settled.missing for settled in self._bad):
                break
            numbers = list(islice((n for n in count(tried) if self._has_group(n)), wanted))
            tried = numbers[-1] + 1
            yield from self._make_portraits({n // USERS_OF_A_PORTRAIT for n in numbers})
            made = yield from self._settle([o for n in numbers for o in self._user_orders(n)])
            for settled in made:
                person, user = settled.order.person, settled.value
                if isinstance(user, GeneratedUser):
                    original = search.original_of(person, user.fingerprint())
                    if original is None:
                        people[person] = user
                    else:
                        self._duplicates.append((settled.order.key, "user", original))
        return people

    def tasks(
        self, people: dict[str, GeneratedUser]
    ) -> Stream[Progress, None, dict[str, list[WritingTask]]]:
        """Makes each user's tasks; the same task twice is one."""
        made = yield from self._settle(
            [self._order("tasks", person, user) for person, user in people.items()]
        )
        found: dict[str, list[WritingTask]] = {}
        for settled in made:
            if isinstance(settled.value, WritingTasks):
                offered = settled.value.tasks[: self._settings.tasks]
                unique = {" ".join(task.instruction.casefold().split()): task for task in offered}
                found[settled.order.person] = list(unique.values())
        return found

    def texts(
        self, people: dict[str, GeneratedUser], tasks: dict[str, list[WritingTask]]
    ) -> Stream[Progress, None, dict[str, list[_Text]]]:
        """Makes the text of each task."""
        orders = [
            self._order("text", person, people[person], (number, task))
            for person, some in tasks.items()
            for number, task in enumerate(some)
        ]
        made = yield from self._settle(orders)
        search = NearDuplicates(self._settings.threshold)
        found: dict[str, list[_Text]] = {}
        for settled in made:
            if not isinstance(settled.value, PersonalText) or settled.order.task is None:
                continue
            original = search.original_of(settled.order.key, settled.value.content)
            if original is not None:
                self._duplicates.append((settled.order.key, "text", original))
                continue
            found.setdefault(settled.order.person, []).append((*settled.order.task, settled.value))
        return found

    def finish(
        self,
        opened: RunDirectory,
        people: dict[str, GeneratedUser],
        texts: dict[str, list[_Text]],
    ) -> Summary:
        """Writes the examples, and what was set aside."""
        written = write_examples(opened.examples, _examples(people, texts, self._settings.language))
        opened.write_set_aside(self._set_aside())
        refused = [settled for settled in self._bad if not settled.missing]
        steps = [settled.order.step for settled in refused]
        summary = Summary(
            users=len(texts),
            examples=written,
            set_aside={step: steps.count(step) for step in dict.fromkeys(steps)},
            duplicates=len(self._duplicates),
            missing=len(self._bad) - len(refused),
            calls=self._runner.calls,
            usage=opened.journal.usage(),
            stopped=self._runner.stopped,
            near_search=near_search(),
        )
        opened.write_summary(asdict(summary))
        return summary

    def _make_portraits(self, numbers: Iterable[int]) -> Stream[Progress, None, None]:
        new = sorted(set(numbers) - set(self._portraits))
        seed, tasks = self._settings.seed, self._settings.tasks
        orders = [Order("portrait", f"portrait/{number}", seed, tasks) for number in new]
        made = yield from self._settle(orders)
        for number, settled in zip(new, made, strict=True):
            self._portraits[number] = settled.value if isinstance(settled.value, Portrait) else None

    def _has_group(self, number: int) -> bool:
        """Whether a user's group is there, or still to be made."""
        group = number // USERS_OF_A_PORTRAIT
        return group not in self._portraits or self._portraits[group] is not None

    def _user_orders(self, number: int) -> list[Order]:
        group, place = divmod(number, USERS_OF_A_PORTRAIT)
        made = self._portraits.get(group) is not None
        return [self._order("user", f"{group}_{place}")] if made else []

    def _order(
        self,
        step: StepName,
        person: str,
        user: GeneratedUser | None = None,
        task: tuple[int, WritingTask] | None = None,
    ) -> Order:
        name = f"{person}_{task[0]}" if task else person
        return Order(
            step=step,
            key=f"{step}/{name}",
            seed=self._settings.seed,
            tasks=self._settings.tasks,
            portrait=self._portraits[int(person.split("_")[0])],
            person=person,
            user=user,
            task=task,
        )

    def _settle(self, orders: Sequence[Order]) -> Stream[Progress, None, list[Settled]]:
        """Carries out the orders of one step; what became of them, in the order given."""
        done: dict[str, Settled] = {}
        for settled in self._runner.settle(orders):
            done[settled.order.key] = settled
            yield Progress(settled.order.step, len(done), len(orders))
        made = [done[order.key] for order in orders]
        self._bad += [settled for settled in made if settled.value is None]
        return made

    def _set_aside(self) -> Iterable[dict[str, str]]:
        for settled in self._bad:
            kind = "missing" if settled.missing else "unusable"
            entry = {"key": settled.order.key, "kind": kind, "reason": settled.reason}
            yield entry | ({"answer": settled.text} if settled.text else {})
        for key, step, original in self._duplicates:
            reason = f"nearly {step}/{original.removeprefix(f'{step}/')}"
            yield {"key": key, "kind": "duplicate", "reason": reason}


def _examples(
    people: dict[str, GeneratedUser], texts: dict[str, list[_Text]], language: str
) -> Iterable[TaskExample]:
    for person, some in texts.items():
        earlier: list[WritingSample] = []
        for number, task, text in some:
            yield TaskExample(
                id=f"{person}_{number}",
                user=person,
                instruction=task.instruction,
                # What is written later isn't known yet.
                context=people[person].to_context(earlier),
                reference=text.content,
                facts=text.stated(),
                outline=tuple(text.outline),
                task=task.kind.casefold(),
                language=language,
            )
            earlier.append(WritingSample(text=text.content, title=task.kind))
