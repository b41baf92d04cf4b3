"""A session makes the lexicon from all of a user's context, and keeps it up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.exceptions import UserNotFoundError
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.session import UserSession, build_lexicon, forget

CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        occupation="Teacher at Harbour School",
        company="Kilnhouse Studio",
        location="Port Ellery",
        email="nora@kiln.example",
        phone="+49 170 555 0199",
        address="7 Quay Lane",
        contacts=(Contact(name="Tomas Reyl", relation="friend", email="tr@reyl.example"),),
        facts=("Her order KH-20871 is late: order no. KH-20871",),
    ),
    activities=(
        Activity(kind="calendar", text="dinner", place="Casa Lume", people=("Juna Ost",)),
        Activity(kind="message", text="call me on +1 415-555-0134", place="home"),
    ),
    writings=(WritingSample(text="Dear all", recipient="Adisa Mbeki"),),
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Nora", "NAME"),
        ("Lindqvist", "NAME"),
        ("Harbour School", "ORG"),
        ("Kilnhouse Studio", "ORG"),
        ("Port Ellery", "PLACE"),
        ("nora@kiln.example", "EMAIL"),
        ("+49 170 555 0199", "PHONE"),
        ("7 Quay Lane", "ADDRESS"),
        ("Tomas Reyl", "NAME"),
        ("tr@reyl.example", "EMAIL"),
        ("KH-20871", "NUMBER"),
        ("Casa Lume", "PLACE"),
        ("Juna", "NAME"),
        ("+1 415-555-0134", "PHONE"),
        ("Adisa Mbeki", "NAME"),
    ],
)
def test_every_structured_value_is_known(value: str, kind: str) -> None:
    """Names, places, employers, addresses and numbers are found wherever the context has them."""
    assert [m.kind for m in build_lexicon(CONTEXT).find(f"about {value} today")] == [kind]


@pytest.mark.parametrize("text", ["I am at home", "a dinner for all", "dear teacher", "late order"])
def test_common_words_of_the_context_are_no_values(text: str) -> None:
    """Words of free text and of titles stay what they are."""
    assert build_lexicon(CONTEXT).find(text) == []


def test_what_is_added_is_masked_from_then_on(tmp_path: Path) -> None:
    """The gate learns new values as the store does."""
    with UserSession("nora", tmp_path, create=True) as session:
        session.add(PrivateContext(profile=UserProfile(name="Nora Lindqvist")))
        ask = {"endpoint": "https://x.example", "conversation": Conversation()}
        assert session.gate.require("for Tomas", **ask).text == "for Tomas"
        session.add(CONTEXT)
        assert session.gate.require("for Tomas", **ask).text == "for [NAME_1]"
        assert "Nora" not in repr(session)


def test_a_user_who_is_not_known_is_an_error(tmp_path: Path) -> None:
    """The error says how to import."""
    with pytest.raises(UserNotFoundError, match="cogenesis import"):
        UserSession("nobody", tmp_path)


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    """Context, ledger and keys go together."""
    with UserSession("nora", tmp_path, create=True) as session:
        session.add(CONTEXT)
        session.ledger.append({"event": "request"})
        directory = session.directory
    forget("nora", tmp_path)
    assert not directory.exists()
    with pytest.raises(UserNotFoundError):
        forget("nora", tmp_path)
