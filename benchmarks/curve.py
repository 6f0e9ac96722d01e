"""`python -m benchmarks.curve`: latency against load, ours and y-websocket, as an SVG in docs/ and a Markdown table.

20 rooms of 10 clients, all of whom type; each server alone on the first core, the load on the second, in turn.
"""

import argparse
import os
import statistics
import tempfile
from html import escape
from math import log10
from pathlib import Path

import uvloop

from benchmarks.report import Figures
from benchmarks.servers import MANY_CORES, SERVERS
from benchmarks.typing_works import Typing, typing

RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Updates a second of each of 200 clients."""
NAMES = ("ours", "y-websocket")
COLOURS = ("#0b6e4f", "#c1440e")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 360, 60, 50, 30
LEAST_MS, DECADES = 0.1, 5
"""The scale of the latency is logarithmic: from LEAST_MS over so many powers of ten."""

Points = list[tuple[float, float, float]]
"""(updates a second, p50, p99 in ms)"""


def svg(curves: dict[str, Points]) -> str:
    """The plot; of each curve p50 is drawn whole and p99 dashed."""
    most = max(load for points in curves.values() for load, _, _ in points)

    def x(load: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * load / most

    def y(ms: float) -> float:
        share = log10(max(ms, LEAST_MS) / LEAST_MS) / DECADES
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(share, 1.0)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">updates a second, 20 rooms of 10 clients</text>',
        f'<text x="{LEFT}" y="18">latency in ms: p50 (line), p99 (dashed)</text>',
    ]
    for power in range(DECADES + 1):
        ms = LEAST_MS * 10**power
        parts.append(f'<path d="M{LEFT} {y(ms):.1f}H{WIDTH - 20}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms:g}</text>')
    for load in sorted({load for points in curves.values() for load, _, _ in points}):
        parts.append(
            f'<text x="{x(load):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" font-size="10">{load:.0f}</text>'
        )
    for place, (name, points) in enumerate(curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        for column, dashes in ((1, ""), (2, ' stroke-dasharray="5 4"')):
            line = " ".join(f"{x(point[0]):.1f},{y(point[column]):.1f}" for point in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        parts.append(
            f'<text x="{WIDTH - 20}" y="{TOP + 16 * place}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def measure(name: str, rate: float, seconds: float, folder: Path) -> Figures:
    with SERVERS[name].running(folder / name) as target:
        return uvloop.run(typing(target, Typing(20, 10, 10, rate, seconds)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--output", type=Path, default=Path("docs/latency.svg"))
    options = parser.parse_args()
    for name in NAMES:
        SERVERS[name].need()
    if MANY_CORES:
        os.sched_setaffinity(0, {1})
    curves: dict[str, Points] = {SERVERS[name].name: [] for name in NAMES}
    print("| updates/s | server | p50 ms | p99 ms | CPU us/delivery |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="collab-bench-", ignore_cleanup_errors=True) as scratch:
        for rate in options.rates:
            found: dict[str, list[Figures]] = {name: [] for name in NAMES}
            for _ in range(options.rounds):
                for name in NAMES:
                    found[name].append(measure(name, rate, options.seconds, Path(scratch)))
            for name, rounds in found.items():
                keys = ("p50 ms", "p99 ms", "CPU us/delivery")
                p50, p99, cpu = (statistics.median(figures[key] for figures in rounds) for key in keys)
                curves[SERVERS[name].name].append((rate * 200, p50, p99))
                print(f"| {rate * 200:.0f} | {SERVERS[name].name} | {p50:.2f} | {p99:.1f} | {cpu:.1f} |", flush=True)
    options.output.write_text(svg(curves))


if __name__ == "__main__":
    main()
