"""A user's store, lexicon, gate, ledger and keys, tied together."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from langchain_cogenesis.context.directory import UserDirectories
from langchain_cogenesis.context.encryption import StoreKeys
from langchain_cogenesis.context.key_sources import Encryption, PassphraseSource
from langchain_cogenesis.context.keys import open_keys
from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.privacy.asking import Ask
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.private_values import build_echoes, build_lexicon
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from langchain_cogenesis.context.retrievers import PrivateContextRetriever
    from langchain_cogenesis.context.store import PrivateContextStore


class UserSession:
    """Everything that belongs to one user, opened together.

    Args:
        user: The user's name, as given on import.
        root: Where users' directories lie; by default `$COGENESIS_HOME`, else the data directory
            of the operating system.
        policy: What the gate does with private values.
        ask: Answers where the policy says `ask`; see `EgressGate`.
        embeddings: For retrieval; by default static word vectors that need no download.
        create: Whether to make the user's directory if there is none.
        encryption: What keeps the user's secret if the directory is made now: the key `file` (the
            default), the OS `keyring` or a `passphrase`; `off` leaves the context readable.
        passphrase: A passphrase, or a function that asks for one; else `$COGENESIS_PASSPHRASE`.

    Raises:
        UserNotFoundError: Nothing is stored for the user, and `create` is off.
        StoreError: The passphrase is wrong or missing, or the keyring can't be used.
    """

    def __init__(
        self,
        user: str,
        root: str | os.PathLike[str] | None = None,
        *,
        policy: EgressPolicy | None = None,
        ask: Ask | None = None,
        embeddings: Embeddings | None = None,
        create: bool = False,
        encryption: Encryption | None = None,
        passphrase: PassphraseSource | None = None,
    ) -> None:
        directories = UserDirectories(root, passphrase=passphrase)
        self.user = user
        self.store: PrivateContextStore = directories.open_store(
            user, create=create, embeddings=embeddings, encryption=encryption
        )
        self.directory: Path = directories.path(user)
        self.ledger = open_ledger(self.directory, self.store.keys)
        self.gate = EgressGate(
            policy=policy, ledger=self.ledger, public_texts=PUBLIC_TEMPLATES, ask=ask
        )
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
        self.gate.detectors = (PatternDetector(), build_echoes(context))

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


def open_ledger(directory: str | os.PathLike[str], keys: StoreKeys | None = None) -> EgressLedger:
    """Opens the ledger in a user's directory; it is keyed with a key of its own.

    That key outlives a change of the user's secret: the new key file carries it, sealed.

    Args:
        directory: The user's directory.
        keys: The user's keys, if they are open already.

    Raises:
        StoreError: The passphrase is wrong or missing, or the keyring can't be used.
        StoreCorruptError: The key file is damaged or missing.
    """
    directory = Path(directory)
    keys = keys or open_keys(directory / "key", create=False)
    return EgressLedger(directory / "ledger", keys.derive("ledger"), directory / "ledger.head")


def forget(user: str, root: str | os.PathLike[str] | None = None) -> None:
    """Removes everything of a user: context, vectors, ledger, keys.

    Raises:
        UserNotFoundError: Nothing is stored for the user.
    """
    UserDirectories(root).forget(user)
