"""Blocks that the local model drafts and the remote scores: the fewest requests of all.

A draft that is rejected was sent all the same, and drafts depend on private context. So this is for
those who ask for it; a draft is masked and admitted by the gate like any prefix, and ends where
something private might begin, so that none is ever in it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from langchain_cogenesis.exceptions import ConfigurationError, RemoteError
from langchain_cogenesis.fusion.decoding import OnFault, raise_fault
from langchain_cogenesis.fusion.drafting import BlockLength, BlockReport, Blocks
from langchain_cogenesis.fusion.steps import Mixer, Step
from langchain_cogenesis.models.logprobs import Distribution, Logprobs


def decode_local_blocks(
    mixer: Mixer,
    max_tokens: int,
    *,
    length: BlockLength | None = None,
    report: BlockReport | None = None,
    on_fault: OnFault = raise_fault,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[Step, None, None]:
    """Writes an answer with blocks that the local model drafts.

    The text is that of `decode`; the helper scores all positions of a block in one request.

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
        ConfigurationError: There isn't exactly one helper, or it doesn't score prompts.
        RemoteError: The helper failed, and `on_fault` raised it.
    """
    if len(mixer.helpers) != 1 or not mixer.helpers[0].model.capabilities.scores_prompt:
        raise ConfigurationError(
            "blocks that the local model drafts need one helper, and one that scores prompts.",
            hint="Let the remote draft, or ask once a token.",
        )
    blocks = _LocalBlocks(mixer, max_tokens, length, report, on_fault)
    return blocks.run(cancelled)


@dataclass(slots=True, repr=False)
class _Block:
    """A draft with the rows of both models.

    Attributes:
        left: Drafted tokens that are still ahead.
        rows: The helper's rows by length of the prefix that they follow.
        used: Rows that went into steps.
        asked: Rows that were asked for.
        seconds: Time of the request.
    """

    left: int = 0
    rows: dict[int, Distribution] = field(default_factory=dict)
    used: int = 0
    asked: int = 0
    seconds: float = 0.0


class _LocalBlocks(Blocks):
    """Blocks that the local model drafts."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._block: _Block | None = None

    def step(self) -> Step:
        """The next step."""
        local = self._ahead.row()
        why_not = self._failed or self._mixer.why_not(local)
        if why_not is not None:
            return self._mixer.local_step(local, why_not)
        place = len(self._helper.prefix.ids)
        if self._block is None or place not in self._block.rows:
            self.close()
            self._ask(local)
        if self._block is None or place not in self._block.rows:
            return self._mixer.local_step(local, self._failed or "gate")
        self._block.used += 1
        return self._mixer.fused_step(local, [self._block.rows[place]])

    def follow(self, token: int) -> None:
        """Notes which way the answer went."""
        held = self._ahead.follow(token)
        if self._block is not None:
            if held and self._block.left:
                self._block.left -= 1
            else:
                self.close()

    def close(self) -> None:
        """Ends the block."""
        if self._block is not None and self._block.asked:
            self._report.used.append(self._block.used)
            self._length.note(self._block.asked, self._block.used, self._block.seconds)
        self._block = None

    def _ask(self, local: Logprobs) -> None:
        block, prefixes = self._drafted(local)
        # The first was admitted a moment ago; the draft behind it goes as far as the gate lets it.
        while len(prefixes) > 1 and not self._helper.admit(self._sequence(prefixes[-1])):
            prefixes.pop()
        places = [len(prefix) for prefix in prefixes]
        sequence = self._sequence(prefixes[-1])
        first = len(self._helper.prompt) + places[0]
        model = self._helper.model
        try:
            # Meanwhile the local model drafts on, for the next block if this one holds.
            scored, block.seconds = self._overlap.run(
                lambda: model.score(sequence, first=first),
                expected=self._length.seconds,
                limit=block.left + self._length.next(),
            )
            block.rows = {place: scored[place - places[0]].checked(model.name) for place in places}
        except RemoteError as error:
            self._fail(error)
            return
        block.asked = len(places)
        self._report.requests += 1
        self._block = block

    def _sequence(self, prefix: list[int]) -> list[int]:
        return [*self._helper.prompt, *prefix]

    def _drafted(self, local: Logprobs) -> tuple[_Block, list[list[int]]]:
        """Drafts with the local model; the prefixes that the helper is asked about."""
        mixer, prefix = self._mixer, self._helper.prefix.fork()
        block, prefixes, row = _Block(), [list(prefix.ids)], local
        start = len(mixer.ids)
        room = self._max_tokens - start
        for ahead in range(1, min(self._length.next(), room)):
            # What the local model would pick is the likeliest guess of what both will.
            token = mixer.sampler.pick(row.values, start + ahead - 1)
            prefix.push(token)
            if token in mixer.local.eog_ids or prefix.why_not is not None:
                break
            row = self._ahead.go(ahead - 1, token)
            block.left += 1
            if mixer.schedule.asks(start + ahead, row):
                prefixes.append(list(prefix.ids))
        return block, prefixes
