"""Examples to compare on: held-out ones of the grammar, or what a file holds."""

from __future__ import annotations

import re

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.data.grammar.tasks import load_tasks
from langchain_cogenesis.data.task.example import Fact, TaskExample
from langchain_cogenesis.data.task.grammar import german_examples, plan_of
from langchain_cogenesis.data.task.loading import load_examples
from langchain_cogenesis.exceptions import ConfigurationError

GRAMMAR, GERMAN_GRAMMAR = "grammar", "grammar:de"

_FIELDS = {"Name": "name", "Occupation": "occupation", "Company": "company"}
_FIELDS |= {"Location": "location", "E-mail": "email"}
_STYLE = ("Greeting", "Closing", "Tone", "Emoji", "Motto")
_DAYS = "Mon|Tues|Wednes|Thurs|Fri|Satur|Sun"
_ACTIVITY = re.compile(
    rf"(?P<kind>[A-Z]\w*): (?:(?P<when>(?:{_DAYS})day \d+ \w+ \d{{4}}(?:, [\d:]+ [ap]m)?), )?"
    r"(?P<text>.+?)(?:, at (?P<place>[A-Z][^,]*))?(?:, with (?P<people>[^,]+(?:, [^,]+)*))?",
    re.DOTALL,
)


def load_task_examples(
    source: str, *, limit: int | None = None, seed: int = 0
) -> list[TaskExample]:
    """Loads examples.

    Args:
        source: `grammar` for held-out ones of the house models' grammar, `grammar:de` for German
            ones, `grammar:en,de` for both in turn, or what `load_examples` takes.
        limit: So many, from the first; the grammar makes 200 by default.
        seed: Of the grammar's examples.

    Raises:
        ConfigurationError: There is no such file.
        SourceError: The file is of no known format, or holds no whole example.
    """
    makers = _GRAMMARS.get(source)
    if makers is not None:
        numbers = range(limit or 200)
        return [makers[n % len(makers)](n // len(makers), seed) for n in numbers]
    if re.fullmatch(r"grammar:[^:\d]*", source):
        raise ConfigurationError(
            f"there is no grammar {source!r}.", hint=f"Take one of {', '.join(_GRAMMARS)}."
        )
    return load_examples(source, limit=limit)


def _grammar_example(number: int, seed: int) -> TaskExample:
    tasks = load_tasks()
    made = create_example(
        f"comparison/{seed}/{number}",
        condition="context_outline",
        scope="everything",
        task=tasks[number % len(tasks)].name,
        held_out=number % 2 == 0,
        new_names=True,
        surprises=False,
    )
    return TaskExample(
        id=f"grammar-{seed}-{number}",
        user=f"grammar-{seed}-{number}",
        instruction=made.instruction,
        context=_context(made),
        reference=made.answer,
        facts=tuple(Fact(name=name, value=value) for name, value in made.facts.items()),
        outline=made.sketch,
        plan=plan_of(made),
        task=made.task,
    )


def _german_example(number: int, seed: int) -> TaskExample:
    user = f"grammar-de-{seed}-{number}"
    return next(german_examples(f"comparison/{seed}/{number}", user, 1, first=number))


_GRAMMARS = {
    GRAMMAR: (_grammar_example,),
    GERMAN_GRAMMAR: (_german_example,),
    "grammar:en": (_grammar_example,),
    "grammar:en,de": (_grammar_example, _german_example),
}


def _context(example: Example) -> PrivateContext:
    """The schema's values of the lines that a grammar example holds as context."""
    fields: dict[str, object] = {"name": "the user"}
    lists: dict[str, list[object]] = {"style": [], "traits": [], "facts": [], "contacts": []}
    activities: list[Activity] = []
    writings: list[WritingSample] = []
    for document in example.documents:
        text, kind = document.page_content, document.metadata["kind"]
        label, _, value = text.partition(": ")
        if kind == "writing":
            title, _, body = value.partition("\n")
            writings.append(WritingSample(title=title, text=body or value))
        elif kind == "activity":
            activities.append(_activity(text))
        elif label in _FIELDS:
            fields[_FIELDS[label]] = value
        elif label in _STYLE:
            lists["style"].append(text)
        elif label in ("Trait", "Fact"):
            lists[f"{label.lower()}s"].append(value)
        elif label == "Age":
            fields["age"] = value
        else:
            name, _, email = value.partition("; e-mail ")
            lists["contacts"].append(Contact(name=name, relation=label, email=email or None))
    profile = UserProfile.model_validate(fields | {k: tuple(v) for k, v in lists.items()})
    return PrivateContext(profile=profile, activities=tuple(activities), writings=tuple(writings))


def _activity(text: str) -> Activity:
    match = _ACTIVITY.fullmatch(text)
    if match is None:
        label, _, rest = text.partition(": ")
        return Activity(kind=label.lower(), text=rest or text)
    people = tuple((match["people"] or "").split(", ")) if match["people"] else ()
    return Activity(
        kind=match["kind"].lower(),
        when=match["when"],
        text=match["text"],
        place=match["place"],
        people=people,
    )
