"""The fused decoding loop, one request per token: yields steps, and decides nothing else.

It is the reference that blocks are measured against, and shares no code with them but `Mixer`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from langchain_cogenesis.exceptions import RemoteError
from langchain_cogenesis.fusion.steps import Mixer, Step
from langchain_cogenesis.models.logprobs import Distribution, Logprobs

OnFault = Callable[[RemoteError], None]
"""Told of a helper's fault; returning means: the local model goes on alone."""


def raise_fault(error: RemoteError) -> None:
    """Lets a fault end the answer."""
    raise error


def decode(
    mixer: Mixer,
    max_tokens: int,
    *,
    on_fault: OnFault = raise_fault,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[Step, None, None]:
    """Writes an answer, asking each helper once a token.

    Args:
        mixer: The models and how they are fused.
        max_tokens: Tokens at most; see `Mixer.room`.
        on_fault: What to do when a helper fails.
        cancelled: Asked before each step; the answer ends when it returns true.

    Yields:
        A step for each token; the token that ends the text is not yielded.

    Raises:
        RemoteError: A helper failed, and `on_fault` raised it.
    """
    failed: str | None = None
    for _ in range(max_tokens):
        if cancelled is not None and cancelled():
            return
        local = local_row(mixer)
        why_not = failed or mixer.why_not(local)
        step: Step | None = None
        if why_not is None:
            try:
                step = mixer.fused_step(local, helper_rows(mixer))
            except RemoteError as error:
                on_fault(error)
                failed = why_not = f"fault: {type(error).__name__}"
        if step is None:
            step = mixer.local_step(local, why_not or "")
        if step.token in mixer.local.eog_ids:
            return
        mixer.take(step)
        yield step


def local_row(mixer: Mixer) -> Logprobs:
    """What the local model expects next."""
    sequence = [*mixer.prompt, *mixer.ids]
    (row,) = mixer.local.score(sequence, first=len(sequence))
    assert isinstance(row, Logprobs)
    return row


def helper_rows(mixer: Mixer) -> list[Distribution]:
    """What each helper expects next, one request each."""
    rows: list[Distribution] = []
    for helper in mixer.helpers:
        sequence = helper.sequence
        (row,) = helper.model.score(sequence, first=len(sequence))
        rows.append(row.checked(helper.model.name))
    return rows
