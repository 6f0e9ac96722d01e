"""The goals that collab_server has set itself, and how far what a run measured is from them.

The goals' numbers are the project's own; where one says "the same" or "does not grow", SAME is how it is read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import feed, nodes
from benchmarks.report import Results, number
from benchmarks.works import END_EMPTY, END_FULL, FEED_ROWS
from collab_server.adapters.websocket.connection import HIGH_WATER

SAME = 1.2
"""So many times as much is still the same: rounds differ by as much."""
LEAST_DELIVERIES = 95_000.0
"""A second, of the 99,500 that are offered; the last of them are still on their way when the clock stops."""
CLOSED = 0.05
"""What a closed document may leave of its encoded bytes: memory is counted in pages."""
FAMILIES = (("", "ours"), ("Hocuspocus clients ", "ours-hocuspocus"))


@dataclass(frozen=True, slots=True)
class Part:
    """One figure against its bound. `text`: for the table. `missed`: "" where the bound is held."""

    text: str
    missed: str


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def at_most(what: str, value: float | None, most: float, unit: str = "") -> list[Part]:
    """Nothing for a figure that is not there."""
    if value is None:
        return []
    excess = _percent(value / most - 1) if most else f"{number(value)} {what}"
    return [Part(f"{what} {number(value)}{unit}", "" if value <= most else excess)]


def at_least(what: str, value: float | None, least: float) -> list[Part]:
    if value is None:
        return []
    return [Part(f"{what} {number(value)}", "" if value >= least else _percent(1 - value / least))]


def plain(what: str, value: float | None, unit: str) -> list[Part]:
    """A figure without a bound."""
    return [] if value is None else [Part(f"{what} {number(value)}{unit}", "")]


def beside(found: Results, work: str, name: str, unit: str) -> list[Part]:
    """What the peers take, where the goal has no bound of theirs."""
    return [
        part
        for peer in ("y-websocket", "hocuspocus")
        for part in plain(peer, value(found, work, peer, name), f" {unit}")
    ]


@dataclass(frozen=True, slots=True)
class Goal:
    """`parts`: what `work` gave of the figures that the goal speaks of. `full`: only at the sizes of a full run."""

    what: str
    goal: str
    work: str
    parts: Callable[[Results], list[Part]]
    full: bool = False


def value(found: Results, work: str, server: str, name: str, point: str = "") -> float | None:
    one = found.get(work, {}).get(server)
    return one.median(name, point) if one else None


def quotient(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def _per_delivery(work: str, of_y_websocket: float, of_hocuspocus: float) -> Callable[[Results], list[Part]]:
    def parts(found: Results) -> list[Part]:
        out = []
        for ours, peer, most in (
            ("ours", "y-websocket", of_y_websocket),
            ("ours-hocuspocus", "hocuspocus", of_hocuspocus),
        ):
            one, other = (value(found, work, server, "CPU us/delivery") for server in (ours, peer))
            everything = value(found, work, ours, "CPU us/delivery, with database")
            if one is None or other is None or everything is None:
                continue
            text = f"{number(one)} us (and PostgreSQL {number(everything - one)}), {peer} {number(other)} us: ratio"
            out += at_most(text, quotient(one, other), most)
        return out

    return parts


def _flood(found: Results) -> list[Part]:
    out = []
    for who, server in FAMILIES:
        out += at_least(f"{who}deliveries/s", value(found, "flood", server, "deliveries/s"), LEAST_DELIVERIES)
        out += at_most("p99", value(found, "flood", server, "p99 ms"), 50, " ms")
        out += at_most("lost", value(found, "flood", server, "lost"), 0)
    return out + beside(found, "flood", "p99 ms", "ms")


def _acks(found: Results) -> list[Part]:
    out = []
    for who, server in FAMILIES:
        out += at_most(f"{who}p50", value(found, "acks", server, "p50 ms"), 10, " ms")
        out += at_most("p99", value(found, "acks", server, "p99 ms"), 50, " ms")
        out += at_most("not acknowledged", value(found, "acks", server, "not acknowledged"), 0)
    return out


def _idle(found: Results) -> list[Part]:
    out = []
    for who, server in FAMILIES:
        out += at_most(who.strip() or "ours", value(found, "rest", server, "KB/connection"), 8, " KB")
    return out + beside(found, "rest", "KB/connection", "KB")


def _quiet(found: Results) -> list[Part]:
    out = []
    for who, server in FAMILIES:
        encoded = value(found, "rest", server, "KB of it encoded")
        if encoded is None:
            continue
        quiet, closed = (value(found, "rest", server, f"KB/{state} document") for state in ("quiet", "closed"))
        out += at_most(f"{who}of {number(encoded)} KB: quiet", quiet, encoded, " KB")
        out += at_most("closed", closed, CLOSED * encoded, " KB")
    return out + beside(found, "rest", "KB/quiet document", "KB")


def _joiners(found: Results) -> list[Part]:
    encoded = value(found, "join-300", "ours", "document MB")
    growth = value(found, "join-300", "ours", "peak RSS growth MB")
    if encoded is None or growth is None:
        return []
    most = encoded + 300 * HIGH_WATER / 2**20
    what = f"of {number(encoded)} MB, with {HIGH_WATER >> 10} KB a socket {number(most)} MB: peak growth"
    return at_most(what, growth, most, " MB")


def _presence(found: Results) -> list[Part]:
    out = []
    for who, server in FAMILIES:
        out += at_most(f"{who}CPU", value(found, "presence", server, "CPU % of a core"), 50, " %")
        out += at_most("p99", value(found, "presence", server, "p99 ms"), 250, " ms")
    return out + beside(found, "presence", "CPU % of a core", "%")


def _added(found: Results) -> list[Part]:
    one = found.get("nodes", {}).get("ours")
    return [
        part
        for point in (nodes.load_label(*load) for load in (nodes.LOADS if one else ()))
        for part in at_most(f"{point}: added", value(found, "nodes", "ours", "added p50 ms", point), 5, " ms")
    ]


def _local(found: Results) -> list[Part]:
    readers = [n for n in nodes.READERS if _node_cost(found, n) is not None]
    if len(readers) < 2:
        return []
    few, many = readers[0], readers[-1]
    low, high = _node_cost(found, few), _node_cost(found, many)
    assert low is not None and high is not None
    text = f"{few} readers a room on the other node {number(low)} us/update, {many} {number(high)} us: ratio"
    return at_most(text, quotient(high, low), SAME)


def _node_cost(found: Results, readers: int) -> float | None:
    point = nodes.load_label(nodes.FAR_ROOMS, nodes.FAR_RATE, readers)
    return value(found, "nodes", "ours", "CPU us/update", point)


def _feed(found: Results) -> list[Part]:
    small, large = (feed.label(size) for size in (FEED_ROWS // 10, FEED_ROWS))
    took = [value(found, "feed", "ours", "ms in the database", point) for point in (small, large)]
    if took[1] is None:
        return []
    return [
        *at_most("in the database", took[1], 5, " ms"),
        *plain("of it planning", value(found, "feed", "ours", "ms of it planning", large), " ms"),
        *at_most("scans without index", value(found, "feed", "ours", "scans without index", large), 0),
        *at_most("rows read", value(found, "feed", "ours", "rows of the log read", large), feed.PAGE + 1),
        *at_most(f"to {FEED_ROWS // 10:,} rows: ratio", quotient(took[1], took[0]), SAME),
    ]


def _end(found: Results) -> list[Part]:
    out = []
    for who, server in FAMILIES:
        for name, figure in (("CPU", "CPU us/update"), ("acknowledged p50", "p50 ms acknowledged")):
            empty, full = (value(found, "end", server, figure, point) for point in (END_EMPTY, END_FULL))
            if empty is None or full is None:
                continue
            unit = "us" if name == "CPU" else "ms"
            text = f"{who}{name} {number(full)} {unit}, in an empty one {number(empty)} {unit}: ratio"
            out += at_most(text, quotient(full, empty), SAME)
    return out


GOALS = (
    Goal(
        "CPU per delivery, small rooms",
        "at most 0.4 x y-websocket, 0.3 x Hocuspocus",
        "small",
        _per_delivery("small", 0.4, 0.3),
    ),
    Goal(
        "CPU per delivery, hot room",
        "at most 0.6 x y-websocket, 0.5 x Hocuspocus",
        "hot",
        _per_delivery("hot", 0.6, 0.5),
    ),
    Goal("100,000 deliveries/s from one process", "p99 under 50 ms, nothing lost", "flood", _flood),
    Goal("acknowledgement at 1,000 updates/s", "p50 under 10 ms, p99 under 50 ms", "acks", _acks),
    Goal("idle connection", "at most 8 KB", "rest", _idle, full=True),
    Goal(
        "open but quiet document",
        f"no more than its encoded bytes; closed: nothing (less than {CLOSED:.0%} of them)",
        "rest",
        _quiet,
        full=True,
    ),
    Goal(
        "300 joiners of a 20 MB document",
        "one encoding shared; memory grows by socket buffers only",
        "join-300",
        _joiners,
        full=True,
    ),
    Goal(
        "presence: 500 clients in one room, a cursor move a second each",
        "under half a core, p99 under 250 ms",
        "presence",
        _presence,
        full=True,
    ),
    Goal("two nodes over Redis", "added p50 under 5 ms", "nodes", _added),
    Goal(
        "a node's cost as the other's local clients grow",
        f"does not grow (at most {SAME} x)",
        "nodes",
        _local,
    ),
    Goal(
        f"sync feed page of {feed.PAGE} at {FEED_ROWS:,} rows",
        f"one index scan, under 5 ms in the database, flat as the table grows (at most {SAME} x)",
        "feed",
        _feed,
        full=True,
    ),
    Goal(
        "typing at the end of a 1 MB document",
        f"same cost as in an empty one (at most {SAME} x)",
        "end",
        _end,
    ),
)


def goal_rows(found: Results, *, quick: bool) -> list[str]:
    """A line for each goal, computed from what this run measured and nothing else."""
    return ["| | goal | measured | |", "| --- | --- | --- | --- |", *_lines(found, quick=quick)]


def _lines(found: Results, *, quick: bool) -> Iterator[str]:
    for goal in GOALS:
        parts = [] if goal.full and quick else goal.parts(found)
        if not parts:
            why = "not at this size" if goal.full and quick else f"work {goal.work} gave no figure"
            yield f"| {goal.what} | {goal.goal} | not measured in this run: {why} | - |"
            continue
        missed = [part.missed for part in parts if part.missed]
        verdict = f"missed by {', '.join(missed)}" if missed else "held"
        yield f"| {goal.what} | {goal.goal} | {'; '.join(part.text for part in parts)} | {verdict} |"
