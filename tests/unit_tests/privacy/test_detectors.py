"""Detectors know values by their shape, and overlapping finds leave nothing uncovered."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_cogenesis.privacy.detectors import Detector, PatternDetector, merge_overlaps
from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_KINDS


def _found(text: str) -> list[tuple[str, str]]:
    return [(text[m.start : m.end], m.kind) for m in merge_overlaps(PatternDetector().find(text))]


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("to jo.b+x@mail.example.org, please", "jo.b+x@mail.example.org", "EMAIL"),
        ("an jörg@müller.example.", "jörg@müller.example", "EMAIL"),
        ("请写信到jo@mail.example谢谢", "jo@mail.example", "EMAIL"),
        ("jane [at] mail [dot] example please", "jane [at] mail [dot] example", "EMAIL"),
        ("jane(at)mail.example", "jane(at)mail.example", "EMAIL"),
        ("call +44 20 7946 0958 now", "+44 20 7946 0958", "PHONE"),
        ("call +44 (0)20 7946 0958 now", "+44 (0)20 7946 0958", "PHONE"),
        ("call (030) 901820 now", "(030) 901820", "PHONE"),
        ("it's 06 12 34 56 78", "06 12 34 56 78", "PHONE"),
        ("it's 070-7743-5882", "070-7743-5882", "PHONE"),
        ("it's (555) 123-4567, evenings", "(555) 123-4567", "PHONE"),
        ("it's 0030 210 1234567", "0030 210 1234567", "PHONE"),
        ("my phone: 12345678", "12345678", "PHONE"),
        ("(see 0171 234 5678)", "0171 234 5678", "PHONE"),
        ("full width ０１７１ ２３４ ５６７８", "０１７１ ２３４ ５６７８", "PHONE"),
        ("order no. AB-77812 is late", "AB-77812", "NUMBER"),
        ("Invoice #2024-001X7", "2024-001X7", "NUMBER"),
        ("my account is 102 378015 001, closed", "102 378015 001", "NUMBER"),
        ('{"ssn": "123121234"}', "123121234", "NUMBER"),
        ("customer number KD20417", "KD20417", "NUMBER"),
        ("passport C01X00T47", "C01X00T47", "NUMBER"),
        ("GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 32", "NUMBER"),
        ("gb82west12345698765432 and more", "gb82west12345698765432", "NUMBER"),
        ("DE89 3704 0044 0532 0130 00 AND more", "DE89 3704 0044 0532 0130 00", "NUMBER"),
        ("card 5555 5555 5555 4444", "5555 5555 5555 4444", "NUMBER"),
        ("5555555555554444 12/27 123", "5555555555554444", "NUMBER"),
        ("3782-822463-10005", "3782-822463-10005", "NUMBER"),
        ("from 192.168.1.105 to you", "192.168.1.105", "URL"),
        ("at 2001:db8::8a2e:370:7334 now", "2001:db8::8a2e:370:7334", "URL"),
        ("at 2001:db8:0:1:1:1:1:1.", "2001:db8:0:1:1:1:1:1", "URL"),
        ("the card 00:1A:2b:3c:4d:5e", "00:1A:2b:3c:4d:5e", "NUMBER"),
        ("CC6A2651-f67d-4e9a-980c-63d72a62f2d3.", "CC6A2651-f67d-4e9a-980c-63d72a62f2d3", "NUMBER"),
        ("see https://jo:pw1@git.example.org.", "https://jo:pw1@git.example.org", "URL"),
        ("see (https://cloud.net/s/Jo-Reyl?x=1)", "https://cloud.net/s/Jo-Reyl?x=1", "URL"),
        ("postgres://jo:pw1@db/x", "postgres://jo:pw1@db/x", "URL"),
        ("I'm linkedin.com/in/jo-reyl.", "linkedin.com/in/jo-reyl", "URL"),
        ("www.reyl.example/garden, there", "www.reyl.example/garden", "URL"),
        (r"C:\Users\jo reyl\notes.txt", "jo reyl", "NAME"),
        ("in /home/jreyl/notes", "jreyl", "NAME"),
        ("ask Dr. Braitberg’s office", "Braitberg", "NAME"),
        ("my name is Jo Reyl and", "Jo Reyl", "NAME"),
        ("born on 12/21/1997 there", "12/21/1997", "DATE"),
        ("date of birth: 3 May 1990", "3 May 1990", "DATE"),
        ("at 12 Mill Lane today", "12 Mill Lane", "ADDRESS"),
        ("to 123 Lake Way, Dover DE 19901 by", "123 Lake Way, Dover DE 19901", "ADDRESS"),
    ],
)  # fmt: skip
def test_shapes(text: str, value: str, kind: str) -> None:
    """The whole value is found and nothing else, with its kind."""
    assert _found(text) == [(value, kind)]


@pytest.mark.parametrize(
    "number",
    [
        "123-12-1234", "529.982.247-25", "44051401359", "131052-308T", "12345678Z", "X1234567L",
        "RSSMRA85T10A562S", "AB 12 34 56 C", "756.9217.0769.85", "8001015009087",
        "2 55 08 14 168 025 38", "811218-9876", "11010519491231002X",
    ],
)  # fmt: skip
def test_national_ids(number: str) -> None:
    """Ids of several countries are known by their checksums, without a word before."""
    assert _found(f"It is {number} there.") == [(number, "NUMBER")]


SECRETS = [
    "sk-" + "proj-" + "aB3" * 12,
    "sk-ant-" + "api03-" + "x7Q" * 12,
    "ghp_" + "a1B2c3D4e5" * 4,
    "github_pat_" + "11ABCDEFG0" * 4,
    "glpat-" + "x1y2z3w4v5" * 2,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "Sy0" * 11 + "ab",
    "xoxb-" + "123456789012-abcdefGHIJKL",
    "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "hf_" + "aBcDeFgHiJ" * 4,
    "lsv2_pt_" + "0a1b2c3d4e" * 4,
    "SG." + "a1B2c3D4e5F6g7H8" + "." + "a1B2c3D4e5F6g7H8i9J0",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "$2b$12$" + "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:6])
def test_keys_of_known_makers(secret: str) -> None:
    """A key is known by its first letters, in a sentence or in a line of settings."""
    assert _found(f"Why does {secret} fail?") == [(secret, "NUMBER")]
    assert (secret, "NUMBER") in _found(f'"{secret}"')


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("my password is hunter2!", "hunter2!"),
        ("password: 'Tr0ub4dor&3'", "Tr0ub4dor"),
        ("PASSWORD=CorrectHorseBattery", "CorrectHorseBattery"),
        ("Passwort: geheim77.", "geheim77"),
        ("the PIN is 4821", "4821"),
        ("door code 4711, please", "4711"),
        ("your verification code: 482913.", "482913"),
        ('"access_token": "10.2deaf8d0c268e3c85daa2a01"', "10.2deaf8d0c268e3c85daa2a01"),
        ("Authorization: Bearer 0a1b2c3d4e5f6a7b8c9d", "0a1b2c3d4e5f6a7b8c9d"),
        ("client_secret=fb0196010f2b70df8db2a173ca2c&x=1", "fb0196010f2b70df8db2a173ca2c"),
        ("api key = 9f8e7d6c5b4a39281706", "9f8e7d6c5b4a39281706"),
    ],
)  # fmt: skip
def test_secrets_after_a_word(text: str, secret: str) -> None:
    """What stands after 'password', 'token' or 'key' and is as random as one is a secret."""
    assert _found(text)[0] == (secret, "NUMBER")


def test_pem_blocks_whole_and_cut_off() -> None:
    """A block is one value, with its lines; without an end, as far as its lines go."""
    lines = "MIIEpAIBAAKCAQEA7bq\n98mZ+/x1=="
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"
    assert _found(f"See:\n{block}\nThanks.") == [(block, "NUMBER")]
    cut = block[: block.index("-----END")].rstrip()
    assert _found(f"See:\n{cut}") == [(cut, "NUMBER")]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112", "in order to win", "2019-2024", "12.05.2024", "a@b", "3.14159",
        "order 2 pizzas", "in case 12 people come", "the years 2019 2020 2021 2022",
        "population 1 400 000", "12,500,000 and 1.234.567,00 and $1234567890",
        "170136.00 160296.36 51994.12", "500-1000 words, or 1500-2000", "since 1681157059",
        "1 2 3 4 5 6 7 8 9 10 11 12", "version 10.2.35.2 of it", "localhost is 127.0.0.1 or ::1",
        "std::vector and a::b at 10:30:45", "see https://www.python.org/ or http://localhost:80/x",
        "password: string", "password = request.form.password", "the token is missing",
        "api_key = os.environ['KEY']", "key: lambda x: x[1]", "monkey = banana", "pin it down",
        "error code 404", "C:\\Users\\Public\\x", "Dr no, in small letters", "was born in 1990",
        "12 big streets away", "The 3 Musketeers", "0x00000000deadbeef", "x0 0000000000000001",
        "[NAME_1] and [NUMBER_2]", "ISBN 978-3-16", "RFC 2616, section 10.4.15", "3-1 at 17:45",
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_left(text: str) -> None:
    """A wrong checksum, a span of years, a sum, a version or an expression is nobody's."""
    assert _found(text) == []


