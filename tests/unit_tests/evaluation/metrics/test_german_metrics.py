"""Metrics of German texts, against values that were worked out by hand."""

from __future__ import annotations

import pytest

from langchain_cogenesis.evaluation.metrics import style
from langchain_cogenesis.evaluation.metrics.facts import facts_used, facts_used_normalised
from langchain_cogenesis.evaluation.metrics.german import holds_german
from langchain_cogenesis.evaluation.metrics.leaks import leaked_values
from langchain_cogenesis.evaluation.metrics.overlap import rouge

LETTER = (
    "Liebe Nina,\n\nwir sehen uns am Samstag, den 12. Juni, um halb acht in der alten Mühle. "
    "Tomas' Ausstellung läuft noch.\n\nViele Grüße\nEdda"
)


def test_facts_are_counted_in_the_form_that_german_gives_them() -> None:
    """Letter for letter, folded as in English, and folded as German."""
    values = ["Nina", "12.06.", "19:30 Uhr", "die alte Mühle", "Ausstellungen", "Kiel"]
    assert facts_used(LETTER, values) == (1, 6)
    assert facts_used_normalised(LETTER, values) == (1, 6)
    assert facts_used_normalised(LETTER, [*values, "12. Juni 2027"], "de") == (4, 7)


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("Ninas Rad ist da.", "Nina", True),
        ("bei Lindqvists", "Lindqvist", True),
        ("Annas Rad", "Ann", False),
        ("im Hamburger Hafen", "Hamburg", True),
        ("im Bremer Hafen", "Bremen", True),
        ("Herr Mueller kommt", "Müller", True),
        ("auf der Straße", "Strasse", True),
        ("am 12.06.2027", "12. Juni", True),
        ("am zwölften Juni", "12. Juni", True),
        ("am 13. Juni", "12. Juni", False),
        ("um 19 Uhr", "19:00 Uhr", True),
        ("um sieben Uhr abends", "19 Uhr", True),
        ("um 20 Uhr", "19 Uhr", False),
        ("die Lindqvist-Ausstellung", "Lindqvist", True),
        ("Sommerfest im Garten", "Sommerfestes", True),
        ("das ist fein 🚲", "🚲", True),
        ("nichts", " ", False),
    ],
)
def test_a_value_is_held_in_german(text: str, value: str, found: bool) -> None:
    """Inflected, with other umlauts, as a date or hour in any spelling."""
    assert holds_german(text, value) is found


@pytest.mark.parametrize(
    ("text", "greeting", "closing"),
    [
        (LETTER, "liebe", "viele grüsse"),
        ("Sehr geehrte Frau Groß,\nDanke.\n\nMit freundlichen Grüßen\nN. L.", "sehr geehrte frau",
         "mit freundlichen grüssen"),
        ("Sehr geehrte Damen und Herren,\nhier.\nHochachtungsvoll\nNina",
         "sehr geehrte damen und herren", "hochachtungsvoll"),
        ("Hallo Tomas,\nbis Montag.\nLG, Nina", "hallo", "lg"),
        ("Moin Ole,\nalles klar?\nBis bald, dein Tomas", "moin", "bis bald"),
        ("Guten Tag,\nich komme.\nHerzliche Grüße aus Kiel\nNina", "guten tag",
         "herzliche grüsse aus kiel"),
        ("Wir haben wieder offen.\nKommt vorbei!", None, None),
    ],
)  # fmt: skip
def test_german_greeting_and_closing(text: str, greeting: str | None, closing: str | None) -> None:
    """They stand without a comma, too."""
    assert (style.greeting_of(text, "de"), style.closing_of(text, "de")) == (greeting, closing)


def test_german_style_by_hand() -> None:
    """German quotation marks and function words count in German."""
    # „ 1/4, “ 1/4, . 2/4 against „ 1/3, “ 1/3, . 1/3.
    assert style.punctuation_similarity("„a“. b.", "„a“.", "de") == pytest.approx(5 / 6)
    # der 2/3, und 1/3 against der 1/2, ich 1/2.
    assert style.function_word_similarity("der Hund und der Kater", "der ich", "de") == 0.5


def test_rouge_knows_german_words() -> None:
    """Umlauts don't cut words, and stems are German."""
    pytest.importorskip("rouge_score")
    assert rouge("schöne Häuser", "schönes Haus", "de")["rouge1"] == 1.0
    assert rouge("Österreich", "Sterreich", "de")["rouge1"] == 0.0


def test_a_value_leaks_in_any_german_form() -> None:
    """A genitive tells the name."""
    assert leaked_values(["Nina", "Kiel"], ["Lade Ninas Mutter ein."]) == (0, 2)
    assert leaked_values(["Nina", "Kiel"], ["Lade Ninas Mutter ein."], "de") == (1, 2)
