"""A mailbox as examples: replies, without quotations, and nothing of the future."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from langchain_cogenesis.context.schema import UserProfile
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.data.task.loading import load_examples
from langchain_cogenesis.data.task.mailbox import MailboxOptions, read_mailbox
from langchain_cogenesis.exceptions import SourceError

ME, TOMAS = "Nora Lindqvist <nora@lind.example>", "Tomas Reyl <tomas@reyl.example>"


def mail(
    key: str,
    day: str | None,
    text: str,
    *,
    sender: str = TOMAS,
    to: str = ME,
    subject: str = "Dinner",
    answers: str | None = None,
) -> str:
    headers = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{key}@x>"]
    headers += [f"Date: {day}"] if day else []
    headers += [f"In-Reply-To: <{answers}@x>"] if answers else []
    return "From x Mon Jan  6 10:00:00 2025\n" + "\n".join(headers) + f"\n\n{text}\n\n"


def examples(path: Path, mails: Iterable[str], **options: object) -> list[TaskExample]:
    path.write_text("".join(mails))
    problems: list[SourceError] = []
    found = list(read_mailbox(path, problems, MailboxOptions(**options)))  # type: ignore[arg-type]
    assert problems == []
    return found


def known(example: TaskExample) -> str:
    return "\n".join(item.text for item in example.context.items())


def test_a_reply_without_quotation_and_signature(tmp_path: Path) -> None:
    """What is quoted and signed is left out; what is answered is in the context."""
    reply = "Yes, gladly at seven.\n\nOn Mon, Tomas wrote:\n> Come to dinner?\n-- \nNora, Hill 3"
    (found,) = examples(
        tmp_path / "box.mbox",
        [
            mail("1", "Mon, 6 Jan 2025 10:00:00 +0000", "Come to dinner?"),
            mail("2", "Mon, 6 Jan 2025 11:00:00 +0000", reply, sender=ME, to=TOMAS, answers="1"),
        ],
    )
    assert found.reference == "Yes, gladly at seven."
    assert found.instruction == 'Answer the e-mail "Dinner" from Tomas Reyl.'
    assert (found.user, found.task) == ("box", "reply")
    assert "Come to dinner?" in known(found)
    assert found.context.profile is not None
    assert [c.name for c in found.context.profile.contacts] == ["Tomas Reyl"]


def test_nothing_of_the_future_is_in_a_context(tmp_path: Path) -> None:
    """Canaries in every part of later, simultaneous and undated mails are in no context."""

    def canary(key: str, day: str | None, sender: str, to: str) -> str:
        who = f"Canary Person{key} <canary{key}@later.example>"
        sides = {"sender": sender or who, "to": to or who}
        return mail(f"c{key}", day, f"canarytext{key} here", subject=f"canarysubject{key}", **sides)

    box = [
        # The same moment as the reply, by the clock of another zone.
        canary("1", "Tue, 7 Jan 2025 09:00:00 -0200", "", ME),
        mail("a", "Mon, 6 Jan 2025 10:00:00 +0000", "Come to dinner?"),
        mail(
            "r",
            "Tue, 7 Jan 2025 11:00:00 +0000",
            "Yes, very gladly.",
            sender=ME,
            to=TOMAS,
            answers="a",
        ),
        # Earlier by the hour on its clock, later in truth.
        canary("2", "Tue, 7 Jan 2025 10:30:00 -0500", "", ME),
        canary("3", "Wed, 8 Jan 2025 10:00:00 +0000", "", ME),
        canary("4", "Wed, 8 Jan 2025 10:00:00 +0000", ME, ""),
        canary("5", None, "", ME),
        canary("6", None, ME, ""),
        mail("b", "Thu, 9 Jan 2025 10:00:00 +0000", "And lunch?", subject="Lunch"),
        mail(
            "s",
            "Fri, 10 Jan 2025 10:00:00 +0000",
            "Lunch suits me.",
            sender=ME,
            to=TOMAS,
            answers="b",
        ),
    ]
    first, second = examples(tmp_path / "box.mbox", box)
    assert "canary" not in f"{known(first)} {first.instruction} {first.reference}".casefold()
    seen = known(second).casefold()
    # What has happened by then is there: the test can see canaries.
    assert all(f"canarytext{n}" in seen for n in (1, 2, 3, 4))
    assert all(f"canary person{n}" in seen for n in (1, 2, 3, 4))
    assert not any(f"canarytext{n}" in seen or f"person{n}" in seen for n in (5, 6))
    assert "Lunch suits me" not in known(second)


def test_replies_are_found_by_subject_where_no_id_is_named(tmp_path: Path) -> None:
    """The latest mail of that subject from the one who is answered; other mails are no replies."""
    found = examples(
        tmp_path / "box.mbox",
        [
            mail("1", "Mon, 6 Jan 2025 10:00:00 +0000", "First question"),
            mail("2", "Mon, 6 Jan 2025 11:00:00 +0000", "Other", sender="Ed <ed@e.example>"),
            mail("3", "Mon, 6 Jan 2025 12:00:00 +0000", "It is fine so.", sender=ME, to=TOMAS,
                 subject="AW: Re: dinner"),
            mail("4", "Mon, 6 Jan 2025 13:00:00 +0000", "By the way, news.", sender=ME, to=TOMAS,
                 subject="News"),
            mail("5", "Mon, 6 Jan 2025 14:00:00 +0000", "Not known here.", sender=ME, to=TOMAS,
                 subject="Re: Dinner", answers="gone"),
        ],
    )  # fmt: skip
    assert [example.reference for example in found] == ["It is fine so."]
    assert found[0].instruction.endswith("from Tomas Reyl.")


def test_a_mail_in_two_folders_counts_once_and_old_items_are_left_out(tmp_path: Path) -> None:
    """Copies are joined; of many mails the latest are known, and the one that is answered."""
    asked = mail("q", "Mon, 6 Jan 2025 08:00:00 +0000", "The question")
    others = [
        mail(f"o{n}", f"Mon, 6 Jan 2025 09:{n:02}:00 +0000", f"other{n}", subject="x")
        for n in range(9)
    ]
    reply = mail("r", "Tue, 7 Jan 2025 10:00:00 +0000", "The answer is no.", sender=ME, to=TOMAS,
                 answers="q")  # fmt: skip
    (found,) = examples(
        tmp_path / "box.mbox",
        [asked, *others, reply, reply],
        max_items=3,
        own_address="nora@lind.example",
    )
    texts = [activity.text for activity in found.context.activities]
    assert texts == ["Dinner: The question", "x: other7", "x: other8"]


def test_the_profile_that_is_known_is_used(tmp_path: Path) -> None:
    """The user is who the profile says, and its facts are in the context."""
    profile = UserProfile(name="Tomas Reyl", email="tomas@reyl.example", facts=("has a boat",))
    (found,) = examples(
        tmp_path / "box.mbox",
        [
            mail("1", "Mon, 6 Jan 2025 10:00:00 +0000", "Shall we sail?", sender=ME, to=TOMAS),
            mail("2", "Mon, 6 Jan 2025 11:00:00 +0000", "My boat is ready.", answers="1"),
        ],
        profile=profile,
        user="u1",
    )
    assert found.user == "u1"
    assert found.reference == "My boat is ready."
    assert "has a boat" in known(found)


def test_the_demonstrations_mailbox_is_loaded_by_content(tmp_path: Path) -> None:
    """A mailbox is known by its first line, whatever it is called."""
    path = tmp_path / "export"
    path.write_text(
        mail("1", "Mon, 6 Jan 2025 10:00:00 +0000", "Come to dinner?")
        + mail(
            "2", "Mon, 6 Jan 2025 11:00:00 +0000", "I will come.", sender=ME, to=TOMAS, answers="1"
        )
    )
    assert [example.reference for example in load_examples(path)] == ["I will come."]
