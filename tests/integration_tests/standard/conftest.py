"""A user with some context, and the larger house model behind a real endpoint on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langchain_cogenesis import UserSession, create_remote, serve_in_child
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, UserProfile
from langchain_cogenesis.models.remote import ChatRemote

CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        style=("Greeting: Dear", "Closing: Hugs"),
        contacts=(Contact(name="Tomas Reyl", relation="friend"),),
    ),
    activities=(Activity(kind="calendar", when="2025-06-14T19:00", text="dinner"),),
)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """A user's session."""
    with UserSession("nora", tmp_path_factory.mktemp("home"), create=True) as session:
        session.add(CONTEXT)
        yield session


@pytest.fixture(scope="module")
def remote(user: UserSession) -> Iterator[ChatRemote]:
    """A remote model behind the user's gate."""
    with serve_in_child("house-large") as endpoint:
        made = create_remote(
            endpoint.base_url,
            endpoint.model,
            api_key=endpoint.api_key,
            gate=user.gate,
            temperature=0,
        )
        yield made
        made.close()