def test_several_values_of_one_text_are_all_found() -> None:
    """Neighbours don't hide one another, and a card's date stays apart from it."""
    text = "5555 5555 5555 4444 12/27, +44 20 7946 0958 or jo@mail.example (10.0.0.7)"
    assert [value for value, _ in _found(text)] == [
        "5555 5555 5555 4444", "+44 20 7946 0958", "jo@mail.example", "10.0.0.7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "seed",
    [
        "1", "1 ", "1-", "1.", "1 (", "+1", "(", "a@", "@", "a.", "a@a.", "-", " ", "key=",
        "token ",
        "password: ", "eyJ", "eyJaaaaaaaaa.", "sk-", "AKIA", "://", "a://", "www.a.", "/home/",
        "\\Users\\", "::", ":1", "1:2:", "ab-", "GB82 ", "GB82 WEST ", "-----BEGIN ", "order ",
        "order no. ", "account - 12 34 ", "Mr ", "Dr. Ab Cd ", "born ", "1 A", "1 A A A ",
        "aaaaaa00a", "000000-", "12:", "(at)", "a (at) b dot ", "$2b$", "AAAA", "00", "４４", "é@",
    ],
)  # fmt: skip
def test_long_inputs_of_beginnings(seed: str) -> None:
    """Of 100 KB that begin a value again and again, the values before and after are found.

    A pattern that took quadratic time would not come to an end within the tests' time.
    """
    filler = (seed * (100_000 // len(seed) + 1))[:100_000]
    text = f"jo@mail.example\n{filler}\n\nthen write to al@mail.example"
    found = PatternDetector().find(text)
    covered = {text[m.start : m.end] for m in found if m.kind == "EMAIL"}
    assert {"jo@mail.example", "al@mail.example"} <= covered


@pytest.mark.parametrize(
    "text", ["9" * 5000 + ".1.1.1", "1.1.1." + "9" * 5000, "GB82" + "9" * 5000]
)
def test_numbers_too_long_to_be_any(text: str) -> None:
    """Thousands of digits are nobody's number, and no error."""
    assert all(
        end - start < 50 for start, end in ((m.start, m.end) for m in PatternDetector().find(text))
    )


@given(st.text(max_size=200))
def test_matches_lie_within_the_text(text: str) -> None:
    """Whatever the text, spans are not empty, lie in it, and have kinds that placeholders know."""
    for match in PatternDetector().find(text):
        assert 0 <= match.start < match.end <= len(text)
        assert match.kind in PLACEHOLDER_KINDS


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_value_between_any_lines_is_found(before: str, after: str) -> None:
    """Text on other lines doesn't hide a value."""
    text = f"{before}\n\n write to jo@mail.example \n\n{after}"
    start = text.index("jo@mail.example", len(before))
    found = merge_overlaps(PatternDetector().find(text))
    assert any(m.start <= start and start + len("jo@mail.example") <= m.end for m in found)


def test_the_pattern_detector_is_a_detector() -> None:
    """Others can stand in its place."""
    assert isinstance(PatternDetector(), Detector)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=12))
def test_merging_covers_everything_without_overlaps(spans: list[tuple[int, int]]) -> None:
    """Every character that was found stays covered, by matches from left to right."""
    matches = [Match(start, start + length, "NAME") for start, length in spans]
    merged = merge_overlaps(matches)
    covered = {i for match in matches for i in range(match.start, match.end)}
    assert {i for match in merged for i in range(match.start, match.end)} == covered
    assert all(a.end <= b.start for a, b in itertools.pairwise(merged))
