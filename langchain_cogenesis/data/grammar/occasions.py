"""What a text is about: the facts of one occasion, and the activities that hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from langchain_cogenesis.context.schema import Activity, spell_when
from langchain_cogenesis.data.grammar import names, words
from langchain_cogenesis.data.grammar.personas import (
    Person,
    Persona,
    date_time,
    event_name,
    later,
    order_number,
    price,
)


@dataclass(frozen=True, slots=True, repr=False)
class Slot:
    """One fact.

    Attributes:
        value: As the text says it.
        kind: Placeholder kind that stands for it; None if it is never masked.
        source: Which part of the context it comes from: a profile field, or `activity`.
        who: Key of what it names; slots with one key share a placeholder.
    """

    value: str
    kind: str | None
    source: str = "activity"
    who: str = ""


@dataclass(slots=True, repr=False)
class Occasion:
    """The facts of one text and the activities that hold them."""

    recipient: Person
    slots: dict[str, Slot] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)

    def put(self, name: str, value: str, kind: str | None = None, source: str = "activity") -> None:
        """Notes a fact."""
        self.slots[name] = Slot(value, kind, source, who=value)

    def put_when(self, random: Random, when: str, prefix: str = "") -> None:
        """Notes day, weekday and time of an ISO date."""
        spelled = spell_when(when)
        day = spelled.split(",")[0].rsplit(" ", 1)[0]
        if random.random() < 0.2:
            day = day.split(" ", 1)[1]
        self.put(f"{prefix}day", day, "DATE")
        self.put(f"{prefix}weekday", spelled.split(" ")[0], "DATE")
        if ", " in spelled:
            self.put(f"{prefix}time", spelled.split(", ")[1], "TIME")


def create_occasion(random: Random, persona: Persona, kind: str) -> Occasion:
    """Creates an occasion of a kind, with a recipient from the persona's contacts."""
    pool = {"invoice": persona.colleagues, "work": persona.colleagues}
    everyone = (*persona.friends, *persona.friends, *persona.colleagues)
    occasion = Occasion(recipient=random.choice(pool.get(kind, everyone)))
    _KINDS[kind](random, persona, occasion)
    profile = persona.profile
    occasion.put("me", persona.me.given, "NAME", "name")
    occasion.put("me_full", profile.name, "NAME", "name")
    occasion.slots["me_full"] = Slot(profile.name, "NAME", "name", who=persona.me.given)
    occasion.put("company", profile.company or "", "ORG", "company")
    occasion.put("location", profile.location or "", "PLACE", "location")
    job = profile.occupation or ""
    article = "an" if job[:1] in "aeiou" else "a"
    occasion.put("a_occupation", f"{article} {job}", None, "occupation")
    occasion.put("relation", occasion.recipient.relation)
    return occasion


def _calendar(
    random: Random, persona: Persona, occasion: Occasion, *, people: tuple[str, ...]
) -> str:
    when, event = date_time(random), event_name(random)
    place = names.venue(random, persona.family)
    occasion.put("event", event)
    occasion.put("place", place, "PLACE")
    occasion.put_when(random, when)
    occasion.activities.append(
        Activity(kind="calendar", when=when, text=event, people=people, place=place)
    )
    return when


def _event(random: Random, persona: Persona, occasion: Occasion) -> None:
    guests = [occasion.recipient.full] if random.random() < 0.75 else []
    if random.random() < 0.25:
        guests.append(random.choice(persona.friends).full)
    _calendar(random, persona, occasion, people=tuple(dict.fromkeys(guests)))


def _clash(random: Random, persona: Persona, occasion: Occasion) -> None:
    when = _calendar(random, persona, occasion, people=(occasion.recipient.full,))
    clash, place = event_name(random), names.venue(random, persona.family)
    while clash == occasion.slots["event"].value:
        clash = event_name(random)
    occasion.put("clash", clash)
    occasion.put("clash_place", place, "PLACE")
    occasion.activities.append(Activity(kind="calendar", when=when, text=clash, place=place))


def _moved(random: Random, persona: Persona, occasion: Occasion) -> None:
    when = _calendar(random, persona, occasion, people=(occasion.recipient.full,))
    new = later(random, when, days=14)
    occasion.put_when(random, new, prefix="new_")
    event = occasion.slots["event"].value
    text = random.choice((f"new time for the {event}", f"moved the {event}", f"{event}, new date"))
    occasion.activities.append(
        Activity(kind=random.choice(("note", "reminder")), when=new, text=text)
    )


def _missed(random: Random, persona: Persona, occasion: Occasion) -> None:
    _calendar(random, persona, occasion, people=(occasion.recipient.full,))
    reason, event = random.choice(words.REASONS), occasion.slots["event"].value
    occasion.put("reason", reason)
    occasion.activities.append(Activity(kind="note", text=f"missed the {event}, {reason}"))


def _deed(random: Random, persona: Persona, occasion: Occasion) -> None:
    _done(random, occasion, words.DEEDS)


def _feat(random: Random, persona: Persona, occasion: Occasion) -> None:
    _done(random, occasion, words.FEATS)


def _done(random: Random, occasion: Occasion, table: tuple[tuple[str, str], ...]) -> None:
    past, doing = random.choice(table)
    when = date_time(random, clock=False)
    occasion.put("doing", doing)
    occasion.put_when(random, when)
    name = random.choice((occasion.recipient.full, occasion.recipient.given))
    occasion.activities.append(Activity(kind="note", when=when, text=f"{name} {past}"))


def _favour(random: Random, persona: Persona, occasion: Occasion) -> None:
    occasion.put("chore", random.choice(words.CHORES))
    _trip(random, persona, occasion)


