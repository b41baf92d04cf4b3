"""Blocks: several positions in one request, with the output of one request per token.

The remote drafts a block from what it may see, with its distribution at each position; the local
model reads the block in one decode. Position by position the two rows are fused as they would be
one at a time. The block holds as long as the answer goes the way it was drafted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from langchain_cogenesis.exceptions import ConfigurationError, RemoteError, RemoteResponseError
from langchain_cogenesis.fusion.decoding import OnFault, raise_fault
from langchain_cogenesis.fusion.lookahead import LookAhead, Overlap
from langchain_cogenesis.fusion.steps import Helper, Mixer, Step, check_block
from langchain_cogenesis.models.base import Draft
from langchain_cogenesis.models.logprobs import Distribution

LONGEST = 8
"""Longest adaptive block, tokens."""


@dataclass(slots=True)
class BlockLength:
    """How long the next block is: fixed, or by what the last ones were worth.

    Attributes:
        fixed: Length of every block, or None to adapt.
        accepted: Running mean of the share of a block that was used.
        seconds: Running mean of a request's time.
    """

    fixed: int | None = None
    accepted: float = 0.7
    seconds: float = 0.0
    _token_seconds: float = field(default=2e-3, init=False)

    def __post_init__(self) -> None:
        if self.fixed is not None:
            check_block(self.fixed)

    def next(self) -> int:
        """Length of the next block, tokens.

        It maximises tokens per second under a simple model: each further token is used with the
        running acceptance, and costs one token's time at the remote.
        """
        if self.fixed is not None:
            return self.fixed
        wait = max(self.seconds - self._token_seconds, 0.0)

        def rate(length: int) -> float:
            used = sum(self.accepted**n for n in range(length))
            return used / (wait + length * self._token_seconds)

        return max(range(1, LONGEST + 1), key=rate)

    def note(self, drafted: int, used: int, seconds: float) -> None:
        """Takes what a block was worth into account."""
        if drafted > 1:
            # Of the tokens that could have gone on, how many did.
            share = min(1.0, max(0.05, (used - 1) / (drafted - 1)))
            self.accepted += 0.2 * (share - self.accepted)
        self.seconds = seconds if not self.seconds else 0.8 * self.seconds + 0.2 * seconds


@dataclass(slots=True, repr=False)
class BlockReport:
    """What the blocks of an answer came to.

    Attributes:
        requests: Requests that drafted.
        used: For each, how many of its rows were used.
    """

    requests: int = 0
    used: list[int] = field(default_factory=list)


def decode_blocks(
    mixer: Mixer,
    max_tokens: int,
    *,
    length: BlockLength | None = None,
    report: BlockReport | None = None,
    on_fault: OnFault = raise_fault,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[Step, None, None]:
    """Writes an answer with blocks that the helper drafts.

    Nothing but accepted output is ever sent. Where one request per token would not have asked, no
    row of the block is used.

    Args:
        mixer: Two models and how they are fused.
        max_tokens: Tokens at most; see `Mixer.room`.
        length: How long blocks are; adaptive by default.
        report: Filled with what the blocks came to.
        on_fault: What to do when the helper fails.
        cancelled: Asked before each step; the answer ends when it returns true.

    Yields:
        A step for each token, as `decode` would.

    Raises:
        ConfigurationError: There isn't exactly one helper.
        RemoteError: The helper failed, and `on_fault` raised it.
    """
    if len(mixer.helpers) != 1:
        raise ConfigurationError(
            f"blocks need one helper, and there are {len(mixer.helpers)}.",
            hint="Ask once a token: block=None.",
        )
    blocks = _RemoteBlocks(mixer, max_tokens, length, report, on_fault)
    return blocks.run(cancelled)


class Blocks(ABC):
    """Blocks of an answer, one after the other; who drafts them is told by the subclass.

    Args:
        mixer: Two models and how they are fused.
        max_tokens: Tokens at most.
        length: How long blocks are; adaptive by default.
        report: Filled with what the blocks came to.
        on_fault: What to do when the helper fails.
    """

    def __init__(
        self,
        mixer: Mixer,
        max_tokens: int,
        length: BlockLength | None,
        report: BlockReport | None,
        on_fault: OnFault,
    ) -> None:
        self._mixer = mixer
        self._max_tokens = max_tokens
        self._helper: Helper = mixer.helpers[0]
        self._length = length or BlockLength()
        self._report = report or BlockReport()
        self._on_fault = on_fault
        self._failed: str | None = None
        self._ahead = LookAhead(mixer)
        self._overlap = Overlap(self._helper, self._ahead)

    def run(self, cancelled: Callable[[], bool] | None) -> Generator[Step, None, None]:
        """Yields the answer's steps."""
        try:
            for _ in range(self._max_tokens):
                if cancelled is not None and cancelled():
                    break
                step = self.step()
                if step.token in self._mixer.local.eog_ids:
                    break
                self._mixer.take(step)
                self.follow(step.token)
                yield step
            self.close()
        finally:
            self._overlap.close()

    @abstractmethod
    def step(self) -> Step:
        """The next step."""

    @abstractmethod
    def follow(self, token: int) -> None:
        """Notes which way the answer went."""

    @abstractmethod
    def close(self) -> None:
        """Ends the block that is being read."""

    def _fail(self, error: RemoteError) -> None:
        self._on_fault(error)
        self._failed = f"fault: {type(error).__name__}"


