"""`make bench`: collab_server beside its peers, each alone and in turn, as Markdown tables of medians."""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.installation import Missing, version_line
from benchmarks.servers import MANY_CORES, QUICK, SERVERS, Server
from benchmarks.typing_works import Figures
from benchmarks.wire import LoadError, Target
from benchmarks.works import Work, works

WORK_SECONDS = 240.0
QUICK_WORK_SECONDS = 30.0
QUICK_WORKS = ("small", "hot", "flood", "acks", "join-1", "join-20", "presence", "slow", "rest")


@dataclass(slots=True)
class Found:
    """Figures of each round that went well; `failed`: why one did not."""

    rounds: list[Figures] = field(default_factory=list)
    failed: str = ""

    def median(self, name: str) -> float:
        return statistics.median(figures[name] for figures in self.rounds)

    def cell(self, name: str) -> str:
        values = [figures[name] for figures in self.rounds]
        middle = number(statistics.median(values))
        low, high = number(min(values)), number(max(values))
        return middle if low == high else f"{middle} ({low} to {high})"


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


async def within(work: Work, target: Target, seconds: float) -> Figures:
    try:
        async with asyncio.timeout(seconds):
            return await work.run(target)
    except TimeoutError:
        raise LoadError(f"not done within {seconds:.0f} s") from None


def once(work: Work, server: Server, folder: Path, found: Found, seconds: float) -> None:
    started = time.monotonic()
    try:
        with server.running(folder) as target:
            found.rounds.append(uvloop.run(within(work, target, seconds)))
    except (LoadError, OSError) as error:
        found.failed = str(error) or type(error).__name__
    took = time.monotonic() - started
    print(f"{took:5.1f} s  {work.title.split(':')[0]}, {server.name} {found.failed}", file=sys.stderr, flush=True)


def rows(work: Work, all_found: dict[Server, Found]) -> list[str]:
    """The table of one work."""
    names = next((list(found.rounds[0]) for found in all_found.values() if found.rounds), [])
    ratio = f"ours : it ({', '.join(work.compared)})"
    lines = [f"| server | durable | {' | '.join(names)} | {ratio} |", f"|{' --- |' * (len(names) + 3)}"]
    for server, found in all_found.items():
        head = f"| {server.name} | {server.durable} | "
        if not found.rounds:
            lines.append(f"{head}failed: {found.failed} |{' |' * len(names)}")
            continue
        ours = next((f for s, f in all_found.items() if s.ours and s.family == server.family and f.rounds), None)
        ratios = "-"
        if ours is not None and not server.ours:
            pairs = [(ours.median(name), found.median(name)) for name in work.compared]
            ratios = ", ".join(f"{one / other:.2f}" if other else "-" for one, other in pairs)
        failed = f"; a round failed: {found.failed}" if found.failed else ""
        lines.append(f"{head}{' | '.join(map(found.cell, names))} | {ratios}{failed} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round each, without the durable peers")
    parser.add_argument("--rounds", type=int, help="default 3, quick 1")
    parser.add_argument("--works", nargs="+", choices=works(quick=True))
    parser.add_argument("--servers", nargs="+", choices=SERVERS)
    options = parser.parse_args()
    chosen = [SERVERS[name] for name in options.servers or (QUICK if options.quick else SERVERS)]
    limit = QUICK_WORK_SECONDS if options.quick else WORK_SECONDS
    rounds = options.rounds or (1 if options.quick else 3)

    absent: dict[Server, str] = {}
    for server in chosen:
        try:
            server.need()
        except Missing as error:
            absent[server] = f"not installed: {error}"
    pinned = MANY_CORES and hasattr(os, "sched_setaffinity")
    print(f"# Benchmarks\n\n{processor()}, {platform.system()} {platform.release()}; {version_line()}.")
    print("Server on the first core, load on the second;" if pinned else "Server and load share all cores;", end=" ")
    print(f"medians of {rounds} round{'s (least to greatest)' if rounds > 1 else ''}.", flush=True)
    if pinned:
        os.sched_setaffinity(0, {1})
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="collab-bench-", ignore_cleanup_errors=True) as scratch:
        for name, work in works(quick=options.quick).items():
            if name not in (options.works or (QUICK_WORKS if options.quick else [name])):
                continue
            all_found = {
                server: Found(failed=absent.get(server, ""))
                for server in chosen
                if server.acknowledges or not work.acknowledged
            }
            for _ in range(rounds):
                for server, found in all_found.items():
                    if not found.failed:
                        once(work, server, Path(scratch) / ("ours" if server.ours else server.name), found, limit)
            print(f"\n## {work.title}\n\n" + "\n".join(rows(work, all_found)), flush=True)
    print(f"Done in {time.monotonic() - started:.0f} s.", file=sys.stderr)


if __name__ == "__main__":
    main()
