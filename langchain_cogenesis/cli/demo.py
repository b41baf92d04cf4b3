"""`cogenesis demo`: the whole way of a letter, shown step by step."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from langchain_cogenesis.cli.ledger import ledger_table
from langchain_cogenesis.cli.output import JsonOption, out, print_json, reporting
from langchain_cogenesis.cli.write import UNTRUSTED_ENDPOINT, show_preview

if TYPE_CHECKING:
    from langchain_cogenesis.chat_models import ChatCoGenesis
    from langchain_cogenesis.data.persona import DemoPersona
    from langchain_cogenesis.session import UserSession

_NEXT = """\
The house models are toys of a few MB that show how it works. For real writing:

  cogenesis import profile.yaml mailbox.mbox calendar.ics --user me
  cogenesis preview "Thank Sam for the help with the move" --user me
  cogenesis write "Thank Sam for the help with the move" --user me \\
      --local bartowski/Qwen_Qwen3-4B-Instruct-2507-GGUF:Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf \\
      --remote https://your-endpoint/v1 --remote-model its-model"""


def demo(
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the store in this directory.")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", help="en or de: of the user, the letter and the models.")
    ] = "en",
    as_json: JsonOption = False,
) -> None:
    """Writes a letter for an invented user, and shows what crossed the wire.

    It imports a profile, a mailbox, a calendar and notes, starts the remote model as another
    process, and leaves nothing behind.

    Example: cogenesis demo --language de
    """
    from langchain_cogenesis.data.persona import demo_persona

    with reporting(as_json), _workplace(keep) as directory:
        _Demo(directory, demo_persona(language), language, quiet=as_json).run()


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    directory = Path(tempfile.mkdtemp(prefix="cogenesis-demo-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Demo:
    """The steps of the demonstration; with `quiet`, one JSON object at the end."""

    def __init__(
        self, directory: Path, persona: DemoPersona, language: str, *, quiet: bool
    ) -> None:
        self.directory = directory
        self.persona = persona
        self.language = language
        self.quiet = quiet
        self.console = out()
        self.step = 0
        self.began = time.monotonic()

    def run(self) -> None:
        """Runs all steps."""
        from langchain_cogenesis.session import UserSession

        self._import()
        asked = self.persona.instruction
        with UserSession(self.persona.user, self.directory) as session:
            self._preview(session, asked)
            letters = self._write(session, asked)
            found = self._ledger(session)
        self._end(letters, found)

    def _import(self) -> None:
        from langchain_cogenesis.context.directory import UserDirectories
        from langchain_cogenesis.context.importers import import_files

        files = self.persona.files
        self._title("Private context", "read from files, kept encrypted on this device")
        contexts = import_files(files).contexts
        with UserDirectories(self.directory).open_store(self.persona.user, create=True) as store:
            for context in contexts.values():
                store.add(context)
            kinds = [item.item.kind for item in store.items()]
        self._say(f"{', '.join(file.name for file in files)} →")
        self._say(
            f"{kinds.count('profile')} lines of profile, {kinds.count('activity')} activities, "
            f"{kinds.count('writing')} earlier writings"
        )

    def _preview(self, session: UserSession, instruction: str) -> None:
        from langchain_cogenesis.privacy.restore import Conversation
        from langchain_cogenesis.prompts import public_messages

        self._title("The instruction", "and what of it will leave the device")
        seen = session.gate.preview(
            instruction, endpoint=UNTRUSTED_ENDPOINT, conversation=Conversation()
        )
        if not self.quiet:
            show_preview(seen, [m.text for m in public_messages(seen.masked or "", "sketch")])

    def _write(self, session: UserSession, instruction: str) -> dict[str, Any]:
        from langchain_cogenesis.cli.pair import PairOptions, open_model
        from langchain_cogenesis.models.model_source import house_pair

        pair = PairOptions(local=house_pair(self.language)[0])
        self._title("The remote model", "another process, behind HTTP")
        with open_model(session, pair, with_remote=True) as model:
            self._say(f"{model.endpoint}")
            letters = {"sketch": self._letter(model, instruction, "sketch")}
            self._title("For comparison: the local model alone", "")
            letters["local"] = self._letter(model, instruction, "local")
            self._title("For comparison: the remote model alone", "it knows nothing of the user")
            letters["remote"] = self._letter(model, instruction, "remote")
        return letters

    def _letter(self, model: ChatCoGenesis, instruction: str, mode: str) -> dict[str, Any]:
        pieces: list[str] = []
        account: dict[str, Any] = {}
        for chunk in model.stream(instruction, mode=mode, temperature=0.0, max_tokens=200):
            pieces.append(str(chunk.content))
            told = chunk.response_metadata.get("cogenesis", {})
            account.update(told)
            if self.quiet:
                continue
            if told.get("sketch"):
                self._outline(told["sketch"])
            sys.stdout.write(str(chunk.content))
            sys.stdout.flush()
        self._say("")
        return {"text": "".join(pieces), **account}

    def _outline(self, points: list[str]) -> None:
        self._say("The outline that came back, private values put back in:")
        for number, point in enumerate(points, start=1):
            self._say(f"  {number}. {point}")
        self._title("The letter", "written by the local model from private context and outline")

    def _ledger(self, session: UserSession) -> int:
        entries = [{"seq": e.seq, **(e.content or {})} for e in session.ledger.entries()]
        outcome = session.ledger.verify()
        found = _private_values_in(session, [str(entry.get("body", "")) for entry in entries])
        self._title("The ledger", "every request that left, on disk before it was sent")
        if not self.quiet:
            self.console.print(ledger_table(entries))
        self._say(
            f"chain {'intact' if outcome.intact else 'BROKEN'}; private values found: {found}"
        )
        return found

    def _end(self, letters: dict[str, Any], found: int) -> None:
        if self.quiet:
            print_json({"letters": letters, "private_values_found": found})
            return
        self._title("What next", f"that took {time.monotonic() - self.began:.0f} seconds")
        self.console.print(_NEXT, markup=False)

    def _title(self, title: str, remark: str) -> None:
        if self.quiet:
            return
        self.step += 1
        self.console.print()
        self.console.rule(Text(f"{self.step}. {title}", style="bold"), align="left")
        if remark:
            self.console.print(remark, style="dim")

    def _say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False)


def _private_values_in(session: UserSession, bodies: list[str]) -> int:
    """How many values of the raw profile stand in what left; looked for without the gate's help."""
    context = session.store.export()
    profile = context.profile
    values: set[str] = set()
    if profile is not None:
        own = (profile.name, profile.company, profile.location, profile.email)
        values.update(value for value in own if value)
        values.update(part for contact in profile.contacts for part in contact.name.split())
        values.update(profile.name.split())
    for activity in context.activities:
        values.update(activity.people)
        values.update([activity.place] if activity.place else [])
    left = "\n".join(bodies)
    # As words of their own: a contact called Oke does not stand in "max_tokens".
    return sum(
        bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", left, re.IGNORECASE))
        for value in values
    )
