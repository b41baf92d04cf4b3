"""The e-mail agent from end to end: real IMAP, SMTP and HTTP on loopback, the house model."""

from __future__ import annotations

import email
import email.policy
import json
import mailbox
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mail_servers import PASSWORD, Imap, Smtp, imap_server, smtp_server
from recorder import Recorder, find_values, recorded_requests, recording_server
from typer.testing import CliRunner

from examples.email_agent.__main__ import app
from examples.email_agent.mailboxes import read_mailbox
from examples.email_agent.sending import make_reply
from langchain_cogenesis.data.persona import persona_files
from langchain_cogenesis.exceptions import ConfigurationError

ROOT = Path(__file__).parents[2]
OWN = "nora.lindqvist@kilnhouse.example"
STRANGER = (
    b"From: Ottoline Quibberdyne <ottoline@quibberdyne.example>\r\n"
    b"To: Nora Lindqvist <nora.lindqvist@kilnhouse.example>\r\n"
    b"Subject: Your celadon teapot\r\n"
    b"Date: Tue, 08 Jun 2027 10:00:00 +0000\r\n"
    b"Message-ID: <canary@quibberdyne.example>\r\n\r\n"
    b"Hello Nora,\r\n\r\nMay I fetch the celadon teapot on Thursday? My number is +1 415-555-0199."
    b"\r\n\r\nOttoline\r\n"
)
MACHINE = (
    b"From: no-reply@shop.example\r\nTo: nora.lindqvist@kilnhouse.example\r\n"
    b"Subject: Offers\r\nMessage-ID: <m@shop.example>\r\n\r\nBuy!\r\n"
)
PRIVATE = (
    "Ottoline", "Quibberdyne", "celadon teapot", "415-555-0199", "Tomas", "Reyl", "Juna",
    "Adisa", "Mbeki", "Renata", "Saltmarsh", "Kilnhouse", "Nora", "Lindqvist", "Port Ellery",
    "Biscuit", "KX-48213", "kilnhouse.example", "ladder",
)  # fmt: skip


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """Stands for the remote, and records."""
    with recording_server(tmp_path) as running:
        yield running


@pytest.fixture
def imap() -> Iterator[Imap]:
    """An inbox with the persona's mails, a stranger's, and one from a machine."""
    with imap_server() as running:
        box = mailbox.mbox(persona_files()[1], create=False)
        running.append(*(box.get_bytes(key) for key in box.iterkeys()), STRANGER, MACHINE)
        box.close()
        yield running


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    """A server that takes mails."""
    with smtp_server() as running:
        yield running


def run(*options: str, **more: Any) -> Any:
    environment = {"MAIL_PASSWORD": PASSWORD, **more.pop("env", {})}
    return CliRunner().invoke(app, list(options), env=environment, **more)


def editor(tmp_path: Path, text: str) -> str:
    """A text editor that replaces what it is given."""
    script = tmp_path / "editor.py"
    script.write_text(f"import sys\nopen(sys.argv[1], 'w').write({text!r})\n")
    return f"{sys.executable} {script}"


