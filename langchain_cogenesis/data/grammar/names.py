"""Invented names of people, places, firms and things, in several spellings of the world."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Family:
    """How names sound in one part of the invented world.

    Attributes:
        starts: Beginnings of given names and of towns.
        ends: Endings of given names.
        stems: Beginnings of surnames.
        tails: Endings of surnames.
    """

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    stems: tuple[str, ...]
    tails: tuple[str, ...]


def _family(starts: str, ends: str, stems: str, tails: str) -> Family:
    return Family(*(tuple(part.split()) for part in (starts, ends, stems, tails)))


FAMILIES: tuple[Family, ...] = (
    _family(
        "As Bir Dag El Fre Gun Ing Jor Kar Lin Mar Nor Os Sig Sol Tor Ul Var Hel Ast",
        "a rid e in mund un var ik ne run a ja mar",
        "Lind Berg Hol Sand Strom Dal Nor Ek Hag Vik Ros Grön",
        "qvist sen man dahl gren stad by sson vik strand",
    ),
    _family(
        "Al Be Ca Da Es Fa Gio Isa Lu Ma Ne Ori Pa Re Ro Sal Te Va Zo Lia",
        "ra lio na nca rio ssa tino la mira do vio nza lena",
        "Ca Mo Ve Bel Fer Mar Tri Sor Ro Pal Lom Gran",
        "luzzi rano ndi lotti retti vara nero sano mbra cci",
    ),
    _family(
        "Bo Da Dra Iva Ja Ka Lu Mi Ne Pe Ra Sta Ta Ve Vla Zo Zla Mla",
        "mir na slav ka dan ja rek la nko ška lena tan",
        "Nov Kor Bar Hor Mar Pet Vor Zel Kras Dub Mla Bel",
        "ák enko ski ova ić anek insky čuk ak evic",
    ),
    _family(
        "A Ha Ka Ki Ma Mi Na Re Sa Shi Ta Yo Yu Hi To Ru",
        "ko mi ro ka to na shi ri ya ki ho suke ra ne",
        "Ta Mo Ha Ki Naka Yama Ishi Kuro Shi Oka Mura Saka",
        "da ri yama moto guchi mura shima zawa hara bata",
    ),
    _family(
        "Am Fa Ha Ja Ka La Na Ra Sa Ta Ya Za Os Id Mar Sul",
        "ira dil lim mal rim yla dia sid ra riq min had wan eel",
        "Al Ben Had Kha Mans Qas Ras Sab Tah Zay Nad Far",
        "adi our im awi ari oud ani eer ami an",
    ),
    _family(
        "A Ba Chi Di Ebe Fo Ke Ko Ngo Ola Se Ti Wa Ya Zu Ife",
        "mbe dun ka la lu ma no ra sa tunde yo za wemi fe",
        "Ade Mba Oko Nwa Dio Ka Ma Osei Tra Ofo Bel Ogu",
        "yemi ku ro lo ba nda ngo re oré wole",
    ),
    _family(
        "Ae Bry Ca Dai Ei Fin Gwe Io Ke Mae Nia Ow Rhi Sea Ty Una",
        "lan nn dan ra lwen na gan ith vin nor wyn eth rys",
        "Mac Pen Tre Llew O' Dun Car Gal Kil Bran Fitz Mor",
        "garry rose lyn nelly lin more dew wen rick bride",
    ),
    _family(
        "A De Ja Ka La Ma Na Pri Ra Sa Su Ta Vi Ani Ish Dev",
        "ni ya sh van ntha li ka dev ra mit nil ta raj sha",
        "Ba Cha Des Gup Iy Kul Me Nai Pat Ra Sha Var",
        "nerjee tra ai karni hta du war man rma sekar",
    ),
    _family(
        "Bren Cla Ed Fran Geo Hen Jo Ka Lou Mar Ne Ol Phi Ro Ste Win",
        "da ra gar ces rge ry hn te isa tin lly iver lip wena",
        "Ash Brad Carl Dray Ed Frost Hart Lang Mill Nor Park Thorn",
        "ford ley ton well worth by field wood man er",
    ),
    _family(
        "Bai Chun Fei Hao Jin Lan Mei Ning Qiu Rui Shu Wen Xia Yan Zhi",
        "lan hua ming yu jun lin fang ying hong",
        "Chen Gao Hua Jiang Liao Meng Pan Shen Tang Wu Xie Zhou",
        ". . . .",
    ),
    _family(
        "An Dim Ele Ge Kal Ly Mel Ni Pan Sof The Xe Yan Zan",
        "a os ni rgios lia kos ssa dra kis thea ron tia",
        "Papa Kara Ale Dou Geor Kon Mav Nik Sta Vas Theo",
        "dakis nikou xiou poulos giou stou rou lias vros kas",
    ),
)
"""The last two are kept for held-out personas."""

HELD_OUT_FAMILIES = 2

_EVERYDAY = """
    Ada Alma Amir Anna Anton Ava Bela Bruno Carla Carmen Clara Dana David Diego Elena Eli Emil
    Emma Erik Eva Felix Fiona Frida Greta Hana Hugo Ida Ines Irene Iris Ivan Jana Jonas Julia Kai
    Karim Laila Lara Leo Lena Liam Lina Lola Lucas Luis Maja Marco Maria Marta Maya Mila Mina Nadia
    Nico Nina Noah Olga Omar Oscar Paul Petra Priya Rafael Rosa Ruth Samir Sara Simon Sofia Sonia
    Tara Theo Tina Vera Victor Yara Yusuf Zara Renata Tomas Juna Adisa Nora
