"""What texts are about: one function for each kind of occasion, by name."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from langchain_cogenesis.data.grammar import words
from langchain_cogenesis.data.grammar.occasions import calendar, people, work
from langchain_cogenesis.data.grammar.occasions.base import Occasion, Slot
from langchain_cogenesis.data.grammar.personas import Persona

KINDS: dict[str, Callable[[Random, Persona, Occasion], None]] = {
    kind.__name__: kind
    for kind in (
        calendar.absence,
        calendar.booking,
        calendar.clash,
        calendar.event,
        calendar.favour,
        calendar.missed,
        calendar.moved,
        calendar.request,
        calendar.travels,
        calendar.visit,
        people.address,
        people.deed,
        people.feat,
        people.hobby,
        people.illness,
        people.loss,
        people.news,
        people.opinion,
        people.wonder,
        work.faulty,
        work.handover,
        work.invoice,
        work.launch,
        work.leaving,
        work.milestone,
        work.progress,
        work.referral,
        work.sale,
        work.vacancy,
        work.work,
    )
}
_AT_WORK = frozenset({"handover", "invoice", "leaving", "progress", "work"})
"""Occasions on which a colleague is written to."""


def create_occasion(random: Random, persona: Persona, kind: str) -> Occasion:
    """Creates an occasion of a kind, with a recipient from the persona's contacts."""
    everyone = (*persona.friends, *persona.friends, *persona.colleagues)
    occasion = Occasion(random.choice(persona.colleagues if kind in _AT_WORK else everyone))
    KINDS[kind](random, persona, occasion)
    profile, me = persona.profile, persona.me
    occasion.slots["me"] = Slot(me.given, "NAME", "name", who=me.given)
    occasion.slots["me_full"] = Slot(profile.name, "NAME", "name", who=me.given)
    occasion.put("company", profile.company or "", "ORG", "company")
    occasion.put("location", profile.location or "", "PLACE", "location")
    occasion.put("a_occupation", words.with_article(profile.occupation or ""), None, "occupation")
    occasion.put("relation", occasion.recipient.relation, None, "planner")
    if persona.motto:
        occasion.put("motto", persona.motto, None, "style")
    to, kind_of_name = occasion.recipient.given, "NAME"
    if occasion.office:
        to, kind_of_name = occasion.office, "ORG"
    occasion.slots["to"] = Slot(to, kind_of_name, who=to)
    return occasion
