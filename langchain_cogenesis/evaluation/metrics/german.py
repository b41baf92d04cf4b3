"""German in the metrics: when a text holds a value, how letters begin and end, function words."""

from __future__ import annotations

import re

from langchain_cogenesis.evaluation.metrics.matching import words_of

GREETING = re.compile(
    r"\s*((?:sehr geehrte[rs]? damen und herren|sehr geehrte[rs]? (?:frau|herr)|sehr geehrte[rs]?"
    r"|liebe(?:r|s)? (?:alle|leute|kolleginnen und kollegen|freundinnen und freunde|frau|herr)"
    r"|liebe[rs]?|hallo(?: zusammen| ihr lieben| an alle)?|hi|hey|moin(?: moin| zusammen)?|servus"
    r"|gr(?:ü|ue)(?:ß|ss) (?:dich|euch|gott)|guten (?:morgen|tag|abend)(?: zusammen)?"
    r"|an alle|werte[rs]?))\b",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:mit|viele|liebe|beste|herzliche|sch(?:ö|oe)ne|freundliche[nm]?|sonnige|ganz|die|bis)\s)*"
    r"(?:(?:freundlichem |freundlichen |herzlichen |besten |lieben )?gr(?:u|ü|ue)(?:ß|ss)(?:en|e)?"
    r"(?: (?:aus|von|an) [\w ]+)?|dank|bald|dann|sp(?:ä|ae)ter|morgen|hochachtungsvoll|herzlichst?"
    r"|alles (?:gute|liebe)|in liebe|lg|vg|mfg|danke|tsch(?:ü|ue)(?:ß|ss)|ciao|deine?|ihre?|eure?"
    r"|euer|machs? gut|mach's gut)(?: (?:deine?|ihre?|eure?|euer))?",
    re.IGNORECASE,
)
PUNCTUATION = ".,;:!?-–—…()\"'„“”‚‘’»«"
_FUNCTION_WORDS = """
aber als am an auch auf aus bei beim bin bis bist da damit dann das dass dein deine dem den denn der
des dich die dir doch du durch ein eine einem einen einer eines er es euch euer für hat habe haben
hier ich ihm ihn ihnen ihr ihre im in ins ist ja kann kein keine man mehr mein meine mich mir mit
nach nicht noch nun nur oder ob schon sehr sein seine sich sie sind so über um und uns unser unsere
vom von vor war was wenn wer werden wie wieder wir wird zu zum zur
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that say little and betray much of who writes, as `style.FUNCTION_WORDS` for English."""

_ENDINGS = frozenset(("s", "es", "n", "en", "e", "er", "ern", "em", "in", "innen"))
_ENDINGS_OF_SHORT = frozenset(("s", "er", "ern"))
"""Others make another word of a short one: "Lassen" of Lasse."""
_SHORTEST_INFLECTED, _SHORT = 3, 6
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_CLOCK = re.compile(
    r"(?:um\s)?(?P<hour>\d{1,2})(?:[.:](?P<minute>\d\d))?(?:\sUhr(?:\s(?P<more>\d\d))?)?",
    re.IGNORECASE,
)
_HOURS = re.compile(r"\d[.:]\d\d|Uhr", re.IGNORECASE)


def holds_german(text: str, value: str) -> bool:
    """Whether a German text says a value, in whatever form German gives it there.

    Words may be inflected ("Ninas", "der Hamburger Hafen"), dates and times of day written in any
    way ("12. Juni" and "12.06.", "19:30 Uhr" and "halb acht"), umlauts as two letters.

    Args:
        text: The text.
        value: What to look for.
    """
    said = _said_as_moment(text, value)
    if said is not None:
        return said
    wanted = [spell_out(word) for word in words_of(value)]
    if not wanted:
        return bool(value.strip()) and value.strip() in text
    words = [spell_out(word) for word in words_of(text)]
    return any(
        all(map(_is_form, words[at : at + len(wanted)], wanted))
        for at in range(len(words) - len(wanted) + 1)
    )


def spell_out(word: str) -> str:
    """A word in small letters with its umlauts as two letters: `größe` gives `groesse`."""
    return word.translate(_LETTERS)


def closing_of(lines: list[str]) -> str | None:
    """How a German text takes leave, folded and without the name; None if it doesn't.

    Args:
        lines: The text's lines that hold something.
    """
    for line in reversed(lines[-3:]):
        head, _, rest = (part.strip() for part in line.partition(","))
        if _CLOSING.fullmatch(head) and len(rest.split()) <= 4:
            return " ".join(words_of(head))
        # "Viele Grüße Nina", without a comma.
        first = head.rpartition(" ")[0]
        if not rest and first and _CLOSING.fullmatch(first):
            return " ".join(words_of(first))
    return None


def _is_form(word: str, wanted: str) -> bool:
    """Whether a word is another one, or it with an ending of German."""
    if word == wanted:
        return True
    if len(wanted) < _SHORTEST_INFLECTED or wanted.isdigit():
        return False
    endings = _ENDINGS_OF_SHORT if len(wanted) < _SHORT else _ENDINGS
    if word.startswith(wanted):
        return word[len(wanted) :] in endings
    if wanted.startswith(word) and len(word) >= _SHORT:
        return wanted[len(word) :] in _ENDINGS
    # "der alten Mühle" for "die alte Mühle"; "Bremer" for "Bremen".
    stem = wanted[:-1] if wanted[-1] in "enrsm" else wanted
    return len(stem) > _SHORTEST_INFLECTED and word[:-1] == stem


def _said_as_moment(text: str, value: str) -> bool | None:
    """Whether a text says a date or a time of day; None if the value is neither."""
    from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
    from langchain_cogenesis.privacy.moments import find_dates

    dates = list(find_dates(value))
    if len(dates) == 1 and dates[0][0] <= len("Donnerstag, den ") and dates[0][1] == len(value):
        return bool(PrivateLexicon([PrivateValue("DATE", dates[0][2])]).find(text))
    clock = _CLOCK.fullmatch(value.strip()) if _HOURS.search(value) else None
    if clock is None or int(clock["hour"]) > 23:
        return None
    spelled = f"{int(clock['hour']):02d}:{clock['minute'] or clock['more'] or '00'}"
    return bool(PrivateLexicon([PrivateValue("TIME", spelled)]).noted(text))
