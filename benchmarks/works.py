"""The works: what is asked of each server, and which figures it is compared by."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import feed, nodes, start_works
from benchmarks.report import Figures
from benchmarks.room_works import joins, presence, rest, slow_reader
from benchmarks.size_works import document_cost, typing_at_the_end
from benchmarks.trace_works import replay
from benchmarks.typing_works import Typing, acknowledgements, typing
from benchmarks.wire import Target

Run = Callable[[Target], Awaitable[Figures]]

EVERY = (
    "ours",
    "ours-hocuspocus",
    "y-websocket",
    "y-websocket-leveldb",
    "hocuspocus",
    "hocuspocus-sqlite",
    "pycrdt-websocket",
    "floor",
)
IN_MEMORY = ("ours", "ours-hocuspocus", "y-websocket", "hocuspocus", "pycrdt-websocket")
TYPING = (*IN_MEMORY, "floor")
STORING = ("ours", "ours-hocuspocus", "y-websocket-leveldb", "hocuspocus-sqlite")
BOTH_PROTOCOLS = ("ours", "ours-hocuspocus", "y-websocket", "hocuspocus")
OURS_AND_Y = ("ours", "y-websocket")
OURS = ("ours",)
CPU = ("CPU us/delivery", "CPU us/delivery, with database")
END_BYTES = 1_000_000
END_EMPTY, END_FULL = "an empty one", "a text of 1 MB"
FEED_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """`points`: what is done to one running server, in turn; a work of a single size has the one point "". `axis`:
    what the points are. `alone`: instead, a work that starts its own processes, in a folder, and yields its points.

    `compared`: the figures of which our part of the peer's is printed. `servers`, `quick`: which are measured, and
    which with --quick when no work is named. `once`: in one round, however many there are.
    """

    title: str
    points: dict[str, Run] = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    servers: tuple[str, ...] = IN_MEMORY
    quick: tuple[str, ...] = OURS_AND_Y
    axis: str = ""
    once: bool = False
    alone: Callable[[Path], AsyncIterator[tuple[str, Figures]]] | None = None


def one(run: Run) -> dict[str, Run]:
    return {"": run}


def works(*, quick: bool) -> dict[str, Work]:
    return {**_typing(quick=quick), **_rooms(quick=quick), **_alone(quick=quick), **_sizes(quick=quick)}


def _typing(*, quick: bool) -> dict[str, Work]:
    seconds = 1.0 if quick else 5.0
    # Long enough that documents rest between their edits, and are folded.
    pairs_seconds = 5.0 if quick else 20.0
    flood = Typing(1, 200, 20, 25, seconds)
    writers = 4 if quick else 10
    sessions: dict[str, Run] = {
        "friendsforever: two people, each keystroke": lambda t: replay(
            t, "friendsforever", most=2_000 if quick else None
        )
    }
    if not quick:
        sessions["automerge-paper: one person, five keystrokes an update"] = lambda t: replay(
            t, "automerge-paper", batch=5
        )
    return {
        "small": Work(
            "Small rooms: 20 x 10 clients, 400 updates/s",
            one(lambda t: typing(t, Typing(20, 10, 2, 10, seconds))),
            CPU,
            servers=EVERY,
            quick=TYPING,
        ),
        "pairs": Work(
            "Pairs: 1,000 rooms of 2 clients, 500 updates/s",
            one(lambda t: typing(t, Typing(1000, 2, 1, 0.5, pairs_seconds))),
            CPU,
            servers=TYPING,
            quick=(),
        ),
        "resting": Work(
            "Resting pairs: 1,000 rooms of 2 clients, an edit every 5 s in each",
            one(lambda t: typing(t, Typing(1000, 2, 1, 0.2, pairs_seconds))),
            CPU,
            servers=TYPING,
            quick=(),
        ),
        "busy": Work(
            "Busy rooms: 20 x 10 clients, all write, 2,000 updates/s",
            one(lambda t: typing(t, Typing(20, 10, 10, 10, seconds))),
            CPU,
            servers=BOTH_PROTOCOLS,
            quick=(),
        ),
        "hot": Work(
            "Hot room: 1 x 200 clients, 50 updates/s",
            one(lambda t: typing(t, Typing(1, 200, 5, 10, seconds))),
            CPU,
            servers=TYPING,
            quick=BOTH_PROTOCOLS,
        ),
        "flood": Work(
            "Flood: 1 x 200 clients, 500 updates/s, 100,000 deliveries/s",
            one(lambda t: typing(t, flood)),
            ("CPU us/delivery", "p99 ms"),
            servers=TYPING,
        ),
        "acks": Work(
            "Acknowledgements: 50 rooms of one author, 1,000 updates/s",
            one(lambda t: acknowledgements(t, authors=50, rate=20, seconds=seconds)),
            ("p50 ms", "p99 ms"),
            servers=("ours", "ours-hocuspocus", "hocuspocus", "hocuspocus-sqlite"),
            quick=("ours", "ours-hocuspocus", "hocuspocus"),
        ),
        "end": Work(
            f"Typing at the end: {writers} rooms of one author, {40 * writers} updates/s",
            {
                label: lambda t, size=size: typing_at_the_end(  # type: ignore[misc]
                    t, size=size, rooms=writers, rate=40, seconds=1 if quick else 3
                )
                for label, size in ((END_EMPTY, 0), (END_FULL, END_BYTES))
            },
            ("CPU us/update", "p50 ms"),
            servers=BOTH_PROTOCOLS,
            axis="of",
        ),
        "traces": Work(
            "Recorded sessions of people, typed again as fast as they are passed on",
            sessions,
            ("CPU us/update", "updates/s"),
            servers=BOTH_PROTOCOLS,
            axis="session",
            once=True,
        ),
    }


def _rooms(*, quick: bool) -> dict[str, Work]:
    joiners = 10 if quick else 50
    people = 100 if quick else 500
    rooms = 40 if quick else 200
    colds = 20 if quick else 100
    opens = 100 if quick else 1_000
    return {
        "join-1": Work(
            f"Joins: {joiners} at once, a document of 1 MB in 9,000 edits",
            one(lambda t: joins(t, size=1_000_000, joiners=joiners, at_rest=not quick)),
            ("last joiner ms", "peak RSS growth MB"),
        ),
        "join-20": Work(
            f"Joins: {joiners} at once, a document of 20 MB in 180,000 edits",
            one(lambda t: joins(t, size=20_000_000, joiners=joiners, at_rest=not quick)),
            ("last joiner ms", "peak RSS growth MB"),
        ),
        "join-300": Work(
            "Joins: 300 at once, a document of 20 MB in 180,000 edits",
            one(lambda t: joins(t, size=20_000_000, joiners=300, at_rest=True)),
            ("last joiner ms", "peak RSS growth MB"),
            servers=OURS,
            quick=(),
            once=True,
        ),
        "cold": Work(
            f"Cold documents: {colds} of 100 KB that nobody has open, entered one after the other",
            one(lambda t: start_works.cold_joins(t, documents=colds, size=100_000)),
            ("p50 ms", "CPU ms/join, with database"),
            servers=STORING,
            quick=(),
        ),
        "presence": Work(
            f"Presence: {people} clients in one room, a cursor move a second each",
            one(lambda t: presence(t, clients=people, seconds=2 if quick else 5)),
            ("CPU % of a core", "p99 ms"),
        ),
        "slow": Work(
            "Slow reader: 50 KB/s in a room of 5 MB/s",
            one(lambda t: slow_reader(t, seconds=1 if quick else 6, bytes_a_second=5_000_000)),
            ("peak RSS growth MB",),
        ),
        "rest": Work(
            f"Rest: {rooms * 5} idle connections in {rooms} rooms; open quiet documents of 250 KB encoded",
            one(lambda t: rest(t, rooms=rooms, documents=10 if quick else 30, size=250_000)),
            ("KB/connection", "KB/quiet document"),
        ),
        "open": Work(
            f"Open documents: {opens:,} of 10 KB with one client each",
            one(lambda t: start_works.open_documents(t, rooms=opens, size=10_000)),
            ("KB/open document",),
            servers=OURS_AND_Y,
            quick=(),
            once=True,
        ),
    }


def _alone(*, quick: bool) -> dict[str, Work]:
    returning = 100 if quick else 1_000
    sizes = (10_000,) if quick else (FEED_ROWS // 10, FEED_ROWS)
    return {
        "nodes": Work(
            "Two nodes over Redis",
            alone=lambda folder: nodes.loads(folder, 1.0 if quick else 3.0, quick=quick),
            servers=OURS,
            quick=OURS,
            axis="load of the first node",
        ),
        "storm": Work(
            f"Reconnect storm: after a restart {returning:,} clients return to {returning:,} documents, others type on",
            alone=lambda folder: start_works.storm(folder, documents=returning),
            servers=OURS,
            quick=(),
            axis="edits",
        ),
        "feed": Work(
            f"The change feed: pages from a log of {' and of '.join(f'{size:,}' for size in sizes)} entries",
            alone=lambda folder: feed.pages(folder, *sizes),
            servers=OURS,
            quick=OURS,
            axis="page",
            once=True,
        ),
    }


def _sizes(*, quick: bool) -> dict[str, Work]:
    seconds = 1.0 if quick else 5.0
    rooms = (1, 100) if quick else (1, 10, 100, 1_000)
    clients = (2, 100) if quick else (1, 10, 100, 500, 1_000, 2_000)
    documents = (10_000, 1_000_000) if quick else (10_000, 100_000, 1_000_000, 5_000_000, 20_000_000)
    return {
        "rooms": Work(
            "Cost against rooms: 2 clients in each, 400 updates/s in all",
            {f"{n:,}": lambda t, n=n: typing(t, Typing(n, 2, 1, 400 / n, seconds)) for n in rooms},  # type: ignore[misc]
            ("CPU us/delivery",),
            servers=OURS_AND_Y,
            quick=(),
            axis="rooms",
            once=True,
        ),
        "clients": Work(
            "Cost against clients: in one room, 20 updates/s",
            {f"{n:,}": lambda t, n=n: typing(t, Typing(1, n, 1, 20, seconds)) for n in clients},  # type: ignore[misc]
            ("CPU us/update", "p99 ms"),
            servers=OURS_AND_Y,
            quick=(),
            axis="clients",
            once=True,
        ),
        "documents": Work(
            "Cost against the document: 10 join at once, then one types 50 updates/s at its end",
            {
                f"{n // 1000:,} KB": lambda t, n=n: document_cost(t, size=n, joiners=10, rate=50, seconds=seconds)  # type: ignore[misc]
                for n in documents
            },
            ("CPU ms/joiner", "CPU us/update"),
            servers=OURS_AND_Y,
            quick=(),
            axis="encoded",
            once=True,
        ),
    }
