"""A persona with a canary in every field."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from file_keyring import FileKeyring

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.context.store import PrivateContextStore


@pytest.fixture(scope="session")
def wren() -> PrivateContext:
    """A context with something in every field."""
    return PrivateContext(
        profile=UserProfile(
            name="Wilhelmina Thistlewood",
            age=47,
            occupation="Cartographer",
            company="Quillford Maps",
            location="Tarnbrook",
            email="wren@quillford.example",
            phone="+44 7700 900417",
            address="3 Fennel Lane",
            traits=("meticulous",),
            style=("Closing: Toodle-pip",),
            contacts=(
                Contact(name="Ottoline Brack", relation="sister", email="otti@brack.example"),
                Contact(name="Jago Penrose", relation="boss"),
            ),
            facts=("dances the tarantella on Tuesdays", "collects brass compasses"),
        ),
        activities=(
            Activity(kind="purchase", when="2025-05-02", text="ordered a theodolite"),
            Activity(
                kind="calendar",
                when="2025-06-14T19:00",
                text="regatta dinner",
                people=("Ottoline Brack",),
                place="Brindlecombe Hall",
            ),
        ),
        writings=(
            WritingSample(
                text="Dearest Otti,\nthe marmalade has set at last. Come and fetch your jar.",
                title="A jar for you",
                recipient="Ottoline Brack",
                when="2025-01-03",
            ),
        ),
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, wren: PrivateContext) -> Path:
    """A closed store's directory that holds the persona; to be copied, not changed."""
    directory = tmp_path_factory.mktemp("filled") / "store"
    with PrivateContextStore(directory) as opened:
        opened.add(wren)
    return directory


@pytest.fixture
def store(directory: Path, filled: Path) -> Iterator[PrivateContextStore]:
    """A store that holds the persona."""
    shutil.copytree(filled, directory)
    with PrivateContextStore(directory) as opened:
        yield opened


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileKeyring]:
    """The system's keyring, for the length of a test."""
    before = keyring.get_keyring()
    made = FileKeyring(tmp_path / "keyring.json")
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)
