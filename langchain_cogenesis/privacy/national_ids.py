"""National ids by their checksums, as python-stdnum knows them."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any

_GROUPED: dict[tuple[int, ...], tuple[str, ...]] = {
    (3, 2, 4): ("us.ssn",),
    (3, 3, 3, 2): ("br.cpf",),
    (6, 4): ("se.personnummer", "dk.cpr"),
    (8, 4): ("se.personnummer",),
    (6, 5): ("no.fodselsnummer",),
    (6, 7): ("kr.rrn",),
    (3, 3, 3): ("ca.sin", "au.tfn"),
    (3, 3, 4): ("gb.nhs",),
    (4, 4, 4): ("in_.aadhaar",),
    (1, 2, 2, 2, 3, 3, 2): ("fr.nir",),
    (3, 4, 4, 2): ("ch.ssn",),
    (2, 2, 2, 3, 2): ("be.nn",),
    (2, 3, 3, 3): ("de.idnr",),
    (4, 5, 1): ("au.medicare",),
    (6, 4, 2, 1): ("za.idnr",),
}
"""Sizes of groups of digits, and whose ids are written so."""

_RUNS: dict[int, tuple[str, ...]] = {
    11: ("pl.pesel", "no.fodselsnummer", "ee.ik", "be.nn", "br.cpf", "de.idnr", "tr.tckimlik"),
    13: ("za.idnr", "ro.cnp", "ch.ssn"),
    15: ("fr.nir",),
    18: ("cn.ric",),
}
"""Digits in one run, and whose ids have checks strong enough for that: two digits, or a date."""

_LETTERED: tuple[tuple[str, str], ...] = (
    (r"[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    (r"\d{6}[-+A]\d{3}[0-9A-Y]", "fi.hetu"),
    (r"\d{8}[A-Z]", "es.dni"),
    (r"[XYZ]\d{7}[A-Z]", "es.nie"),
    (r"\d{7}[A-W][ABW]?", "ie.pps"),
    (r"\d{17}X", "cn.ric"),
)
_INSURANCE = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")


def is_national_id(number: str) -> bool:
    """Whether a number, with its separators, is a national id with the right checksum.

    Digits in one run are believed only where the check is strong; 9 digits pass some country's
    check more often than not.
    """
    if any(character.isalpha() for character in number):
        compact = re.sub(r"[ ]", "", number).upper()
        if _INSURANCE.fullmatch(compact):
            return True
        return any(
            re.fullmatch(shape, compact) and _module(name).is_valid(compact)
            for shape, name in _LETTERED
        )
    sizes = tuple(len(group) for group in re.findall(r"\d+", number))
    names = _RUNS.get(sizes[0], ()) if len(sizes) == 1 else _GROUPED.get(sizes, ())
    if number.endswith("000") and len(sizes) == 1:
        return False
    return any(_module(name).is_valid(number) for name in names)


@cache
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")
