"""Invented personas as values of the private context schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from langchain_cogenesis.context.schema import Activity, Contact, UserProfile, spell_when
from langchain_cogenesis.data.grammar import clauses, names, words
from langchain_cogenesis.data.grammar.tasks import REGISTERS, Register


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody in a persona's life."""

    given: str
    surname: str
    relation: str

    @property
    def full(self) -> str:
        """Given name and surname."""
        return f"{self.given} {self.surname}"


@dataclass(frozen=True, slots=True, repr=False)
class Persona:
    """A user: profile, people, and how they write."""

    profile: UserProfile
    me: Person
    friends: tuple[Person, ...]
    colleagues: tuple[Person, ...]
    family: names.Family
    register: Register
    greeting: str
    closing: str
    emoji: str | None = None
    motto: str | None = None


def create_persona(random: Random, *, held_out: bool = False, made_up: float = 0.0) -> Persona:
    """Creates a persona.

    Args:
        random: Source of all choices.
        held_out: Take names from the families that are kept for evaluation.
        made_up: Probability that the names are spelled in a way made up on the spot.
    """
    kept = names.FAMILIES[-names.HELD_OUT_FAMILIES :]
    family = random.choice(kept if held_out else names.FAMILIES[: -names.HELD_OUT_FAMILIES])
    if made_up and random.random() < made_up:
        family = names.random_family(random)
    people = _people(random, family, held_out=held_out)
    me, friends, colleagues = people[0], people[1:4], people[4:]
    register = random.choice(REGISTERS)
    greeting = random.choice(words.GREETINGS[register])
    closing = random.choice(words.CLOSINGS[register])
    company = names.firm(random, family)
    emoji = random.choice(words.EMOJI) if register != "formal" and random.random() < 0.35 else None
    motto = random.choice(words.MOTTOS) if random.random() < 0.25 else None
    profile = UserProfile(
        name=me.full if random.random() < 0.85 else me.given,
        age=random.randint(19, 78),
        occupation=random.choice(words.OCCUPATIONS),
        company=company,
        location=names.town(random, family),
        email=email(random, me, company),
        traits=tuple(random.sample(words.TRAITS, random.randint(1, 3))),
        style=(
            f"Greeting: {greeting}",
            f"Closing: {closing}",
            f"Tone: {register}",
            *((f"Emoji: {emoji}",) if emoji else ()),
            *((f"Motto: {motto}",) if motto else ()),
        ),
        contacts=tuple(
            Contact(
                name=person.full if random.random() < 0.8 else person.given,
                relation=person.relation,
                email=email(random, person, company) if random.random() < 0.3 else None,
            )
            for person in (*friends, *colleagues)
        ),
        facts=tuple(_fill(random, family, words.FACTS) for _ in range(3)),
    )
    return Persona(
        profile, me, friends, colleagues, family, register, greeting, closing, emoji, motto
    )


def _people(random: Random, family: names.Family, *, held_out: bool) -> tuple[Person, ...]:
    relations = [
        *random.sample(words.PERSONAL_RELATIONS, 3),
        *random.sample(words.WORK_RELATIONS, 3),
    ]
    people: dict[str, Person] = {}
    surnames = [names.surname(random, family) for _ in range(5)]
    while len(people) < 7:
        others = names.FAMILIES[: -names.HELD_OUT_FAMILIES]
        mixed = family if held_out or random.random() < 0.7 else random.choice(others)
        given = names.given_name(random, mixed)
        relation = relations[len(people) - 1] if people else "me"
        people.setdefault(given, Person(given, random.choice(surnames), relation))
    return tuple(people.values())


def email(random: Random, person: Person, company: str) -> str:
    """An address at an example domain."""
    word = "".join(letter for letter in company.lower() if "a" <= letter <= "z")[:10] or "post"
    letters = f"{person.given}.{person.surname}".lower()
    local = "".join(letter for letter in letters if "a" <= letter <= "z" or letter == ".")
    return f"{local}@{random.choice((word, 'mail', 'post'))}.example"


def _fill(random: Random, family: names.Family, templates: tuple[str, ...]) -> str:
    return random.choice(templates).format(
        given=names.given_name(random, family),
        town=names.town(random, family),
        firm=names.firm(random, family),
        venue=names.venue(random, family),
    )


def _received_mail(random: Random, persona: Persona, sender: str, text: str) -> str:
    """Subject and body of a mail to the user, as an importer puts them into one activity."""
    greeting = random.choice(words.GREETINGS["plain"])
    closing = random.choice(words.CLOSINGS["plain"])
    gap = random.choice(("\n\n", "\n", " "))
    body = f"{greeting} {persona.me.given},{gap}{text[:1].upper()}{text[1:]}.{gap}{closing}, "
    return f"{event_name(random).capitalize()}: {body}{sender.split(' ')[0]}"


