"""Studies of what the paper leaves open: each is a family of rows of the comparison, and a plot.

A study's rows go through the same runner, files and figures as the comparison's, and are measured
against the local model alone, on the same texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from langchain_cogenesis.evaluation.altered_models import Alteration, alterable_matrices
from langchain_cogenesis.evaluation.comparison.masks import MASKS, Mask
from langchain_cogenesis.evaluation.comparison.outlines import by_outline
from langchain_cogenesis.evaluation.comparison.rows import (
    Row,
    by_mode,
    local_row,
    logits_with_context,
)
from langchain_cogenesis.evaluation.comparison.world import PairSettings
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.schedule import Schedule, parse_schedule
from langchain_cogenesis.logit_settings import LogitSettings
from langchain_cogenesis.models.model_source import model_name
from langchain_cogenesis.prompts import SketchStyle

NOT_TRUSTED = "not run: the remote would see what is private, and its address isn't --trusted."
"""Why a row that shows more than a session isn't there."""
LEAKY = "logits-leaky"
"""The row of the mask study whose remote reads everything, private context too."""

_POINTS = (4, 8, 12)
_CHOICES = (1, 3, 5)
_BITS = (4, 3, 2)
_NOISE = (0.1, 0.2, 0.4, 0.8)
_WEIGHTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_SCHEDULES = (
    "every", "rate:2", "rate:4", "rate:8", "pkt:20/8/2", "pkt:10/4/4", "entropy:0.25",
    "entropy:0.5", "entropy:1", "entropy:2",
)  # fmt: skip
_MASK_LABELS: dict[Mask, str] = {
    "values": "certain values alone",
    "standard": "as sessions do",
    "ambiguous": "ambiguous values too",
    "names": "all names and numbers",
}


@dataclass(frozen=True, slots=True)
class Study:
    """A study.

    Attributes:
        key: Its name on the command line.
        title: What it asks.
        x: The measure that lies to the right in its plot; rows without it stand where they say.
        x_label: Its name.
        make: Makes its rows, given the models and the remotes that were named.
    """

    key: str
    title: str
    x: str
    x_label: str
    make: Callable[[PairSettings, Sequence[str]], list[Row]]

    def rows(self, pair: PairSettings, remotes: Sequence[str] = ()) -> list[Row]:
        """Its rows, in the order of the table; those of the same models stand side by side.

        Args:
            pair: The models, and how they write.
            remotes: Several models in the place of the remote; for the study of models alone.

        Raises:
            ConfigurationError: These models can't run it.
        """
        if remotes and self.key != "models":
            raise ConfigurationError(
                f"the study of {self.key} takes one remote.",
                hint="Name it with --remote; several are for --study models.",
            )
        rows = self.make(pair, remotes)
        return [row for row in rows if pair.may_see_all or not _shows_more(row)]


def _shows_more(row: Row) -> bool:
    """Whether a remote sees more of what is private than in a session."""
    return row.trusts or row.mask == "values"


def find_study(key: str) -> Study:
    """The study of a name.

    Raises:
        ConfigurationError: There is none.
    """
    for study in STUDIES:
        if study.key == key:
            return study
    raise ConfigurationError(
        f"there is no study {key!r}.", hint=f"Studies: {', '.join(s.key for s in STUDIES)}."
    )


def _outlines(pair: PairSettings, remotes: Sequence[str]) -> list[Row]:
    def row(key: str, label: str, style: SketchStyle, choices: int | None = None) -> Row:
        write = by_outline(style, choices=choices)
        return Row(key, label, "sketch", write, at=float(style.points or 0))

    rows = [local_row(at=0.0), row("outline", "as the remote likes", SketchStyle())]
    for points in _POINTS:
        rows.append(row(f"points-{points}", f"{points} points", SketchStyle(points)))
    for points in _POINTS:
        style = SketchStyle(points, detail=True)
        rows.append(row(f"detail-{points}", f"{points} sentences", style))
    for count in _CHOICES:
        label = "sampled" if count == 1 else f"best of {count}"
        rows.append(row(f"choice-{count}", label, SketchStyle(), count))
    return rows


def _models(pair: PairSettings, remotes: Sequence[str]) -> list[Row]:
    named = _named_models(pair, remotes)
    plain = [replace(pair, remote=name, remote_model=None, remote_key=None) for name in named]
    # The local model alone runs with the first pair, so that no other is opened for it.
    rows = [replace(local_row(at=0.0), pair=plain[0])]
    for settings in plain:
        name = model_name(settings.remote)
        rows += [
            _logits_of(settings, f"logits-{name}", f"+ logits, {name}"),
            Row(f"sketch-{name}", f"+ sketch, {name}", "sketch", by_mode("sketch"), pair=settings),
        ]
    if _why_not_altered(named[0]) is None:
        changes = [Alteration(bits=bits) for bits in _BITS]
        changes += [Alteration(noise=noise) for noise in _NOISE]
        for change in changes:
            settings = replace(plain[0], alteration=change)
            rows.append(_logits_of(settings, f"logits-{change.name}", f"+ logits, {change.name}"))
    return rows


