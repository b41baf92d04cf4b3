"""What happens to each private value of a text: by the policy, and by answers where it asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from langchain_cogenesis.privacy.asking import Answers, Ask, EgressQuestion, Unanswered
from langchain_cogenesis.privacy.detectors import merge_overlaps
from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.policy import Action, EgressPolicy
from langchain_cogenesis.privacy.preview import Denied

_STRICTEST: tuple[Action, ...] = ("refuse", "mask", "ask")
_AROUND = 60
"""Characters shown on either side of a value that is asked about."""


def policy_actions(
    policy: EgressPolicy, parts: Iterable[Match], endpoint: str
) -> dict[Match, Action]:
    """What the policy says of each private value of a text.

    What a longer value holds is not let through with it, unless it may leave by itself.

    Args:
        policy: The policy.
        parts: What was found, in any order; may overlap.
        endpoint: Where the text would go.

    Returns:
        The values from left to right, overlapping ones joined, with their actions.
    """
    ordered = sorted(parts, key=attrgetter("start"))
    if not ordered:
        return {}
    actions: dict[Match, Action] = {}
    inner = iter(ordered)
    part = next(inner, None)
    for match in merge_overlaps(ordered):
        action = policy.action(match.kind, endpoint)
        held: set[Action] = set()
        while part is not None and part.start < match.end:
            held.add(policy.action(part.kind, endpoint))
            part = next(inner, None)
        if action in ("allow", "ask"):
            action = next((strict for strict in _STRICTEST if strict in held), action)
        actions[match] = action
    return actions


def ask_about(
    text: str,
    actions: dict[Match, Action],
    endpoint: str,
    answers: Answers,
    ask: Ask | None,
    asked: Counter[tuple[str, str]],
) -> Denied | None:
    """Puts an answer in the place of each `ask`.

    Args:
        text: The text.
        actions: What the policy says of its values; changed here.
        endpoint: The origin of where it would go.
        answers: Those of the conversation so far.
        ask: Answers; None if there is nobody to ask.
        asked: Counts answers by kind and decision.

    Returns:
        The refusal, if a value was refused or there is no answer.
    """
    found = list(actions)
    for match in found:
        if actions[match] != "ask":
            continue
        surface = text[match.start : match.end]
        question = EgressQuestion(match.kind, endpoint, surface, excerpt(text, found, match))
        decision = answers.decide(question, ask)
        if isinstance(decision, Unanswered):
            return Denied(endpoint, {match.kind: 1}, decision.reason, decision.hint, asked)
        asked[(match.kind, decision)] += 1
        actions[match] = decision
        if decision == "refuse":
            why, hint = "it was refused when asked about", "Take this value out of the text."
            return Denied(endpoint, {match.kind: 1}, why, hint, asked)
    return None


def mask_all(actions: dict[Match, Action]) -> None:
    """Masks what the policy would ask about, where nobody may be asked."""
    actions.update({match: "mask" for match, action in actions.items() if action == "ask"})


def may_stand(action: Action, answers: Answers | None, text: str, match: Match) -> bool:
    """Whether a value may stay in a text that leaves: by the policy, or by an answer."""
    if action != "ask" or answers is None:
        return action == "allow"
    return answers.allow(text, match.start, match.end)


def excerpt(text: str, matches: Sequence[Match], asked: Match) -> str:
    """What stands around a match, on one line, with every match masked by its kind.

    Args:
        text: The text.
        matches: All that is private in it, from left to right, not overlapping.
        asked: The one in the middle.
    """
    sides, reached = ["", ""], 0
    for match in (*matches, None):
        side = match is None or match.start > asked.start
        mark = f"[{match.kind}]" if match is not None and match != asked else ""
        sides[side] += text[reached : match.start if match else len(text)] + mark
        reached = match.end if match else reached
    before, after = (" ".join(f"|{side}|".split())[1:-1] for side in sides)
    if len(before) > _AROUND:
        before = "…" + before[-_AROUND:]
    if len(after) > _AROUND:
        after = after[:_AROUND] + "…"
    return f"{before}[{asked.kind}?]{after}".strip()
