from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from langchain_cogenesis.context.importers import ImportResult, import_file, import_files

ME = "Wren Thistlewood <wren@quill.example>"
OTTI = "Ottoline Brack <otti@brack.example>"


def _mail(sender: str, to: str, subject: str | None, body: str, **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    if subject is not None:
        message["Subject"] = subject
    message["Date"] = "Sat, 14 Jun 2025 19:05:00 +0200"
    for name, value in headers.items():
        message[name] = value
    message.set_content(body)
    return message.as_bytes()


def _mbox(*mails: bytes) -> bytes:
    start = b"From MAILER Sat Jun 14 19:05:00 2025\n"
    return b"".join(start + mail.rstrip(b"\n") + b"\n\n" for mail in mails)


def _import(tmp_path: Path, content: bytes, name: str = "box.mbox", **options: str) -> ImportResult:
    path = tmp_path / name
    path.write_bytes(content)
    return import_file(path, **options)


BOX = _mbox(
    _mail(ME, OTTI, "A jar", "Dearest Otti,\nthe marmalade is done.\n\nToodle-pip,\nWren\n"),
    _mail(OTTI, ME, "Re: A jar", "Lovely!\n"),
    _mail("Jago <jago@quill.example>", ME, "Maps", "Where are they?\n"),
)


def test_own_mails_are_samples_and_others_messages(tmp_path: Path) -> None:
    """What the owner wrote is writing, with subject, recipient and time; the rest is activity."""
    result = _import(tmp_path, BOX)
    assert result.problems == ()
    context = result.contexts[None]
    (sample,) = context.writings
    assert (sample.title, sample.recipient, sample.when) == (
        "A jar",
        "Ottoline Brack",
        "2025-06-14T19:05",
    )
    assert sample.text == "Dearest Otti,\nthe marmalade is done.\n\nToodle-pip,\nWren"
    assert [(item.kind, item.people, item.text) for item in context.activities] == [
        ("message", ("Ottoline Brack",), "Re: A jar: Lovely!"),
        ("message", ("Jago",), "Maps: Where are they?"),
    ]


def test_the_owner_can_be_named(tmp_path: Path) -> None:
    """The address that is given counts, in any case."""
    context = _import(tmp_path, BOX, own_address="OTTI@brack.example").contexts[None]
    assert [sample.title for sample in context.writings] == ["Re: A jar"]


@pytest.mark.parametrize("known", ["email: jago@quill.example", "company: x"])
def test_the_profile_names_the_owner_and_gains_contacts(tmp_path: Path, known: str) -> None:
    """Imported together, the profile's address or name decides, and it gains whom it lacks."""
    (tmp_path / "box.mbox").write_bytes(BOX)
    (tmp_path / "p.yaml").write_text(
        f"name: Jago\n{known}\ncontacts:\n- {{name: wren thistlewood, relation: boss}}\n"
    )
    result = import_files([tmp_path / "box.mbox", tmp_path / "p.yaml"])
    context = result.contexts[None]
    assert [sample.title for sample in context.writings] == ["Maps"]
    assert context.profile is not None
    assert [
        (contact.name, contact.relation, contact.email) for contact in context.profile.contacts
    ] == [
        ("wren thistlewood", "boss", "wren@quill.example"),
        ("Ottoline Brack", None, "otti@brack.example"),
    ]


def test_quotations_and_signatures_are_left_out(tmp_path: Path) -> None:
    """Only the sender's own words are kept."""
    body = (
        "Yes, do come.\nOn Sundays she wrote: poems.\n\n> earlier\nBring boots.\n\n"
        "On Fri, 13 Jun 2025 at 10:00,\nOttoline Brack <otti@brack.example> wrote:\n> old text\n"
        "-- \nWren, Quillford Maps\n"
    )
    (sample,) = _import(tmp_path, _mbox(_mail(ME, OTTI, "x", body))).contexts[None].writings
    assert sample.text == "Yes, do come.\nOn Sundays she wrote: poems.\n\nBring boots."
    signed = _mail(ME, OTTI, "x", "Short.\n-- \nWren\nsekrit\n")
    assert _import(tmp_path, _mbox(signed)).contexts[None].writings[0].text == "Short."


def test_html_is_read_where_there_is_no_text(tmp_path: Path) -> None:
    """Markup, styles and quoted blocks go; paragraphs stay apart."""
    message = EmailMessage()
    message["From"], message["To"] = ME, OTTI
    message.set_content(
        "<style>p{}</style><p>Dear &amp; good</p><p>Otti</p><blockquote>old</blockquote>",
        subtype="html",
    )
    (sample,) = _import(tmp_path, message.as_bytes(), "one.eml").contexts[None].writings
    assert sample.text.split() == ["Dear", "&", "good", "Otti"]
    assert sample.title is None


def test_headers_in_any_script(tmp_path: Path) -> None:
    """Encoded names and subjects are decoded; right-to-left and emoji stay as they are."""
    raw = (
        b"From: =?utf-8?b?16nXqNeUINec15XXmQ==?= <s@x.example>\nTo: wren@quill.example\n"
        b"Subject: =?utf-8?q?Caf=C3=A9_=F0=9F=8C=BF?=\n"
        b"Content-Type: text/plain; charset=iso-8859-8\n\n\xf9\xec\xe5\xed\n"
    )
    result = _import(tmp_path, raw, "one.eml", own_address="wren@quill.example")
    (message,) = result.contexts[None].activities
    assert message.people == ("שרה לוי",)
    assert message.text == "Café 🌿: שלום"


def test_a_truncated_mailbox_keeps_its_whole_mails(tmp_path: Path) -> None:
    """What is there of the last mail is read, and a cut header is reported by line."""
    result = _import(tmp_path, BOX[: len(BOX) - 10])
    assert len(result.contexts[None].activities) == 2
    cut = BOX.index(b"From: Jago") + 8
    result = _import(tmp_path, BOX[:cut])
    assert len(result.contexts[None].activities) == 1
    (problem,) = result.problems
    assert problem.line == BOX[:cut].count(b"\n")
    assert "has no sender" in str(problem)


def test_prose_that_begins_like_a_separator(tmp_path: Path) -> None:
    """A paragraph that begins with "From " is no new mail; the mailbox's escape is undone."""
    body = "First.\n\nFrom here on it is simple.\n\n>From the hill one sees it.\n"
    (sample,) = _import(tmp_path, _mbox(_mail(ME, OTTI, "x", body))).contexts[None].writings
    assert sample.text == "First.\n\nFrom here on it is simple.\n\nFrom the hill one sees it."


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"no mailbox\n", "no line begins a message"), (b"", "is empty"), (b"\n \n", "is empty")],
)
def test_what_is_no_mailbox(tmp_path: Path, content: bytes, expected: str) -> None:
    """A file of another kind is reported, not guessed at."""
    result = _import(tmp_path, content)
    assert expected in str(result.problems[0])
    assert not result.contexts


