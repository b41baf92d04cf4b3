"""The two halves of a prompt, and the templates they are made from.

The private half goes to the local model alone. The public half is built by functions that take the
instruction and nothing else: there is no parameter through which context could get in. It still has
to pass the egress gate, because an instruction may itself hold private values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from langchain_cogenesis.exceptions import ConfigurationError

PublicTask = Literal["text", "sketch"]

PRIVATE_SYSTEM = "Write for the user, in the user's own voice. Take facts from this context only."
TEXT_SYSTEM = "Write the text that the user asks for. Keep marks such as [NAME_1] as they are."
SKETCH_RETRY = "Answer with the numbered list only."
OUTLINE_HEADING = "Outline:"
MIN_POINTS, MAX_POINTS = 4, 15
"""How many points an outline has."""

_SECTION_ORDER = ("profile", "activity", "writing")


@dataclass(frozen=True, slots=True)
class SketchStyle:
    """What kind of outline the remote model is asked for.

    Attributes:
        points: How many points, from 4 to 15; None leaves it to the remote.
        detail: Whether a point is a sentence that says what to write, not a few words.

    Raises:
        ConfigurationError: The number is out of range.
    """

    points: int | None = None
    detail: bool = False

    def __post_init__(self) -> None:
        if self.points is not None and not MIN_POINTS <= self.points <= MAX_POINTS:
            raise ConfigurationError(
                f"an outline can't have {self.points} points.",
                hint=f"Ask for {MIN_POINTS} to {MAX_POINTS}.",
            )

    @property
    def system(self) -> str:
        """The constant text that asks for it."""
        points = f"{MIN_POINTS} to {MAX_POINTS}" if self.points is None else str(self.points)
        form = ", each a sentence that says what to write" if self.detail else " of a few words"
        return (
            f"Write an outline of the text that the user asks for: {points} numbered points{form}. "
            "Keep marks such as [NAME_1] as they are."
        )


SKETCH_SYSTEM = SketchStyle().system
PUBLIC_TEMPLATES = (
    TEXT_SYSTEM,
    SKETCH_RETRY,
    *(
        SketchStyle(points, detail).system
        for points in (None, *range(MIN_POINTS, MAX_POINTS + 1))
        for detail in (False, True)
    ),
)
"""The constant texts that may leave as they are; none depends on a user."""


@dataclass(frozen=True, slots=True, repr=False)
class PromptPair:
    """What the local model is asked, and what the remote may be asked once the gate cleared it.

    Attributes:
        private: Messages for the local model, with private context.
        public: Messages for the remote model, built from the instruction alone, not yet cleared.
        task: What the public half asks for.
    """

    private: tuple[BaseMessage, ...]
    public: tuple[BaseMessage, ...]
    task: PublicTask

    @property
    def instruction(self) -> str:
        """What of the public half is not a constant template: the text that the gate judges."""
        return self.public[-1].text

    def __repr__(self) -> str:
        return (
            f"PromptPair(<withheld: {len(self.private)} private and {len(self.public)} "
            f"public messages>, task={self.task!r})"
        )


def render_context(documents: Iterable[Document]) -> str:
    """Renders retrieved documents as the lines that the local model reads.

    Profile first, then activities, then earlier writings; within each, in the order given.
    """
    documents = list(documents)
    parts = [
        document.page_content.strip()
        for kind in _SECTION_ORDER
        for document in documents
        if document.metadata.get("kind", "activity") == kind
    ]
    return "\n".join(parts)


def private_messages(
    instruction: str, documents: Iterable[Document] = (), sketch: Sequence[str] = ()
) -> tuple[BaseMessage, ...]:
    """Builds the local model's prompt.

    Args:
        instruction: What the user asks for, unmasked.
        documents: Retrieved private context; may be empty.
        sketch: The outline's points, restored; may be empty.
    """
    context = render_context(documents)
    system = f"{PRIVATE_SYSTEM}\n{context}" if context else PRIVATE_SYSTEM
    return (SystemMessage(system), HumanMessage(with_outline(instruction, sketch)))


def with_outline(instruction: str, sketch: Sequence[str]) -> str:
    """Appends the outline's points, numbered, to an instruction; no points, no change."""
    if not sketch:
        return instruction
    points = "\n".join(f"{number}. {point}" for number, point in enumerate(sketch, start=1))
    return f"{instruction}\n\n{OUTLINE_HEADING}\n{points}"


def public_messages(instruction: str, task: PublicTask = "text") -> tuple[BaseMessage, ...]:
    """Builds the remote model's prompt from the instruction alone."""
    if task == "sketch":
        return sketch_messages(instruction)
    return (SystemMessage(TEXT_SYSTEM), HumanMessage(instruction))


def sketch_messages(
    instruction: str, style: SketchStyle = SketchStyle()
) -> tuple[BaseMessage, ...]:
    """Builds the prompt that asks the remote model for an outline, from the instruction alone."""
    return (SystemMessage(style.system), HumanMessage(instruction))


def create_prompt_pair(
    instruction: str,
    documents: Iterable[Document] = (),
    *,
    task: PublicTask = "text",
    sketch: Sequence[str] = (),
) -> PromptPair:
    """Builds both halves of a prompt."""
    return PromptPair(
        private=private_messages(instruction, documents, sketch),
        public=public_messages(instruction, task),
        task=task,
    )


def role_pairs(messages: Iterable[BaseMessage]) -> tuple[tuple[str, str], ...]:
    """Role and content of each message of a prompt, as chat templates name them."""
    return tuple((_ROLES[message.type], str(message.content)) for message in messages)


def chat_of(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Roles and contents as the messages that chat templates take."""
    return [{"role": role, "content": content} for role, content in pairs]


_ROLES = {"system": "system", "human": "user"}