class _RemoteBlocks(Blocks):
    """Blocks that the helper drafts."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._draft: Draft | None = None
        self._start: list[int] = []
        self._used = 0
        self._seconds = 0.0

    def step(self) -> Step:
        """The next step."""
        row = self._drafted_row()
        if row is None and self._failed is None and self._mixer.asks_blindly:
            # The local row is decoded while the request is under way.
            row = self._ask()
        local = self._ahead.row()
        why_not = self._failed or self._mixer.why_not(local)
        if why_not is None and row is None:
            row = self._ask()
        if why_not is not None or row is None:
            return self._mixer.local_step(local, why_not or self._failed or "")
        self._used += 1
        return self._mixer.fused_step(local, [row])

    def follow(self, token: int) -> None:
        """Notes which way the answer went."""
        self._ahead.follow(token)

    def close(self) -> None:
        """Ends the block."""
        if self._draft is not None:
            self._report.used.append(self._used)
            self._length.note(len(self._draft.rows), self._used, self._seconds)
        self._draft, self._used = None, 0

    def _drafted_row(self) -> Distribution | None:
        """The block's row for what the helper may see now, if the answer went as drafted."""
        if self._draft is None:
            return None
        seen = self._helper.prefix.ids
        ahead = seen[len(self._start) :]
        fits = (
            seen[: len(self._start)] == self._start
            and len(ahead) < len(self._draft.rows)
            and tuple(ahead) == self._draft.ids[: len(ahead)]
        )
        return self._draft.rows[len(ahead)] if fits else None

    def _ask(self) -> Distribution | None:
        self.close()
        model, sequence, length = self._helper.model, self._helper.sequence, self._length.next()
        try:
            draft, self._seconds = self._overlap.run(
                lambda: model.draft(sequence, length),
                expected=self._length.seconds,
                limit=length,
            )
            if not draft.rows:
                raise _no_rows(self._helper)
            for row in draft.rows:
                row.checked(model.name)
        except RemoteError as error:
            self._fail(error)
            return None
        self._report.requests += 1
        self._draft, self._start = draft, list(self._helper.prefix.ids)
        # The local model reads the whole block at once when the next row is wanted.
        self._ahead.expect(draft.ids)
        return draft.rows[0]


def _no_rows(helper: Helper) -> RemoteError:
    return RemoteResponseError(
        f"{helper.model.name} drafted nothing.", hint="Ask once a token: block=None."
    )
