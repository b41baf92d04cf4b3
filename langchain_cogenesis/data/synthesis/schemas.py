"""What each of the four steps gives, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.data.task.example import Fact

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _as_list(value: Any) -> Any:
    # Models write a list of one as its only entry, or as one line with semicolons.
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return value


def _as_activities(value: Any) -> Any:
    entries = _as_list(value)
    if not isinstance(entries, list):
        return entries
    return [{"kind": "device", "text": e} if isinstance(e, str) else e for e in entries]


Texts = Annotated[list[Text], BeforeValidator(_as_list)]
Activities = Annotated[list[Activity], BeforeValidator(_as_activities)]


class Step(BaseModel):
    """What a step gives. Further fields of an answer are left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Portrait(Step):
    """A group of people.

    Attributes:
        youngest: Age in years.
        oldest: Age in years.
        field: What they work in.
        occupations: What they are.
        interests: What they like.
        works: What they write.
        usage: What they use devices and assistants for.
    """

    youngest: int = Field(ge=10, le=110)
    oldest: int = Field(ge=10, le=110)
    field: Text
    occupations: Texts = Field(min_length=1)
    interests: Texts = Field(min_length=1)
    works: Texts = Field(min_length=1)
    usage: Texts = Field(min_length=1)


class GeneratedUser(Step):
    """One person of a group.

    Attributes:
        name: Given name and surname.
        age: Years.
        occupation: What they are.
        company: Where they work.
        location: Where they live.
        email: An address at an example domain.
        traits: Of character.
        style: How they write.
        facts: What is private, a sentence each.
        contacts: Whom they know.
        activity: What their devices hold: calendar, messages, purchases.
        assistant: What they asked an assistant.
        writings: What they wrote before.
    """

    name: Text
    age: int = Field(ge=10, le=110)
    occupation: Text
    company: Text | None = None
    location: Text
    email: Text | None = None
    traits: Texts = Field(min_length=1)
    style: Texts = Field(min_length=1)
    facts: Texts = Field(min_length=3)
    contacts: list[Contact] = Field(default_factory=list)
    activity: Activities = Field(min_length=3)
    assistant: Texts = Field(default_factory=list)
    writings: list[WritingSample] = Field(default_factory=list)

    @classmethod
    def of(cls, context: PrivateContext) -> GeneratedUser:
        """The user of a context whose profile is filled in.

        Raises:
            ValueError: It has no profile.
        """
        profile = context.profile
        if profile is None:
            raise ValueError("a user is made from a profile")
        return cls(
            name=profile.name,
            age=profile.age or 0,
            occupation=profile.occupation or "",
            company=profile.company,
            location=profile.location or "",
            email=profile.email,
            traits=list(profile.traits),
            style=list(profile.style),
            facts=list(profile.facts),
            contacts=list(profile.contacts),
            activity=list(context.activities),
            writings=list(context.writings),
        )

    def to_context(self, earlier: Sequence[WritingSample] = ()) -> PrivateContext:
        """All that is known of the user, with texts that were written since."""
        asked = (Activity(kind="assistant", text=text) for text in self.assistant)
        return PrivateContext(
            profile=UserProfile(
                name=self.name,
                age=self.age,
                occupation=self.occupation,
                company=self.company,
                location=self.location,
                email=self.email,
                traits=tuple(self.traits),
                style=tuple(self.style),
                contacts=tuple(self.contacts),
                facts=tuple(self.facts),
            ),
            activities=(*self.activity, *asked),
            writings=(*self.writings, *earlier),
        )

    def fingerprint(self) -> str:
        """What tells the user from others, for a search for near-duplicates."""
        return "\n".join([self.name, self.occupation, self.location, *self.facts])


class WritingTask(Step):
    """Something to write.

    Attributes:
        kind: What kind of text: invitation, report.
        instruction: What the user asks for.
    """

    kind: Text
    instruction: Text


class WritingTasks(Step):
    """The tasks of one user."""

    tasks: list[WritingTask] = Field(min_length=1)


class PersonalText(Step):
    """A text in the user's voice, and how it came about.

    Attributes:
        outline: Points, in order.
        facts: The private facts that it uses, with values as the content says them.
        content: The text.
    """

    outline: Texts = Field(min_length=1)
    facts: list[Fact] = Field(min_length=1)
    content: Annotated[str, StringConstraints(strip_whitespace=True, min_length=40)]

    def stated(self) -> tuple[Fact, ...]:
        """The facts whose value stands in the content."""
        content = _plain(self.content)
        return tuple(fact for fact in self.facts if _plain(fact.value) in content)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" .").casefold()
