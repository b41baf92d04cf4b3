"""The models, gates and contexts that the rows of a comparison are run with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.evaluation.altered_models import Alteration, altered_copy
from langchain_cogenesis.evaluation.comparison.masks import Mask, teach
from langchain_cogenesis.evaluation.metrics.leaks import values_of
from langchain_cogenesis.evaluation.retrieval import retrieve_documents
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.remote import ChatRemote, create_remote
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.privacy.wire import read_parts
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES

Beside = Literal["bare", "third"]
"""What stands between local and remote in a fusion of three: the local model without context, or a
model that was named for it."""


@dataclass(frozen=True, slots=True)
class PairSettings:
    """Which models are compared, and how they write.

    Attributes:
        local: The local model: a house model's name, a GGUF or a hub name.
        remote: The remote: an address, or a model as for `local`, which is then served by a process
            of ours on loopback and counts as trusted.
        remote_model: The model's name at the address; None takes the first that it lists.
        remote_key: The address's key.
        trusted: Whether the user declares that the address may see private context, so that the
            upper bounds can be measured.
        fusion_file: A learned fusion.
        weight: The local model's share in linear fusion.
        max_tokens: Length of a text, tokens.
        k: Items of context at most.
        timeout: Seconds after which a silent endpoint counts as hanging.
        alteration: What is done to a copy of the remote, which is then served in its place; for a
            remote that is a process of ours.
        third: A model as for `local` that reads the instruction alone, for a fusion of three.
    """

    local: str = "house-small"
    remote: str = "house-large"
    remote_model: str | None = None
    remote_key: str | None = field(default=None, repr=False)
    trusted: bool = False
    fusion_file: Path | None = None
    weight: float = 0.6
    max_tokens: int = 256
    k: int = 12
    timeout: float = 120.0
    alteration: Alteration | None = None
    third: str | None = None

    @property
    def served_here(self) -> bool:
        """Whether the remote is a process of ours."""
        return not self.remote.startswith(("http://", "https://"))

    @property
    def may_see_all(self) -> bool:
        """Whether the remote may see what is private, so that upper bounds can be measured."""
        return self.served_here or self.trusted


class EgressTap:
    """Stands where a ledger stands and keeps what was sent in memory, to be looked through."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def submit(self, content: Mapping[str, Any]) -> Future[int]:
        """Takes an entry."""
        done: Future[int] = Future()
        done.set_result(self.append(content))
        return done

    def append(self, content: Mapping[str, Any]) -> int:
        """Takes an entry; only what was sent is kept."""
        if content.get("event") in ("request", "message") and content.get("body"):
            self.bodies.append(str(content["body"]))
        return len(self.bodies)


class GivenContext(BaseRetriever):
    """Hands over the same documents whatever is asked, so that all rows read the same."""

    documents: list[Document]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return self.documents


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """An example, what the local model reads of its context, and what of it is private."""

    example: TaskExample
    documents: tuple[Document, ...]
    values: tuple[str, ...]

    @property
    def retriever(self) -> GivenContext:
        """Hands over the documents."""
        return GivenContext(documents=list(self.documents))


@dataclass(slots=True, repr=False)
class World:
    """Everything that rows need.

    Attributes:
        settings: What was asked for.
        local: The local model.
        bare: A second copy of it that reads no context.
        third: Another model that reads no context either, if one was named.
        gate: Guards `remote`; knows the values of the present example.
        tap: What `remote` was sent since the last `start`.
        remote: The remote behind the gate.
        open_remote: The same behind a gate that trusts it; None if it isn't trusted.
        open_tap: What `open_remote` was sent.
        large: The remote's weights in this process, for likelihoods; None if they aren't here.
    """

    settings: PairSettings
    local: ChatLocalLlama
    bare: NextTokenModel
    gate: EgressGate
    tap: EgressTap
    remote: ChatRemote
    open_remote: ChatRemote | None
    open_tap: EgressTap
    large: LlamaCppEngine | None
    third: NextTokenModel | None = None

    def start(self, case: Case, mask: Mask = "standard") -> None:
        """Gets ready for a row of an example: the gate knows its values, the taps are empty."""
        teach(self.gate, case.example.context, mask)
        self.tap.bodies.clear()
        self.open_tap.bodies.clear()

    def beside(self, kind: Beside) -> NextTokenModel:
        """The model that stands between local and remote in a fusion of three."""
        return self.bare if kind == "bare" or self.third is None else self.third

    def sent_texts(self) -> list[str]:
        """What the remote was sent since the start, as text: token ids are read."""
        bodies = [*self.tap.bodies, *self.open_tap.bodies]
        return [text for body in bodies for text in self._texts(body)]

    def sent_tokens(self) -> int:
        """How many tokens it was sent, by the local model's vocabulary."""
        return sum(self.local.engine.count_tokens(text) for text in self.sent_texts())

    def asked_tokens(self) -> int | None:
        """How many tokens it was asked to write, where every request says so."""
        wanted = [json.loads(body).get("max_tokens") for body in self.tap.bodies]
        wanted += [json.loads(body).get("max_tokens") for body in self.open_tap.bodies]
        return sum(wanted) if all(isinstance(count, int) for count in wanted) else None

    def _texts(self, body: str) -> Iterator[str]:
        for part in read_parts(json.loads(body), self._read_ids):
            if part.kind == "text" and not self.gate.is_public(part.text):
                yield part.text

    def _read_ids(self, ids: Any) -> str:
        return self.local.engine.vocabulary.text(ids).decode("utf-8", "replace")


