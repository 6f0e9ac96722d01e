"""`make bench`: collab_server beside its peers, each alone and in turn: Markdown tables of medians, and the goals."""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.goals import goal_rows
from benchmarks.installation import Missing, version_line
from benchmarks.plot import Curve, Panel, svg
from benchmarks.report import Figures, Found, Results, Row, processor, single_rows, table
from benchmarks.servers import MANY_CORES, SERVERS, Server
from benchmarks.wire import LoadError, Target
from benchmarks.works import OURS_AND_Y, Run, Work, works

WORK_SECONDS = 240.0
QUICK_WORK_SECONDS = 30.0
PINNED = MANY_CORES and hasattr(os, "sched_setaffinity")


class Output:
    """Standard output, and a file if one is asked for."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.write_text("")

    def write(self, text: str) -> None:
        print(text, flush=True)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(f"{text}\n")


def note(started: float, what: str, failed: str = "") -> None:
    print(f"{time.monotonic() - started:5.1f} s  {what} {failed}".rstrip(), file=sys.stderr, flush=True)


def reason(error: Exception) -> str:
    """For a table; the trace of what is not foreseen goes to standard error."""
    if isinstance(error, LoadError | OSError):
        return str(error) or type(error).__name__
    traceback.print_exception(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]


async def within(run: Run, target: Target, seconds: float) -> Figures:
    try:
        async with asyncio.timeout(seconds):
            return await run(target)
    except TimeoutError:
        raise LoadError(f"not done within {seconds:.0f} s") from None


def once(name: str, work: Work, server: Server, folder: Path, found: Found, seconds: float) -> None:
    """One round: every point that has not failed before."""
    started = time.monotonic()
    failed = ""
    try:
        with server.running(folder) as target:
            for point, run in work.points.items():
                if found.failed.get(point):
                    continue
                try:
                    found.add(point, uvloop.run(within(run, target, seconds)))
                except Exception as error:  # whatever it is, the other works are still to be measured
                    found.failed[point] = failed = reason(error)
    except (LoadError, OSError) as error:
        found.absent = failed = reason(error)
    note(started, f"{name}, {server.name}", failed)


@contextmanager
def on_all_cores() -> Iterator[None]:
    """What is started here may run everywhere."""
    before = os.sched_getaffinity(0) if PINNED else set()
    if PINNED:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        if PINNED:
            os.sched_setaffinity(0, before)


def once_alone(name: str, work: Work, folder: Path, found: Found, seconds: float) -> None:
    """One round of a work that starts its own processes."""
    started = time.monotonic()

    async def run() -> None:
        assert work.alone is not None
        async with asyncio.timeout(seconds):
            async for point, figures in work.alone(folder):
                found.add(point, figures)

    try:
        with on_all_cores():
            uvloop.run(run())
    except TimeoutError:
        found.absent = f"not done within {seconds:.0f} s"
    except Exception as error:  # whatever it is, the other works are still to be measured
        found.absent = reason(error)
    note(started, name, found.absent)


def all_rounds(name: str, work: Work, found: dict[str, Found], rounds: int, scratch: Path, seconds: float) -> None:
    """In turn: A B A B."""
    for number in range(1 if work.once else rounds):
        for key, one in found.items():
            server = SERVERS[key]
            if one.absent or (number and server.once):
                continue
            if work.alone is not None:
                once_alone(name, work, scratch / f"alone-{os.urandom(4).hex()}", one, seconds)
            else:
                once(name, work, server, scratch / ("ours" if server.ours else key), one, seconds)


def rows(work: Work, found: dict[str, Found]) -> list[str]:
    if work.alone is None:
        servers = {
            Row(server.name, server.durable, server.family, server.ours): one
            for key, one in found.items()
            for server in (SERVERS[key],)
        }
        return table(servers, list(work.points), work.compared, work.axis)
    lines = []
    for one in found.values():
        lines += single_rows(work.axis, one)
        lines += [f"\nfailed: {one.absent}"] if one.absent else []
    return lines


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round each, beside few peers")
    parser.add_argument("--rounds", type=int, help="default 3, quick 1")
    parser.add_argument(
        "--works", nargs="+", choices=works(quick=True), metavar="WORK", help=", ".join(works(quick=True))
    )
    parser.add_argument("--servers", nargs="+", choices=SERVERS, metavar="SERVER", help=", ".join(SERVERS))
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the whole output there too")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw rooms, clients and documents of this run as an SVG (docs/cost.svg)",
    )
    return parser.parse_args()


def cost_plot(results: Results) -> str:
    """Cost against size. Raises ValueError where the works were not measured."""
    panels = [
        Panel(
            y,
            x,
            [
                Curve(
                    series, [(size(point), value or 0) for point in one.rounds for value in [one.median(figure, point)]]
                )
                for series, key in enumerate(OURS_AND_Y)
                for one in [results.get(work, {}).get(key, Found())]
            ],
        )
        for work, figure, y, x in (
            ("rooms", "CPU us/delivery", "CPU of a delivery, us", "rooms of 2 clients, 400 updates/s in all"),
            ("clients", "CPU us/update", "CPU of an update, us", "clients of one room, 20 updates/s"),
            ("documents", "CPU ms/joiner", "CPU of a joiner, ms", "KB of the document, encoded"),
        )
    ]
    return svg(panels, [SERVERS[key].name for key in OURS_AND_Y], "CPU of the server process")


def size(point: str) -> float:
    """Of a point that is named after its size."""
    return float(point.removesuffix(" KB").replace(",", ""))


def main() -> None:
    options = parsed()
    all_works = works(quick=options.quick)
    plan = {
        name: [
            key
            for key in (work.quick if options.quick and not options.works else work.servers)
            if key in (options.servers or SERVERS)
        ]
        for name, work in all_works.items()
        if name in (options.works or all_works)
    }
    rounds = options.rounds or (1 if options.quick else 3)
    absent: dict[str, str] = {}
    for key in {key: None for keys in plan.values() for key in keys}:
        try:
            SERVERS[key].need()
        except Missing as error:
            absent[key] = f"not installed: {error}"
    out = Output(options.markdown)
    out.write(f"# Benchmarks\n\n{processor()}, {platform.system()} {platform.release()}; {version_line()}.")
    spread = f"medians of {rounds} round{'s (least to greatest)' if rounds > 1 else ''}"
    out.write(
        f"{'Server on the first core, load on the second' if PINNED else 'Server and load share all cores'}; {spread}."
    )
    if options.quick:
        out.write("Short and small (--quick): the figures of so short a load are coarse.")
    if PINNED:
        os.sched_setaffinity(0, {1})
    started = time.monotonic()
    results: Results = {}
    with tempfile.TemporaryDirectory(prefix="collab-bench-", ignore_cleanup_errors=True) as scratch:
        for name, keys in plan.items():
            work = all_works[name]
            if not keys:
                continue
            found = results[name] = {key: Found(absent=absent.get(key, "")) for key in keys}
            limit = QUICK_WORK_SECONDS if options.quick else WORK_SECONDS
            all_rounds(name, work, found, rounds, Path(scratch), limit)
            in_one = " (one round)" if work.once and rounds > 1 else ""
            out.write(f"\n## {work.title}{in_one}\n\n" + "\n".join(rows(work, found)))
    out.write("\n## Goals\n\n" + "\n".join(goal_rows(results, quick=options.quick)))
    if options.plot is not None:
        try:
            options.plot.write_text(cost_plot(results))
        except ValueError as error:
            print(f"No plot: {error}", file=sys.stderr)
    note(started, "in all")


if __name__ == "__main__":
    main()
