"""Both halves of a prompt: the private one has the context, the public one has no way to."""

from __future__ import annotations

import inspect

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_cogenesis import prompts
from langchain_cogenesis.collaboration import Request

DOCUMENTS = [
    Document("Earlier: a letter\nDear all", metadata={"kind": "writing"}),
    Document("Calendar: dinner", metadata={"kind": "activity"}),
    Document("Name: Nora", metadata={"kind": "profile"}),
]


def test_context_is_rendered_in_the_order_of_its_kinds() -> None:
    """Profile, then activities, then earlier writings."""
    text = prompts.render_context(DOCUMENTS)
    assert text == "Name: Nora\nCalendar: dinner\nEarlier: a letter\nDear all"


def test_the_outline_is_numbered_and_appended() -> None:
    """Points follow the instruction; without points it stays as it is."""
    assert prompts.with_outline("Write.", ["a", "b"]) == "Write.\n\nOutline:\n1. a\n2. b"
    assert prompts.with_outline("Write.", []) == "Write."


def test_the_public_half_has_no_parameter_for_context() -> None:
    """Level 0 by construction: instruction and task are all that it is built from."""
    assert list(inspect.signature(prompts.public_messages).parameters) == ["instruction", "task"]
    pair = prompts.create_prompt_pair("Write.", DOCUMENTS, task="sketch", sketch=["a"])
    assert pair.instruction == "Write."
    assert not any("Nora" in message.text for message in pair.public)
    assert "Nora" in pair.private[0].text
    assert "Nora" not in repr(pair)


def test_a_single_instruction_is_asked_as_the_house_models_learned_it() -> None:
    """The chat model's prompt of one message is the prompt that training renders."""
    asked = Request([HumanMessage("Write.")]).prompts(DOCUMENTS, ["a", "b"])
    assert asked == prompts.create_prompt_pair("Write.", DOCUMENTS, sketch=["a", "b"])


def test_a_history_stays_in_order_and_its_system_prompts_come_first() -> None:
    """The app's own system prompt joins the package's; the outline goes to the last human."""
    history = [
        SystemMessage("Be brief."),
        HumanMessage("Write."),
        AIMessage("Done."),
        HumanMessage("Shorter."),
    ]
    pair = Request(history).prompts(DOCUMENTS, ["a"])
    texts = [message.text for message in pair.private]
    assert texts[0].startswith(f"{prompts.PRIVATE_SYSTEM}\nBe brief.\nName: Nora")
    assert texts[1:] == ["Write.", "Done.", "Shorter.\n\nOutline:\n1. a"]
    assert pair.instruction == "Write.\n\nShorter."
