"""Free clauses: what a user wants said that no task foresees.

They are put together from words of everyday life, so that a model learns to carry over what it was
told rather than to choose among sentences that it knows.
"""

from __future__ import annotations

from random import Random

_THINGS = """boat|heating|ladder|back door|spare key|old piano|projector|printer|garden shed|fridge|
    tent|trailer|front window|coffee machine|alarm|blue folder|guest list|parcel|sound system|
    kitchen table|lift|car|van|camera|lamp in the hall|big oven|washing machine|roof|fence|gate|
    bicycle|photo album|first draft|contract|new sign|letter box|cellar|attic|pump|stove|tap|
    reading lamp|red suitcase|sewing machine|speech|timetable|order form|invoice|lawn mower|
    bookshelf|mirror|rug|curtain rail|wheelbarrow|kayak|score|stage|seating plan|menu|cake tin|
    grill|awning|bench|phone line|website|map|ticket machine|bus stop|bridge|car park"""
_HAPPENED = """has been repaired|has been sold|is broken|is ready|has arrived|is missing|
    still works|needs new batteries|is too small for us|is in the cellar|has to be cleaned|
    was delivered this morning|costs less than we thought|is covered by the insurance|
    will be replaced next week|has been painted green|makes a strange noise|is locked at night|
    does not fit through the door|is kept next to the stairs|has been moved to the first floor|
    was stolen last night|is free again from Monday|must be returned by Friday|leaks a little|
    has a new lock|is out of order|has been checked twice|belongs to the neighbours|
    stands behind the house|is almost finished|was a present from my aunt|comes in two parts|
    is closed for the summer|was left out in the rain|has been found|is heavier than it looks"""
_GROUPS = """the children|my parents|the neighbours|the new people upstairs|two of my colleagues|
    the musicians|all the guests|the builders|some of the students|our friends from the coast|
    the twins|the volunteers|the other teachers|my cousins|the movers|the cooks|the drivers"""
_DOING = """are coming on Friday|do not eat meat|have found a flat|want to help with the garden|
    will bring their own chairs|can only stay for an hour|are allergic to cats|know the way|
    have asked for a longer break|arrive by the early train|need a place to sleep|
    would rather sit outside|have already paid|speak very little English|leave on Sunday evening|
    have seen the plans|start an hour later|are waiting for an answer|love the idea|
    will take care of the drinks|have changed their minds|were here on Tuesday"""
_PLAIN = """parking behind the hall is free|we start with soup|it may rain in the afternoon|
    the last bus leaves at midnight|breakfast is included|dogs are welcome|there is no lift|
    we need six more chairs|I have no signal in the valley|the water is turned off on Thursday|
    I will be wearing a yellow coat|we can share the petrol|the code for the door has changed|
    I found a recipe without eggs|my phone number stays the same|there is a short cut by the river|
    we are one person short|I kept the receipt|the entrance is round the corner|
    nobody has to dress up|everything else stays as it is|I will be ten minutes late|
    the market is closed that week|we have a second key|a blanket may come in handy"""
_VERBS = """bring|send me|look for|return|pick up|check|copy|pack|label|measure|repair|wash|
    photograph|unlock|store|replace|order|borrow|show me|keep"""
_OBJECTS = """the spare keys|the list of names|a few photos|the old chairs|the signed form|
    two extra blankets|the big pot|the yellow folder|the tickets|a copy of the bill|
    the measurements|the music|some good shoes|the first chapter|the tool box|the paint|
    the price list|the addresses|a towel|the extension lead|the ropes|a torch|the lunch boxes"""
_TAILS = """to the office|before the weekend|on the way home|by tomorrow evening|for the children|
    to the meeting|for my sister|after work|on Saturday morning|at the front desk|for me|
    when you have time|before it rains|to the station|once more|from the cellar"""


def _split(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|"))


THINGS, HAPPENED, GROUPS, DOING = map(_split, (_THINGS, _HAPPENED, _GROUPS, _DOING))
PLAIN, VERBS, OBJECTS, TAILS = map(_split, (_PLAIN, _VERBS, _OBJECTS, _TAILS))


def note(random: Random) -> str:
    """A main clause: `the heating is out of order`."""
    drawn = random.random()
    if drawn < 0.5:
        return about(random, random.choice(THINGS))
    if drawn < 0.8:
        return f"{random.choice(GROUPS)} {random.choice(DOING)}"
    return random.choice(PLAIN)


def about(random: Random, thing: str) -> str:
    """A main clause about a thing."""
    return f"the {thing} {random.choice(HAPPENED)}"


def question(random: Random) -> str:
    """A clause that follows `whether`."""
    return note(random)


def request(random: Random) -> str:
    """A verb phrase: `bring the spare keys to the office`."""
    tail = f" {random.choice(TAILS)}" if random.random() < 0.7 else ""
    return f"{random.choice(VERBS)} {random.choice(OBJECTS)}{tail}"
