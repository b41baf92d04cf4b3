"""Fills templates with facts, with placeholders for what is masked or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from langchain_cogenesis.data.grammar.occasions import Slot
from langchain_cogenesis.data.grammar.tasks import slots_in_order, slots_of
from langchain_cogenesis.privacy.placeholders import PLACEHOLDERS_PER_KIND, placeholder


class Wording:
    """Fills templates for one writer, who knows some of the facts.

    Args:
        slots: All facts.
        known: Names of the facts that the writer knows.
        masked: Placeholder kinds that are shown as placeholders.
        blanks: Write a placeholder for an unknown fact, rather than avoid it.
    """

    def __init__(
        self,
        slots: Mapping[str, Slot],
        known: Iterable[str],
        *,
        masked: frozenset[str] = frozenset(),
        blanks: bool = False,
    ) -> None:
        self.slots = slots
        self.known = set(known)
        self.masked = masked
        self.blanks = blanks
        self.used: dict[str, str] = {}
        self._given: dict[tuple[str, str], str] = {}

    def usable(self, template: str) -> bool:
        """Whether the writer can fill every slot of the template."""
        return all(
            name in self.known or (self.blanks and self.slots[name].kind is not None)
            for name in slots_of(template)
            if name in self.slots
        ) and slots_of(template) <= set(self.slots)

    def knows(self, template: str) -> bool:
        """Whether every slot of the template is a fact that the writer knows."""
        return slots_of(template) <= self.known

    def fill(self, template: str) -> str:
        """Fills a usable template."""
        # In order, because placeholders are numbered as they appear.
        values = {name: self._value(name) for name in slots_in_order(template)}
        return template.format_map(values)

    def _value(self, name: str) -> str:
        slot = self.slots[name]
        if slot.kind is None or (name in self.known and slot.kind not in self.masked):
            if slot.source != "planner":
                self.used[name] = slot.value
            return slot.value
        key = (slot.kind, slot.who)
        if key not in self._given:
            number = sum(1 for kind, _ in self._given if kind == slot.kind) + 1
            self._given[key] = placeholder(slot.kind, min(number, PLACEHOLDERS_PER_KIND))
        return self._given[key]
