"""From results to figures: estimates, the file that outlives a kill, table and page."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from langchain_cogenesis.evaluation.comparison.measuring import MEASURES
from langchain_cogenesis.evaluation.comparison.plots import Point, bars, scatter
from langchain_cogenesis.evaluation.comparison.report import markdown, write_report
from langchain_cogenesis.evaluation.comparison.results import Result, ResultFile
from langchain_cogenesis.evaluation.comparison.summary import Summary, summarise_results
from langchain_cogenesis.evaluation.records import estimate_closed, estimate_difference
from langchain_cogenesis.exceptions import ConfigurationError

ROWS = [
    ("llm-context", "LLM with context", "bound"),
    ("slm-context", "SLM with context", "local"),
    ("sketch", "+ sketch", "sketch"),
]
SECRET = "Osric Thandeka"


def _results() -> list[Result]:
    found = []
    for number in range(12):
        for row, used in (("llm-context", 8), ("slm-context", 4), ("sketch", 7)):
            measures = {
                "facts": (used, 10),
                "leaked": (int(row == "llm-context"), 5),
                "requests a token": (int(row == "sketch"), 50),
                "nll": (30.0 - used, 10),
            }
            task = ("invite", "thank")[number % 2]
            found.append(Result(row, f"e{number}", task, measures, f"Dear {SECRET}"))
    return found


def _summary() -> Summary:
    return summarise_results(_results(), ROWS, {"data": "made up"}, notes=("A note.",))


def test_differences_are_paired() -> None:
    """Texts differ much, the pairs always by a half: the interval has no width."""
    before = [(float(n), 1.0) for n in range(10)]
    after = [(n + 0.5, 1.0) for n in range(10)]
    found = estimate_difference(before, after)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="different lengths"):
        estimate_difference(before, after[1:])
    assert estimate_difference([], []) is None


def test_the_gap_closed_by_hand() -> None:
    low, high = [(1.0, 10.0), (3.0, 10.0)], [(5.0, 10.0), (7.0, 10.0)]
    half = [(3.0, 10.0), (5.0, 10.0)]
    found = estimate_closed(low, high, half)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    # Without a gap beyond chance there is nothing to close.
    assert estimate_closed(low, list(reversed(low)), half) is None


def test_rows_are_summed_up_against_the_local_model() -> None:
    bound, base, sketch = _summary().rows
    assert base.against_base == {}
    assert sketch.measures["facts"].value == pytest.approx(0.7)
    assert sketch.against_base["facts"].value == pytest.approx(0.3)
    assert sketch.closed["facts"].value == pytest.approx(0.75)
    assert sketch.closed["nll"].value == pytest.approx(0.75)
    assert bound.closed == {}
    # A remote that is worse than the local model, both with context, leaves no gap to close.
    swapped = [("slm-context", *ROWS[0][1:]), ("llm-context", *ROWS[1][1:]), ROWS[2]]
    names = {"slm-context": "llm-context", "llm-context": "slm-context"}
    results = [replace(r, row=names.get(r.row, r.row)) for r in _results()]
    assert summarise_results(results, swapped, {}).rows[2].closed == {}
    assert set(sketch.by_task) == {"invite", "thank"}
    assert _summary().quality == "facts"


def test_what_was_not_written_or_judged_is_said_and_not_counted() -> None:
    results = _results()
    results[2] = Result("sketch", "e0", "invite", error="SketchError")
    scored = dict(results[5].measures) | {"judge unscored": (2, 1)}
    results[5] = Result("sketch", "e1", "thank", scored, "x", judged=True)
    summary = summarise_results(results, ROWS, {})
    sketch = summary.rows[2]
    assert (sketch.texts, sketch.failed, sketch.unscored) == (11, {"SketchError": 1}, 2)
    assert sketch.measures["facts"].count == 11
    table = markdown(summary)
    # Twelve texts without a leak don't say that there is none.
    assert "| 0 % (to 24) |" in table
    assert "not written 1 by SketchError" in table
    assert "2 judgements couldn't be read" in table


def test_results_outlive_a_line_that_was_cut_off(tmp_path: Path) -> None:
    settings = {"data": "x", "price": (3, 15)}
    file = ResultFile(tmp_path / "out", settings)
    first, second = _results()[:2]
    file.add(first)
    whole = file.path.read_bytes()
    with file.path.open("ab") as torn:
        torn.write(json.dumps({"row": "sketch"}).encode()[:9])
    again = ResultFile(tmp_path / "out", settings)
    assert list(again) == [first]
    assert (first.row, first.example) in again
    again.add(second)
    assert file.path.read_bytes().startswith(whole)
    assert list(ResultFile(tmp_path / "out", settings)) == [first, second]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_results_of_other_settings_are_refused(tmp_path: Path) -> None:
    ResultFile(tmp_path, {"data": "x", "seed": 0})
    with pytest.raises(ConfigurationError, match="seed"):
        ResultFile(tmp_path, {"data": "x", "seed": 1})
    (tmp_path / "results.jsonl").write_text("no json\n")
    with pytest.raises(ConfigurationError, match="no file of results"):
        ResultFile(tmp_path, {"data": "x"})


def test_the_report_stands_alone_and_holds_no_text(tmp_path: Path) -> None:
    table, page = write_report(_summary(), tmp_path)
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=|@import|url\(|<script", html)
    assert "prefers-color-scheme:dark" in html
    plots = re.findall(r"<svg.*?</svg>", html)
    assert len(plots) == 3
    for plot in plots:
        ElementTree.fromstring(plot)
    for written in (html, table.read_text(encoding="utf-8")):
        assert SECRET not in written
        assert "A note." in written
        assert "+ sketch" in written
    assert "75 % (75 to 75)" in table.read_text(encoding="utf-8")
    assert "| + sketch | 12 | 70 % (±0) |" in table.read_text(encoding="utf-8")


def test_plots_draw_every_point_and_escape_names() -> None:
    points = [Point(f"<{n}>", "local", n / 10, 0.5, 0.4, 0.6) for n in range(30)]
    drawn = ElementTree.fromstring(scatter(points, "x & y", "z"))
    name = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f".//{name}circle")) == 30
    heights = [float(t.attrib["y"]) for t in drawn.iter(f"{name}text") if (t.text or "")[:1] == "<"]
    assert all(abs(a - b) > 10 for a, b in pairwise(heights))
    assert scatter([], "x", "y") == ""
    rows = [("a", [("one", "local", 1.0), ("two", "bound", 0.0)]), ("b", [("one", "local", 0.5)])]
    rects = ElementTree.fromstring(bars(rows, "z")).findall(f".//{name}rect")
    widths = [float(rect.attrib["width"]) for rect in rects]
    assert widths[0] == pytest.approx(2 * widths[2])
    assert widths[1] == 0


def test_figures_are_plain_for_machines() -> None:
    told = json.loads(json.dumps(_summary().as_json()))
    assert told["rows"][2]["gap closed"]["facts"][:3] == [0.75, 0.75, 0.75]
    known = {measure.name for measure in MEASURES}
    assert set(told["rows"][0]["measures"]) <= known


def test_figures_by_language_where_there_are_two(tmp_path: Path) -> None:
    """In the summary, the table and the page; nothing of it where there is one."""
    results = _results()
    assert summarise_results(results, ROWS, {}).rows[1].by_language == {}
    german = [
        replace(result, example=f"de{n}", language="de", measures={"facts": (1, 10)})
        for n, result in enumerate(results)
    ]
    summary = summarise_results([*results, *german], ROWS, {})
    by_language = summary.rows[1].by_language
    assert by_language["en"]["facts"].value == pytest.approx(0.4)
    assert by_language["de"]["facts"].value == pytest.approx(0.1)
    assert "| SLM with context | de | 10 % (±0) |" in markdown(summary)
    assert "by language" not in markdown(_summary())
    _, page = write_report(summary, tmp_path)
    assert "<h2>By language</h2>" in page.read_text(encoding="utf-8")
    plain = summary.as_json()["rows"][1]["by language"]
    assert plain["de"]["facts"][0] == pytest.approx(0.1)
