"""The command line of the e-mail agent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from examples.editing import edit
from examples.email_agent.drafting import Drafter
from examples.email_agent.graph import Decision, State, create_email_graph, handle
from examples.email_agent.mailboxes import Mail, mark_answered, read_mailbox
from examples.email_agent.sending import make_reply, send_smtp, write_outbox
from examples.persona import open_user
from langchain_cogenesis.cli.output import JsonOption, StoreOption, err, print_json, reporting
from langchain_cogenesis.cli.pair import PairOptions, open_model
from langchain_cogenesis.cli.write import (
    LocalOption,
    RemoteKeyOption,
    RemoteModelOption,
    RemoteOption,
)
from langchain_cogenesis.collaboration import check_mode
from langchain_cogenesis.data.persona import persona_files
from langchain_cogenesis.exceptions import ConfigurationError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PASSWORD = "MAIL_PASSWORD"


@app.command()
def main(
    mailbox: Annotated[
        str | None,
        typer.Option(help="An mbox file, a Maildir, or imaps://user@host/INBOX."),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Whose context; else the bundled persona.")
    ] = None,
    store: StoreOption = None,
    address: Annotated[
        str | None, typer.Option(help="The user's address, if their profile has none.")
    ] = None,
    say: Annotated[str, typer.Option(help="What to say in every reply, in your words.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many mails, newest first.")] = 5,
    smtp: Annotated[
        str | None, typer.Option(help="Send by this server: smtp://user@host:587 or smtps://….")
    ] = None,
    outbox: Annotated[Path, typer.Option(help="Without --smtp, replies go here.")] = Path("outbox"),
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nobody, send nothing: all replies go to --outbox.")
    ] = False,
    mode: Annotated[str, typer.Option("--mode", "-m", help="local, sketch or logits.")] = "sketch",
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drafts replies to mails that wait for one; you approve, edit or reject each.

    Mails become part of the user's private context. Nothing of them leaves the device but a
    sentence that asks for a reply, its sender masked. The password of the mail account comes from
    MAIL_PASSWORD. With --json nobody can be asked: it needs --yes.

    Example: python -m examples.email_agent --user me --mailbox imaps://me@mail.example/INBOX
    --smtp smtps://me@mail.example
    """
    password = os.environ.get(PASSWORD)
    options = PairOptions(local, remote, remote_model, remote_key)
    with reporting(as_json), open_user(user, store) as session:
        if as_json and not yes:
            raise ConfigurationError("with --json nobody can be asked.", hint="Add --yes.")
        if check_mode(mode) == "remote":
            raise ConfigurationError("the remote never sees mails.", hint="Use --mode sketch.")
        profile = session.store.export().profile
        own_name, own = (profile.name or "", profile.email) if profile else ("", None)
        own = address or own
        if own is None:
            raise ConfigurationError("your address isn't known.", hint="Give it with --address.")
        source = mailbox or str(persona_files()[1])
        mails = read_mailbox(source, own, password=password, limit=limit)

        def deliver(mail: Mail, text: str) -> str:
            reply = make_reply(mail, text, own_name, own)
            if smtp is None or yes:
                return write_outbox(outbox, reply)
            outcome = send_smtp(smtp, reply, password)
            mark_answered(source, mail, password)
            return outcome

        with open_model(session, options, with_remote=mode != "local") as model:
            drafter = Drafter(session, model, mode=mode)
            drafter.learn(mails)
            graph = create_email_graph(drafter, {mail.id: mail for mail in mails}, deliver)
            decide = _approve if yes else _ask
            done = [(mail, handle(graph, mail, say, decide)) for mail in mails]
    if as_json:
        print_json({"replies": [_told(mail, state) for mail, state in done]})
        return
    for mail, state in done:
        err().print(f"{mail.name}: {state['outcome']}", markup=False)
    if not done:
        err().print("No mail waits for an answer.")


def _approve(mail: Mail, state: State) -> Decision:
    return {"action": "approve"}


def _ask(mail: Mail, state: State) -> Decision:
    """Shows mail and draft, and asks what to do."""
    typer.echo(f"\nFrom {mail.name}: {mail.subject}\n{_quoted(mail.text)}\n")
    typer.echo(state["draft"])
    left = state["left"]
    typer.secho(f"\nLeft the device: {left or 'nothing'}", dim=True)
    while True:
        choice = typer.prompt("[a]pprove, [e]dit, draft a[g]ain, [r]eject", default="r").strip()
        if choice in ("a", "approve"):
            return {"action": "approve"}
        if choice in ("r", "reject"):
            return {"action": "reject"}
        if choice in ("g", "again"):
            return {"action": "again", "text": typer.prompt("What should it say", default="")}
        if choice in ("e", "edit"):
            if edited := edit(state["draft"]):
                return {"action": "edit", "text": edited}
            typer.echo("Nothing is left of it.")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _told(mail: Mail, state: Any) -> dict[str, Any]:
    account = state["account"]
    return {
        "mail": mail.id,
        "to": mail.address,
        "text": state["draft"],
        "outcome": state["outcome"],
        "left": state["left"],
        "mode": account["mode"],
        "masked": account["masked"],
        "remote_calls": account["remote_calls"],
        "warnings": account["warnings"],
    }


if __name__ == "__main__":
    app()
