from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_cogenesis.context.importers import ImportResult, import_file
from langchain_cogenesis.context.schema import PrivateContext

FULL = """\
name: Wren Thistlewood
age: 47
occupation: Cartographer
company: "NO"
location: Tarnbrook 🗺
email: wren@quillford.example
phone: 0049 170 900417
traits: [meticulous, dry]
style:
  - "Closing: Toodle-pip"
  - Opening: Dearest
  - short sentences
contacts:
  - {name: Ottoline Brack, relation: sister, email: otti@brack.example}
  - Jago Penrose
facts:
  - collects compasses
activity:
  - ordered a theodolite
  - {kind: calendar, when: 2025-06-14T19:00, text: regatta dinner, people: Ottoline Brack}
  - {kind: note, when: 2025-06-14, text: היום יפה}
"""


def _import(tmp_path: Path, text: str | bytes, name: str = "profile.yaml") -> ImportResult:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_file(path)


def _lines(result: ImportResult) -> list[int | None]:
    return [problem.line for problem in result.problems]


def test_a_full_profile(tmp_path: Path) -> None:
    """Every field of the profile, and activities, are read; scalars stay the text they are."""
    result = _import(tmp_path, FULL)
    assert result.problems == ()
    context = result.contexts[None]
    profile = context.profile
    assert profile is not None
    assert (profile.name, profile.age, profile.company) == ("Wren Thistlewood", 47, "NO")
    assert profile.phone == "0049 170 900417"
    assert profile.style == ("Closing: Toodle-pip", "Opening: Dearest", "short sentences")
    assert [contact.name for contact in profile.contacts] == ["Ottoline Brack", "Jago Penrose"]
    assert [activity.kind for activity in context.activities] == ["note", "calendar", "note"]
    assert context.activities[1].when == "2025-06-14T19:00"
    assert context.activities[1].people == ("Ottoline Brack",)
    assert context.activities[2].text == "היום יפה"


def test_json_gives_the_same(tmp_path: Path) -> None:
    """The same object as JSON gives the same context."""
    value = {"name": "Wren", "age": 47, "traits": "dry", "activity": ["a", {"text": "b"}]}
    from_json = _import(tmp_path, json.dumps(value), "profile.json")
    text = "name: Wren\nage: 47\ntraits: dry\nactivity: [a, {text: b}]\n"
    assert from_json.contexts == _import(tmp_path, text).contexts
    assert from_json.problems == ()


def test_empty_fields_are_absent(tmp_path: Path) -> None:
    """Null and empty values count as not given."""
    result = _import(tmp_path, "name: Wren\ncompany:\nlocation: ~\nage: null\nfacts: []\n")
    assert result.problems == ()
    profile = result.contexts[None].profile
    assert profile is not None
    assert (profile.company, profile.location, profile.age) == (None, None, None)


@pytest.mark.parametrize("name", ["profile.yaml", "profile.json"])
def test_wrong_fields_are_left_out_and_named(tmp_path: Path, name: str) -> None:
    """A wrong field is reported with its line, without its value; the rest is imported."""
    lines = [
        '{"name": "Wren",',
        '"age": "not-a-number-sekrit",',
        '"sekrit": "x",',
        '"contacts": [{"name": "Otti"}, {"relation": "sekrit"}, {"name": "J", "sekrit": 1}],',
        '"activity": [{"kind": "sekrit"}, "kept"],',
        '"company": "Quill"}',
    ]
    result = _import(tmp_path, "\n".join(lines), name)
    context = result.contexts[None]
    assert context.profile is not None
    assert context.profile.company == "Quill"
    assert [contact.name for contact in context.profile.contacts] == ["Otti"]
    assert [activity.text for activity in context.activities] == ["kept"]
    assert sorted(line or 0 for line in _lines(result)) == [2, 3, 4, 4, 5]
    assert all("sekrit" not in str(problem) for problem in result.problems)
    assert any("age: Input should be a valid integer" in str(p) for p in result.problems)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("job", "unknown field `job`. It was left out. Did you mean `occupation`?"),
        ("City", "unknown field `City`. It was left out. Did you mean `location`?"),
        ("ocupation", "unknown field `ocupation`. It was left out. Did you mean `occupation`?"),
        ("shoe_size", "unknown field `sh…`. It was left out. Fields are name, age, "),
        ("sage", "unknown field `sa…`. It was left out. Fields are "),
        # It stands among the values, or is no name: nothing of it is told.
        ("Ottoline", "unknown field. It was left out. Fields are "),
        ("0170 900417", "unknown field. It was left out. Fields are "),
        ("abc", "unknown field. It was left out. Fields are "),
    ],
)
def test_an_unknown_field_is_named_as_far_as_it_may_be(tmp_path: Path, key: str, told: str) -> None:
    """A usual name, or nearly a known one, in full and with what is meant; else how it begins."""
    text = f"name: Wren\n{key}: x\ncontacts: [Ottoline Brack]\n"
    (problem,) = _import(tmp_path, text).problems
    assert str(problem).startswith(f"profile.yaml, line 2: {told}")