def test_a_human_approves_edits_and_rejects(
    tmp_path: Path, recorder: Recorder, imap: Imap, smtp: Smtp
) -> None:
    """Approved and edited replies are sent in their threads; nothing private reached the remote."""
    done = run(
        "--mailbox", imap.url, "--smtp", smtp.url, "--remote", recorder.base_url,
        "--remote-model", "recorded", "--say", "Say yes to them.",
        input="nonsense\na\ne\nr\ng\nAsk Juna for Sunday\na\n",
        env={"EDITOR": editor(tmp_path, "My own words.")},
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Left the device: Reply to [NAME_1]'s message. Say yes to them." in done.output
    sent = [email.message_from_bytes(raw, policy=email.policy.default) for _, _, raw in smtp.mails]
    assert [m["To"].addresses[0].addr_spec for m in sent] == [
        "ottoline@quibberdyne.example", "adisa.mbeki@kilnhouse.example", "tomas.reyl@post.example"
    ]  # fmt: skip
    assert {m["From"].addresses[0].addr_spec for m in sent} == {OWN}
    assert sent[0]["In-Reply-To"] == "<canary@quibberdyne.example>"
    assert sent[0]["Subject"] == "Re: Your celadon teapot"
    assert sent[1].get_content().strip() == "My own words."
    assert smtp.greetings == ["[127.0.0.1]"] * 3
    answered = b"".join(imap.flagged("ANSWERED"))
    assert b"<canary@quibberdyne.example>" in answered
    assert b"juna@post.example" not in answered.split(b"To:")[0]
    assert len(imap.flagged("ANSWERED")) == 3
    assert imap.flagged("SEEN") == []
    # Four mails, one of them drafted twice.
    assert len(recorded_requests(recorder.record_file)) == 5
    assert find_values(recorder.record_file, PRIVATE) == []


def test_the_search_finds_a_mail_that_leaks(recorder: Recorder) -> None:
    """The planted leak: the mail pasted into the request by somebody without a gate."""
    import httpx

    body = {"messages": [{"role": "user", "content": STRANGER.decode()}]}
    httpx.post(f"{recorder.base_url}/chat/completions", json=body, trust_env=False)
    found = {value for value, _ in find_values(recorder.record_file, PRIVATE)}
    assert found >= {"Ottoline", "Quibberdyne", "celadon teapot", "415-555-0199", "Nora"}


def test_unattended_runs_send_nothing(
    tmp_path: Path, recorder: Recorder, imap: Imap, smtp: Smtp
) -> None:
    """With --yes all replies go to the outbox, a server named or not; JSON tells of each."""
    outbox = tmp_path / "outbox"
    done = run(
        "--mailbox", imap.url, "--smtp", smtp.url, "--remote", recorder.base_url,
        "--remote-model", "recorded", "--yes", "--json", "--outbox", str(outbox), "--limit", "2",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["replies"]
    assert [reply["to"] for reply in told] == [
        "ottoline@quibberdyne.example", "adisa.mbeki@kilnhouse.example"
    ]  # fmt: skip
    assert all(reply["outcome"].startswith("written to") and reply["text"] for reply in told)
    assert smtp.mails == []
    assert imap.flagged("ANSWERED") == []
    files = sorted(outbox.glob("*.eml"))
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in (*files, outbox)} == {0o600, 0o700}
    assert find_values(recorder.record_file, PRIVATE) == []


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_mailboxes_in_files(tmp_path: Path, kind: str) -> None:
    """Only what waits for an answer: not one's own mails, answered ones, machines' or lists'."""
    path = tmp_path / "box"
    box: Any = mailbox.mbox(path) if kind == "mbox" else mailbox.Maildir(path)
    answer = f"From: {OWN}\nTo: a@b.example\nIn-Reply-To: <one@b.example>\n\nyes\n"
    for raw in (
        STRANGER,
        MACHINE,
        b"From: Ann <a@b.example>\nMessage-ID: <one@b.example>\n\nCome?\n",
        b"From: Bo <b@b.example>\nList-Id: <l.b.example>\nMessage-ID: <l@b.example>\n\nAll!\n",
        b"From: Cy <c@b.example>\n\nNo id here.\n",
        answer.encode(),
    ):
        box.add(raw)
    box.close()
    mails = read_mailbox(str(path), OWN)
    assert [mail.name for mail in mails] == ["Ottoline Quibberdyne", "Cy"]
    assert "celadon" not in repr(mails)
    reply = make_reply(mails[1], "Hello", "Nora", OWN)
    assert reply["In-Reply-To"] is None
    assert str(reply["Message-ID"]).endswith("@kilnhouse.example>")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("imap://127.0.0.1:9/INBOX", "user and a password"),
        ("imap://nora@127.0.0.1:9/INBOX", "can't be used"),
        ("pop3://nora@127.0.0.1", "no mailbox at pop3"),
        ("/nowhere", "there is no mailbox"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_named(source: str, said: str) -> None:
    """In words, without the password."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_mailbox(source, OWN, password="pw-secret")
    assert "pw-secret" not in str(caught.value)


def test_a_wrong_password_and_a_wrong_folder_are_told(imap: Imap) -> None:
    """As errors that say what to do."""
    with pytest.raises(ConfigurationError, match="can't be used"):
        read_mailbox(imap.url, OWN, password="wrong")
    with pytest.raises(ConfigurationError, match="no folder"):
        read_mailbox(imap.url.replace("INBOX", "Elsewhere"), OWN, password=PASSWORD)


def test_what_cannot_be_done_is_told() -> None:
    """JSON without --yes, and remote mode, which would show a mail to the remote."""
    assert "nobody can be asked" in run("--json").stdout
    assert run("--yes", "--json", "--mode", "remote").exit_code == 1


def test_the_command_line_runs_by_itself(tmp_path: Path) -> None:
    """In a process of its own, on the bundled persona; help has an example."""
    helped = run("--help")
    assert "Example: python -m examples.email_agent" in helped.stdout
    command = [sys.executable, "-m", "examples.email_agent"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--yes", "--json", "--mode", "local", "--limit", "1", "--outbox", str(tmp_path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=280,
    )  # fmt: skip
    [reply] = json.loads(done.stdout)["replies"]
    assert (reply["mode"], reply["left"], reply["remote_calls"]) == ("local", None, 0)
