"""Fills templates with facts, with placeholders for what is masked or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from langchain_cogenesis.data.grammar.occasions.base import Slot
from langchain_cogenesis.data.grammar.tasks import slots_in_order, slots_of
from langchain_cogenesis.privacy.placeholders import PLACEHOLDERS_PER_KIND, placeholder

_OTHER_KIND = "ITEM"
"""Placeholder kind of a blank whose fact is of no kind."""


class Wording:
    """Fills templates for one writer, who knows some of the facts.

    Args:
        slots: All facts.
        known: Names of the facts that the writer knows.
        masked: Placeholder kinds that are shown as placeholders.
        blanks: Write a placeholder for an unknown fact, rather than avoid it.
        given: Placeholders that another wording of the same text has given out.
    """

    def __init__(
        self,
        slots: Mapping[str, Slot],
        known: Iterable[str],
        *,
        masked: frozenset[str] = frozenset(),
        blanks: bool = False,
        given: dict[tuple[str, str], str] | None = None,
    ) -> None:
        self.slots = slots
        self.known = set(known)
        self.masked = masked
        self.blanks = blanks
        self.used: dict[str, str] = {}
        self.given: dict[tuple[str, str], str] = given if given is not None else {}

    def usable(self, template: str) -> bool:
        """Whether the writer can fill every slot of the template."""
        names = slots_of(template)
        if not names <= set(self.slots):
            return False
        # What has no kind of its own is left blank only to keep what is known beside it.
        told = any(n in self.known and self.slots[n].kind in self.masked for n in names)
        return all(
            name in self.known or (self.blanks and (told or self.slots[name].kind is not None))
            for name in names
        )

    def knows(self, template: str) -> bool:
        """Whether every slot of the template is a fact that the writer knows."""
        return slots_of(template) <= self.known and slots_of(template) <= set(self.slots)

    def invented(self, name: str) -> bool:
        """Whether a slot holds what the planner invented, rather than a fact."""
        return self.slots[name].source == "planner"

    def fill(self, template: str) -> str:
        """Fills a usable template."""
        # In order, because placeholders are numbered as they appear.
        values = {name: self._value(name) for name in slots_in_order(template)}
        return template.format_map(values)

    def _value(self, name: str) -> str:
        slot = self.slots[name]
        if name in self.known and (slot.kind is None or slot.kind not in self.masked):
            if slot.source != "planner":
                self.used[name] = slot.value
            return slot.value
        key = (slot.kind or _OTHER_KIND, slot.who)
        if key not in self.given:
            number = sum(1 for kind, _ in self.given if kind == key[0]) + 1
            self.given[key] = placeholder(key[0], min(number, PLACEHOLDERS_PER_KIND))
        return self.given[key]
