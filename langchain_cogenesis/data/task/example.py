"""One example of context-aware instruction following (Zhang et al. 2024, section 2)."""

from __future__ import annotations

from pydantic import Field

from langchain_cogenesis.context.schema import PrivateContext, PrivateModel


class Fact(PrivateModel):
    """A private fact that a reference uses.

    Attributes:
        name: What kind of fact it is: a field of the profile, a slot of the grammar, `other`.
        value: As the reference says it.
    """

    name: str = Field(min_length=1)
    value: str = Field(min_length=1)


class PlanPoint(PrivateModel):
    """A point of the plan that a reference carries out.

    Attributes:
        name: What it is called.
        wordings: Sentences any of which carries it out, without the facts that they would say.
    """

    name: str = Field(min_length=1)
    wordings: tuple[str, ...]


class TaskExample(PrivateModel):
    """An instruction of a user, what is known of the user, and a text that answers it.

    Attributes:
        id: Unique within its dataset.
        user: Whose example it is; all examples of one user are in one split.
        instruction: What the user asks for.
        context: Everything that was known of the user before the reference was written.
        reference: A good answer.
        facts: The private facts that the reference uses, as far as they are known.
        outline: Points of a plan for the reference, where one is known.
        plan: How each of its points would be said, where that is known, as in the grammar.
        task: A name for the kind of text, for figures by task.
        language: ISO 639-1 code.
    """

    id: str = Field(min_length=1)
    user: str = Field(min_length=1)
    instruction: str = Field(min_length=1)
    context: PrivateContext
    reference: str = Field(min_length=1)
    facts: tuple[Fact, ...] = ()
    outline: tuple[str, ...] = ()
    plan: tuple[PlanPoint, ...] = ()
    task: str = "other"
    language: str = "en"
