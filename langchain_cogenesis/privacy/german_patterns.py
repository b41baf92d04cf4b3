"""What a German text says itself is somebody's: names, births, addresses, numbers, passwords.

A cue or a number is looked for as a literal; the patterns then run from there alone, so that time
is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_cogenesis.privacy import german
from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.normalize import canonical_form
from langchain_cogenesis.privacy.shape import places

_WORD = r"[A-ZÄÖÜ][\w'’-]{1,24}"
_TITLES = ("Herr", "Frau", "Fräulein", "Familie")
_TITLED = re.compile(
    r"(?:Herrn?|Frau|Fräulein|Familie)\s{1,2}(?:(?:Dr|Prof|Dipl|Ing)\.?(?:-\w{1,5}\.)?\s?){0,3}"
    rf"(?:(?:von|van|zu|der|de|vom)\s){{0,2}}({_WORD})(\s{_WORD})?"
)
_SOME_WOMAN = re.compile(r"\b(?:[mdsk]?ein|jed|dies|welch|alt|jung)(?:e|er|en|em|es)\s\Z")
_NO_NAME_WORDS = """
Abteilungsleiter Abteilungsleiterin Anfang Anwalt Anwältin Bürgermeister Bürgermeisterin Chef
Chefin Direktor Direktorin Doktor Doktorin Ende Freunde General Hausmeister Hauptmann Kanzler
Kanzlerin Kollege Kollegin Königin Lehrer Lehrerin Meister Minister Ministerin Mitte Mutter
Nachbar Nachbarin Ober Pastor Pastorin Pfarrerin Professor Professorin Präsident Präsidentin
Rektor Rektorin Schulleiter Schulleiterin Staatsanwalt Staatsanwältin Tochter Vater Vorsitzende
Vorsitzender
"""
_NO_NAME = frozenset(_NO_NAME_WORDS.split())
_NO_SURNAME_WORDS = """
Abend Absage Angebot Antwort Auskunft Bericht Bescheid Bitte Blumen Brief Danke Dank Einladung
Geld Geschenk Glück Glückwunsch Grüße Hilfe Karten Mail Mittag Montag Dienstag Mittwoch Donnerstag
Freitag Samstag Sonntag Morgen Nachricht Recht Termin Unterlagen Urlaub Zeit
"""
_NO_SURNAME = frozenset(_NO_SURNAME_WORDS.split())
_CALLS = ("Name ist ", "Name lautet ", "ch heiße ", "ch heisse ", "namens ")
_CALLED = re.compile(rf"\s?({_WORD}(?:\s{_WORD}){{0,2}})")
_DATE = (
    r"(\d{1,2}\.\s?\d{1,2}\.\s?\d{2,4}|\d{1,2}\.\s(?:Jan|Feb|Mär|Maer|Apr|Mai|Jun|Jul|Aug|Sep|Okt"
    r"|Nov|Dez)[a-z]{0,6}\.?\s\d{4})"
)
_BORN = re.compile(
    rf"(?:oren|\.|sdatum|stag)(?:\s(?:am|ist|ist am|war|der|ist der))?[\s:\"=]{{1,4}}{_DATE}"
)
_BORN_AFTER = re.compile(rf"{_DATE}(?:\s\S{{1,20}}){{0,3}}\s\Z")
_STREET_BEFORE = re.compile(
    r"(?<![\w.-])((?:(?:[A-ZÄÖÜ][\wäöüß'’.-]{1,20}[ ]){0,3}[A-ZÄÖÜ][\wäöüß.-]{1,30}?"
    r"(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|chaussee|ufer|stieg|twiete|promenade"
    r"|-(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Damm|Ufer))"
    r"|(?!(?:Die|Eine|Diese|Jede|Der|Ein|Dieser|Jeder)[ ])(?:[A-ZÄÖÜ][\wäöüß'’-]{1,20}[ ]){1,2}"
    r"(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm))[ ])"
    r"\Z"
)
_CALLED_AFTER_A_PLACE = re.compile(
    r"(?<!\w)((?:Am|An de[rnm]|Auf de[rnm]|Hinter de[rnm]|Im|In de[rnm]|Unter den|Zum|Zur)[ ]"
    r"(?:[A-ZÄÖÜ][\wäöüß-]{1,20}[ ]){1,3})\Z"
)
_TOWN = r"(?:D-)?\d{5}\s[A-ZÄÖÜ][\wäöüß-]{1,30}(?:\s(?:am|an der|ob der)\s[A-ZÄÖÜ][\wäöüß]{2,20})?"
_HOUSE = re.compile(
    rf"\d{{1,4}}\s?(?:[a-z]\b)?(?!\w|[.,]\d|\s?(?:km|m|Kilo\w+|Meter\w*|Minute\w*|Stunde\w*|Euro|€|Uhr"
    rf"|Jahr\w*|Person\w*|Tag\w*|Prozent|%))(?P<town>(?:,\s?|\s|\n){_TOWN})?"
)
_NUMBER_AFTER_A_WORD = re.compile(rb"[a?.] 0{1,4}(?!0|\.0)")
_NO_STREET = re.compile(
    r"(?:Park|Arbeits|Sitz|Stell|Steh|Zelt|Start|Lager|Ausbildungs|Studien|Liege|Speicher|Spiel"
    r"|Sport|Camping|Markt|Ehren|Tabellen)platz|(?:Um|Aus|Rad|Rück|Heim|Hin|Schul|Fuß|Wander|Feld"
    r"|Arbeits|Lebens|Mittel|Lern)weg",
    re.IGNORECASE,
)
_CODED_TOWN = re.compile(r"(?:\b(?:in|nach|aus|bei|PLZ)\s|D-)\Z")
_TOWN_AT = re.compile(_TOWN)
_NUMBER_CUES = ("ummer", "nr.", "Nr.", "-Nr", "zeichen", "-ID", "-Id")
_NUMBERED = re.compile(
    r"(?:Kunden|Bestell|Rechnungs?|Auftrags|Buchungs|Reservierungs|Vertrags|Sendungs|Paket|Konto"
    r"|Depot|Kredit|Ausweis|Personalausweis|Reisepass|Pass|Führerschein|Versicherungs|Versicherten"
    r"|Sozialversicherungs|Krankenversicherungs|Rentenversicherungs|Mitglieds?|Steuer|Patienten"
    r"|Personal|Matrikel|Ticket|Vorgangs|Referenz|Akten|Geschäfts|Kfz-|Kenn|Serien|Geräte"
    r"|Fahrgestell|Zähler|Kunden-|Steuer-)-?(?:[Nn]ummer|[Nn]r\.?|ID|Id|[Zz]eichen|kennzeichen)"
    r"(?:\s(?:ist|lautet|war|heißt|hat))?\s?[:=]?\s?[\"„]?"
    r"(?P<value>[A-Z0-9][A-Z0-9/.-]{0,24}(?:\s[A-Z0-9/.-]{1,12}){0,5})(?![\w])"
)
_SECRET_CUES = ("asswort", "ennwort", "ugangscode", "eheimzahl", "PIN", "chlüssel")
_SECRET = re.compile(
    r"\w{0,12}(?:\s(?:ist|lautet|war|heißt)|\s?[:=])\s[\"„'“]?(?P<value>[^\s\"“”',;]{4,64})"
)


def find_german(text: str) -> Iterator[Match]:
    """Finds names after titles, days of birth, numbers after their word, and passwords."""
    yield from _find_names(text)
    yield from _find_births(text)
    if any(cue in text for cue in _NUMBER_CUES):
        for match in _NUMBERED.finditer(text):
            value = match["value"].rstrip("./- ")
            if sum(map(str.isdigit, value)) >= 2 and len(value) >= 4:
                yield Match(match.start("value"), match.start("value") + len(value), "NUMBER")
    for cue in _SECRET_CUES:
        for at in places(text, cue):
            # "PIN" is a word, and no part of one ("SHOPPING: 2027").
            joined = text[at - 1 : at] + text[at + 3 : at + 4]
            if cue == "PIN" and any(map(str.isalpha, joined)):
                continue
            secret = _SECRET.match(text, at + len(cue))
            value = secret["value"].rstrip(".!?") if secret else ""
            if secret and len(value) >= 4 and any(map(str.isdigit, value)):
                yield Match(secret.start("value"), secret.start("value") + len(value), "NUMBER")


def find_german_streets(text: str, shape: bytes) -> Iterator[Match]:
    """Finds streets with their numbers, and towns with their codes, in a text of this shape."""
    for number in _NUMBER_AFTER_A_WORD.finditer(shape):
        at = number.start() + 2
        house = _HOUSE.match(text, at)
        if house is None:
            yield from _find_coded_town(text, at)
            continue
        street = _STREET_BEFORE.search(text, max(0, at - 90), at)
        if street is None and house["town"]:
            street = _CALLED_AFTER_A_PLACE.search(text, max(0, at - 70), at)
        if street and not _NO_STREET.search(street[1].rsplit(" ", 2)[-2]):
            end = house.start() + len(house.group().rstrip())
            yield Match(street.start(1), end, "ADDRESS")


def _find_coded_town(text: str, at: int) -> Iterator[Match]:
    town = _TOWN_AT.match(text, at)
    if town and _CODED_TOWN.search(text, max(0, at - 6), at) and text[at + 3 : at + 5] != "00":
        yield Match(town.start(), town.end(), "ADDRESS")


def _find_names(text: str) -> Iterator[Match]:
    for title in _TITLES:
        for at in places(text, title):
            match = _TITLED.match(text, at)
            if match is None or match[1] in _NO_NAME or text[max(0, at - 1) : at].isalnum():
                continue
            if title == "Frau" and _SOME_WOMAN.search(text, max(0, at - 12), at):
                continue
            second = (match[2] or "").strip()
            # "Herrn Königs Bewerbung" names one person, by one name.
            noun = match[1].endswith("s") and german.is_familiar(canonical_form(second))
            whole = second and second not in _NO_SURNAME and not noun and match[1][-1].isalnum()
            end = match.end(2) if whole else match.end(1)
            yield Match(match.start(1), _without_hyphen(text, end), "NAME")
    for call in _CALLS:
        for at in places(text, call):
            called = _CALLED.match(text, at + len(call))
            if called:
                yield Match(called.start(1), _without_hyphen(text, called.end(1)), "NAME")


def _find_births(text: str) -> Iterator[Match]:
    for cue in ("gebo", "geb.", "Geburt"):
        for at in places(text, cue):
            before = _BORN_AFTER.search(text, max(0, at - 70), at)
            match = _BORN.search(text, at, at + 45) or (before if cue == "gebo" else None)
            if match:
                yield Match(match.start(1), match.end(1), "DATE")


def _without_hyphen(text: str, end: int) -> int:
    while text[end - 1] in "'’-":
        end -= 1
    return end
