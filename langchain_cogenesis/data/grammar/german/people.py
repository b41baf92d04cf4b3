"""Invented people who write German, and how others are addressed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from langchain_cogenesis.context.schema import Activity, Contact, UserProfile
from langchain_cogenesis.data.grammar.german.tasks import Register, load_words

_WEAK = frozenset(("Kollege", "Kunde", "Nachbar"))
"""Nouns that end in -n in every case but the nominative."""
_FRIENDS, _OTHERS = 4, 2
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody.

    Attributes:
        given: Given name.
        surname: Surname.
        gender: `f` or `m`.
        relation: What they are to the user.
        register: How the user addresses them.
    """

    given: str
    surname: str
    gender: str
    relation: str
    register: Register

    @property
    def full(self) -> str:
        """Given name and surname."""
        return f"{self.given} {self.surname}"

    @property
    def email(self) -> str:
        """An address at an example domain."""
        local = f"{self.given}.{self.surname}".lower().translate(_SPELLED)
        return f"{unicodedata.normalize('NFKD', local)}@post.example"

    @property
    def title(self) -> str:
        """`Frau Groß` or `Herr Groß`."""
        return f"{'Frau' if self.gender == 'f' else 'Herr'} {self.surname}"

    @property
    def key(self) -> str:
        """What the user calls them: given name, or surname."""
        return self.given if self.register == "du" else self.surname


@dataclass(frozen=True, slots=True, repr=False)
class Persona:
    """A user: who they are, how they write, whom they know.

    Attributes:
        me: The user.
        profile: What is known of them.
        contacts: Whom they know.
        greetings: How they begin a letter.
        closings: How they end one.
        words: The names and things of their world.
    """

    me: Person
    profile: UserProfile
    contacts: tuple[Person, ...]
    greetings: dict[Register, str]
    closings: dict[Register, str]
    words: Mapping[str, Any] = field(default_factory=load_words)

    @property
    def town(self) -> str:
        """Where the user lives."""
        return self.profile.location or ""


def create_german_persona(
    random: Random,
    *,
    ages: tuple[int, int] = (18, 80),
    occupations: tuple[str, ...] = (),
    words: Mapping[str, Any] | None = None,
) -> Persona:
    """Makes a user up.

    Args:
        random: Source of all choices.
        ages: Youngest and oldest.
        occupations: To choose from; by default those of the words.
        words: The names and things of their world; by default those of `words.yaml`.
    """
    words = words or load_words()
    taken: set[str] = set()
    me = _person(random, words, "du", taken)
    contacts = tuple(
        _person(random, words, register, taken)
        for register, count in (("du", _FRIENDS), ("sie", _OTHERS))
        for _ in range(count)
    )
    registers: tuple[Register, ...] = ("du", "sie")
    greetings = {register: random.choice(words["greetings"][register]) for register in registers}
    closings = {register: random.choice(words["closings"][register]) for register in registers}
    profile = UserProfile(
        name=me.full,
        age=random.randint(*ages),
        occupation=random.choice(occupations or words["occupations"][me.gender]),
        company=random.choice(words["companies"]),
        location=random.choice(words["towns"]),
        email=me.email,
        traits=tuple(random.sample(words["traits"], 2)),
        style=(
            f"Anrede: {greetings['du']}",
            f"Förmliche Anrede: {greetings['sie']}",
            f"Gruß: {closings['du']}",
            f"Förmlicher Gruß: {closings['sie']}",
            f"Ton: {random.choice(words['tones'])}",
        ),
        contacts=tuple(
            Contact(name=person.full, relation=person.relation, email=person.email)
            for person in contacts
        ),
        facts=tuple(random.sample(words["hobby_facts"], 3)),
    )
    return Persona(me, profile, contacts, greetings, closings, words)


def _person(random: Random, words: Mapping[str, Any], register: str, taken: set[str]) -> Person:
    """Somebody whose names nobody else has."""
    gender = random.choice("fm")
    given = random.choice([n for n in words["women" if gender == "f" else "men"] if n not in taken])
    surname = random.choice([name for name in words["surnames"] if name not in taken])
    taken |= {given, surname}
    relation = random.choice(words["relations"][register][gender])
    return Person(given, surname, gender, relation, "sie" if register == "sie" else "du")


def distractions(
    random: Random, count: int, words: Mapping[str, Any] | None = None
) -> list[Activity]:
    """Activities that have to do with no text."""
    chosen = random.sample((words or load_words())["others"], count)
    return [Activity(kind=kind, text=text) for kind, text in chosen]


def mention(random: Random, person: Person) -> dict[str, str]:
    """How a request names somebody: nominative, accusative and dative."""
    if person.register == "sie":
        oblique = person.title.replace("Herr ", "Herrn ")
        return {"to_name": person.title, "who": oblique, "whom": oblique}
    name = person.given if random.random() < 0.7 else person.full
    if random.random() < 0.7:
        return {"to_name": name, "who": name, "whom": name}
    noun = person.relation + ("n" if person.relation in _WEAK else "")
    my = ("meine", "meiner") if person.gender == "f" else ("meinen", "meinem")
    first = "meine" if person.gender == "f" else "mein"
    return {
        "to_name": f"{first} {person.relation} {name}",
        "who": f"{my[0]} {noun} {name}",
        "whom": f"{my[1]} {noun} {name}",
    }


def greet(persona: Persona, person: Person | None) -> str:
    """The line that a letter begins with; without a person, that of a letter to a firm."""
    if person is None:
        polite = persona.greetings["sie"]
        return "Sehr geehrte Damen und Herren," if polite.startswith("Sehr") else f"{polite},"
    word = persona.greetings[person.register]
    if person.register == "sie":
        separator = " " if word.startswith("Sehr") else ", "
        ending = "r" if word.startswith("Sehr") and person.gender == "m" else ""
        return f"{word}{ending}{separator}{person.title},"
    ending = "r" if word == "Liebe" and person.gender == "m" else ""
    return f"{word}{ending} {person.given},"
