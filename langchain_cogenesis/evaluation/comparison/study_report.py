"""What a study's report shows: its plots, and for masks the utility that is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from langchain_cogenesis.evaluation.comparison.measuring import MEASURES
from langchain_cogenesis.evaluation.comparison.plots import Point, scatter
from langchain_cogenesis.evaluation.comparison.report import Section
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

_LABELS = {measure.name: measure.label for measure in MEASURES}
_MISSING = "not measured: it takes the row {} (and a remote that may see what is private)."


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
    if study.key != "mask":
        return Section(study.title, plots)
    keys = [row.key for row in rows]
    found = measure_utility(
        results, keys, leaky=LEAKY, unmasked=unmasked_rows(keys), examples=examples
    )
    labels = {row.key: row.label for row in rows}
    table = _utility_table(found, labels)
    return Section(study.title, plots + _utility_html(table), _markdown(table), as_json(found))


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


def _utility_table(found: Sequence[Utility], labels: Mapping[str, str]) -> Table:
    measures = [m for m in _LABELS if any(m in u.kept or m in u.cost for u in found)]
    head = ["utility", *(f"kept, {_named(m)}" for m in measures)]
    head += [f"cost of masking, {_named(m)}" for m in measures]
    table = [[*head, "values leaked"]]
    for utility in found:
        cells = [_cell(utility.kept.get(m), utility.kept_verdict(m)) for m in measures]
        cells += [_cell(utility.cost.get(m), utility.cost_verdict(m)) for m in measures]
        table.append([labels[utility.row], *cells, str(utility.leaked)])
    return table


def _named(measure: str) -> str:
    return "probability of a token" if measure == "nll" else _LABELS[measure]


def _cell(found: Estimate | None, verdict: Verdict | None) -> str:
    if found is None or verdict is None:
        return "–"
    value, low, high = (100 * v for v in (found.value, found.low, found.high))
    return f"{value:.1f} % ({low:.1f} to {high:.1f}), {verdict}"


def _explained(table: Table) -> str:
    if len(table[0]) == 2:
        return "Utility of the leaky upper bound: " + _MISSING.format(LEAKY)
    return (
        f"Kept: share of the utility of logits with context sent (the leaky upper bound); target "
        f"at least {100 * KEPT:.0f} % with no value leaked. Cost: share of utility that is lost "
        f"against the same mode with nothing masked; target at most {100 * COST:.0f} %. "
        "With 95 % intervals, paired by text; open: the interval holds the target."
    )


def _markdown(table: Table) -> str:
    if len(table[0]) == 2:
        return _explained(table)
    head, *body = table
    lines = [head, ["---"] * len(head), *body]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", _explained(table)])


def _utility_html(table: Table) -> str:
    parts = [f"<h2>Utility</h2><p>{escape(_explained(table))}</p>"]
    if len(table[0]) > 2:
        head, *body = table
        lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
        lines += ["".join(f"<td>{escape(cell)}</td>" for cell in line) for line in body]
        rows = "".join(f"<tr>{line}</tr>" for line in lines)
        parts.append(f'<div class="wide"><table>{rows}</table></div>')
    return "".join(parts)
