from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_cogenesis.context.importers import ImportResult, import_file, import_files

ANDROID = """\
13/06/2025, 21:04 - Messages and calls are end-to-end encrypted.
13/06/2025, 21:05 - Otti: Are you coming?
13/06/2025, 21:05 - Otti: <Media omitted>
13/06/2025, 21:06 - Wren Thistlewood: Yes: at seven
and I bring cake 🍰
13/06/2025, 21:07 - Wren Thistlewood: Toodle-pip
14/06/2025, 08:00 - Otti: שלום
"""
IPHONE = """\
[6/13/25, 9:05:00\u202fPM] Otti: Are you coming?
\u200e[6/13/25, 9:05:30\u202fPM] Otti: \u200eimage omitted
[6/13/25, 9:06:01\u202fPM] Wren Thistlewood: Yes: at seven
and I bring cake 🍰
[6/13/25, 9:07:00\u202fPM] Wren Thistlewood: Toodle-pip
[6/14/25, 8:00:00\u202fAM] Otti: שלום
"""


def _import(
    tmp_path: Path, text: str, name: str = "chat.txt", own: str | None = None
) -> ImportResult:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return import_files([path], own_name=own)


@pytest.mark.parametrize("export", [ANDROID, IPHONE])
@pytest.mark.parametrize("own", ["Wren Thistlewood", "wren thistlewood"])
def test_whatsapp(tmp_path: Path, export: str, own: str) -> None:
    """Own lines of a day are one sample; what others wrote in a row is one message."""
    result = _import(tmp_path, export, own=own)
    assert result.problems == ()
    context = result.contexts[None]
    (sample,) = context.writings
    assert sample.text == "Yes: at seven\nand I bring cake 🍰\nToodle-pip"
    assert (sample.recipient, sample.when) == ("Otti", "2025-06-13")
    assert [(item.when, item.text, item.people) for item in context.activities] == [
        ("2025-06-13T21:05", "Are you coming?", ("Otti",)),
        ("2025-06-14T08:00", "שלום", ("Otti",)),
    ]


def test_without_knowing_the_user_all_are_messages(tmp_path: Path) -> None:
    """If nobody says who the user is, nothing is taken for their writing."""
    context = _import(tmp_path, ANDROID).contexts[None]
    assert context.writings == ()
    assert len(context.activities) == 3


def test_the_profile_tells_who_the_user_is(tmp_path: Path) -> None:
    """Imported with a profile, its name finds the own lines, by the first name too."""
    (tmp_path / "p.yaml").write_text("name: Otti Brack\n")
    (tmp_path / "chat.txt").write_text(ANDROID)
    context = import_files([tmp_path / "chat.txt", tmp_path / "p.yaml"]).contexts[None]
    assert [sample.text for sample in context.writings] == ["Are you coming?", "שלום"]


def test_impossible_dates_are_named_by_line(tmp_path: Path) -> None:
    """A message with an impossible date is reported; the rest is imported."""
    text = ANDROID.replace("14/06/2025, 08:00", "31/02/2025, 08:00")
    result = _import(tmp_path, text)
    assert [problem.line for problem in result.problems] == [7]
    assert len(result.contexts[None].activities) == 2


@pytest.mark.parametrize(
    ("stamp", "when"),
    [
        ("13.06.25, 21:05 - ", "2025-06-13T21:05"),
        ("2025-06-13, 21:05 - ", "2025-06-13T21:05"),
        ("[13.06.25, 21:05:09] ", "2025-06-13T21:05"),
        ("6/13/25, 12:05 AM - ", "2025-06-13T00:05"),
        ("6/3/25, 1:05 pm - ", "2025-06-03T13:05"),
        ("3/6/25, 13:05 - ", "2025-06-03T13:05"),
    ],
)
def test_dates_of_many_countries(tmp_path: Path, stamp: str, when: str) -> None:
    """The order of day and month is told by the numbers, else by the clock."""
    (message,) = _import(tmp_path, f"{stamp}Otti: hello\n").contexts[None].activities
    assert message.when == when


def _message(sender: str, text: object, date: str = "2025-06-13T21:05:00") -> dict[str, object]:
    return {"id": 1, "type": "message", "date": date, "from": sender, "text": text}


CHAT = {
    "name": "Otti",
    "type": "personal_chat",
    "messages": [
        {"id": 0, "type": "service", "date": "2025-06-13T20:00:00", "action": "phone_call"},
        _message("Otti", "Are you coming?"),
        _message("Wren", ["Yes, see ", {"type": "link", "text": "https://x.example"}]),
        _message("Wren", "", "2025-06-13T21:06:00"),
    ],
}


def test_telegram_chat(tmp_path: Path) -> None:
    """One chat: formatted text is flattened, notices and empty messages are left out."""
    result = _import(tmp_path, json.dumps(CHAT), "result.json", own="Wren")
    assert result.problems == ()
    context = result.contexts[None]
    assert [sample.text for sample in context.writings] == ["Yes, see https://x.example"]
    assert [(item.text, item.people) for item in context.activities] == [
        ("Are you coming?", ("Otti",))
    ]


def test_telegram_full_export(tmp_path: Path) -> None:
    """All chats of an export, whose owner is named in it."""
    export = {
        "personal_information": {"first_name": "Wren", "last_name": "Thistlewood"},
        "chats": {"list": [CHAT, CHAT | {"messages": [_message("Jago", "Maps?"), {"date": 7}]}]},
    }
    result = _import(tmp_path, json.dumps(export), "result.json")
    context = result.contexts[None]
    assert len(context.writings) == 1
    assert [item.people for item in context.activities] == [("Otti",), ("Jago",)]
    assert "message 2 of a chat" in str(result.problems[0])


def test_broken_exports_are_named(tmp_path: Path) -> None:
    """Cut JSON is reported by line; a file without messages as what it is."""
    cut = json.dumps(CHAT, indent=1)[:-30]
    (problem,) = _import(tmp_path, cut, "result.json").problems
    assert (problem.source, problem.line) == ("result.json", cut.count("\n") + 1)
    path = tmp_path / "notes.txt"
    path.write_text("only a note\n")
    assert "holds no chat message" in str(import_file(path, "whatsapp").problems[0])
    path.write_text("[]")
    assert "no Telegram export" in str(import_file(path, "telegram").problems[0])
