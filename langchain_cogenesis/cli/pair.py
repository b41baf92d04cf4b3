"""Opens what `write` and `demo` need: a user's session, the local model, the remote one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.model_source import house_remote
from langchain_cogenesis.models.remote import ChatRemote, create_remote
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.session import UserSession

HOUSE_LOCAL = "house-small"


@dataclass(frozen=True, slots=True)
class PairOptions:
    """Which two models write together.

    Attributes:
        local: A GGUF's path, a hub name `owner/repo:file.gguf`, or a house model.
        remote: The remote's address; None starts the larger house model of the local one's
            language as a child process.
        remote_model: The model's name there; None takes the first that the endpoint lists.
        remote_key: The endpoint's key.
        timeout: Seconds after which a silent endpoint counts as hanging.
    """

    local: str = HOUSE_LOCAL
    remote: str | None = None
    remote_model: str | None = None
    remote_key: str | None = None
    timeout: float = 60.0


@contextmanager
def open_model(
    session: UserSession, options: PairOptions, *, with_remote: bool, **settings: Any
) -> Iterator[ChatCoGenesis]:
    """Opens the collaborating model for a user; what it started ends with the block.

    Args:
        session: The user's.
        options: Which models.
        with_remote: Whether a remote is needed at all.
        **settings: Further fields of `ChatCoGenesis`.
    """
    with ExitStack() as stack:
        remote = stack.enter_context(open_remote(session.gate, options)) if with_remote else None
        local = ChatLocalLlama(model=options.local)
        yield ChatCoGenesis(local=local, remote=remote, session=session, **settings)


@contextmanager
def open_remote(gate: EgressGate, options: PairOptions) -> Iterator[ChatRemote]:
    """Opens the remote: the endpoint that was named, or a house model as a child process."""
    if options.remote is None:
        from langchain_cogenesis.server.process import serve_in_child

        with (
            serve_in_child(house_remote(options.local)) as child,
            # Greedy: a sampled outline leads the small house model astray one time in ten.
            _connected(
                gate, options, child.base_url, child.model, child.api_key, temperature=0.0
            ) as remote,
        ):
            yield remote
        return
    name = options.remote_model
    if name is None:
        with _connected(gate, options, options.remote, "", options.remote_key) as asking:
            name = _first_model(asking)
    with _connected(gate, options, options.remote, name, options.remote_key) as remote:
        yield remote


@contextmanager
def _connected(
    gate: EgressGate,
    options: PairOptions,
    address: str,
    model: str,
    key: str | None,
    **settings: Any,
) -> Iterator[ChatRemote]:
    remote = create_remote(
        address, model, api_key=key, gate=gate, timeout=options.timeout, **settings
    )
    try:
        yield remote
    finally:
        remote.close()


def _first_model(remote: ChatRemote) -> str:
    names = remote.list_models()
    if not names:
        raise ConfigurationError("the remote lists no model.", hint="Name one with --remote-model.")
    return names[0]


def read_text(given: str) -> str:
    """An instruction from the command line: the text itself, `@file`, or `-` for stdin."""
    if given == "-":
        import sys

        raw = sys.stdin.buffer.read()
    elif given.startswith("@"):
        path = Path(given[1:])
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"the instruction's file {path} can't be read: {error.strerror}.",
                hint="Give the instruction as text, @FILE, or - for standard input.",
            ) from error
    else:
        raw = given.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"the instruction is not UTF-8 (byte {error.start}).", hint="Save it as UTF-8."
        ) from error
    if not text:
        raise ConfigurationError(
            "the instruction is empty.", hint='Say what to write, as in "Thank Tomas for the help".'
        )
    return text
