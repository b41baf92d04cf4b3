"""Outlines of other kinds, and several of them of which the local model chooses one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.documents import Document
from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_cogenesis.collaboration import message_text
from langchain_cogenesis.evaluation.comparison.rows import Write, Written
from langchain_cogenesis.evaluation.comparison.world import Case, World
from langchain_cogenesis.exceptions import SketchError
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.privacy.gate import ClearedText
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import SketchStyle, private_messages, role_pairs
from langchain_cogenesis.sketch import Sketch, SketchNode

TEMPERATURE = 0.8
"""Of outlines of which one is chosen; a single one is greedy."""

Points = tuple[str, ...]


def by_outline(style: SketchStyle = SketchStyle(), *, choices: int | None = None) -> Write:
    """Writes as sketch mode does, after an outline of another kind.

    Args:
        style: What is asked for.
        choices: So many outlines are asked for, sampled with the seeds 0, 1 and so on, and the
            local model takes the one that it expects most; None asks for one, greedily.
    """

    def write(world: World, case: Case, written: Written) -> Iterator[str]:
        instruction, conversation = case.example.instruction, Conversation()
        cleared = world.gate.require(
            instruction, endpoint=world.remote.endpoint, conversation=conversation
        )
        sketches = _asked(SketchNode(world.remote, style=style), cleared, choices)
        _note_usage(sketches, written)
        outlines = [sketch.restored(conversation).points for sketch in sketches]
        points = choose_outline(world.local.engine, instruction, case.documents, outlines)
        written.account["sketch"] = points
        messages = list(private_messages(instruction, case.documents, points))
        limit = world.settings.max_tokens
        for chunk in world.local.stream(messages, max_tokens=limit, temperature=0.0):
            yield message_text(chunk)

    return write


def choose_outline(
    engine: LlamaCppEngine,
    instruction: str,
    documents: Sequence[Document],
    outlines: Sequence[Points],
) -> Points:
    """Takes the outline that the local model expects most, a token, after context and instruction.

    Nothing leaves for it. Outlines that don't fit the model's window are passed over.

    Args:
        engine: The local model.
        instruction: What the user asks for.
        documents: Private context.
        outlines: The outlines, restored; at least one.
    """
    if len(outlines) == 1:
        return outlines[0]
    scores = [outline_logprob(engine, instruction, documents, points) for points in outlines]
    return outlines[max(range(len(outlines)), key=lambda number: scores[number])]


def outline_logprob(
    engine: LlamaCppEngine, instruction: str, documents: Sequence[Document], points: Points
) -> float:
    """Mean natural-log probability of an outline's tokens where it stands in the local prompt.

    Returns:
        The mean; minus infinity for a prompt that doesn't fit the model's window.
    """
    bare = _prompt(engine, instruction, documents, ())
    whole = _prompt(engine, instruction, documents, points)
    first, behind = _shared(bare, whole), _shared(bare[::-1], whole[::-1])
    tokens = whole[first : len(whole) - behind]
    if not tokens or len(whole) > engine.n_ctx:
        return float("-inf")
    rows = engine.score(whole[: len(whole) - behind], first=first)
    values = [float(row[token]) for row, token in zip(rows, tokens, strict=False)]
    return sum(values) / len(values)


def _asked(node: SketchNode, cleared: ClearedText, choices: int | None) -> list[Sketch]:
    if choices is None:
        return [node.invoke(cleared)]
    found: list[Sketch] = []
    failed: SketchError | None = None
    for seed in range(choices):
        try:
            found.append(node.invoke(cleared, temperature=TEMPERATURE, seed=seed))
        except SketchError as error:
            failed = error
    if failed is not None and not found:
        raise failed
    return found


def _note_usage(sketches: Sequence[Sketch], written: Written) -> None:
    usage: UsageMetadata | None = None
    for sketch in sketches:
        if sketch.usage is None:
            return
        usage = add_usage(usage, sketch.usage)
    if usage is not None:
        written.usage = {"input": usage["input_tokens"], "output": usage["output_tokens"]}


def _prompt(
    engine: LlamaCppEngine, instruction: str, documents: Sequence[Document], points: Points
) -> list[int]:
    pairs = role_pairs(private_messages(instruction, documents, points))
    return engine.apply_template([{"role": role, "content": text} for role, text in pairs])


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    length = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        length += 1
    return length