def _absence(random: Random, persona: Persona, occasion: Occasion) -> None:
    occasion.recipient = random.choice(persona.colleagues)
    _trip(random, persona, occasion)
    deputy = occasion.recipient
    occasion.slots["deputy"] = Slot(deputy.full, "NAME", who=deputy.given)
    text = random.choice(("stands in for me", "is my deputy", "covers for me"))
    occasion.activities.append(Activity(kind="note", text=f"{deputy.full} {text}"))


def _trip(random: Random, persona: Persona, occasion: Occasion) -> None:
    city = names.town(random, persona.family)
    leave = date_time(random, clock=False)
    back = later(random, leave, days=24)
    occasion.put("city", city, "PLACE")
    occasion.put_when(random, leave)
    occasion.put("back", spell_when(back).rsplit(" ", 1)[0], "DATE")
    reason = random.choice(("trip to", "train to", "flight to", "holiday in"))
    occasion.activities.append(Activity(kind="calendar", when=leave, text=f"{reason} {city}"))
    home = random.choice(("back from", "return from"))
    occasion.activities.append(Activity(kind="calendar", when=back, text=f"{home} {city}"))


def _work(random: Random, persona: Persona, occasion: Occasion) -> None:
    occasion.put("since", _month(random))
    occasion.put("project", f"the {names.root(random, persona.family)} project", "ITEM")
    since, project = occasion.slots["since"].value, occasion.slots["project"].value
    occasion.activities += [
        Activity(kind="note", text=f"started at {persona.profile.company} in {since}"),
        Activity(kind="note", text=f"works on {project}"),
    ]


def _milestone(random: Random, persona: Persona, occasion: Occasion) -> None:
    years = str(random.randint(2, 30))
    occasion.put("years", years)
    occasion.put("project", f"the {names.root(random, persona.family)} project", "ITEM")
    _helper(random, persona, occasion)
    helper = occasion.slots["helper"].value
    occasion.activities += [
        Activity(kind="note", text=f"{years} years at work, thanks to", people=(helper,)),
        Activity(kind="note", text=f"next at work, {occasion.slots['project'].value}"),
    ]


def _hobby(random: Random, persona: Persona, occasion: Occasion) -> None:
    hobby, since = random.choice(words.HOBBIES), _month(random)
    place = names.venue(random, persona.family)
    occasion.put("hobby", hobby)
    occasion.put("since", since)
    occasion.put("place", place, "PLACE")
    _helper(random, persona, occasion)
    helper = occasion.slots["helper"].value
    text = f"started {hobby} in {since}"
    occasion.activities.append(Activity(kind="note", text=text, people=(helper,), place=place))


def _launch(random: Random, persona: Persona, occasion: Occasion) -> None:
    project = f"{names.root(random, persona.family)} {random.randint(2, 20)}"
    when, cost = date_time(random, clock=False), price(random)
    occasion.put("project", project, "ITEM")
    occasion.put("price", cost, "AMOUNT")
    occasion.put_when(random, when)
    _helper(random, persona, occasion)
    helper = occasion.slots["helper"].value
    occasion.activities.append(
        Activity(kind="calendar", when=when, text=f"launch of {project}, {cost}", people=(helper,))
    )


def _purchase(random: Random, persona: Persona, occasion: Occasion) -> str:
    item, cost = names.thing(random, persona.family), price(random)
    when, shop = date_time(random, clock=False), names.shop(random, persona.family)
    order = order_number(random)
    occasion.put("item", item, "ITEM")
    occasion.put("price", cost, "AMOUNT")
    occasion.put("order", order, "NUMBER")
    occasion.put("shop", shop, "ORG")
    occasion.put_when(random, when)
    text = f"{item}, {cost}, order {order}"
    occasion.activities.append(Activity(kind="purchase", when=when, text=text, place=shop))
    return item


def _sale(random: Random, persona: Persona, occasion: Occasion) -> None:
    _purchase(random, persona, occasion)


def _faulty(random: Random, persona: Persona, occasion: Occasion) -> None:
    item, fault = _purchase(random, persona, occasion), random.choice(words.FAULTS)
    occasion.put("fault", fault)
    # The shop itself is written to.
    occasion.recipient = Person(f"{occasion.slots['shop'].value} team", "", "shop")
    short = item.split(" ")[0]
    occasion.activities.append(Activity(kind="note", text=f"fault of the {short}, {fault}"))


def _invoice(random: Random, persona: Persona, occasion: Occasion) -> None:
    number, amount = order_number(random), price(random)
    when = date_time(random, clock=False)
    occasion.put("invoice", number, "NUMBER")
    occasion.put("amount", amount, "AMOUNT")
    occasion.put_when(random, when)
    text = f"{number}, {amount}, unpaid"
    occasion.activities.append(
        Activity(kind="invoice", when=when, text=text, people=(occasion.recipient.full,))
    )


def _helper(random: Random, persona: Persona, occasion: Occasion) -> None:
    helper = random.choice((*persona.friends, *persona.colleagues))
    occasion.slots["helper"] = Slot(helper.full, "NAME", who=helper.given)


def _month(random: Random) -> str:
    when = f"{random.randint(2008, 2025)}-{random.randint(1, 12):02d}-01"
    return " ".join(spell_when(when).split(" ")[2:])


_KINDS: dict[str, Callable[[Random, Persona, Occasion], None]] = {
    "event": _event,
    "clash": _clash,
    "moved": _moved,
    "missed": _missed,
    "deed": _deed,
    "feat": _feat,
    "favour": _favour,
    "absence": _absence,
    "work": _work,
    "milestone": _milestone,
    "hobby": _hobby,
    "launch": _launch,
    "sale": _sale,
    "faulty": _faulty,
    "invoice": _invoice,
}
