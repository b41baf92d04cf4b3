"""The report of a comparison: a Markdown table, and one HTML page with plots. Figures only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from langchain_cogenesis.evaluation.comparison.measuring import MEASURES, Measure
from langchain_cogenesis.evaluation.comparison.orders import check_orders
from langchain_cogenesis.evaluation.comparison.plots import Point, bars, scatter
from langchain_cogenesis.evaluation.comparison.summary import BOUND, QUALITIES, Summary
from langchain_cogenesis.evaluation.records import Estimate

TABLE, PAGE = "table.md", "report.html"
SHORT = (
    "judge overall", "judge personalisation", "facts", "coverage", "greeting", "closing", "rougeL",
    "chrf", "nll", "leaked", "requests a token", "tokens a second",
)  # fmt: skip
"""Columns of the short table."""
_BY_TASK_ROWS = ("slm-context", "sketch", "logits-linear", "llm-context")
_MOST_TASKS = 40
_BY_NAME = {measure.name: measure for measure in MEASURES}
_STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--paper:#fff;--line:#d0d7de;--faint:#57606a;
--bound:#8250df;--local:#0969da;--sketch:#1a7f37;--logits:#bc4c00;--baseline:#6e7781}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--line:#30363d;
--faint:#9198a1;--bound:#bc8cff;--local:#58a6ff;--sketch:#3fb950;--logits:#f0883e;
--baseline:#9198a1}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:72rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.2rem}.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;
white-space:nowrap}th:first-child,td:first-child{text-align:left}small{color:var(--faint)}
svg{max-width:44rem;width:100%;height:auto;display:block}svg text{fill:var(--ink);font-size:11px}
.axis{fill:none;stroke:var(--faint)}.grid{stroke:var(--line)}.lead{stroke-width:.5;opacity:.5}
.bound{fill:var(--bound);stroke:var(--bound)}.local{fill:var(--local);stroke:var(--local)}
.sketch{fill:var(--sketch);stroke:var(--sketch)}.logits{fill:var(--logits);stroke:var(--logits)}
.baseline{fill:var(--baseline);stroke:var(--baseline)}g text{stroke:none}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """What a study shows in the place of the comparison's own plots.

    Attributes:
        title: Of the page.
        html: Its plots and tables.
        markdown: Its tables; may be empty.
        data: Its figures as plain values.
    """

    title: str
    html: str
    markdown: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def write_report(
    summary: Summary, folder: Path, section: Section | None = None
) -> tuple[Path, Path]:
    """Writes table and page; neither holds a text of anybody.

    Args:
        summary: The figures.
        folder: Where they go.
        section: Of a study.

    Returns:
        Paths of the table and of the page.
    """
    table, page = folder / TABLE, folder / PAGE
    table.write_text(markdown(summary, list(_BY_NAME), section), encoding="utf-8")
    page.write_text(html(summary, section), encoding="utf-8")
    return table, page


def markdown(summary: Summary, names: Sequence[str] = SHORT, section: Section | None = None) -> str:
    """The figures as a Markdown table, with the gap closed below it.

    Args:
        summary: The figures.
        names: The measures that are columns, as far as they were measured.
        section: Of a study.
    """
    columns = _columns(summary, names)
    lines = [_line(["", "texts", *(c.label for c in columns)]), _line(["---"] * (len(columns) + 2))]
    for row in summary.rows:
        cells = [cell(row.measures.get(c.name), c) for c in columns]
        lines.append(_line([row.label, str(row.texts), *cells]))
    if closed := _closed_columns(summary):
        lines += ["", _line(["gap closed", *(c.label for c in closed)])]
        lines.append(_line(["---"] * (len(closed) + 1)))
        for row in summary.rows:
            if row.closed:
                cells = [_share(row.closed.get(c.name)) for c in closed]
                lines.append(_line([row.label, *cells]))
    if section is not None and section.markdown:
        lines += ["", section.markdown]
    lines += _by_language(summary, columns)
    lines += ["", *(f"- {remark}" for remark in remarks(summary))]
    return "\n".join(lines) + "\n"


def _by_language(summary: Summary, columns: Sequence[Measure]) -> list[str]:
    """Rows of a table by language; none where there is only one."""
    languages = sorted({language for row in summary.rows for language in row.by_language})
    known = {name for row in summary.rows for found in row.by_language.values() for name in found}
    shown = [column for column in columns if column.name in known]
    if not languages:
        return []
    lines = ["", _line(["by language", "", *(column.label for column in shown)])]
    lines.append(_line(["---"] * (len(shown) + 2)))
    for row in summary.rows:
        for language in languages:
            found = row.by_language.get(language, {})
            cells = [cell(found.get(column.name), column) for column in shown]
            lines.append(_line([row.label, language, *cells]))
    return lines


def remarks(summary: Summary) -> list[str]:
    """What a reader of the figures has to know."""
    found = [f"Settings: {', '.join(f'{k} {v}' for k, v in summary.settings.items())}."]
    found.append(
        "In brackets: half of the 95 % interval (bootstrap over texts), or its other end where the "
        "value is one; – is not measured."
    )
    if any(row.key == BOUND for row in summary.rows):
        found.append(
            "The gap is the one between the local model and the remote one, both with context; "
            "where the remote is no better beyond chance, nothing is closed."
        )
    found += map(str, check_orders(summary))
    for row in summary.rows:
        if row.failed:
            told = ", ".join(f"{count} by {name}" for name, count in row.failed.items())
            found.append(f"{row.label}: not written {told}.")
        if row.unscored:
            found.append(f"{row.label}: {row.unscored} judgements couldn't be read, left out.")
    found += [f"{name}: {why}" for name, why in summary.left_out.items()]
    return [*found, *summary.notes]


def cell(found: Estimate | None, measure: Measure) -> str:
    """An estimate as a cell: `0.62 (±0.05)`, `0 % (to 16)`, or – where there is none."""
    if found is None:
        return "–"
    half = (found.high - found.low) / 2
    if measure.percent:
        ends = {found.low: found.high, found.high: found.low}
        if half and found.value in ends:
            return f"{100 * found.value:.0f} % (to {100 * ends[found.value]:.0f})"
        return f"{100 * found.value:.0f} % (±{100 * half:.0f})"
    return f"{found.value:.{measure.digits}f} (±{half:.{measure.digits}f})"


def _share(found: Estimate | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found.value:.0f} % ({100 * found.low:.0f} to {100 * found.high:.0f})"


def html(summary: Summary, section: Section | None = None) -> str:
    """The page: plots, tables, remarks; self-contained, for light and dark."""
    title = section.title if section is not None else "Comparison"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_lead(summary))}</p>",
        section.html if section is not None else _own_plots(summary),
        _html_by_language(summary),
        "<h2>Figures</h2>",
        _html_table(summary, _columns(summary, list(_BY_NAME)), "measures"),
        "<h2>Against the local model alone</h2>",
        _html_table(summary, _columns(summary, QUALITIES), "against_base"),
    ]
    if section is None:
        parts += [
            "<h2>Gap closed</h2>",
            _html_table(summary, _closed_columns(summary), "closed"),
        ]
    parts += [
        "<h2>Remarks</h2><ul>",
        *(f"<li>{escape(remark)}</li>" for remark in remarks(summary)),
        "</ul>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}"
        "</body></html>\n"
    )


def _own_plots(summary: Summary) -> str:
    quality = summary.quality
    label = _BY_NAME[quality].label
    parts = [
        f"<h2>{escape(label)} against leakage</h2>",
        scatter(_points(summary, "leaked", quality), "share of private values sent", label),
        f"<h2>{escape(label)} against requests</h2>",
        scatter(_points(summary, "requests a token", quality), "requests a token", label),
        _by_task(summary, quality),
    ]
    return "".join(parts)


def _lead(summary: Summary) -> str:
    texts = max((row.texts for row in summary.rows), default=0)
    return f"{len(summary.rows)} ways to write, on {texts} examples each."


def _points(summary: Summary, x: str, y: str) -> list[Point]:
    return [
        Point(
            row.label, row.kind, row.measures[x].value, row.measures[y].value,
            row.measures[y].low, row.measures[y].high,
        )
        for row in summary.rows
        if x in row.measures and y in row.measures
    ]  # fmt: skip


def _by_task(summary: Summary, quality: str) -> str:
    rows = [row for row in summary.rows if row.key in _BY_TASK_ROWS]
    tasks = sorted({task for row in rows for task in row.by_task})[:_MOST_TASKS]
    groups = [
        (
            task,
            [
                (row.label, row.kind, row.by_task[task][quality].value)
                for row in rows
                if quality in row.by_task.get(task, {})
            ],
        )
        for task in tasks
    ]
    groups = [(task, found) for task, found in groups if found]
    if len(groups) < 2:
        return ""
    key = ", ".join(row.label for row in rows)
    label = _BY_NAME[quality].label
    return f"<h2>By task</h2><p><small>{escape(key)}, from above.</small></p>{bars(groups, label)}"


def _html_by_language(summary: Summary) -> str:
    lines = _by_language(summary, list(MEASURES))[1:]
    if not lines:
        return ""
    head, _, *rows = ([part.strip() for part in line.strip("|").split("|")] for line in lines)
    table = "".join(
        f"<tr>{''.join(f'<{tag}>{escape(part)}</{tag}>' for part in cells)}</tr>"
        for tag, cells in (("th", head), *(("td", row) for row in rows))
    )
    return f'<h2>By language</h2><div class="wide"><table>{table}</table></div>'


def _html_table(summary: Summary, columns: Sequence[Measure], which: str) -> str:
    if not columns:
        return "<p><small>nothing measured</small></p>"
    head = "".join(f"<th>{escape(column.label)}</th>" for column in columns)
    body: list[str] = []
    for row in summary.rows:
        found: dict[str, Estimate] = getattr(row, which)
        if which != "measures" and not found:
            continue
        cells = "".join(f"<td>{_html_cell(found.get(c.name), c, which)}</td>" for c in columns)
        body.append(f"<tr><td>{escape(row.label)}</td><td>{row.texts}</td>{cells}</tr>")
    return (
        f'<div class="wide"><table><tr><th></th><th>texts</th>{head}</tr>{"".join(body)}'
        "</table></div>"
    )


def _html_cell(found: Estimate | None, measure: Measure, which: str) -> str:
    if found is None:
        return "–"
    factor, digits = (100, 0) if measure.percent or which == "closed" else (1, measure.digits)
    value, low, high = (factor * v for v in (found.value, found.low, found.high))
    sign = "+" if which == "against_base" else ""
    return f"{value:{sign}.{digits}f} <small>{low:.{digits}f} to {high:.{digits}f}</small>"


def _columns(summary: Summary, names: Sequence[str]) -> list[Measure]:
    return [m for n in names if any(n in r.measures for r in summary.rows) and (m := _BY_NAME[n])]


def _closed_columns(summary: Summary) -> list[Measure]:
    return [_BY_NAME[n] for n in QUALITIES if any(n in row.closed for row in summary.rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
