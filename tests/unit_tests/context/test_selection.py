from __future__ import annotations

import pytest

from langchain_cogenesis.context.documents import StoredItem
from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.context.selection import (
    Budget,
    choose,
    cut_at_sentence,
    named_contacts,
    select_core,
)


def _words(text: str) -> int:
    return len(text.split())


def _stored(context: PrivateContext) -> list[StoredItem]:
    return [StoredItem(f"{number:064x}", item) for number, item in enumerate(context.items())]


CONTACTS = _stored(
    PrivateContext(
        profile=UserProfile(
            name="Wren",
            contacts=(
                Contact(name="José Ångström", relation="brother"),
                Contact(name="Ottoline Brack", relation="sister"),
                Contact(name="Jago Penrose", relation="head of the office"),
            ),
        )
    )
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a note to Ottoline", ["Ottoline Brack"]),
        ("lade jose angstrom ein", ["José Ångström"]),
        ("write to my sisters", ["Ottoline Brack"]),
        ("a letter to my brother and to Penrose", ["Jago Penrose", "José Ångström"]),
        ("the report of the year", []),
        ("", []),
        ("Ottolines Geburtstag", ["Ottoline Brack"]),
    ],
)
def test_named_contacts(query: str, expected: list[str]) -> None:
    """Contacts are found by a part of their name or by their relation, names first."""
    found = named_contacts(query, CONTACTS)
    assert [entry.item.data["value"]["name"] for entry in found] == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (99, "Earlier: a\nOne two. Three four! Five."),
        (6, "Earlier: a\nOne two. Three four!"),
        (5, "Earlier: a\nOne two."),
        (4, "Earlier: a\nOne two."),
        (3, ""),
    ],
)
def test_cut_at_sentence(limit: int, expected: str) -> None:
    """The longest beginning that fits and ends a sentence; none if not even one fits."""
    text = "Earlier: a\nOne two. Three four! Five."
    assert cut_at_sentence(text, limit, _words) == expected


def test_cut_text_without_full_stops() -> None:
    """Lines and full stops of other scripts end sentences too."""
    assert cut_at_sentence("h\none two\nthree four", 3, _words) == "h\none two"
    assert cut_at_sentence("h\n今日は。 明日も。 また", 3, _words) == "h\n今日は。 明日も。"


def test_budget_counts_documents_and_tokens() -> None:
    """Each document costs its tokens and one more; what doesn't fit costs nothing."""
    budget = Budget(documents=2, tokens=5, count=_words)
    assert not budget.take("one two three four five")
    assert budget.take("one two three")
    assert budget.tokens == 1
    assert not budget.take("one")
    assert budget.documents == 1


def test_core_gives_up_its_last_lines_first() -> None:
    """The name is the last line to go."""
    profile = UserProfile(name="Wren", company="Quill", style=("brisk and dry", "no adverbs"))
    entries = _stored(PrivateContext(profile=profile))
    everything = select_core(entries, Budget(1, None, _words))[1]
    assert everything == "Name: Wren\nCompany: Quill\nStyle: brisk and dry\nStyle: no adverbs"
    assert select_core(entries, Budget(1, 9, _words))[1].endswith("brisk and dry")
    assert select_core(entries, Budget(1, 3, _words))[1] == "Name: Wren"
    assert select_core(entries, Budget(1, 2, _words)) == ([], "")


def _pools(
    activities: int, facts: int, writings: int, text: str = "x"
) -> dict[str, list[StoredItem]]:
    context = PrivateContext(
        profile=UserProfile(name="-", facts=tuple(f"{text} {n}" for n in range(facts))),
        activities=tuple(Activity(text=f"{text} {n}") for n in range(activities)),
        writings=tuple(WritingSample(text=f"{text} {n}.") for n in range(writings)),
    )
    stored = _stored(context)[1:]
    kinds = ("profile", "activity", "writing")
    return {kind: [entry for entry in stored if entry.item.kind == kind] for kind in kinds}


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ((50, 50, 50), (5, 3, 3)),
        ((50, 0, 50), (7, 0, 4)),
        ((1, 1, 50), (1, 1, 9)),
        ((0, 0, 2), (0, 0, 2)),
    ],
)
def test_choose_balances(available: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    """Each part of the context has its share; what one can't fill goes to the others."""
    chosen = choose(_pools(*available), Budget(11, None, _words))  # type: ignore[arg-type]
    kinds = [entry.item.kind for entry, _ in chosen]
    counts = (kinds.count("activity"), kinds.count("profile"), kinds.count("writing"))
    assert counts == expected


def test_choose_keeps_the_order_within_a_kind() -> None:
    """What is more relevant comes first."""
    pools = _pools(4, 0, 0)
    chosen = choose(pools, Budget(3, None, _words))  # type: ignore[arg-type]
    assert [entry for entry, _ in chosen] == pools["activity"][:3]


def test_choose_passes_over_what_does_not_fit() -> None:
    """A long item doesn't stop shorter ones behind it."""
    pools = _pools(1, 0, 0, "many words " * 30) | {"profile": _pools(0, 2, 0)["profile"]}
    chosen = choose(pools, Budget(5, 20, _words))  # type: ignore[arg-type]
    assert [entry.item.kind for entry, _ in chosen] == ["profile", "profile"]


def test_a_long_writing_is_cut_and_leaves_room() -> None:
    """One letter takes at most its share of the budget, ending at a sentence."""
    letter = WritingSample(text="Two words. " * 100)
    stored = _stored(PrivateContext(writings=(letter,)))
    ((_, text),) = choose({"writing": stored}, Budget(5, 50, _words))
    assert text.endswith("Two words.")
    assert 15 <= _words(text) <= 20
