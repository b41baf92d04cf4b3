"""Occasions at work, and those with sums and order numbers in them."""

from __future__ import annotations

from random import Random

from langchain_cogenesis.context.schema import Activity
from langchain_cogenesis.data.grammar import names, words
from langchain_cogenesis.data.grammar.occasions.base import Occasion, helper_of
from langchain_cogenesis.data.grammar.personas import (
    Persona,
    date_time,
    month,
    order_number,
    person,
    price,
)


def work(random: Random, persona: Persona, occasion: Occasion) -> None:
    """What the user does for a living, and since when."""
    occasion.put("since", month(random))
    _project(random, persona, occasion)
    occasion.note(f"started at {persona.profile.company} in {occasion.slots['since'].value}")
    occasion.note(f"works on {occasion.slots['project'].value}")


def milestone(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Years at work, whom to thank, and what comes next."""
    years = str(random.randint(2, 30))
    occasion.put("years", years)
    project = _project(random, persona, occasion)
    helper = helper_of(random, persona, occasion)
    occasion.activities.append(
        Activity(text=f"{years} years at work, thanks to", people=(helper.full,))
    )
    occasion.note(f"next at work, {project}")


def referral(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Somebody whom the user recommends."""
    since, merit = month(random), random.choice(words.MERITS)
    candidate = person(random, persona, "candidate")
    occasion.put_person("candidate", candidate)
    job = random.choice(words.OCCUPATIONS)
    occasion.put("a_job", words.with_article(job))
    occasion.put("merit", merit)
    occasion.put("since", since)
    occasion.note(f"{candidate.full} is {words.with_article(job)}")
    occasion.note(f"{candidate.full} {merit}, we have worked together since {since}")


def handover(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Work that somebody else takes over."""
    project, when = _project(random, persona, occasion), date_time(random, clock=False)
    files, todo = random.choice(words.FILES), random.choice(words.NEXT_STEPS)
    client = person(random, persona, "client")
    occasion.put("files", files)
    occasion.put("next", todo)
    occasion.put_person("client", client)
    occasion.put_when(random, when)
    occasion.note(f"deadline of {project}", when=when, kind=random.choice(("calendar", "reminder")))
    occasion.note(f"papers of {project} are in {files}")
    occasion.activities.append(
        Activity(text=f"{project}, next step, {todo}", people=(client.full,))
    )


def leaving(random: Random, persona: Persona, occasion: Occasion) -> None:
    """The user's last day, and what comes then."""
    when, city = date_time(random, clock=False), names.town(random, persona.family)
    firm = names.firm(random, persona.family)
    occasion.put("next_company", firm, "ORG")
    occasion.put("city", city, "PLACE")
    occasion.put_when(random, when)
    deputy = helper_of(random, persona, occasion, "deputy")
    occasion.note("last day at work", when=when, kind="calendar")
    occasion.note(random.choice((f"new job at {firm} in {city}", f"starting at {firm} in {city}")))
    occasion.note(f"{deputy.full} takes over my work")


def progress(random: Random, persona: Persona, occasion: Occasion) -> None:
    """How far a project is."""
    project, when, spent = (
        _project(random, persona, occasion),
        date_time(random, clock=False),
        price(random),
    )
    percent, problem = f"{random.randint(2, 19) * 5} percent", random.choice(words.PROBLEMS)
    occasion.put("percent", percent)
    occasion.put("problem", problem)
    occasion.put("amount", spent, "AMOUNT")
    occasion.put_when(random, when)
    occasion.note(f"{project}, {percent} done, {spent} spent")
    occasion.note(f"{project}, {problem}", kind=random.choice(("note", "message")))
    occasion.note(f"next milestone of {project}", when=when, kind="calendar")


def vacancy(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A job that the user's firm offers."""
    role, when, pay = (
        random.choice(words.OCCUPATIONS),
        date_time(random, clock=False),
        price(random),
    )
    occasion.put("a_role", words.with_article(role))
    occasion.put("amount", pay, "AMOUNT")
    occasion.put_when(random, when)
    contact = helper_of(random, persona, occasion)
    occasion.note(f"we are looking for {words.with_article(role)}, {pay} a month")
    occasion.activities.append(
        Activity(kind="reminder", when=when, text="applications close", people=(contact.full,))
    )


def launch(random: Random, persona: Persona, occasion: Occasion) -> None:
    """A new product."""
    product = f"{names.root(random, persona.family)} {random.randint(2, 20)}"
    when, cost = date_time(random, clock=False), price(random)
    occasion.put("project", product, "ITEM")
    occasion.put("price", cost, "AMOUNT")
    occasion.put_when(random, when)
    helper = helper_of(random, persona, occasion)
    text = f"launch of {product}, {cost}"
    occasion.activities.append(
        Activity(kind="calendar", when=when, text=text, people=(helper.full,))
    )


def sale(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Something that the user bought."""
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


def faulty(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Something that the user bought and that doesn't work; the shop is written to."""
    sale(random, persona, occasion)
    fault = random.choice(words.FAULTS)
    occasion.put("fault", fault)
    occasion.office = occasion.slots["shop"].value
    short = occasion.slots["item"].value.split(" ")[0]
    occasion.note(f"fault of the {short}, {fault}")


def invoice(random: Random, persona: Persona, occasion: Occasion) -> None:
    """Money that the recipient owes."""
    number, amount = order_number(random), price(random)
    when = date_time(random, clock=False)
    occasion.put("invoice", number, "NUMBER")
    occasion.put("amount", amount, "AMOUNT")
    occasion.put_when(random, when)
    occasion.activities.append(
        Activity(
            kind="invoice",
            when=when,
            text=f"{number}, {amount}, unpaid",
            people=(occasion.recipient.full,),
        )
    )


def _project(random: Random, persona: Persona, occasion: Occasion) -> str:
    project = f"the {names.root(random, persona.family)} project"
    occasion.put("project", project, "ITEM")
    return project
