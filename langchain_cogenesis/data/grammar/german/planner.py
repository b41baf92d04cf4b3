"""Outlines as somebody writes them who knows the request and nothing of the context."""

from __future__ import annotations

import string
from random import Random

from langchain_cogenesis.data.grammar.german.occasions import Occasion
from langchain_cogenesis.data.grammar.german.tasks import Form, load_words
from langchain_cogenesis.data.grammar.german.users import GermanText


def plan_outline(
    random: Random, form: Form, text: GermanText, occasion: Occasion
) -> tuple[str, ...]:
    """Words the points of a text by what its request tells.

    Args:
        random: Source of all choices.
        form: What kind of text it is.
        text: The request, and the points that its answer carries out.
        occasion: The facts; a point that can't be worded without an unknown one is left out.
    """
    words = load_words()
    lines = [random.choice(words["outline_begins"][form])]
    for point in text.points:
        wordings = point.outline + point.unknowing
        slots = {template: _facts(template, occasion) for template in wordings}
        known = [t for t, values in slots.items() if all(v in text.instruction for v in values)]
        # What the request gives is noted: it would be lost on a writer who sees the outline only.
        told = [template for template in known if slots[template]]
        if known:
            lines.append(random.choice(told or known).format_map(occasion.slots))
    if ends := words["outline_ends"].get(form):
        lines.append(random.choice(ends))
    return tuple(lines)


def _facts(template: str, occasion: Occasion) -> list[str]:
    """Values of the facts that a template says."""
    names = (name for _, name, _, _ in string.Formatter().parse(template) if name)
    return [occasion.facts[name][1] for name in names if name in occasion.facts]
