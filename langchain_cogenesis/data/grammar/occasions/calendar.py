"""Occasions that stand in the calendar: events, trips, bookings."""

from __future__ import annotations

from random import Random

from langchain_cogenesis.context.schema import Activity, spell_when
from langchain_cogenesis.data.grammar import names, words
from langchain_cogenesis.data.grammar.occasions.base import Occasion, Slot, helper_of
from langchain_cogenesis.data.grammar.personas import (
    Persona,
    date_time,
    event_name,
    later,
    order_number,
    price,
)


def event(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Something that the recipient may come to."""
    guests = [occasion.recipient.full] if random.random() < 0.75 else []
    if random.random() < 0.25:
        guests.append(random.choice(persona.friends).full)
    _entry(random, persona, occasion, people=tuple(dict.fromkeys(guests)))


def clash(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Two things on one day."""
    when = _entry(random, persona, occasion, people=(occasion.recipient.full,))
    other, place = event_name(random), names.venue(random, persona.family)
    while other == occasion.slots["event"].value:
        other = event_name(random)
    occasion.put("clash", other)
    occasion.put("clash_place", place, "PLACE")
    occasion.activities.append(Activity(kind="calendar", when=when, text=other, place=place))


def moved(random: Random, persona: Persona, occasion: Occasion) -> None:
    """An event that gets another time."""
    when = _entry(random, persona, occasion, people=(occasion.recipient.full,))
    new = later(random, when, days=14)
    occasion.put_when(random, new, prefix="new_")
    name = occasion.slots["event"].value
    text = random.choice((f"new time for the {name}", f"moved the {name}", f"{name}, new date"))
    occasion.note(text, when=new, kind=random.choice(("note", "reminder")))


def missed(random: Random, persona: Persona, occasion: Occasion) -> None:
    """An event that the user missed."""
    _entry(random, persona, occasion, people=(occasion.recipient.full,))
    reason = random.choice(words.REASONS)
    occasion.put("reason", reason)
    occasion.note(f"missed the {occasion.slots['event'].value}, {reason}")


def request(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A message that asks for something, and when the user has time for it."""
    asked, said_back = random.choice(words.ASKED)
    occasion.put("asked", said_back)
    asker = occasion.recipient.full
    occasion.activities.append(
        Activity(kind="message", when=date_time(random), text=f"can you {asked}", people=(asker,))
    )
    when, place = date_time(random), names.venue(random, persona.family)
    occasion.put("place", place, "PLACE")
    occasion.put_when(random, when)
    text = random.choice((f"time for {asker}", f"free for {asker}", f"meet {asker}"))
    occasion.activities.append(Activity(kind="calendar", when=when, text=text, place=place))


def favour(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A chore for somebody while the user is away."""
    occasion.put("chore", random.choice(words.CHORES))
    _trip(random, persona, occasion)


def absence(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A trip, and a colleague who stands in."""
    occasion.recipient = random.choice(persona.colleagues)
    _trip(random, persona, occasion)
    deputy = occasion.recipient
    occasion.slots["deputy"] = Slot(deputy.full, "NAME", who=deputy.given)
    text = random.choice(("stands in for me", "is my deputy", "covers for me"))
    occasion.note(f"{deputy.full} {text}")


def travels(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A trip that is over: with whom, and the best place there."""
    _trip(random, persona, occasion)
    companion = helper_of(random, persona, occasion)
    place = names.venue(random, persona.family)
    occasion.put("place", place, "PLACE")
    occasion.activities.append(
        Activity(
            kind=random.choice(("note", "travel")),
            text=f"best place in {occasion.slots['city'].value}",
            people=(companion.full,),
            place=place,
        )
    )


def visit(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A meal out."""
    place, dish, cost = (
        names.venue(random, persona.family),
        random.choice(words.DISHES),
        price(random),
    )
    when = date_time(random, clock=False)
    occasion.put("place", place, "PLACE")
    occasion.put("dish", dish)
    occasion.put("amount", cost, "AMOUNT")
    occasion.put_when(random, when)
    with_whom = helper_of(random, persona, occasion)
    occasion.activities.append(
        Activity(
            kind=random.choice(("payment", "calendar", "note")),
            when=when,
            text=f"{dish}, {cost}",
            people=(with_whom.full,),
            place=place,
        )
    )


def booking(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A booking that has to be cancelled."""
    booked, reason = random.choice(words.BOOKINGS), random.choice(words.REASONS)
    place, number, when = (
        names.venue(random, persona.family),
        order_number(random),
        date_time(random),
    )
    occasion.put("booking", booked)
    occasion.put("reason", reason)
    occasion.put("place", place, "ORG")
    occasion.put("number", number, "NUMBER")
    occasion.put_when(random, when)
    occasion.office = place
    occasion.activities.append(
        Activity(kind="booking", when=when, text=f"{booked}, number {number}", place=place)
    )
    occasion.note(f"have to cancel the {booked}, {reason}")


def _entry(random: Random, persona: Persona, occasion: Occasion, *, people: tuple[str, ...]) -> str:
    when, name = date_time(random), event_name(random)
    place = names.venue(random, persona.family)
    occasion.put("event", name)
    occasion.put("place", place, "PLACE")
    occasion.put_when(random, when)
    occasion.activities.append(
        Activity(kind="calendar", when=when, text=name, people=people, place=place)
    )
    return when


def _trip(random: Random, persona: Persona, occasion: Occasion) -> None:
    city = names.town(random, persona.family)
    leave = date_time(random, clock=False)
    back = later(random, leave, days=24)
    occasion.put("city", city, "PLACE")
    occasion.put_when(random, leave)
    occasion.slots["back"] = Slot(spell_when(back).rsplit(" ", 1)[0], "DATE", who=back)
    kind = random.choice(("calendar", "travel"))
    reason = random.choice(("trip to", "train to", "flight to", "holiday in"))
    occasion.note(f"{reason} {city}", when=leave, kind=kind)
    home = random.choice(("back from", "return from"))
    occasion.note(f"{home} {city}", when=back, kind=kind)
