"""The works: what is asked of each server, and which figures it is compared by."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.room_works import joins, presence, rest, slow_reader
from benchmarks.typing_works import Figures, Typing, acknowledgements, typing
from benchmarks.wire import Target

Run = Callable[[Target], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Work:
    """`compared`: the figures of which our part of the peer's is printed. `acknowledged`: only for servers that say
    what is saved.
    """

    title: str
    run: Run
    compared: tuple[str, ...]
    acknowledged: bool = False


CPU = ("CPU us/delivery", "CPU us/delivery, with database")


def works(*, quick: bool) -> dict[str, Work]:
    seconds = 1.0 if quick else 5.0
    joiners = 10 if quick else 50
    people = 100 if quick else 500
    rooms = 40 if quick else 200
    flood = Typing(1, 200, 20, 25, seconds)
    return {
        "small": Work(
            "Small rooms: 20 x 10 clients, 400 updates/s", lambda t: typing(t, Typing(20, 10, 2, 10, seconds)), CPU
        ),
        "busy": Work(
            "Busy rooms: 20 x 10 clients, all write, 2,000 updates/s",
            lambda t: typing(t, Typing(20, 10, 10, 10, seconds)),
            CPU,
        ),
        "hot": Work(
            "Hot room: 1 x 200 clients, 50 updates/s", lambda t: typing(t, Typing(1, 200, 5, 10, seconds)), CPU
        ),
        "flood": Work(
            "Flood: 1 x 200 clients, 500 updates/s, 100,000 deliveries/s",
            lambda t: typing(t, flood),
            ("CPU us/delivery", "p99 ms"),
        ),
        "acks": Work(
            "Acknowledgements: 50 rooms of one author, 1,000 updates/s",
            lambda t: acknowledgements(t, authors=50, rate=20, seconds=seconds),
            ("p50 ms", "p99 ms"),
            acknowledged=True,
        ),
        "join-1": Work(
            f"Joins: {joiners} at once, a document of 1 MB in 9,000 edits",
            lambda t: joins(t, size=1_000_000, joiners=joiners, at_rest=not quick),
            ("last joiner ms", "peak RSS growth MB"),
        ),
        "join-20": Work(
            f"Joins: {joiners} at once, a document of 20 MB in 180,000 edits",
            lambda t: joins(t, size=20_000_000, joiners=joiners, at_rest=not quick),
            ("last joiner ms", "peak RSS growth MB"),
        ),
        "presence": Work(
            f"Presence: {people} clients in one room, a cursor move a second each",
            lambda t: presence(t, clients=people, seconds=2 if quick else 5),
            ("CPU % of a core", "p99 ms"),
        ),
        "slow": Work(
            "Slow reader: 50 KB/s in a room of 5 MB/s",
            lambda t: slow_reader(t, seconds=1 if quick else 6, bytes_a_second=5_000_000),
            ("peak RSS growth MB",),
        ),
        "rest": Work(
            f"Rest: {rooms * 5} idle connections in {rooms} rooms; open quiet documents of 250 KB encoded",
            lambda t: rest(t, rooms=rooms, documents=10 if quick else 40, size=250_000),
            ("KB/connection", "KB/quiet document"),
        ),
    }
