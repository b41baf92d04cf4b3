"""The requests in free English."""

from __future__ import annotations

from langchain_cogenesis.data.free_english import load_free_english


def test_forty_requests_with_facts_from_the_context() -> None:
    """Each fact stands in the context and not in the request, so that it has to be looked up."""
    examples = load_free_english()
    assert [example.number for example in examples] == [*range(1, 41)]
    for example in examples:
        context = "\n".join((*example.profile, *example.activity))
        assert example.main in example.facts
        for spellings in example.facts:
            assert spellings[0].lower() in context.lower(), example.number
            assert spellings[0] not in example.instruction, example.number
        if example.kind == "email":
            assert example.sender
            assert example.recipient


def test_a_right_letter_is_judged_right() -> None:
    """A letter with recipient, sender and fact passes; without the fact it fails, in that alone."""
    example = next(e for e in load_free_english() if e.kind == "email")
    letter = f"Hi {example.recipient},\n\nIt is {example.main[0]}.\n\nBye, {example.sender}"
    assert all(example.judge(letter).values())
    wrong = example.judge(letter.replace(example.main[0], "soon"))
    assert wrong == {"recipient": True, "sender": True, "main fact": False, "all three": False}


def test_names_of_the_context_are_masked() -> None:
    """No name of contacts, employer or town is left in a masked request."""
    masked = 0
    for example in load_free_english():
        marks = example.marks()
        masked += bool(marks)
        for mark, value in marks.items():
            assert value not in example.masked()
            assert mark in example.masked()
    assert masked > 10
