"""What a run found, and its Markdown tables."""

import math
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_T = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t at 97.5 %, of 2 to 9 degrees of freedom; that of 9 for more, which is too wide rather than too narrow."""

Figures = dict[str, float]
"""Of one point of one round, by name; nan: there is no such figure."""


@dataclass(slots=True)
class Found:
    """Of one server: the figures of each point's rounds that went well; `failed`: why one did not, by point.

    A work of a single size has the one point "". `absent`: why the server did not run at all.
    """

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    absent: str = ""

    def add(self, point: str, figures: Figures) -> None:
        self.rounds.setdefault(point, []).append(figures)

    def median(self, name: str, point: str = "") -> float | None:
        """None: not measured."""
        values = [figures[name] for figures in self.rounds.get(point, []) if name in figures]
        values = [value for value in values if value == value]
        return statistics.median(values) if values else None

    def cell(self, name: str, point: str) -> str:
        values = [value for figures in self.rounds[point] if (value := figures[name]) == value]
        if not values:
            return "-"
        middle = number(statistics.median(values))
        low, high = number(min(values)), number(max(values))
        return middle if low == high else f"{middle} ({low} to {high})"


Results = dict[str, dict[str, Found]]
"""Of each work, of each server, by their names on the command line."""


@dataclass(frozen=True, slots=True)
class Row:
    """A server as the tables show it. Rows are compared within a `family` with that which is `ours`."""

    name: str
    durable: str
    family: str
    ours: bool


def number(value: float) -> str:
    if value != value:
        return "-"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    return names[0].split(":", 1)[1].strip() if names else platform.machine()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratios(ours: Found | None, its: Found, compared: Sequence[str], point: str) -> str:
    if ours is None or not ours.rounds.get(point):
        return "-"
    return ", ".join(paired_ratio(_values(ours, name, point), _values(its, name, point)) for name in compared)


def _values(found: Found, name: str, point: str) -> list[float]:
    return [figures.get(name, math.nan) for figures in found.rounds.get(point, [])]


def paired_ratio(ours: Sequence[float], its: Sequence[float]) -> str:
    """The geometric mean of the rounds' ratios; from three rounds on with the interval that holds the true one at 95 %
    (Student's t of the logarithms). Both ran in turn, so the rounds of a pair saw the same machine.

    "-" where a figure is missing or 0. A server of fewer rounds is compared in the first ones.
    """
    pairs = [(one, other) for one, other in zip(ours, its, strict=False) if one > 0 and other > 0]
    if not pairs:
        return "-"
    logs = [math.log(one / other) for one, other in pairs]
    middle = statistics.fmean(logs)
    if len(logs) < 3:
        return f"{math.exp(middle):.2f}"
    freedom = len(logs) - 1
    t = _T[min(freedom, len(_T) + 1) - 2]
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return f"{math.exp(middle):.2f} ({math.exp(middle - half):.2f} to {math.exp(middle + half):.2f})"


def table(found: Mapping[Row, Found], points: Sequence[str], compared: Sequence[str], axis: str = "") -> list[str]:
    """Each point's rows one below the other; `axis` heads the column of the points, "" leaves it out."""
    every = [figures for one in found.values() for rounds in one.rounds.values() for figures in rounds]
    names = list(every[0]) if every else []
    ratio = [f"ours : it, 95 % ({', '.join(compared)})"] if len(found) > 1 else []
    head = [*([axis] if axis else []), "server", "durable", *names, *ratio]
    lines = [_line(head), f"|{' --- |' * len(head)}"]
    for point in points:
        for row, one in found.items():
            start = [*([point] if axis else []), row.name, row.durable]
            failed = one.absent or one.failed.get(point, "")
            if not one.rounds.get(point):
                cells = [f"failed: {failed or 'not reached'}", *[""] * (len(names) + len(ratio) - 1)]
                lines.append(_line([*start, *cells]))
                continue
            ours = next((f for r, f in found.items() if r.ours and r.family == row.family), None)
            ratios = "-" if row.ours else _ratios(ours, one, compared, point)
            cells = [*(one.cell(name, point) for name in names), *([ratios] if ratio else [])]
            lines.append(_line([*start, *cells]) + (f" a round failed: {failed}" if failed else ""))
    return lines


def single_rows(axis: str, found: Found) -> list[str]:
    """A table of ours alone, one line a point."""
    names = list(next(iter(found.rounds.values()), [{}])[0])
    lines = [_line([axis, *names]), f"|{' --- |' * (len(names) + 1)}"]
    return lines + [_line([point, *(found.cell(name, point) for name in names)]) for point in found.rounds]