@contextmanager
def open_world(settings: PairSettings) -> Iterator[World]:
    """Opens the models; what it started ends with the block.

    Raises:
        ModelError: A model can't be loaded.
        RemoteError: The remote can't be reached.
        ConfigurationError: A setting is wrong.
    """
    with ExitStack() as stack:
        local = ChatLocalLlama(model=settings.local, max_tokens=settings.max_tokens)
        local.engine.load()
        address, name, key = settings.remote, settings.remote_model, settings.remote_key
        large: LlamaCppEngine | None = None
        if settings.served_here:
            from langchain_cogenesis.server.process import serve_in_child

            model = settings.remote
            if settings.alteration is not None:
                model = str(stack.enter_context(altered_copy(model, settings.alteration)))
            child = stack.enter_context(serve_in_child(model))
            address, name, key = child.base_url, child.model, child.api_key
            large = _engine(stack, model)
        bare = _engine(stack, settings.local)
        third = None if settings.third is None else _engine(stack, settings.third)
        tap, open_tap = EgressTap(), EgressTap()
        gate = _tapped(tap, EgressPolicy())
        name = name or _first_model(address, key, settings, gate)
        remote = _remote(stack, address, name, key, settings, gate)
        open_remote = None
        if settings.may_see_all:
            trusting = _tapped(open_tap, EgressPolicy(trusted=frozenset({address})))
            open_remote = _remote(stack, address, name, key, settings, trusting)
        yield World(
            settings, local, LocalNextTokenModel(bare), gate, tap, remote, open_remote, open_tap,
            large, None if third is None else LocalNextTokenModel(third),
        )  # fmt: skip


def _engine(stack: ExitStack, model: str) -> LlamaCppEngine:
    engine = LlamaCppEngine(model)
    stack.callback(engine.close)
    return engine


def _tapped(tap: EgressTap, policy: EgressPolicy) -> EgressGate:
    # The tap has the two methods of a ledger that gate and transport call.
    ledger = cast("EgressLedger", tap)
    return EgressGate(policy=policy, ledger=ledger, public_texts=PUBLIC_TEMPLATES)


def _remote(
    stack: ExitStack,
    address: str,
    name: str,
    key: str | None,
    settings: PairSettings,
    gate: EgressGate,
) -> ChatRemote:
    remote = create_remote(
        address, name, api_key=key, gate=gate, timeout=settings.timeout, temperature=0.0
    )
    stack.callback(remote.close)
    return remote


def _first_model(address: str, key: str | None, settings: PairSettings, gate: EgressGate) -> str:
    with ExitStack() as stack:
        names = _remote(stack, address, "", key, settings, gate).list_models()
    if not names:
        raise ConfigurationError("the remote lists no model.", hint="Name one with --remote-model.")
    return names[0]


def read_case(world: World, example: TaskExample) -> Case:
    """Retrieves context for an example, as a session would, once for all rows.

    Args:
        world: Whose local model's window bounds it.
        example: The example.
    """
    settings = world.settings
    documents = retrieve_documents(
        world.local.engine, example, k=settings.k, max_tokens=settings.max_tokens
    )
    return Case(example, documents, values_of(example.context))
