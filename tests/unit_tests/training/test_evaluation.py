"""What the evaluation counts."""

from __future__ import annotations

from langchain_cogenesis.data.examples import Example
from langchain_cogenesis.training.evaluation import (
    CONDITIONS,
    Measures,
    count_answer,
    format_report,
    held_out_example,
    invented,
)

_EXAMPLE = Example(
    task="invite",
    condition="context",
    instruction="Invite Tomas to the dinner.",
    documents=(),
    sketch=(),
    answer="Hi Tomas,\n\nIt is on 12 June.\n\nHugs, Nora",
    facts={"to": "Tomas", "day": "12 June", "me": "Nora"},
    greeting="Hi",
    closing="Hugs",
)


def _counted(answer: str) -> dict[str, float | None]:
    measures = Measures()
    count_answer(measures, _EXAMPLE, answer, split="seen")
    return measures.report()


def test_the_reference_scores_full_marks() -> None:
    """The reference answer has every fact, its recipient, sender and style."""
    report = _counted(_EXAMPLE.answer)
    for name in ("facts", "facts, seen", "recipient", "sender", "greeting", "closing"):
        assert report[name] == 1, name


def test_a_wrong_answer_scores_none() -> None:
    """Another day, recipient, sender and style count as misses, not as unmeasured."""
    report = _counted("Dear Juna,\n\nIt is on 3 May.\n\nCheers, Adisa")
    for name in ("facts", "recipient", "sender", "greeting", "closing", "nothing invented"):
        assert report[name] == 0, name


def test_what_was_not_measured_is_none() -> None:
    """Without a reference scored, there is no likelihood, and the table shows a dash."""
    report = _counted(_EXAMPLE.answer)
    assert report["nll"] is None
    table = format_report([{"model": "x", "count": 1, "conditions": {"context": report}}])
    row = next(line for line in table.splitlines() if line.split()[:1] == ["nll"])
    assert row.split() == ["nll", "-"]


def test_invented_names_and_numbers_are_found() -> None:
    """A name or number that the prompt doesn't hold is invented; one that it holds isn't."""
    prompt = "Name: Nora\nCalendar: Saturday 12 June 2027, at Casa Lume"
    assert list(invented("See you on 12 June at Casa Lume.", prompt)) == []
    assert list(invented("See you on 13 June at Casa Orrin.", prompt)) == ["13", "Orrin"]


def test_withheld_conditions_keep_the_reference() -> None:
    """Withholding the context or the outline changes the prompt and not the reference."""
    assert {"context", "no_context", "context_outline"} <= set(CONDITIONS)
    with_context, without = (held_out_example(c, 3) for c in ("context", "no_context"))
    assert with_context.answer == without.answer
    assert with_context.documents
    assert not without.documents
    outline, withheld = (held_out_example(c, 3) for c in ("context_outline", "context"))
    assert outline.answer == withheld.answer
    assert "Outline:" in outline.messages()[1][1]
    assert "Outline:" not in withheld.messages()[1][1]
