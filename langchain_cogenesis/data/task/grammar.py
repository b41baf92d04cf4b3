"""The grammar's requests and letters as examples: invented users with whole contexts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from langchain_cogenesis.context.schema import PrivateContext, WritingSample
from langchain_cogenesis.data.composition import (
    Example,
    Request,
    answer_request,
    create_request,
    write_earlier,
)
from langchain_cogenesis.data.examples import topic_of
from langchain_cogenesis.data.grammar.documents import Found
from langchain_cogenesis.data.grammar.german.users import create_german_user
from langchain_cogenesis.data.grammar.occasions.base import Slot
from langchain_cogenesis.data.grammar.personas import Persona, create_persona, distractions
from langchain_cogenesis.data.grammar.tasks import Scope, tasks_within
from langchain_cogenesis.data.task.example import Fact, PlanPoint, TaskExample

_EVERYTHING = frozenset(
    {"activity", "style", "name", "occupation", "company", "location", "contact", "fact"}
)
_ASKED_FOR = frozenset({"chore"})
"""Slots that the request alone tells: nothing of the context says them."""
_SAID = frozenset({"note", "question", "request"})
"""Slots that are all that their points say; nobody's facts."""
_OTHER_ACTIVITIES = (3, 8)
_EARLIER = (1, 3)


@dataclass(frozen=True, slots=True, repr=False)
class GrammarUser:
    """An invented user and what they ask for.

    Attributes:
        persona: The user.
        context: Everything that is known: the profile, activities of all requests among others,
            earlier writings.
        requests: What is asked for.
        examples: The answers, in the same order.
    """

    persona: Persona
    context: PrivateContext
    requests: tuple[Request, ...]
    examples: tuple[Example, ...]


def create_user(
    seed: int | str,
    tasks: int,
    *,
    persona: Persona | None = None,
    scope: Scope = "everything",
    held_out: bool = False,
) -> GrammarUser:
    """Creates a user with requests that have different topics; the same arguments, the same user.

    Args:
        seed: Which user.
        tasks: Number of requests, at most about 20: there are so many topics.
        persona: Who it is; by default one is made.
        scope: Tasks, structures and sentences to draw from.
        held_out: Take wordings and names that are kept for evaluation.
    """
    random = Random(f"user/{scope}/{held_out}/{seed}")
    # Drawn in any case, so that what follows doesn't depend on who it is.
    made = create_persona(random, held_out=held_out)
    persona = persona or made
    requests = _requests(random, persona, tasks, scope, held_out=held_out)
    earlier = tuple(write_earlier(random, persona, scope) for _ in range(random.randint(*_EARLIER)))
    context = _context(random, persona, requests, earlier)
    everything = Found((), _EVERYTHING)
    examples = tuple(
        answer_request(random, persona, request, "context_outline", everything, surprises=True)
        for request in requests
    )
    return GrammarUser(persona, context, tuple(requests), examples)


def read_grammar(
    users: int, *, tasks: int = 3, seed: int = 0, language: str = "en"
) -> Iterator[TaskExample]:
    """Yields examples of invented users, without end to their number.

    Args:
        users: How many.
        tasks: Examples of each.
        seed: Another seed gives other users.
        language: `en` or `de`.
    """
    if language == "de":
        for number in range(users):
            yield from german_examples(f"{seed}/{number}", f"grammar-de-{seed}-{number}", tasks)
        return
    for number in range(users):
        made = create_user(f"{seed}/{number}", tasks)
        for place, example in enumerate(made.examples):
            yield TaskExample(
                id=f"grammar-{seed}-{number}-{place}",
                user=f"grammar-{seed}-{number}",
                instruction=example.instruction,
                context=made.context,
                reference=example.answer,
                facts=facts_of(example),
                outline=example.sketch,
                plan=plan_of(example),
                task=example.task,
            )


def german_examples(
    seed: int | str, user: str, tasks: int, *, first: int | None = None
) -> Iterator[TaskExample]:
    """Yields the examples of an invented user who writes German.

    Args:
        seed: Which user.
        user: Their name in the dataset.
        tasks: How many.
        first: Number of the first example's task; by default drawn.
    """
    made = create_german_user(seed, tasks, first=first)
    for place, text in enumerate(made.texts):
        yield TaskExample(
            id=f"{user}-{place}",
            user=user,
            instruction=text.instruction,
            context=made.context,
            reference=text.answer,
            facts=tuple(Fact(name=name, value=value) for name, value in text.facts),
            outline=text.outline,
            plan=tuple(_plan_point(point.name, point.say, {}) for point in text.points),
            task=text.task,
            language="de",
        )


def facts_of(example: Example) -> tuple[Fact, ...]:
    """The facts of an answer that come from private context, by the slot's name.

    Of slots with the same value the first counts.
    """
    found: dict[str, Fact] = {}
    for name, value in example.facts.items():
        slot: Slot = example.slots[name]
        if slot.source != "planner" and name not in _ASKED_FOR and value:
            found.setdefault(value, Fact(name=name, value=value))
    return tuple(found.values())


def plan_of(example: Example) -> tuple[PlanPoint, ...]:
    """The points of an example's plan; of what the planner invents, what the user wants said."""
    if example.plan is None:
        return ()
    slots = example.slots
    said = {n: slots[n].value for n in _SAID & slots.keys() if slots[n].source == "planner"}
    return tuple(_plan_point(p.name, p.say, said) for p in example.plan.points if p.say)


def _plan_point(
    name: str, say: Mapping[str, tuple[str, ...]], values: Mapping[str, str]
) -> PlanPoint:
    """A point whose wordings hold these values in their slots, and nothing in any other."""
    known = defaultdict(lambda: " ", values)
    sentences = [sentence for some in say.values() for sentence in some]
    wordings = tuple(" ".join(sentence.format_map(known).split()) for sentence in sentences)
    return PlanPoint(name=name, wordings=wordings)


def _requests(
    random: Random, persona: Persona, count: int, scope: Scope, *, held_out: bool
) -> list[Request]:
    requests: list[Request] = []
    topics: set[str] = set()
    while len(requests) < count:
        task = random.choice(tasks_within(scope))
        request = create_request(random, persona, task, scope, held_out=held_out)
        # Facts of one topic could be taken for one another.
        if topic_of(request) not in topics:
            topics.add(topic_of(request))
            requests.append(request)
    return requests


def _context(
    random: Random,
    persona: Persona,
    requests: Sequence[Request],
    earlier: tuple[WritingSample, ...],
) -> PrivateContext:
    activities = [a for request in requests for a in request.occasion.activities]
    activities += distractions(random, persona, random.randint(*_OTHER_ACTIVITIES))
    random.shuffle(activities)
    return PrivateContext(profile=persona.profile, activities=tuple(activities), writings=earlier)
