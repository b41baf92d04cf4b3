"""Plots as SVG that is readable in light and dark: its colours are those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 680, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 190, 20, 48
_TICKS = 5
_LABEL_GAP = 13.0


@dataclass(frozen=True, slots=True)
class Point:
    """A point with its interval.

    Attributes:
        label: What it is.
        kind: Class of its colour.
        x: Value, or None where it wasn't measured.
        y: Value.
        low: Lower end of the interval of `y`.
        high: Upper end.
    """

    label: str
    kind: str
    x: float
    y: float
    low: float
    high: float


def scatter(points: Sequence[Point], x_label: str, y_label: str) -> str:
    """Draws points with their intervals and names.

    Args:
        points: The points; none gives an empty text.
        x_label: What lies to the right.
        y_label: What lies upwards.

    Returns:
        An `svg` element.
    """
    if not points:
        return ""
    x_low, x_high = _range([p.x for p in points], zero=True)
    y_low, y_high = _range([v for p in points for v in (p.low, p.high, p.y)], zero=False)

    def right(value: float) -> float:
        return _LEFT + (value - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT)

    def up(value: float) -> float:
        return HEIGHT - _BOTTOM - (value - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM)

    marks = [_frame(x_label, y_label)]
    for number in range(_TICKS + 1):
        x = x_low + (x_high - x_low) * number / _TICKS
        y = y_low + (y_high - y_low) * number / _TICKS
        marks.append(_text(right(x), HEIGHT - _BOTTOM + 16, f"{x:.2g}", "middle"))
        marks.append(_text(_LEFT - 6, up(y) + 4, f"{y:.2g}", "end"))
        marks.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{up(y):.1f}" '
            f'y2="{up(y):.1f}"/>'
        )
    heights = _spread([up(point.y) for point in points])
    for point, height in zip(points, heights, strict=True):
        x, y = right(point.x), up(point.y)
        title = f"{point.label}: {point.x:.3g}, {point.y:.3g} ({point.low:.3g} to {point.high:.3g})"
        marks.append(
            f'<g class="{escape(point.kind)}"><title>{escape(title)}</title>'
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{up(point.low):.1f}" y2="{up(point.high):.1f}"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
            f'<path class="lead" d="M{x:.1f} {y:.1f}L{WIDTH - _RIGHT + 6} {height:.1f}"/>'
            f"{_text(WIDTH - _RIGHT + 9, height + 4, point.label, 'start')}</g>"
        )
    return _svg("".join(marks), HEIGHT, f"{y_label} against {x_label}")


def bars(groups: Sequence[tuple[str, Sequence[tuple[str, str, float]]]], label: str) -> str:
    """Draws grouped bars that lie one below the other.

    Args:
        groups: Name of each group, and label, class and value of each of its bars.
        label: What the bars are.

    Returns:
        An `svg` element; an empty text without groups.
    """
    if not groups:
        return ""
    longest = max((value for _, found in groups for *_, value in found), default=0.0) or 1.0
    marks: list[str] = []
    y = 30.0
    for name, found in groups:
        marks.append(_text(_LEFT + 90, y + 5.0 * len(found), name, "end"))
        for bar_label, kind, value in found:
            width = max(0.0, value) / longest * (WIDTH - _LEFT - 160)
            marks.append(
                f'<g class="{escape(kind)}"><title>{escape(f"{name}, {bar_label}: {value:.3g}")}'
                f'</title><rect x="{_LEFT + 98}" y="{y:.1f}" width="{width:.1f}" height="8"/></g>'
            )
            y += 10
        y += 8
    marks.insert(0, _text(_LEFT + 98, 18, f"{label} (0 to {longest:.3g})", "start"))
    return _svg("".join(marks), int(y) + 10, f"{label} by task")


def _frame(x_label: str, y_label: str) -> str:
    middle = (HEIGHT - _BOTTOM + _TOP) / 2
    return (
        f'<path class="axis" d="M{_LEFT} {_TOP}V{HEIGHT - _BOTTOM}H{WIDTH - _RIGHT}"/>'
        f"{_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, x_label, 'middle')}"
        f'<text x="14" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 14 {middle})">{escape(y_label)}</text>'
    )


def _svg(content: str, height: int, name: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(name)}">{content}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _range(values: Sequence[float], *, zero: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    low = min(low, 0.0) if zero else low
    room = (high - low) * 0.06 or 0.5
    return (low if zero else low - room), high + room


def _spread(heights: Sequence[float]) -> list[float]:
    """Heights of labels that don't cover one another, in the order given."""
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    placed = [0.0] * len(heights)
    last = -_LABEL_GAP
    for number in order:
        last = placed[number] = max(heights[number], last + _LABEL_GAP)
    # Too many at the bottom: all move up by what sticks out.
    over = max(0.0, last - (HEIGHT - 6))
    return [height - over for height in placed]
