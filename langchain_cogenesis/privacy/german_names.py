"""German nouns and adjectives that are also names of people and places, and how to tell them.

German writes every noun with a capital, so that a capital says nothing. What tells a noun is what
stands before it: an article, a possessive, a preposition that has swallowed an article, and perhaps
adjectives in between ("der Sommer", "im Sommer", "ein heißer Sommer"). Names stand without.
"""

from __future__ import annotations

import re

_NOUNS = """
abend abt acker adler ahorn amsel angel apfel art aue auge august bach bad bar bart bauer baum
becher beck beil berg bergen beutel bier birke birne bischof blatt blitz block blum blume bock
boden bogen bohne bote braut brot bruch bruder brunnen buch buche buchen bund burg busch butter
degen dieb diener donner dorn drechsler eber ecke eiche eisen ende engel erde ernst esel essen
fach fackel faden falke farber feder fee feige feld fels fest feuer finger fink fisch fischer
fleischer flieder fluss forster frau frank freitag freude freund friede frieden frosch frost frucht
fruhling fuchs fuhrmann funke furst fuss gabel gans garten gartner gast geiger gerber gerste gips
glas glaser glied glocke glocken gold graben graf gras groschen grund hafen hafer hagel hagen hahn
hain halle halm hals hammer hand handel harz hase haupt haus heide heil heim held heller hemd
herbst herz herzog hirsch hirt hof holz honig horn hut hutte igel insel iris jager kai kaiser kamm
kammer kamp kanne kanzler kapelle karpfen kasten kater katze kaufmann kehl keil keller kellner
kern kerze kessel kessler kiel kind kirche kirsch kirsche klee klinge klinger kloster knecht koch
kohl kohle kohler konig kopf korb korn kraft kramer kranz kreuz kron krone krug kuchen kugel kunst
kuster lamm lampe landmann leber lehrer leiter lenz lerche licht lilie linde linden lowe luchs mai
maler mandel mann markt maus mehl meister messer metzger mohn mohr monch mond montag moor morgen
muhle munster nacht nachtigall nagel nebel nelke nest neuling nuss ostern palm papst pastor pech
pelz pfarrer pfau pfeffer pfeifer pfeil pflug pfund pilger pilz probst puls quell rabe rad rat
ratte rauch rebe regen reh reich reif reis reiter rettich richter riese ring ritter rock roggen
rohr rosa rose rosen ross rubin sack saft sage salz samstag sand sanger sattler schaf schafer
schatz scheffel schild schloss schlosser schlussel schnabel schnee schneider schnell schreiber
schreiner schuh schuster schutz schutze schwalbe schwan see seemann segel seiler sense siegel
silber singer sommer sonne sonntag specht speck spiegel spielmann spindel spitz sport springer
stab stadt stahl stamm star staub stein stern stock storch strauss strom stube stuck sturm tanne
tanz tanzer tau taube teich teller teufel thron tischler tod topf topfer tor traube traum turm
turner ufer ulme vater vetter vogel vogt wache wachter wagen wagner wahl wald wand wasser weber
weide weiden weiher weihnacht wein weise weizen welle werder wetter wiese wiesen wild wind winkel
winter winzer wirt witz wolf wolke wolle wort wunsch wurst wurz zander zange zauber zeder zeh
zeiger zeisig ziegel ziegler zieher zimmer zimmermann zink zirkel zobel zoll zopf zorn zucker
"""
NOUNS = frozenset(_NOUNS.split())
"""As canonical characters."""
_ADJECTIVES = """
alt arm blank blau braun breit bunt deutsch dick dunkel durr edel eigen fein fest feste frei fremd
froh frohlich fromm fruh gelb gerade gern gesund grau grob gross grun gut hart heilig heiss hell
hoch hold jung kalt karg klar klein klug krank kraus krumm kuhn kurz lang lange leicht lieb link
linke los mager mild munter nah nett neu rauh recht reich reif rein rot roth rund sanft satt sauer
scharf scheel schlecht schlicht schmal schnell schon schwarz selig spat stark starke steif stein
still stolz streng suss treu trocken voll wach wahr warm weich weiss wild will wohl zart
"""
ADJECTIVES = frozenset(_ADJECTIVES.split())
"""Words that people write in small letters, but at the beginning of a sentence."""

_DETERMINER = re.compile(
    r"(?:[dk]?ein|mein|sein|ihr|unser|eu[e]?r)(?:e|en|em|er|es|s)?|d(?:er|ie|as|en|em|es)"
    r"|(?:dies|jen|jed|manch|solch|welch|all|beid|einig|viel|wenig|mehrer|ander|etlich)"
    r"(?:e|en|em|er|es)?|i[mn]s?|am|ans|zu[mr]|vom|beim|aufs|fürs|ums|übers|unterm|hinterm|vorm"
    r"|(?:letzt|nächst|vorig|kommend|vergangen|ganz|erst|zweit|dritt|halb)(?:e|en|em|er|es)"
    r"|kein|etwas|mehr|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|\d+\.?"
    r"|anfang|mitte|ende|pro|je|als|pur|wie",
    re.IGNORECASE,
)
_NO_DETERMINER = frozenset(("in", "ihr", "sein"))
"""A preposition without an article, a pronoun, a verb: they stand before names too."""
_ADJECTIVE = re.compile(r"[a-zäöüß]{3,}(?:e|en|em|er|es)")
_BEFORE = re.compile(r"([\w]+\.?)[ \t\n,]{1,2}[\"'„“«(]?\Z")
_LOOKED_AT = 60
_ADJECTIVES_AT_MOST = 3
_UMLAUT = re.compile(r"[äöü]|[aou]\u0308")


def is_noun(text: str, start: int, *, genitive: bool = False) -> bool:
    """Whether what stands before a word with a capital makes it a noun.

    Args:
        text: The text.
        start: Where the word begins.
        genitive: Whether an -s follows: "des Fischers" is a noun's, "der Fischers" a family's.
    """
    at, adjectives = start, 0
    while adjectives <= _ADJECTIVES_AT_MOST:
        match = _BEFORE.search(text, max(0, at - _LOOKED_AT), at)
        if match is None or ("," in match.group() and not adjectives):
            return False
        word = match[1]
        if _DETERMINER.fullmatch(word) and word.lower() not in _NO_DETERMINER:
            return not genitive or word.lower().endswith("es")
        if not (_ADJECTIVE.fullmatch(word) or (adjectives and word in ("und", "oder", "sehr"))):
            return False
        at, adjectives = match.start(1), adjectives + 1
    return False


def has_other_vowel(surface: str, spelled: str) -> bool:
    """Whether an umlaut makes another word of it: "Vögel" is no "Vogel"."""
    lower = spelled.lower()
    bare = not _UMLAUT.search(lower) and not re.search("[aou]e", lower)
    return bare and _UMLAUT.search(surface.lower()) is not None
