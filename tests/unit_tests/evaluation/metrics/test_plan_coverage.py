"""Plan coverage, worked out by hand."""

from __future__ import annotations

import pytest

from langchain_cogenesis.data.task.example import PlanPoint
from langchain_cogenesis.evaluation.metrics.coverage import plan_coverage

PLAN = (
    PlanPoint(name="invite", wordings=("Please come to my party at .", "Join us at .")),
    PlanPoint(name="bring", wordings=("A bottle of lemonade would make everybody happy.",)),
    PlanPoint(name="answer", wordings=("Reply by .", "Tell me whether you can make it.")),
    PlanPoint(name="yes", wordings=("Sure.",)),
)
PLAN_DE = (
    PlanPoint(name="move", wordings=("muss ich leider verschieben.",)),
    PlanPoint(name="propose", wordings=("Wie wäre es stattdessen ?", "Ich schlage den vor, .")),
    PlanPoint(name="sorry", wordings=("Bitte entschuldigen Sie die Umstände.",)),
)


@pytest.mark.parametrize(
    ("text", "done"),
    [
        # Of "come", "party": both; of four points one.
        ("Come to the party at Casa Lume.", 1),
        # Of two words one is half, which is below three in five.
        ("Come to Casa Lume.", 0),
        # Of "bottl", "lemon", "make", "every", "happy" three are enough, two are not; "would" is
        # a small word.
        ("Bottled lemonade can make sense.", 1),
        ("A bottle of lemonade would be nice.", 0),
        # "reply" is as long as a stem, so that it tells by itself; "by" is too short to count.
        ("I am replying to your invitation.", 1),
        # Words of two neighbouring sentences count together, of three they don't.
        ("Come soon. The party is mine.", 1),
        ("Come soon. Bye now. The party is mine.", 0),
        # One word of fewer than five letters tells nothing.
        ("Sure. Sure!", 0),
        ("", 0),
        ("Come to the party. Bottled lemonade can make sense. Reply, will you?", 3),
    ],
)
def test_points_of_english_texts(text: str, done: int) -> None:
    assert plan_coverage(text, PLAN) == (done, 4)


@pytest.mark.parametrize(
    ("text", "done"),
    [
        # "leider" and "verschieben" are two of three stems ("muss" is the third).
        ("Das Konzert muss ich verschieben.", 1),
        ("Das Konzert kann ich leider nicht verschieben.", 1),
        ("Das Konzert ist leider aus.", 0),
        # "wäre", however it is spelled, and "stattdessen"; "wie" and "es" are small words.
        ("Wie waere es stattdessen am 12. Juni?", 1),
        ("Wie wäre es am 12. Juni?", 0),
        # "schlage" alone is a word of five letters or more, "ich", "den" and "vor" are small.
        ("Am 12. Juni um 19 Uhr schlage ich Casa Lume vor.", 1),
        # A date is no end of a sentence: these are two sentences, and neighbours.
        ("Am 12. Juni bis 14. Juni muss ich weg. Bis 16. Juni leider auch verschieben.", 1),
        ("Bitte entschuldige die Umstaende!", 1),
        ("Am Montag muss ich leider verschieben. Wäre stattdessen Freitag gut?", 2),
    ],
)
def test_points_of_german_texts(text: str, done: int) -> None:
    assert plan_coverage(text, PLAN_DE, "de") == (done, 3)


def test_without_a_plan_there_is_nothing_to_carry_out() -> None:
    assert plan_coverage("Come to the party.", ()) == (0, 0)


def test_a_point_without_wordings_is_never_carried_out() -> None:
    assert plan_coverage("Come to the party.", [PlanPoint(name="x", wordings=())]) == (0, 1)