def _named_models(pair: PairSettings, remotes: Sequence[str]) -> list[str]:
    named = list(dict.fromkeys(remotes or (pair.remote, pair.local)))
    if addresses := [name for name in named if name.startswith(("http://", "https://"))]:
        raise ConfigurationError(
            f"the study of models serves and alters its remotes; it can't do so at {addresses[0]}.",
            hint="Give models: --remotes FILE.gguf,owner/repo:file.gguf, the one to alter first.",
        )
    names = [model_name(name) for name in named]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            "two remotes have the same name, so that their rows can't be told apart.",
            hint="Give one of the files another name.",
        )
    return named


def _why_not_altered(model: str) -> str | None:
    try:
        alterable_matrices(model)
    except ConfigurationError as error:
        return f"not run: {error}"
    return None


def _masks(pair: PairSettings, remotes: Sequence[str]) -> list[Row]:
    fusion = _linear(pair.weight)
    raw = LogitSettings(fusion, prefix="raw")
    rows = [
        local_row(at=0.0),
        Row(
            LEAKY, "+ logits, context sent", "bound", logits_with_context(fusion), fusion,
            trusts=True, view="context",
        ),
        Row(
            "logits-unmasked", "+ logits, nothing masked", "logits",
            by_mode("logits", raw, trusting=True), fusion, trusts=True, view="raw",
        ),
    ]  # fmt: skip
    masked = by_mode("logits", LogitSettings(fusion))
    for mask in MASKS:
        label = f"+ logits, {_MASK_LABELS[mask]}"
        rows.append(Row(f"logits-{mask}", label, "logits", masked, fusion, mask=mask))
    unmasked = by_mode("sketch", trusting=True)
    rows.append(Row("sketch-unmasked", "+ sketch, nothing masked", "sketch", unmasked, trusts=True))
    for mask in MASKS:
        label = f"+ sketch, {_MASK_LABELS[mask]}"
        rows.append(Row(f"sketch-{mask}", label, "sketch", by_mode("sketch"), mask=mask))
    return rows


def _schedules(pair: PairSettings, remotes: Sequence[str]) -> list[Row]:
    rows = [local_row(at=0.0)]
    for told in _SCHEDULES:
        schedule = parse_schedule(told)
        rows.append(_logits(told.replace(":", "-").replace("/", "-"), told, pair.weight, schedule))
    return rows


def _weights(pair: PairSettings, remotes: Sequence[str]) -> list[Row]:
    rows = [_logits(f"weight-{w:g}", f"linear {w:g}", w, at=w) for w in _WEIGHTS]
    return [*rows, local_row(at=1.0)]


def _logits(
    key: str,
    label: str,
    weight: float,
    schedule: Schedule | None = None,
    at: float | None = None,
) -> Row:
    fusion, schedule = _linear(weight), schedule or parse_schedule("every")
    # One request a token, so that the schedule alone says how many there are.
    settings = LogitSettings(fusion, schedule, block=None)
    return Row(key, label, "logits", by_mode("logits", settings), fusion, schedule=schedule, at=at)


def _logits_of(pair: PairSettings, key: str, label: str) -> Row:
    return replace(_logits(key, label, pair.weight), pair=pair)


def _linear(weight: float) -> LinearFusion:
    return LinearFusion((weight, 1 - weight))


def left_out(study: Study, pair: PairSettings, remotes: Sequence[str] = ()) -> dict[str, str]:
    """Which rows of a study these models can't run, and why.

    Args:
        study: The study.
        pair: The models.
        remotes: Several models in the place of the remote.
    """
    if study.key == "mask" and not pair.may_see_all:
        return {"Rows that mask less than sessions do": NOT_TRUSTED}
    if study.key == "models":
        why = _why_not_altered(_named_models(pair, remotes)[0])
        return {"Altered copies": why} if why is not None else {}
    return {}


def unmasked_rows(keys: Iterable[str]) -> dict[str, str]:
    """By row of the mask study, the one that writes likewise with nothing masked."""
    modes = {key: key.split("-")[0] for key in keys if key not in (LEAKY, "slm-context")}
    found = {key: f"{mode}-unmasked" for key, mode in modes.items()}
    return {key: other for key, other in found.items() if key != other}


STUDIES: tuple[Study, ...] = (
    Study("outlines", "What kind of outline helps", "points", "points of the outline", _outlines),
    Study("models", "How alike the models must be", "apart", "models apart, nats a token", _models),
    Study("mask", "What masking costs and what it keeps", "leaked", "values leaked", _masks),
    Study(
        "schedules", "When to ask the remote", "requests a token", "requests a token", _schedules
    ),
    Study("weights", "How much each model says", "", "share of the local model", _weights),
)
"""All studies."""
