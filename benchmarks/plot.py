"""Curves on logarithmic axes as an SVG that is read on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 58, 52
LEGEND = 34
STYLE = """
.back{fill:#fff}.text{fill:#24292f}.grid{stroke:#d8dee4}
.s0{--c:#00735c}.s1{--c:#b3410e}.s2{--c:#3b5fc0}
@media (prefers-color-scheme:dark){
.back{fill:#0d1117}.text{fill:#e6edf3}.grid{stroke:#3d444d}
.s0{--c:#3fd0a5}.s1{--c:#ff9a5c}.s2{--c:#8fb1ff}}
.line{fill:none;stroke:var(--c);stroke-width:2}.mark{fill:var(--c)}.dashed{stroke-dasharray:5 4}
"""
SERIES = 3


@dataclass(frozen=True, slots=True)
class Curve:
    """`series`: which colour and mark, below SERIES. Points whose value is not above 0 are left out."""

    series: int
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """`y`, `x`: what the axes are, with their units."""

    y: str
    x: str
    curves: Sequence[Curve]


def _short(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _mark(series: int, x: float, y: float) -> str:
    """A circle, a square or a triangle: who sees no colours tells them apart too."""
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"',
        f'<rect x="{x - 3.2:.1f}" y="{y - 3.2:.1f}" width="6.4" height="6.4"',
        f'<path d="M{x:.1f} {y - 4.5:.1f}l4 7h-8z"',
    )[series]
    return f'{shape} class="mark s{series}"/>'


def _panel(panel: Panel, left: float) -> list[str]:
    points = [point for curve in panel.curves for point in curve.points if point[1] > 0]
    places = sorted({x for x, _ in points})
    first, last = (log10(edge) for edge in (places[0], places[-1]))
    low = floor(min(log10(y) for _, y in points))
    high = max(low + 1, ceil(max(log10(y) for _, y in points)))
    right, bottom = left + WIDTH - RIGHT, LEGEND + HEIGHT - BOTTOM
    start, top = left + LEFT, LEGEND + TOP - 20

    def at(x: float, y: float) -> tuple[float, float]:
        along = (log10(x) - first) / (last - first) if last > first else 0.5
        return start + (right - start) * along, bottom - (bottom - top) * (log10(y) - low) / (high - low)

    out = [f'<text class="text" x="{left + 8}" y="{LEGEND + 18}">{escape(panel.y)}</text>']
    for power in range(low, high + 1):
        _, y = at(places[0], 10.0**power)
        out.append(f'<path class="grid" d="M{start} {y:.1f}H{right}"/>')
        out.append(f'<text class="text" x="{start - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(10.0**power)}</text>')
    for place in places:
        x, _ = at(place, 10.0**low)
        out.append(f'<path class="grid" d="M{x:.1f} {bottom}v5"/>')
        out.append(f'<text class="text" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{_short(place)}</text>')
    middle = (start + right) / 2
    out.append(f'<text class="text" x="{middle}" y="{bottom + 40}" text-anchor="middle">{escape(panel.x)}</text>')
    for curve in panel.curves:
        placed = [at(x, y) for x, y in curve.points if y > 0]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        dashed = " dashed" if curve.dashed else ""
        out.append(f'<polyline class="line s{curve.series}{dashed}" points="{line}"/>')
        out += [_mark(curve.series, x, y) for x, y in placed]
    return out


def svg(panels: Sequence[Panel], names: Sequence[str], note: str = "") -> str:
    """`names`: of the series, for the legend; `note`: what else it says.

    Raises ValueError for a panel without points.
    """
    if not all(any(y > 0 for curve in panel.curves for _, y in curve.points) for panel in panels):
        raise ValueError("a panel has no points")
    width, height = WIDTH * len(panels), LEGEND + HEIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height}"/>',
    ]
    x = 16.0
    for series, name in enumerate(names):
        out += [_mark(series, x, 18), f'<text class="text" x="{x + 9}" y="22">{escape(name)}</text>']
        x += 30 + 7 * len(name)
    out.append(f'<text class="text" x="{x}" y="22">{escape(note)}</text>')
    for place, panel in enumerate(panels):
        out += _panel(panel, place * WIDTH)
    return "\n".join([*out, "</svg>\n"])
