"""Training examples of the German house models: prompts and masks exactly as at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from random import Random
from typing import TYPE_CHECKING

from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.data.composition import Condition, Example
from langchain_cogenesis.data.examples import Writer
from langchain_cogenesis.data.grammar.german.occasions import Occasion
from langchain_cogenesis.data.grammar.german.people import (
    Persona,
    create_german_persona,
    distractions,
)
from langchain_cogenesis.data.grammar.german.planner import plan_outline
from langchain_cogenesis.data.grammar.german.tasks import (
    BY_OUTLINE_ONLY,
    Task,
    load_german_tasks,
)
from langchain_cogenesis.data.grammar.german.users import (
    GermanText,
    write_german_sample,
    write_german_text,
)
from langchain_cogenesis.data.grammar.german.variety import vary_words
from langchain_cogenesis.data.grammar.tasks import Scope
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.private_values import build_echoes, build_lexicon

if TYPE_CHECKING:
    from langchain_core.documents import Document

    from langchain_cogenesis.context.schema import ContextItem

GERMAN_MIXES: dict[Writer, dict[Condition, int]] = {
    "small": {"context": 42, "context_outline": 46, "bare": 6, "bare_outline": 6},
    "large": {"context": 14, "bare": 4, "public_text": 48, "public_sketch": 34},
}
"""How often each writer is trained on each condition."""

GERMAN_LATE_MIXES: dict[Writer, dict[Condition, int]] = {
    "small": GERMAN_MIXES["small"],
    "large": {
        "context": 34,
        "context_outline": 6,
        "bare": 4,
        "public_text": 34,
        "public_sketch": 22,
    },
}
"""The same for the rest of a training, once outlines and masked texts are learned."""

GERMAN_SHORT_MIX: dict[Condition, int] = {
    "bare": 30,
    "bare_outline": 30,
    "public_text": 40,
}
"""The same for the beginning of a training: no context, so that there is less to read."""

_ENDPOINT = "https://remote.example/v1"
_TEXTS = 6
"""Texts of each user; a gate is made once for all of them."""
_RAW = 0.15
"""Share of a remote's requests that nothing is masked in."""
_CORE = frozenset({"name", "occupation", "company", "location", "style"})
_SHARES = {"contact": 0.3, "email": 0.2, "fact": 0.25, "trait": 0.3, "age": 0.1}
"""How often a profile item is retrieved that isn't always there; as measured, about."""


@dataclass(frozen=True, slots=True, repr=False)
class _Written:
    task: Task
    text: GermanText
    occasion: Occasion


@dataclass(frozen=True, repr=False)
class _User:
    """A user and some texts; whether the texts are asked for by their outlines alone."""

    persona: Persona
    context: PrivateContext
    plain: tuple[_Written, ...]
    by_outline: tuple[_Written, ...]

    @cached_property
    def gate(self) -> EgressGate:
        """Knows all of the context, as a session's gate does."""
        detectors = (PatternDetector(), build_echoes(self.context))
        return EgressGate(build_lexicon(self.context), detectors=detectors)


def draw_conditions(
    seed: int, index: int, mix: Mapping[Condition, int], turns: Sequence[int]
) -> tuple[Condition, ...]:
    """Draws what a writer is given; where there is a context, for several requests over it.

    Args:
        seed: Of all users.
        index: Number of the example.
        mix: How often each condition comes.
        turns: Numbers of requests over one context to draw from.
    """
    random = Random(f"german-conditions/{seed}/{index}")
    drawn = random.choices(tuple(mix), tuple(mix.values()))
    if drawn[0].startswith("context"):
        private = [condition for condition in mix if condition.startswith("context")]
        weights = [mix[condition] for condition in private]
        drawn += random.choices(private, weights, k=random.choice(turns) - 1)
    return tuple(drawn)


