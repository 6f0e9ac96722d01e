"""`python -m benchmarks.curve`: latency against load, ours and two peers, as an SVG in docs/ and a Markdown table.

20 rooms of 10 clients, all of whom type; each server alone on the first core, the load on the second, in turn.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import uvloop

from benchmarks.plot import Curve, Panel, svg
from benchmarks.report import Figures, number
from benchmarks.servers import MANY_CORES, SERVERS
from benchmarks.typing_works import Typing, typing
from benchmarks.wire import LoadError

RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Updates a second of each of 200 clients."""
NAMES = ("ours", "y-websocket", "hocuspocus")
KEYS = ("p50 ms", "p99 ms", "CPU us/delivery", "lost")

Points = list[tuple[float, float, float]]
"""(updates a second, p50, p99 in ms)"""


def plot(curves: dict[str, Points]) -> str:
    """Of each server p50 is drawn whole and p99 dashed."""
    lines = [
        Curve(series, [(point[0], point[column]) for point in points], dashed=column == 2)
        for series, points in enumerate(curves.values())
        for column in (1, 2)
    ]
    panel = Panel("latency of a delivery, ms (whole: p50, dashed: p99)", "updates/s, in 20 rooms of 10 clients", lines)
    return svg([panel], list(curves))


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
    print(f"| updates/s | server | p50 ms | p99 ms | CPU us/delivery | lost |\n|{' --- |' * 6}")
    with tempfile.TemporaryDirectory(prefix="collab-bench-", ignore_cleanup_errors=True) as scratch:
        for rate in options.rates:
            found: dict[str, list[Figures]] = {name: [] for name in NAMES}
            for _ in range(options.rounds):
                for name in NAMES:
                    try:
                        found[name].append(measure(name, rate, options.seconds, Path(scratch)))
                    except LoadError as error:
                        print(f"{SERVERS[name].name}, {rate * 200:.0f} updates/s: {error}", file=sys.stderr)
            for name, rounds in found.items():
                if not rounds:
                    continue
                p50, p99, cpu, lost = (statistics.median(figures[key] for figures in rounds) for key in KEYS)
                curves[SERVERS[name].name].append((rate * 200, p50, p99))
                cells = " | ".join(map(number, (p50, p99, cpu, lost)))
                print(f"| {rate * 200:.0f} | {SERVERS[name].name} | {cells} |", flush=True)
    options.output.write_text(plot(curves))


if __name__ == "__main__":
    main()
