"""Occasions between people: deeds, news, illness and loss."""

from __future__ import annotations

from random import Random

from langchain_cogenesis.context.schema import Activity
from langchain_cogenesis.data.grammar import clauses, names, words
from langchain_cogenesis.data.grammar.occasions.base import Occasion, Slot, helper_of
from langchain_cogenesis.data.grammar.personas import Persona, date_time, month, phone


def deed(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the recipient did for the user."""
    _done(random, occasion, words.DEEDS)


def feat(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the recipient achieved."""
    _done(random, occasion, words.FEATS)


def _done(random: Random, occasion: Occasion, table: tuple[tuple[str, str], ...]) -> None:
    past, doing = random.choice(table)
    when = date_time(random, clock=False)
    occasion.put("doing", doing)
    occasion.put_when(random, when)
    name = random.choice((occasion.recipient.full, occasion.recipient.given))
    occasion.note(f"{name} {past}", when=when)


def loss(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Somebody whom the recipient lost."""
    lost, name = random.choice(words.LOST), names.given_name(random, persona.family)
    when, memory = date_time(random, clock=False), random.choice(words.MEMORIES)
    occasion.put("lost", lost)
    occasion.slots["lost_name"] = Slot(name, "NAME", who=name)
    occasion.put("memory", memory)
    occasion.put_when(random, when)
    occasion.note(f"{occasion.recipient.full} lost their {lost} {name}", when=when)
    occasion.note(f"{name} {memory}", kind=random.choice(("note", "memory")))


def illness(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the recipient has, since when, and where they are treated."""
    ill, when = random.choice(words.ILLNESSES), date_time(random, clock=False)
    place = names.clinic(random, persona.family)
    occasion.put("illness", ill)
    occasion.put("place", place, "PLACE")
    occasion.put_when(random, when)
    occasion.activities.append(
        Activity(
            kind=random.choice(("note", "health", "message")),
            when=when,
            text=f"{occasion.recipient.full} has {ill}",
            place=place,
        )
    )


def address(random: Random, persona: Persona, occasion: Occasion) -> None:
    """The user's new address."""
    when, city = date_time(random, clock=False), names.town(random, persona.family)
    where, number = names.street(random, persona.family), phone(random)
    occasion.put("address", where, "ADDRESS")
    occasion.put("city", city, "PLACE")
    occasion.put("phone", number, "PHONE")
    occasion.put_when(random, when)
    moving = random.choice(("moving to", "new address", "new flat"))
    occasion.note(
        f"{moving} {where} in {city}", when=when, kind=random.choice(("note", "calendar"))
    )
    occasion.note(f"new phone {number}")


def news(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Something that happened to a thing both know of."""
    thing, when = random.choice(clauses.THINGS), date_time(random, clock=False)
    told = clauses.about(random, thing)
    occasion.put("thing", thing)
    occasion.put("news", told)
    occasion.put_when(random, when)
    occasion.note(told, when=when, kind=random.choice(("note", "message")))


def wonder(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the user has to ask, and until when."""
    thing, when = random.choice(clauses.THINGS), date_time(random, clock=False)
    asked = clauses.about(random, thing)
    occasion.put("thing", thing)
    occasion.put("question", asked)
    occasion.put_when(random, when)
    text = f"ask {occasion.recipient.full} whether {asked}"
    occasion.note(text, when=when, kind=random.choice(("reminder", "note")))


def hobby(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the user does in free time."""
    pastime, since = random.choice(words.HOBBIES), month(random)
    place = names.venue(random, persona.family)
    occasion.put("hobby", pastime)
    occasion.put("since", since)
    occasion.put("place", place, "PLACE")
    helper = helper_of(random, persona, occasion)
    text = f"started {pastime} in {since}"
    occasion.activities.append(Activity(text=text, people=(helper.full,), place=place))


def opinion(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the user thinks, since when, and who is to blame."""
    topic, view = random.choice(words.OPINIONS)
    since = month(random)
    occasion.put("topic", topic)
    occasion.put("view", view)
    occasion.put("since", since)
    helper = helper_of(random, persona, occasion)
    occasion.note(f"my view of {topic}, {view}")
    occasion.activities.append(
        Activity(text=f"changed my mind about {topic} in {since}", people=(helper.full,))
    )
