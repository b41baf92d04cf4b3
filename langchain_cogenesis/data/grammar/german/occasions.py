"""The facts of one German text, and the activities of the private context that hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from langchain_cogenesis.context.schema import Activity
from langchain_cogenesis.data.grammar.german.people import Person, Persona
from langchain_cogenesis.data.grammar.german.tasks import load_words

_ARTICLES = {
    "m": {"das": "der", "den": "den", "dem": "dem", "zum": "zum"},
    "f": {"das": "die", "den": "die", "dem": "der", "zum": "zur"},
    "n": {"das": "das", "den": "das", "dem": "dem", "zum": "zum"},
}
_FIRST = date(2027, 1, 1)


@dataclass(slots=True, repr=False)
class Occasion:
    """What a text is about.

    Attributes:
        to: Who is written to.
        slots: What templates say, by the slot's name.
        facts: Name and value of the fact that a slot holds.
        activities: What of the context holds the facts.
        office: Whether a firm is written to.
    """

    to: Person
    slots: dict[str, str] = field(default_factory=dict)
    facts: dict[str, tuple[str, str]] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    office: bool = False

    def put(self, name: str, fact: str, value: str, **spelled: str) -> None:
        """Notes a fact and the slots that say it, by default one of the same name."""
        for slot, text in {name: value, **spelled}.items():
            self.slots[slot] = text
            self.facts[slot] = (fact, value)


def create_occasion(random: Random, persona: Persona, kind: str) -> Occasion:
    """Makes up an occasion.

    Args:
        random: Source of all choices.
        persona: Whose it is.
        kind: As the task names it.
    """
    occasion = Occasion(random.choice(persona.contacts))
    _MAKERS[kind](random, persona, occasion)
    return occasion


def _event(random: Random, persona: Persona, occasion: Occasion) -> None:
    noun, gender = random.choice(persona.words["events"])
    articles = {f"{name}_event": f"{article} {noun}" for name, article in _ARTICLES[gender].items()}
    occasion.put("event", "event", noun, **articles)
    preposition, place = random.choice(persona.words["places"])
    occasion.put("place", "place", place, im_place=f"{preposition} {place}")
    when = _put_day(random, occasion, "", "")
    clock = _put_time(random, occasion, "")
    others = [person for person in persona.contacts if person is not occasion.to]
    helper = random.choice(others)
    occasion.put("helper", "helper", helper.given)
    occasion.activities.append(
        Activity(
            kind="calendar",
            when=f"{when}T{clock}",
            text=noun,
            place=place,
            people=(occasion.to.full, helper.full),
        )
    )


def _event_with_reason(random: Random, persona: Persona, occasion: Occasion) -> None:
    _event(random, persona, occasion)
    _put_pair(random, occasion, "reason", persona.words["conflicts"])
    occasion.activities.append(
        Activity(kind="note", text=f"Ich kann nicht kommen, weil {occasion.slots['reason']}.")
    )


def _new_date(random: Random, persona: Persona, occasion: Occasion) -> None:
    _event(random, persona, occasion)
    old = date.fromisoformat((occasion.activities[-1].when or "")[:10])
    when = _put_day(random, occasion, "new_", "new ", old + timedelta(days=random.randint(3, 21)))
    clock = _put_time(random, occasion, "new_")
    occasion.activities.append(
        Activity(
            kind="calendar",
            when=f"{when}T{clock}",
            text=f"neuer Termin: {occasion.slots['event']}",
            people=(occasion.to.full,),
        )
    )


def _gift(random: Random, persona: Persona, occasion: Occasion) -> None:
    _put_pair(random, occasion, "gift", persona.words["gifts"])
    when = _put_day(random, occasion, "", "")
    text = f"Danke sagen für {occasion.slots['gift']}"
    occasion.activities.append(
        Activity(kind="note", when=when, text=text, people=(occasion.to.full,))
    )


def _mishap(random: Random, persona: Persona, occasion: Occasion) -> None:
    _put_pair(random, occasion, "mishap", persona.words["mishaps"])
    _put_pair(random, occasion, "reason", persona.words["reasons"])
    when = _put_day(random, occasion, "", "")
    occasion.activities += [
        Activity(
            kind="calendar",
            when=when,
            text=occasion.facts["mishap"][1],
            people=(occasion.to.full,),
        ),
        Activity(
            kind="message", when=when, text=f"Schlechter Tag, weil {occasion.slots['reason']}."
        ),
    ]


def _order(random: Random, persona: Persona, occasion: Occasion) -> None:
    occasion.office = True
    _put_pair(random, occasion, "item", persona.words["items"])
    shop = random.choice(persona.words["shops"])
    occasion.put("shop", "shop", shop)
    number = f"{random.choice('ABKLMR')}-{random.randint(10_000, 99_999)}"
    occasion.put("order", "order", number)
    occasion.put("town", "town", persona.town)
    when = _put_day(random, occasion, "", "")
    text = f"{occasion.slots['item']} bei {shop}, Bestellnummer {number}"
    occasion.activities.append(Activity(kind="purchase", when=when, text=text))


def _absence(random: Random, persona: Persona, occasion: Occasion) -> None:
    first = _put_day(random, occasion, "from_", "first ")
    last = _spell(date.fromisoformat(first) + timedelta(days=random.randint(4, 21)))
    occasion.put("to_day", "last day", last)
    deputy = random.choice(persona.contacts)
    occasion.put("deputy", "deputy", deputy.full)
    occasion.put("deputy_mail", "deputy's e-mail", deputy.email)
    text = f"Urlaub bis {last}, Vertretung {deputy.full}, {deputy.email}"
    occasion.activities.append(Activity(kind="calendar", when=first, text=text))


def _put_day(
    random: Random, occasion: Occasion, prefix: str, name: str, when: date | None = None
) -> str:
    """Notes a day, by default any of a year, and gives it as ISO 8601."""
    when = when or _FIRST + timedelta(days=random.randrange(365))
    day = _spell(when)
    occasion.put(f"{prefix}day", f"{name}day", day, **{f"am_{prefix}day": f"am {day}"})
    return when.isoformat()


def _put_time(random: Random, occasion: Occasion, prefix: str) -> str:
    """Notes a time of day, and gives it as `19:30`."""
    hour, minute = random.randint(15, 20), random.choice((0, 0, 30))
    time = f"{hour}:{minute:02d} Uhr" if minute else f"{hour} Uhr"
    name = f"{prefix}time"
    occasion.put(name, name.replace("_", " "), time, **{f"um_{name}": f"um {time}"})
    return f"{hour:02d}:{minute:02d}"


def _put_pair(
    random: Random, occasion: Occasion, name: str, pairs: Sequence[tuple[str, str]]
) -> None:
    """Notes a phrase and the fact in it."""
    phrase, value = random.choice(pairs)
    occasion.slots[name] = phrase
    occasion.facts[name] = (name, value)


def _spell(when: date) -> str:
    return f"{when.day}. {load_words()['months'][when.month - 1]}"


_MAKERS: dict[str, Callable[[Random, Persona, Occasion], None]] = {
    "event": _event,
    "event_with_reason": _event_with_reason,
    "new_date": _new_date,
    "gift": _gift,
    "mishap": _mishap,
    "order": _order,
    "absence": _absence,
}
