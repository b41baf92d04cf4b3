"""Lets users write through a recording relay, and keeps the record of what left.

Recordings are private data, as what leaked is in them: files of 0600 in a folder of 0700. What a
folder holds already of the same users and settings is not run again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from langchain_cogenesis.evaluation.audit.relay import Relay, recording_relay
from langchain_cogenesis.evaluation.audit.subjects import Subject
from langchain_cogenesis.exceptions import CoGenesisError, ConfigurationError

if TYPE_CHECKING:
    from langchain_cogenesis.collaboration import Mode
    from langchain_cogenesis.logit_settings import LogitSettings
    from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
    from langchain_cogenesis.privacy.policy import EgressPolicy
    from langchain_cogenesis.server.process import Endpoint

Variant = Literal["ours", "fixed", "fixed again", "entropy"]
"""`ours` is the mode as it is. The others are logit mode towards an endpoint that is trusted, so
that no private span keeps it from asking: at a fixed rate, twice, and where the text says."""

LOCAL, REMOTE = "house-small", "house-large"
_ENTROPY_NATS = 1.0
_SUFFIX = ".wire"
_STORE = "store-"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How users write.

    Attributes:
        mode: The mode.
        variant: Of logit mode.
        schedule: Which steps ask, in logit mode; as `parse_schedule` reads it.
        max_tokens: Length of a text, tokens.
    """

    mode: Mode = "sketch"
    variant: Variant = "ours"
    schedule: str = "every"
    max_tokens: int = 16

    @property
    def name(self) -> str:
        """What its recordings are called."""
        return f"{self.mode}-{self.variant}".replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one user's writing.

    Attributes:
        number: The user's.
        record_file: What left.
        fault: Class of the error that ended it, or None; what had left is in the record.
        kept: Whether it was there already.
    """

    number: int
    record_file: Path = field(repr=False)
    fault: str | None = None
    kept: bool = False


def record_runs(subjects: Sequence[Subject], settings: RunSettings, folder: Path) -> Iterator[Run]:
    """Lets each user write once, and yields what came of it.

    Args:
        subjects: The users.
        settings: How they write.
        folder: Private; where recordings lie.

    Raises:
        RemoteUnavailableError: Endpoint or relay could not start.
    """
    files = {subject.number: _record_file(folder, subject, settings) for subject in subjects}
    missing = [subject for subject in subjects if not files[subject.number].exists()]
    yield from (
        Run(subject.number, files[subject.number], kept=True)
        for subject in subjects
        if files[subject.number].exists()
    )
    if not missing:
        return
    with _writers(settings) as writers:
        for subject in missing:
            target = files[subject.number]
            fault = writers.write(subject, target.with_suffix(".part"))
            target.with_suffix(".part").replace(target)
            yield Run(subject.number, target, fault)


@contextmanager
def audit_folder(path: Path) -> Iterator[Path]:
    """Makes a folder that only its owner can look into (0700), and holds it for one audit.

    Raises:
        ConfigurationError: It can't be made, is open to others and holds other files, or another
            audit is at work in it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path / ".lock", timeout=0, mode=0o600)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077 and any(path.iterdir()):
            # Tightening a folder that is in use for something else would lock others out of it.
            raise ConfigurationError(
                f"{path} holds files and is open to others.",
                hint="Give a folder of its own: recordings are private data.",
            )
        path.chmod(0o700)
        lock.acquire()
    except Timeout:
        raise ConfigurationError(
            f"another audit is at work in {path}.", hint="Wait for it, or give another folder."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't hold recordings ({error.strerror}).",
            hint="Choose a directory that you own and that is not a file.",
        ) from None
    with lock:
        # What a killed audit left of the stores that its users had.
        for left in path.glob(f"{_STORE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield path


def _record_file(folder: Path, subject: Subject, settings: RunSettings) -> Path:
    """Where a recording lies: its name has a digest of all that it depends on."""
    told = "\n".join((repr(settings), _models(), subject.instruction, subject.history()))
    digest = hashlib.sha256(told.encode()).hexdigest()[:12]
    return folder / f"{settings.name}-{subject.number:06d}-{digest}{_SUFFIX}"


@cache
def _models() -> str:
    """A digest of both models: with others, other texts leave."""
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

    files = (LlamaCppEngine(name).path for name in (LOCAL, REMOTE))
    return "/".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


@dataclass(frozen=True, slots=True, repr=False)
class _Writers:
    settings: RunSettings
    relay: Relay
    endpoint: Endpoint
    local: ChatLocalLlama

    def write(self, subject: Subject, record_file: Path) -> str | None:
        """Has one user write, from a store that lasts no longer; returns an error's class."""
        from langchain_cogenesis.chat_models import ChatCoGenesis
        from langchain_cogenesis.models.remote import create_remote
        from langchain_cogenesis.session import UserSession

        self.relay.record_to(record_file)
        with ExitStack() as stack:
            root = stack.enter_context(TemporaryDirectory(prefix=_STORE, dir=record_file.parent))
            session = stack.enter_context(
                UserSession("audited", root, create=True, policy=self._policy())
            )
            session.add(subject.context)
            remote = create_remote(
                self.relay.base_url, self.endpoint.model, api_key=self.endpoint.api_key,
                gate=session.gate, temperature=0,
            )  # fmt: skip
            stack.callback(remote.close)
            model = ChatCoGenesis(
                local=self.local, remote=remote, session=session, mode=self.settings.mode,
                logits=self._logits(), on_remote_error="local",
            )  # fmt: skip
            try:
                model.invoke(subject.instruction)
            except CoGenesisError as error:
                return type(error).__name__
            finally:
                self.relay.record_to(None)
        return None

    def _policy(self) -> EgressPolicy | None:
        from langchain_cogenesis.privacy.policy import EgressPolicy

        if self.settings.variant == "ours":
            return None
        return EgressPolicy(trusted=frozenset({self.relay.base_url}))

    def _logits(self) -> LogitSettings:
        from langchain_cogenesis.fusion.schedule import EntropySchedule, parse_schedule
        from langchain_cogenesis.logit_settings import LogitSettings

        chosen = parse_schedule(self.settings.schedule)
        if self.settings.variant == "entropy":
            chosen = EntropySchedule(_ENTROPY_NATS)
        return LogitSettings(
            schedule=chosen, prefix="masked" if self.settings.variant == "ours" else "raw"
        )


@contextmanager
def _writers(settings: RunSettings) -> Iterator[_Writers]:
    from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
    from langchain_cogenesis.server.process import serve_in_child

    with serve_in_child(REMOTE) as endpoint, recording_relay(endpoint.base_url) as relay:
        local = ChatLocalLlama(model=LOCAL, max_tokens=settings.max_tokens, temperature=0)
        yield _Writers(settings, relay, endpoint, local)


def all_faults(runs: Iterable[Run]) -> dict[str, int]:
    """How many runs ended with an error, by its class."""
    counts: dict[str, int] = {}
    for run in runs:
        if run.fault is not None:
            counts[run.fault] = counts.get(run.fault, 0) + 1
    return counts