def create_german_turns(
    seed: int,
    index: int,
    conditions: tuple[Condition, ...],
    *,
    scope: Scope,
    made_up: float = 0.0,
    loose: float = 0.0,
    glimpses: float = 0.0,
) -> tuple[Example, ...]:
    """Creates requests of one user over one context; the same arguments give the same examples.

    Args:
        seed: Of all users.
        index: Number of the example.
        conditions: What the writer is given for each request; at most six, and all but one of
            them with context.
        scope: Tasks, structures and sentences to draw from.
        made_up: Probability that people's names are made up on the spot.
        loose: Probability that a request with an outline follows no structure of its task; it may
            then be of a task that is outside of the scope.
        glimpses: Share of the texts whose sentences are drawn from all that are trained on.

    Returns:
        Examples with the same documents.
    """
    user = _user(seed, index // _TEXTS, scope, made_up, glimpses)
    random = Random(f"german-turns/{scope}/{seed}/{index}")
    first = index % _TEXTS
    written: list[_Written] = []
    for place, condition in enumerate(conditions):
        freely = condition == "context_outline" and random.random() < loose
        offered = user.by_outline if freely else user.plain
        written.append(offered[(first + place) % _TEXTS])
    documents = _retrieved(random, user, written)
    return tuple(
        _compose(random, user, each, condition, documents)
        for each, condition in zip(written, conditions, strict=True)
    )


@lru_cache(maxsize=4)
def _user(seed: int, number: int, scope: Scope, made_up: float, glimpses: float) -> _User:
    random = Random(f"german-user/{scope}/{seed}/{number}")
    words = None if scope == "everything" else vary_words(random, made_up=made_up)
    persona = create_german_persona(random, words=words)
    tasks = load_german_tasks()
    asked = [t for t in tasks if scope != "few" or t.name not in BY_OUTLINE_ONLY]

    def written(task: Task, *, by_outline: bool) -> _Written:
        sentences: Scope = "all" if glimpses and random.random() < glimpses else scope
        return _Written(
            task,
            *write_german_text(
                random, persona, task, scope, sentences=sentences, by_outline=by_outline
            ),
        )

    plain = [written(task, by_outline=False) for task in random.sample(asked, _TEXTS)]
    outlined = [written(task, by_outline=True) for task in random.sample(tasks, _TEXTS)]
    activities = [a for each in (*plain, *outlined) for a in each.occasion.activities]
    activities += distractions(random, 4, persona.words)
    random.shuffle(activities)
    samples = tuple(write_german_sample(random, persona, scope) for _ in range(2))
    context = PrivateContext(
        profile=persona.profile, activities=tuple(activities), writings=samples
    )
    return _User(persona, context, tuple(plain), tuple(outlined))


def _retrieved(random: Random, user: _User, written: list[_Written]) -> tuple[Document, ...]:
    from langchain_core.documents import Document

    relevant = {id(a) for each in written for a in each.occasion.activities}
    others = [a for a in user.context.activities if id(a) not in relevant]
    taken = {id(a) for a in random.sample(others, min(len(others), random.randint(1, 4)))}
    activities = [a for a in user.context.activities if id(a) in relevant | taken]
    writings = user.context.writings[: random.choice((0, 1, 1, 2))]
    context = PrivateContext(
        profile=user.persona.profile, activities=tuple(activities), writings=tuple(writings)
    )
    # Contacts come by how well they fit, and those whom the request names are found.
    names = [each.occasion.to.full for each in written]
    items = [item for item in context.items() if _found(random, item, names)]
    items.sort(key=lambda item: item.kind == "profile" and item.field not in _CORE)
    return tuple(Document(item.text, metadata={"kind": item.kind}) for item in items)


def _found(random: Random, item: ContextItem, names: list[str]) -> bool:
    if item.kind != "profile" or item.field in _CORE:
        return True
    if item.field == "contact" and any(name in item.text for name in names):
        return random.random() < 0.97
    return random.random() < _SHARES[item.field]


def _compose(
    random: Random,
    user: _User,
    written: _Written,
    condition: Condition,
    documents: tuple[Document, ...],
) -> Example:
    text = written.text
    asked, answer, facts = text.instruction, text.answer, dict(text.facts)
    outline: tuple[str, ...] = ()
    if condition.endswith(("outline", "sketch")):
        outline = plan_outline(random, written.task.form, text, written.occasion)
    if not condition.startswith("context"):
        documents, facts = (), {}
        raw = condition.startswith("bare") or random.random() < _RAW
        asked, answer, outline = _without_context(user, asked, answer, outline, raw=raw)
    if condition == "public_sketch":
        answer = "\n".join(f"{number}. {point}" for number, point in enumerate(outline, start=1))
    return Example(text.task, condition, asked, documents, outline, answer, facts)


def _without_context(
    user: _User, asked: str, answer: str, outline: tuple[str, ...], *, raw: bool
) -> tuple[str, str, tuple[str, ...]]:
    """What a writer without context reads, and writes with marks for what it can't know."""
    conversation = Conversation()

    def mask(text: str) -> str:
        return user.gate.require(text, endpoint=_ENDPOINT, conversation=conversation).text

    masked = mask(asked)
    lines = tuple(mask(line) for line in outline)
    written = mask(answer)
    if not raw:
        return masked, written, lines
    known = {m[0] for text in (masked, *lines) for m in PLACEHOLDER_PATTERN.finditer(text)}
    for mark in known:
        written = written.replace(mark, conversation.restore(mark))
    return asked, written, outline
