"""Invented users of our grammar, with the private information that their context holds."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from langchain_cogenesis.context.schema import PrivateContext
from langchain_cogenesis.data.composition import create_request, write_earlier
from langchain_cogenesis.data.grammar import names
from langchain_cogenesis.data.grammar.occasions.base import Slot
from langchain_cogenesis.data.grammar.personas import Persona, create_persona, distractions
from langchain_cogenesis.data.grammar.tasks import load_tasks
from langchain_cogenesis.data.grammar.wording import Wording
from langchain_cogenesis.evaluation.audit.subjects import (
    Subject,
    Unit,
    age_band,
    known_units,
    name_parts,
)

_PROMISED = frozenset({"NAME", "PLACE", "ORG", "EMAIL", "PHONE", "NUMBER", "ADDRESS", "AMOUNT"})
_OWN_NAMES = {"ORG": "firm"}


def grammar_subject(seed: int, number: int) -> Subject:
    """Creates a user who asks for one text; the same arguments give the same user.

    Args:
        seed: Which population.
        number: Which user of it.
    """
    # Random hashes strings by SHA-512, so the user is the same on every machine.
    random = Random(f"audit/{seed}/{number}")
    persona = create_persona(random)
    task = random.choice(load_tasks())
    request = create_request(random, persona, task, "all")
    occasion = request.occasion
    instruction = Wording(occasion.slots, request.mentioned()).fill(request.instruction.template)
    others = distractions(random, persona, random.randint(2, 5))
    context = PrivateContext(
        profile=persona.profile,
        activities=(*occasion.activities, *others),
        writings=tuple(write_earlier(random, persona, "all") for _ in range(2)),
    )
    units = known_units((*_profile_units(persona), *_slot_units(occasion.slots)), context)
    return Subject(number, instruction, context, units, _attributes(persona))


def _profile_units(persona: Persona) -> Iterator[Unit]:
    profile = persona.profile
    for name in (profile.name, *(contact.name for contact in profile.contacts)):
        yield from (Unit("name", part, promised=True) for part in (name, *name_parts(name)))
    yield Unit("firm", profile.company or "", promised=True)
    yield Unit("place", profile.location or "", promised=True)
    addresses = [profile.email, *(contact.email for contact in profile.contacts)]
    yield from (Unit("email", address, promised=True) for address in addresses if address)
    yield Unit("occupation", profile.occupation or "")
    yield from (Unit("private fact", fact) for fact in profile.facts)


def _slot_units(slots: dict[str, Slot]) -> Iterator[Unit]:
    for slot in slots.values():
        # What the planner invents is not of the user, and what has no kind names nothing.
        if slot.kind is None or slot.source == "planner":
            continue
        kind = _OWN_NAMES.get(slot.kind, slot.kind.lower())
        # "Saturday" alone is everybody's; a day is promised where it says which one.
        dated = slot.kind == "DATE" and any(map(str.isdigit, slot.value))
        if slot.kind == "DATE" and not dated:
            kind = "weekday"
        yield Unit(kind, slot.value, promised=slot.kind in _PROMISED or dated)
        if slot.kind == "NAME":
            yield from (Unit(kind, part, promised=True) for part in name_parts(slot.value))


def _attributes(persona: Persona) -> dict[str, str]:
    profile = persona.profile
    found = {
        "tone": persona.register,
        "occupation": profile.occupation or "",
        "age band": age_band(profile.age or 0),
    }
    # Towns are made up, each for one user; what can be learnt is how names sound where one lives.
    if persona.family in names.FAMILIES:
        found["origin of names"] = f"family {names.FAMILIES.index(persona.family)}"
    return found