def test_wrong_fields_of_a_contact_are_named(tmp_path: Path) -> None:
    """Which they are, which ones are meant, and which there are; and what is missing besides."""
    text = (
        "name: Wren\ncontacts:\n- {name: Jago, mail: j@x.example, since: 2020}\n"
        "- {tel: '1', Jago: x, y: Jago}\n- Otti\n"
    )
    result = _import(tmp_path, text)
    first, second = map(str, result.problems)
    known = "known are name, relation, email, phone."
    assert f"entry 1: unknown fields `mail` (perhaps `email`), `si…`; {known} The" in first
    assert "entry 2: unknown fields `tel` (perhaps `phone`), one that is withheld, " in second
    assert f"{known} name: Field required. The entry was left out." in second
    assert "Jago" not in first + second
    profile = result.contexts[None].profile
    assert profile is not None
    assert [contact.name for contact in profile.contacts] == ["Otti"]


def test_without_a_name_the_activities_remain(tmp_path: Path) -> None:
    """A profile needs a name; what doesn't need one is imported all the same."""
    result = _import(tmp_path, "company: Quill\nactivity: [a walk]\n")
    assert result.contexts[None].profile is None
    assert result.contexts[None].activities[0].text == "a walk"
    assert "has no name" in str(result.problems[0])


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("name: Wren\n  bad: indent\n", "p.yaml", 2),
        ("name: [sekrit\n", "p.yaml", 2),
        ("name: Wren\nfacts: !!python/object/apply:os.system [x\n", "p.yaml", 3),
        ("name: Wren\nfacts: \x01\n", "p.yaml", 2),
        ('{"name": "Wren",\n "age": }', "p.json", 2),
        ("- a\n- list\n", "p.yaml", 1),
        ("just sekrit text\n", "p.yaml", 1),
        ("[" * 100_000, "p.yaml", 1),
        ("[" * 100_000, "p.json", 1),
        ("? [a, sekrit]\n: b\n", "p.yaml", 1),
    ],
)
def test_broken_files_are_named_with_their_line(
    tmp_path: Path, text: str, name: str, line: int
) -> None:
    """A file that can't be parsed is reported by name and line, without content."""
    result = _import(tmp_path, text, name)
    assert not result.contexts
    (problem,) = result.problems
    assert (problem.source, problem.line) == (name, line)
    assert "sekrit" not in str(problem)


def test_a_yaml_bomb_is_refused(tmp_path: Path) -> None:
    """Aliases that stand for lists are refused before anything grows; those of values work."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
    )
    result = _import(tmp_path, "name: Wren\n" + bomb)
    assert not result.contexts
    assert "an alias of a list or object" in str(result.problems[0])
    assert result.problems[0].line == 3
    plain = _import(tmp_path, "name: &n Wren\nfacts: [*n]\n")
    assert plain.contexts[None].profile is not None
    assert plain.contexts[None].profile.facts == ("Wren",)


def test_tags_build_no_objects(tmp_path: Path) -> None:
    """A tag that names a Python function calls nothing."""
    marker = tmp_path / "called"
    text = f"name: Wren\nfacts: !!python/object/apply:pathlib.Path.touch ['{marker}']\n"
    _import(tmp_path, text)
    assert not marker.exists()


def test_an_export_can_be_imported_again(tmp_path: Path, wren: PrivateContext) -> None:
    """What the store exports as JSON is read back without loss."""
    result = _import(tmp_path, wren.model_dump_json(indent=2), "export.json")
    assert result.contexts == {None: wren}
    assert result.problems == ()
