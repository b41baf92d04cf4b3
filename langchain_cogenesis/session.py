"""A user's store, lexicon, gate, ledger and keys, tied together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.echo import EchoDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from langchain_cogenesis.context.retrievers import PrivateContextRetriever
    from langchain_cogenesis.context.store import PrivateContextStore

_AT_EMPLOYER = re.compile(
    r"\b(?:at|for|with) ((?:[A-Z0-9][\w&.'-]*)(?: (?:[A-Z0-9&][\w&.'-]*|of))*)"
)
_EMAIL_LIKE = re.compile(r"\S+@\S+")


class UserSession:
    """Everything that belongs to one user, opened together.

    Args:
        user: The user's name, as given on import.
        root: Where users' directories lie; by default `$COGENESIS_HOME`, else the data directory
            of the operating system.
        policy: What the gate does with private values.
        embeddings: For retrieval; by default static word vectors that need no download.
        create: Whether to make the user's directory if there is none.

    Raises:
        UserNotFoundError: Nothing is stored for the user, and `create` is off.
    """

    def __init__(
        self,
        user: str,
        root: str | os.PathLike[str] | None = None,
        *,
        policy: EgressPolicy | None = None,
        embeddings: Embeddings | None = None,
        create: bool = False,
    ) -> None:
        directories = UserDirectories(root)
        self.user = user
        self.store: PrivateContextStore = directories.open_store(
            user, create=create, embeddings=embeddings
        )
        self.directory: Path = directories.path(user)
        self.ledger = open_ledger(self.directory)
        self.gate = EgressGate(policy=policy, ledger=self.ledger, public_texts=PUBLIC_TEMPLATES)
        self._teach_gate()

    def __repr__(self) -> str:
        return f"UserSession(store={self.store!r}, gate={self.gate!r})"

    def add(self, context: PrivateContext) -> Any:
        """Adds to the user's context; the gate knows the new values from then on.

        Returns:
            The store's report: how many items were added, how many were there already.
        """
        report = self.store.add(context)
        self._teach_gate()
        return report

    def _teach_gate(self) -> None:
        context = self.store.export()
        self.gate.lexicon = build_lexicon(context)
        echoes = EchoDetector(item.text for item in context.items())
        self.gate.detectors = (PatternDetector(), echoes)

    def retriever(
        self,
        *,
        k: int = 12,
        token_budget: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
    ) -> PrivateContextRetriever:
        """A retriever over the user's context.

        Args:
            k: At most so many items.
            token_budget: At most so many tokens, counted by `count_tokens`.
            count_tokens: Tokens of a text, as the local model counts them.
        """
        from langchain_cogenesis.context.retrievers import PrivateContextRetriever

        return PrivateContextRetriever(
            store=self.store, k=k, token_budget=token_budget, count_tokens=count_tokens
        )

    def close(self) -> None:
        """Closes the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_ledger(directory: str | os.PathLike[str]) -> EgressLedger:
    """Opens the ledger in a user's directory; it is keyed with a key of its own."""
    keys = StoreKeys.load_or_create(Path(directory) / "key")
    directory = Path(directory)
    return EgressLedger(directory / "ledger", keys.derive("ledger"), directory / "ledger.head")


def forget(user: str, root: str | os.PathLike[str] | None = None) -> None:
    """Removes everything of a user: context, vectors, ledger, keys.

    Raises:
        UserNotFoundError: Nothing is stored for the user.
    """
    UserDirectories(root).forget(user)


def build_lexicon(context: PrivateContext) -> PrivateLexicon:
    """Makes the lexicon of the values that a context holds for certain.

    These are the values of structured fields (names, places, employer, contacts, addresses), and
    whatever has the shape of an e-mail address, a phone number or an order number anywhere.
    """
    return PrivateLexicon(private_values(context))


def private_values(context: PrivateContext) -> Iterator[PrivateValue]:
    """Yields the private values of a context; the same one may come more than once."""
    if context.profile is not None:
        yield from _profile_values(context.profile)
    for activity in context.activities:
        yield from _activity_values(activity)
    for sample in context.writings:
        if sample.recipient:
            yield _person(sample.recipient)
    for item in context.items():
        yield from _shaped_values(item.text)


def _profile_values(profile: UserProfile) -> Iterator[PrivateValue]:
    yield PrivateValue("NAME", profile.name)
    fields = {
        "PLACE": profile.location,
        "ORG": profile.company,
        "EMAIL": profile.email,
        "PHONE": profile.phone,
        "ADDRESS": profile.address,
    }
    yield from (PrivateValue(kind, text) for kind, text in fields.items() if text)
    employers = _AT_EMPLOYER.findall(profile.occupation or "")
    yield from (PrivateValue("ORG", employer) for employer in employers)
    for contact in profile.contacts:
        details = {"NAME": contact.name, "EMAIL": contact.email, "PHONE": contact.phone}
        yield from (PrivateValue(kind, text) for kind, text in details.items() if text)


def _activity_values(activity: Activity) -> Iterator[PrivateValue]:
    yield from (_person(name) for name in activity.people)
    # "home" or "office" names no place; "Casa Lume" does.
    if activity.place and not activity.place.islower():
        yield PrivateValue("PLACE", activity.place)


def _person(name: str) -> PrivateValue:
    return PrivateValue("EMAIL" if _EMAIL_LIKE.fullmatch(name) else "NAME", name)


def _shaped_values(text: str) -> Iterator[PrivateValue]:
    for match in PatternDetector().find(text):
        yield PrivateValue(match.kind, text[match.start : match.end])