"""
GIVEN_NAMES: tuple[str, ...] = tuple(_EVERYDAY.split())

_VENUES = (
    "Casa {}", "Café {}", "{} Hall", "Villa {}", "{} Garden", "{} Park", "{} House", "Hotel {}",
    "{} Library", "{} Theatre", "{} Inn", "{} Studio", "{} Gallery", "Bar {}", "{} Square",
    "{} Centre", "14 {} Street", "27 {} Road", "{} Kitchen", "{} Beach",
)  # fmt: skip
_FIRMS = (
    "{} Studio", "{} Foods", "{} Logistics", "{} Clinic", "{} School", "{} Labs", "{} Press",
    "{} Bank", "{} Design", "{} Textiles", "{} Energy", "{} Travel", "{} Motors", "{} and Sons",
    "{}", "{} Works", "{} Books", "{} Software", "{} Bakery", "{} Media", "{} Ceramics",
)  # fmt: skip
_SHOPS = ("{}market", "{} Store", "{} Shop", "{}", "House of {}", "{} Electronics", "{} Direct")
_TOWNS = ("Port {}", "{}", "{}", "{}ville", "{}burg", "San {}", "Lower {}", "{}ton", "{} Bay", "{}")
_CLINICS = ("{} Clinic", "{} Hospital", "the {} Clinic", "St {} Hospital", "{} Medical Centre")
_STREETS = ("Road", "Street", "Lane", "Hill", "Row", "Square", "Avenue", "Court", "Quay", "Gardens")
_THINGS = (
    "kettle", "bicycle", "lamp", "camera", "jacket", "printer", "sofa", "blender", "backpack",
    "tent", "radio", "toaster", "desk", "guitar", "headset", "mixer", "stove", "watch", "drill",
    "tablet", "armchair", "carpet", "keyboard", "suitcase", "rucksack", "heater", "piano", "scale",
)  # fmt: skip


_SYLLABLES = """
    b br c ch cl d dr f fl g gr h j k kl l m n p pl pr qu r rh s sh sk sl st t th tr v w y z zh
    a e i o u a e i o u ai au ea ee ei eo ia ie io oa oo ou ua ue ui y é ö ü á
    b ck d f g k ke l ll ld lt m mp n nd ne ng nn nt p r rd rk rn rt s se sh ss st t te th v ve x z
"""
_ONSETS, _NUCLEI, _CODAS = (line.split() for line in _SYLLABLES.strip().splitlines())


def _syllable(random: Random) -> str:
    onset = random.choice(_ONSETS) if random.random() < 0.85 else ""
    coda = random.choice(_CODAS) if random.random() < 0.4 else ""
    return onset + random.choice(_NUCLEI) + coda


def random_family(random: Random) -> Family:
    """A way of spelling that is made up on the spot.

    From names of a few families alone, a model learns to copy the letters that they are made of.
    """

    def parts(count: int, syllables: int) -> tuple[str, ...]:
        return tuple(
            "".join(_syllable(random) for _ in range(random.randint(1, syllables)))
            for _ in range(count)
        )

    return Family(
        tuple(_capital(part) for part in parts(8, 1)),
        parts(6, 2),
        tuple(_capital(part) for part in parts(6, 2)),
        parts(6, 1),
    )


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def given_name(random: Random, family: Family) -> str:
    """An invented given name, now and then an everyday one."""
    if random.random() < 0.2:
        return random.choice(GIVEN_NAMES)
    middle = random.choice(("", "", "", "li", "ra", "na", "do", "me"))
    return _capital(random.choice(family.starts) + middle + random.choice(family.ends))


def surname(random: Random, family: Family) -> str:
    """An invented surname."""
    tail = random.choice(family.tails)
    return random.choice(family.stems) + ("" if tail == "." else tail)


def root(random: Random, family: Family) -> str:
    """An invented word with a capital, from which places and firms are named."""
    if random.random() < 0.4:
        return surname(random, family)
    return _capital(random.choice(family.starts) + random.choice(family.ends))


def venue(random: Random, family: Family) -> str:
    """Where one meets: `Casa Lume`."""
    return random.choice(_VENUES).format(root(random, family))


def firm(random: Random, family: Family) -> str:
    """An employer: `Kilnhouse Studio`."""
    return random.choice(_FIRMS).format(root(random, family))


def shop(random: Random, family: Family) -> str:
    """A shop."""
    return random.choice(_SHOPS).format(root(random, family))


def town(random: Random, family: Family) -> str:
    """A town: `Port Ellery`."""
    return random.choice(_TOWNS).format(root(random, family))


def thing(random: Random, family: Family) -> str:
    """Something one buys, with its maker's name for it: `kettle Brona 4`."""
    number = random.choice(("", f" {random.randint(2, 90)}"))
    return f"{random.choice(_THINGS)} {root(random, family)}{number}"


def clinic(random: Random, family: Family) -> str:
    """Where the ill are treated: `Merin Clinic`."""
    return random.choice(_CLINICS).format(root(random, family))


def street(random: Random, family: Family) -> str:
    """An address: `14 Tern Road`."""
    return f"{random.randint(1, 180)} {root(random, family)} {random.choice(_STREETS)}"
