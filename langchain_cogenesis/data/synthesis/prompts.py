"""What a chat model is asked in each of the four steps.

People are spread out by hints that are drawn before the model is asked: models left to themselves
make the same few over and over.
"""

from __future__ import annotations

from random import Random

from langchain_cogenesis.data.synthesis.orders import Order

SYSTEM = (
    "You make up people and their writing for a data set. Nobody in it is real. "
    "Answer with one JSON object and nothing else."
)
_FIELDS = (
    "health care", "schools and teaching", "farming and gardening", "building trades",
    "transport and logistics", "law", "finance and accounting", "software", "research",
    "hotels and restaurants", "shops and retail", "art and design", "music and theatre",
    "journalism and publishing", "public administration", "police and rescue", "manufacturing",
    "energy and utilities", "sports and fitness", "social work", "science education",
    "marketing and sales", "aviation and shipping", "crafts", "household and family care",
    "students", "retired people", "property", "clergy and charities", "beauty and fashion",
)  # fmt: skip
_AGES = ((18, 25), (24, 34), (30, 42), (38, 52), (48, 63), (60, 80))
_REGIONS = (
    "Northern Europe", "the Mediterranean", "Eastern Europe", "West Africa", "East Africa",
    "South Asia", "East Asia", "South-East Asia", "the Middle East", "Latin America",
    "the Caribbean", "North America", "Oceania", "the British Isles",
)  # fmt: skip
_INITIALS = "ABCDEFGHIJKLMNOPRSTUVWYZ"
_TONES = (
    "dry and exact", "warm and chatty", "formal and polite", "playful, with images from the job",
    "short sentences, no ornament", "long, winding sentences", "direct, with questions",
    "modest and careful", "enthusiastic", "ironic",
)  # fmt: skip

_PORTRAIT = """Describe a group of people who would use a writing assistant.
They work in: {field}. They are about {youngest} to {oldest} years old.

Give these fields:
{{"youngest": {youngest}, "oldest": {oldest}, "field": "{field}",
 "occupations": [4 to 6 occupations in this field],
 "interests": [5 to 8 interests, most of them outside of work],
 "works": [6 to 8 kinds of texts that they write, at work and in private],
 "usage": [5 to 8 things that they use phones, wearables and assistants for]}}"""

_USER = """Make up one person of this group.
Group: {group}
The person's given name begins with {initial}; the person has roots in {region}; \
the way of writing is {tone}.

Give these fields:
{{"name": "given name and surname", "age": a number from {youngest} to {oldest},
 "occupation": "…", "company": "an invented employer, or null", "location": "a town",
 "email": "an address that ends in .example",
 "traits": [3 to 5 traits of character],
 "style": [3 to 5 habits of writing, such as a greeting, a closing, favourite words],
 "facts": [5 to 10 sentences with private facts: family, health, money, plans, habits; with names, \
places and numbers],
 "contacts": [{{"name": "…", "relation": "…"}}, 3 to 5 of them],
 "activity": [{{"kind": "calendar|message|purchase|health|travel|note", \
"when": "2025-06-14T19:00", "text": "…", "people": ["…"], "place": "…"}}, 5 to 10 of them],
 "assistant": [3 to 5 things that the person asked an assistant]}}"""

_TASKS = """This is what is known of a person.
{profile}

Give {count} texts that this person might ask an assistant to write, of different kinds. Each must \
need private facts of the person to be written well. The instruction itself is what the person \
would type: it names no more private facts than the person would bother to type, and says for whom \
the text is, what it is about, and what matters.
{{"tasks": [{{"kind": "one or two words, such as invitation", "instruction": "20 to 50 words"}}, \
{count} of them]}}"""

_TEXT = """This is what is known of a person.
{profile}

The person asks: {instruction}

Write the text as this person would, in this person's way of writing, with 3 to 5 of the private \
facts. Use nothing that is neither known nor asked for; leave no blanks.
{{"outline": [5 to 10 points of three to five words, without private facts],
 "facts": [{{"name": "what kind of fact", "value": "the very words of the content that state \
it"}}, 3 to 5 of them],
 "content": "the text, 100 to 200 words"}}"""


def messages_for(order: Order) -> list[tuple[str, str]]:
    """The prompt for an order, as pairs of role and text."""
    text = _WORDING[order.step](order, Random(f"{order.seed}/{order.key}"))
    if order.complaint:
        text += (
            f"\n\nAn earlier answer could not be used: {order.complaint}. "
            "Answer with the whole JSON object alone."
        )
    return [("system", SYSTEM), ("human", text)]


def _portrait(order: Order, random: Random) -> str:
    youngest, oldest = random.choice(_AGES)
    number = int(order.key.rpartition("/")[2])
    # Each field once before any comes twice.
    fields = Random(f"{order.seed}/{number // len(_FIELDS)}").sample(_FIELDS, len(_FIELDS))
    field = fields[number % len(_FIELDS)]
    return _PORTRAIT.format(field=field, youngest=youngest, oldest=oldest)


def _user(order: Order, random: Random) -> str:
    if order.portrait is None:
        raise ValueError("a user is made from a portrait")
    return _USER.format(
        group=order.portrait.model_dump_json(),
        initial=random.choice(_INITIALS),
        region=random.choice(_REGIONS),
        tone=random.choice(_TONES),
        youngest=order.portrait.youngest,
        oldest=order.portrait.oldest,
    )


def _tasks(order: Order, random: Random) -> str:
    return _TASKS.format(profile=_profile(order), count=order.tasks)


def _text(order: Order, random: Random) -> str:
    if order.task is None:
        raise ValueError("a text is made from a task")
    return _TEXT.format(profile=_profile(order), instruction=order.task[1].instruction)


def _profile(order: Order) -> str:
    if order.user is None:
        raise ValueError("tasks and texts are made from a user")
    return "\n".join(item.text for item in order.user.to_context().items())


_WORDING = {"portrait": _portrait, "user": _user, "tasks": _tasks, "text": _text}
