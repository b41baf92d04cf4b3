"""The audit of one mode: lets all users write, reads what left, runs the attacks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.collaboration import Mode
from langchain_cogenesis.evaluation.audit.attacks import (
    attributes_of,
    find_values,
    infer_attribute,
    link_users,
    time_requests,
)
from langchain_cogenesis.evaluation.audit.report import ModeReport, Row
from langchain_cogenesis.evaluation.audit.runs import (
    Run,
    RunSettings,
    Variant,
    all_faults,
    record_runs,
)
from langchain_cogenesis.evaluation.audit.subjects import Subject
from langchain_cogenesis.evaluation.audit.texts import Texts, local_vocabulary, read_texts
from langchain_cogenesis.evaluation.audit.timing import Rhythm, read_rhythm

Advance = Callable[[str, int, int], None]
"""Told of progress: what is done, how much of it, of how much."""

VARIANTS: tuple[Variant, ...] = ("ours", "fixed", "fixed again", "entropy")


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """How a mode is audited.

    Attributes:
        mode: The mode.
        seed: Of folds and resampling.
        schedule: Which steps ask, in logit mode.
        max_tokens: Length of a text, tokens.
        timing: Whether logit mode is timed, which takes four runs of each user.
    """

    mode: Mode
    seed: int = 0
    schedule: str = "every"
    max_tokens: int = 16
    timing: bool = True

    def run(self, variant: Variant) -> RunSettings:
        """The settings of one variant's runs."""
        return RunSettings(self.mode, variant, self.schedule, self.max_tokens)


def audit_mode(
    subjects: Sequence[Subject], settings: AuditSettings, folder: Path, advance: Advance
) -> ModeReport:
    """Audits one mode.

    Args:
        subjects: The users.
        settings: How.
        folder: Private; where recordings lie, and are taken from if they are there.
        advance: Told of progress.

    Raises:
        RemoteUnavailableError: Endpoint or relay could not start.
        ConfigurationError: The libraries of the attacks are missing.
    """
    logits = settings.mode == "logits"
    timed = logits and settings.timing
    recorded: dict[Variant, list[Run]] = {}
    for variant in VARIANTS if timed else VARIANTS[:1]:
        recorded[variant] = _record(subjects, settings.run(variant), folder, advance)
    vocabulary = local_vocabulary() if logits else None
    files = {run.number: run.record_file for run in recorded["ours"]}
    texts: list[Texts] = []
    for done, subject in enumerate(subjects, start=1):
        texts.append(read_texts(subject, files[subject.number], vocabulary))
        advance("Reading what left", done, len(subjects))
    rows, leaks = find_values(subjects, texts)
    rows += _guesses(subjects, texts, settings.seed, advance)
    if timed:
        rows.append(time_requests(_rhythms(recorded), settings.seed))
    return ModeReport(
        settings.mode,
        len(subjects),
        sum(own.requests for own in texts),
        sum(own.bytes for own in texts),
        all_faults(recorded["ours"]),
        rows,
        leaks,
    )


def _record(
    subjects: Sequence[Subject], settings: RunSettings, folder: Path, advance: Advance
) -> list[Run]:
    what = f"Writing, {settings.mode}"
    if settings.variant != "ours":
        what += f", {settings.variant} schedule"
    runs: list[Run] = []
    advance(what, 0, len(subjects))
    for run in record_runs(subjects, settings, folder):
        runs.append(run)
        advance(what, len(runs), len(subjects))
    return runs


def _guesses(
    subjects: Sequence[Subject], texts: Sequence[Texts], seed: int, advance: Advance
) -> list[Row]:
    names = attributes_of(subjects)
    rows: list[Row | None] = []
    for name in names:
        advance("Attacking", len(rows), len(names) + 1)
        rows.append(infer_attribute(name, subjects, texts, seed))
    advance("Attacking", len(rows), len(names) + 1)
    rows.append(link_users(subjects, texts, seed))
    advance("Attacking", len(rows), len(names) + 1)
    return [row for row in rows if row is not None]


def _rhythms(recorded: dict[Variant, list[Run]]) -> dict[str, list[Rhythm]]:
    return {
        variant: [read_rhythm(run.number, run.record_file) for run in runs]
        for variant, runs in recorded.items()
    }


def write_reports(reports: Sequence[ModeReport], source: str, folder: Path) -> None:
    """Writes `report.json` and `report.md`, 0600.

    Args:
        reports: Of all modes.
        source: Where the users are from, for reading.
        folder: Where they go.
    """
    told = {"source": source, "modes": [report.as_json() for report in reports]}
    _write(folder / "report.json", json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    parts = ["# Audit", "", f"Users: {source}.", "", *(r.as_markdown() for r in reports)]
    _write(folder / "report.md", "\n".join(parts))


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