def event_name(random: Random) -> str:
    """What a calendar entry is called: `jazz evening`."""
    if random.random() < 0.35:
        return random.choice(words.PLAIN_EVENTS)
    return f"{random.choice(words.EVENT_ADJECTIVES)} {random.choice(words.EVENT_NOUNS)}"


def date_time(random: Random, *, clock: bool = True) -> str:
    """An ISO 8601 day in 2024–2027, with or without a time."""
    day = f"{random.randint(2024, 2027)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
    if not clock:
        return day
    return f"{day}T{random.randint(8, 21):02d}:{random.choice((0, 0, 0, 30, 30, 15, 45)):02d}"


def later(random: Random, when: str, *, days: int) -> str:
    """An ISO date up to so many days after another, at another hour if that has one."""
    moment = datetime.fromisoformat(when) + timedelta(days=random.randint(1, days))
    if "T" not in when:
        return moment.date().isoformat()
    hour, minute = random.randint(8, 21), random.choice((0, 0, 30))
    return moment.replace(hour=hour, minute=minute).isoformat(timespec="minutes")


def price(random: Random) -> str:
    """A sum with its currency."""
    amount = random.randint(5, 990)
    return random.choice(
        (f"{amount} euros", f"${amount}", f"{amount} pounds", f"{amount}.50 euros")
    )


def order_number(random: Random) -> str:
    """A number such as `KX-4821`."""
    letters = "".join(random.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(2))
    return f"{letters}-{random.randint(1000, 99999)}"


def phone(random: Random) -> str:
    """A telephone number."""
    digits = [f"{random.randint(0, 999):03d}" for _ in range(3)]
    return random.choice(
        (f"0{digits[0]} {digits[1]}{digits[2]}", f"+4{digits[0][0]} {' '.join(digits)}")
    )


def month(random: Random) -> str:
    """A month with its year: `March 2019`."""
    when = f"{random.randint(2008, 2025)}-{random.randint(1, 12):02d}-01"
    return " ".join(spell_when(when).split(" ")[2:])


def person(random: Random, persona: Persona, relation: str) -> Person:
    """Somebody whom the persona knows by name only, and who has no name of the known ones."""
    known = {persona.me.given, *(p.given for p in (*persona.friends, *persona.colleagues))}
    while (given := names.given_name(random, persona.family)) in known:
        continue
    return Person(given, names.surname(random, persona.family), relation)


def distractions(random: Random, persona: Persona, count: int) -> list[Activity]:
    """Activities that have nothing to do with the task at hand."""
    kinds = random.choices(tuple(_DISTRACTIONS), weights=(4, 2, 3, 1, 1, 1, 1, 1), k=count)
    return [_DISTRACTIONS[kind](random, persona, kind) for kind in kinds]


def _calendar(random: Random, persona: Persona, kind: str) -> Activity:
    people = (_somebody(random, persona),) if random.random() < 0.6 else ()
    place = names.venue(random, persona.family) if random.random() < 0.8 else None
    text = event_name(random)
    return Activity(kind=kind, when=date_time(random), text=text, people=people, place=place)


def _message(random: Random, persona: Persona, kind: str) -> Activity:
    sender = _somebody(random, persona)
    text = _fill(random, persona.family, words.MESSAGES)
    if random.random() < 0.4:
        text = clauses.note(random)
    if random.random() < 0.3:
        text = _received_mail(random, persona, sender, text)
    return Activity(kind=kind, when=date_time(random), text=text, people=(sender,))


def _purchase(random: Random, persona: Persona, kind: str) -> Activity:
    text = f"{names.thing(random, persona.family)}, {price(random)}"
    if random.random() < 0.4:
        text += f", order {order_number(random)}"
    place = names.shop(random, persona.family)
    return Activity(kind=kind, when=date_time(random, clock=False), text=text, place=place)


def _note(random: Random, persona: Persona, kind: str) -> Activity:
    text = clauses.note(random)
    if random.random() < 0.5:
        text = _fill(random, persona.family, words.NOTES)
    when = date_time(random, clock=False) if random.random() < 0.3 else None
    return Activity(kind=kind, when=when, text=text)


def _line(random: Random, persona: Persona, kind: str) -> Activity:
    text = _fill(random, persona.family, _LINES[kind])
    if kind == "payment":
        text += f", {price(random)}"
    return Activity(kind=kind, when=date_time(random, clock=random.random() < 0.5), text=text)


def _somebody(random: Random, persona: Persona) -> str:
    return random.choice((*persona.friends, *persona.colleagues)).full


_LINES = {"travel": words.TRAVELS, "health": words.HEALTH, "payment": words.MONEY}
_DISTRACTIONS: dict[str, Callable[[Random, Persona, str], Activity]] = {
    "calendar": _calendar,
    "message": _message,
    "note": _note,
    "purchase": _purchase,
    "reminder": _note,
    "travel": _line,
    "health": _line,
    "payment": _line,
}