def test_a_broken_mail_does_not_stop_the_others(tmp_path: Path) -> None:
    """Unknown charsets, bad dates and binary bodies don't keep the rest from being read."""
    odd = (
        b"From: a@x.example\nTo: wren@quill.example\nDate: never\n"
        b"Content-Type: text/plain; charset=klingon\n\ncaf\xc3\xa9\n"
    )
    binary = (
        b"From: b@x.example\nTo: wren@quill.example\nContent-Type: image/png\n"
        b"Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
    )
    result = _import(tmp_path, _mbox(odd, binary) + BOX, own_address="wren@quill.example")
    texts = [activity.text for activity in result.contexts[None].activities]
    assert texts[0] == "café"
    assert len(texts) == 3


def test_long_messages_are_shortened(tmp_path: Path) -> None:
    """A received mail is kept in brief, ending at a sentence; an own one in full."""
    long = "A sentence of six words here. " * 60
    box = _mbox(_mail(OTTI, ME, None, long), _mail(ME, OTTI, None, long), _mail(ME, OTTI, "y", "z"))
    context = _import(tmp_path, box, own_address="wren@quill.example").contexts[None]
    assert len(context.activities[0].text) <= 500
    assert context.activities[0].text.endswith("here.")
    assert len(context.writings[0].text) > 1700


def test_machines_are_no_contacts(tmp_path: Path) -> None:
    """Senders that take no answer aren't added to the contacts."""
    (tmp_path / "p.yaml").write_text("name: Wren\nemail: wren@quill.example\n")
    (tmp_path / "b.mbox").write_bytes(_mbox(_mail("Shop <no-reply@shop.example>", ME, "x", "y")))
    context = import_files([tmp_path / "p.yaml", tmp_path / "b.mbox"]).contexts[None]
    assert context.profile is not None
    assert context.profile.contacts == ()
