"""What the benchmarks say of the figures that they are given, and their clients; the figures themselves are never
asserted.
"""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from benchmarks import wire
from benchmarks.documents import keystrokes
from benchmarks.goals import GOALS, goal_rows
from benchmarks.installation import need_floor
from benchmarks.plot import Curve, Panel, svg
from benchmarks.report import Found, Row, paired_ratio, table
from benchmarks.run import cost_plot
from benchmarks.servers import SERVERS
from benchmarks.works import works
from tests.require import needs
from tests.waiting import until


def found(*rounds: dict[str, float], point: str = "") -> Found:
    one = Found()
    for figures in rounds:
        one.add(point, figures)
    return one


def cpu(own: float, everything: float) -> dict[str, float]:
    return {"CPU us/delivery": own, "CPU us/delivery, with database": everything}


def line(rows: list[str], beginning: str) -> str:
    return next(row for row in rows if row.startswith(f"| {beginning}"))


def test_a_goal_is_held_or_missed_by_what_was_measured() -> None:
    acks = {"p50 ms": 8.0, "p99 ms": 75.0, "not acknowledged": 0.0}
    results = {
        "small": {"ours": found(cpu(30, 45)), "y-websocket": found(cpu(100, 100))},
        "acks": {"ours": found(acks, {**acks, "not acknowledged": 4.0}, {**acks, "not acknowledged": 4.0})},
    }
    rows = goal_rows(results, quick=False)
    assert line(rows, "CPU per delivery, small").endswith("| held |")
    assert "30 us (and PostgreSQL 15), y-websocket 100 us: ratio 0.30" in line(rows, "CPU per delivery, small")
    assert line(rows, "acknowledgement").endswith("| missed by 50%, 4 not acknowledged |")


def test_a_goal_without_figures_is_neither() -> None:
    alone = {"small": {"ours": found(cpu(30, 45)), "y-websocket": Found(absent="not installed: there is no npm")}}
    rows = goal_rows(alone, quick=False)
    assert len(rows) == len(GOALS) + 2
    assert all("not measured in this run" in row and row.endswith("| - |") for row in rows[2:])


def test_a_short_run_says_nothing_of_goals_at_full_size() -> None:
    results = {"rest": {"ours": found({"KB/connection": 1.0})}}
    assert "not at this size" in line(goal_rows(results, quick=True), "idle connection")
    assert line(goal_rows(results, quick=False), "idle connection").endswith("| held |")


def test_every_goal_belongs_to_a_work_and_every_work_to_servers() -> None:
    for quick in (True, False):
        known = works(quick=quick)
        assert {goal.work for goal in GOALS} <= set(known)
        assert all(set(work.servers) | set(work.quick) <= set(SERVERS) for work in known.values())
        assert all(work.points or work.alone for work in known.values())


def test_what_failed_is_a_row() -> None:
    ours, peer = (Row(name, "", "y-websocket", name == "ours") for name in ("ours", "peer"))
    both = {ours: found({"ms": 2.0}, {"ms": 4.0}, point="10"), peer: found({"ms": 6.0}, point="10")}
    both[peer].failed["20"] = "refused"
    rows = table(both, ["10", "20"], ("ms",), "size")
    assert rows[2:] == [
        "| 10 | ours |  | 3 (2 to 4) | - |",
        "| 10 | peer |  | 6 | 0.33 |",
        "| 20 | ours |  | failed: not reached |  |",
        "| 20 | peer |  | failed: refused |  |",
    ]


def test_a_ratio_is_that_of_paired_rounds_with_its_interval() -> None:
    """A machine that gets slower in the second round changes both, and not their ratio."""
    assert paired_ratio([1.0, 10.0, 2.0], [2.0, 20.0, 4.0]) == "0.50 (0.50 to 0.50)"
    assert paired_ratio([1.0, 4.0], [1.0, 1.0]) == "2.00"
    # Logarithms 0, ln 2, ln 4: mean ln 2, deviation ln 2, half of the interval 4.303 ln 2 / 3 ** 0.5 = 1.722.
    assert paired_ratio([1.0, 2.0, 4.0], [1.0, 1.0, 1.0]) == "2.00 (0.36 to 11.19)"
    assert paired_ratio([1.0, float("nan")], [0.0, 1.0]) == "-"
    assert paired_ratio([3.0, 1.0, 1.0], [1.0]) == "3.00"


async def test_the_floor_hands_each_update_to_the_others_of_the_room_only(tmp_path: Path) -> None:
    needs("compiler")
    need_floor()
    clock = wire.Clock()
    with SERVERS["floor"].running(tmp_path, pinned=False) as target:
        name = wire.room_name("one")
        members = [wire.Reader(target, name, clock) for _ in range(3)]
        stranger = wire.Reader(target, wire.room_name("two"), clock)
        await wire.open_all(target, [*members, stranger])
        updates = keystrokes(50, 0) + keystrokes(1, 50, 70_000)
        for update in updates:
            members[0].transport.write(members[0].framed(wire.update_message(update)))
        await until(lambda: all(member.marks == len(updates) for member in members[1:]), "all updates")
        assert members[0].marks == stranger.marks == 0
        wire.close_all([*members, stranger])


def test_a_plot_needs_what_it_shows() -> None:
    drawn = svg([Panel("ms", "size", [Curve(0, [(1, 0), (10, 5), (100, 50)])])], ["a < b"])
    assert drawn.count("<circle") == 1 + 2 and "a &lt; b" in drawn
    with pytest.raises(ValueError, match="no points"):
        cost_plot({})


@pytest.mark.parametrize(
    "chunks",
    [
        [wire.PING],
        [b"\x82\x01x" + wire.PING + b"\x82\x01y"],
        [wire.PING + b"\x82\x01y"],
        [b"\x82\x01x\x89", b"\x00\x82\x01y"],
    ],
    ids=["alone", "between frames", "before a frame", "in two chunks"],
)
async def test_a_client_answers_a_ping_wherever_it_stands(chunks: list[bytes]) -> None:
    written: list[bytes] = []

    class Transport:
        def write(self, data: bytes) -> None:
            written.append(data)

    client = wire.Client(wire.Target("y-websocket", "localhost", 1, "/ws", 0, 0.0), "room")
    client.connection_made(cast(asyncio.Transport, Transport()))
    client.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    written.clear()
    client.data_received(b"\x82\x01x")
    assert written == []
    for chunk in chunks:
        client.data_received(chunk)
    assert written == [wire.PONG]
