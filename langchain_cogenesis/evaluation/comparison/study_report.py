"""What a study's report shows: its plots, and for masks the utility that is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from langchain_cogenesis.evaluation.comparison.measuring import MEASURES
from langchain_cogenesis.evaluation.comparison.orders import spell_difference
from langchain_cogenesis.evaluation.comparison.plots import Point, scatter
from langchain_cogenesis.evaluation.comparison.report import Section, cell
from langchain_cogenesis.evaluation.comparison.results import Result
from langchain_cogenesis.evaluation.comparison.rows import Row
from langchain_cogenesis.evaluation.comparison.studies import LEAKY, Study, unmasked_rows
from langchain_cogenesis.evaluation.comparison.summary import RowSummary, Summary
from langchain_cogenesis.evaluation.comparison.utility import (
    COST,
    KEPT,
    Utility,
    Verdict,
    as_json,
    measure_utility,
)
from langchain_cogenesis.evaluation.records import Estimate

_MEASURES = {measure.name: measure for measure in MEASURES}
_LABELS = {name: measure.label for name, measure in _MEASURES.items()}
_SHOWN = ("judge overall", "judge personalisation", "facts", "coverage", "rougeL", "chrf", "nll")
"""Measures that are printed; the files hold all."""


def study_section(
    study: Study,
    rows: Sequence[Row],
    summary: Summary,
    results: Iterable[Result],
    examples: Sequence[str],
) -> Section:
    """Makes a study's section.

    Args:
        study: The study.
        rows: The rows that were run.
        summary: Their figures.
        results: All texts.
        examples: Ids of the examples that count.
    """
    plots = _plots(study, rows, summary)
    against = _markdown(_against_table(study, summary))
    if study.key != "mask":
        return Section(study.title, plots, against)
    keys = [row.key for row in rows]
    found = measure_utility(
        results, keys, leaky=LEAKY, unmasked=unmasked_rows(keys), examples=examples
    )
    labels = {row.key: row.label for row in rows}
    table, explained = _utility_table(found, labels), _explained(found)
    page = plots + _utility_html(table, explained)
    parts = [against, *([_markdown(table)] if _measured(found) else []), explained]
    return Section(study.title, page, "\n\n".join(parts), as_json(found))


def _plots(study: Study, rows: Sequence[Row], summary: Summary) -> str:
    """One plot of nats a token, and one of the quality that all rows have."""
    at = {row.key: row.at for row in rows}
    parts: list[str] = []
    for measure in dict.fromkeys(("nll", summary.quality)):
        found = [_point(row, study, at, measure) for row in summary.rows]
        points = [point for point in found if point is not None]
        if points:
            label = _LABELS[measure]
            parts.append(f"<h2>{escape(label)} against {escape(study.x_label)}</h2>")
            parts.append(scatter(points, study.x_label, label))
    return "".join(parts)


def _point(
    row: RowSummary, study: Study, at: Mapping[str, float | None], measure: str
) -> Point | None:
    found = row.measures.get(measure)
    place = row.measures.get(study.x)
    x = place.value if place is not None else at[row.key]
    if found is None or x is None:
        return None
    return Point(row.label, row.kind, x, found.value, found.low, found.high)


Table = list[list[str]]


def _against_table(study: Study, summary: Summary) -> Table:
    """Each row's place in the plot, and what it is better by than the local model alone."""
    measured = {name for row in summary.rows for name in row.against_base}
    shown = [name for name in _SHOWN if name in measured]
    x = [study.x] if study.x in _MEASURES else []
    table = [["against the local model alone", *(_LABELS[name] for name in (*x, *shown))]]
    for row in summary.rows:
        if row.against_base:
            place = [cell(row.measures.get(name), _MEASURES[name]) for name in x]
            differences = [_difference(row.against_base.get(name), name) for name in shown]
            table.append([row.label, *place, *differences])
    return table


def _difference(found: Estimate | None, measure: str) -> str:
    return "–" if found is None else spell_difference(found, _MEASURES[measure])


def _utility_table(found: Sequence[Utility], labels: Mapping[str, str]) -> Table:
    measures = _measured(found)
    head = ["utility", *(f"kept, {_named(m)}" for m in measures)]
    head += [f"cost of masking, {_named(m)}" for m in measures]
    table = [[*head, "values leaked"]]
    for utility in found:
        cells = [_share(utility.kept.get(m), utility.kept_verdict(m)) for m in measures]
        cells += [_share(utility.cost.get(m), utility.cost_verdict(m)) for m in measures]
        table.append([labels[utility.row], *cells, str(utility.leaked)])
    return table


def _measured(found: Sequence[Utility]) -> list[str]:
    names = {name for utility in found for name in (*utility.kept, *utility.cost)}
    return [name for name in _SHOWN if name in names]


def _named(measure: str) -> str:
    return "probability of a token" if measure == "nll" else _LABELS[measure]


def _share(found: Estimate | None, verdict: Verdict | None) -> str:
    if found is None or verdict is None:
        return "–"
    value, low, high = (100 * v for v in (found.value, found.low, found.high))
    return f"{value:.1f} % ({low:.1f} to {high:.1f}), {verdict}"


def _explained(found: Sequence[Utility]) -> str:
    if not _measured(found):
        return f"Utility: not measured; it takes the row {LEAKY}, and a remote that may see it all."
    return (
        "Kept: share of the utility of logits with context sent (the leaky upper bound); target "
        f"at least {100 * KEPT:.0f} % with no value leaked. Cost: share of utility that is lost "
        f"against the same mode with nothing masked; target at most {100 * COST:.0f} %. "
        "With 95 % intervals, paired by text; open: the interval holds the target."
    )


def _markdown(table: Table) -> str:
    head, *body = table
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _utility_html(table: Table, explained: str) -> str:
    head, *body = table
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in line) for line in body]
    rows = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<h2>Utility</h2><p>{escape(explained)}</p><div class="wide"><table>{rows}</table></div>'
    )
