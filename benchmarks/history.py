"""Cost of the history: bytes for an edit, processor seconds of a fold, and of reading a long history.

    python -m benchmarks.history
    python -m benchmarks.history --edits 1000000
    python -m benchmarks.history --edits 1000000 --typing

Folds and histories of recorded sessions and of a random document of `--edits` edits by three people. Times are seconds
of the processor, so that other work on the machine changes them little. Each history is read in a process of its own,
whose memory is that of a worker. Packed histories of random documents are kept in `benchmarks/.cache/`.

`--typing`: a person types into another document 20 times a second and waits for the commit of each edit, while a
program asks the same server for blame, differences and sessions of the random document, one after the other.
"""

import argparse
import asyncio
import gc
import hashlib
import inspect
import multiprocessing
import pickle
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx

from benchmarks import traces
from benchmarks.report import Found, single_rows
from benchmarks.wire import percentile
from collab_server.core.documents.compaction import compact
from collab_server.core.history import answers
from collab_server.core.history.folding import MAX_JOINED_ROWS, Past, RowHeader, pack_history
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import StoredHistory
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Id
from collab_server.core.yjs.updates import EMPTY_UPDATE
from tests.peers import Peer
from tests.server import Server

T = TypeVar("T")

ROWS = 1_000
"""Rows of one fold; see COLLAB_FOLD_ROWS."""
NAME = "long"
PEOPLE = [HistoryAuthor("user", f"00000000-0000-0000-0000-00000000000{number}") for number in range(3)]


def measure(function: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds of the processor that a call takes, and its result."""
    gc.collect()
    started = time.process_time()
    result = function()
    return time.process_time() - started, result


def header(number: int) -> RowHeader:
    return RowHeader(number, 1_700_000_000_000 + number * 300, PEOPLE[number // 200 % len(PEOPLE)])


def pack(updates: Sequence[bytes]) -> list[bytes]:
    """Pack updates, one row each, into segments as large as folds let them become."""
    return [
        pack_history(
            Past([header(number) for number in range(first + 1, min(first + MAX_JOINED_ROWS, len(updates)) + 1)]),
            None,
            updates[first : first + MAX_JOINED_ROWS],
        ).payload
        for first in range(0, len(updates), MAX_JOINED_ROWS)
    ]


def random_edits(count: int) -> list[bytes]:
    """Updates of a random text by three clients: characters typed and erased one by one, at places that move.

    They are composed by hand. A Doc finds a place in as many steps as there are items before it.
    """
    dice = random.Random(1)  # noqa: S311
    clocks = dict.fromkeys(range(1, len(PEOPLE) + 1), 0)
    visible: list[Id] = []
    updates: list[bytes] = []
    place = 0
    while len(updates) < count:
        client = len(updates) // 200 % len(PEOPLE) + 1
        composer = Composer(client, clocks[client])
        if dice.random() < 0.05:
            place = dice.randint(0, len(visible))
        if place and dice.random() < 0.25:
            place -= 1
            owner, clock = visible.pop(place)
            composer.delete(owner, clock, clock + 1)
        else:
            left = visible[place - 1] if place else None
            right = visible[place] if place < len(visible) else None
            visible.insert(place, composer.text("content", left, right, dice.choice("etaoin shrdlu\n")))
            clocks[client] += 1
            place += 1
        updates.append(composer.update())
    return updates


def report_session(name: str) -> None:
    updates = [step.update for step in traces.session(name).steps if step.update != EMPTY_UPDATE]
    segments = pack(updates)
    size = sum(map(len, segments))
    print(f"{name}: {len(updates)} edits, {size} bytes of history, {size / len(updates):.2f} for an edit")
    snapshot = compact(None, updates[:-ROWS]).snapshot
    last = updates[-ROWS:]
    folding, _ = measure(lambda: compact(snapshot, last))
    packing, _ = measure(lambda: pack_history(Past([header(number) for number in range(1, ROWS + 1)]), None, last))
    print(f"  a fold of {ROWS} rows: {folding:.3f} s, packing them {packing:.3f} s")
    report_reading(segments, len(updates))


def report_days(name: str, edits_of_a_day: int) -> None:
    """A segment spans at most a day, so few edits a day take more bytes each."""
    updates = [step.update for step in traces.session(name).steps if step.update != EMPTY_UPDATE]
    days = range(0, len(updates), edits_of_a_day)
    segments = [pack(updates[first : first + edits_of_a_day])[0] for first in days]
    size = sum(map(len, segments)) / len(updates)
    print(f"{name}, {edits_of_a_day} edits a day for {len(days)} days: {size:.2f} bytes for an edit")


def pack_random_edits(count: int) -> list[bytes]:
    """Pack a random document, or read it as it was packed by the same source before."""
    source = hashlib.sha256(
        "".join(inspect.getsource(one) for one in (random_edits, pack, header)).encode()
    ).hexdigest()[:12]
    kept = Path(__file__).parent / ".cache" / f"history-{count}-{source}.pickle"
    if not kept.exists():
        seconds, packed = measure(lambda: pack(random_edits(count)))
        print(f"{count} random edits made and packed in {seconds:.1f} s")
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(pickle.dumps(packed))
    segments: list[bytes] = pickle.loads(kept.read_bytes())  # noqa: S301
    print(f"{count} random edits: {sum(map(len, segments)) / count:.2f} bytes for an edit")
    return segments


def report_reading(segments: Sequence[bytes], edits: int) -> None:
    """Read a history in a new process."""
    reader = multiprocessing.get_context("spawn").Process(target=read, args=(segments, edits))
    reader.start()
    reader.join()


def read(segments: Sequence[bytes], edits: int) -> None:
    stored = StoredHistory(segments, (), ())
    gc.disable()  # as in worker processes
    at, moment = measure(lambda: answers.read_moment(stored, seq=edits // 2))
    blame, found = measure(lambda: answers.read_blame(stored))
    old, new = moment.projection.content, found.projection.content
    diff, _ = measure(lambda: answers.read_diff(stored, old, new, edits))
    sessions, _ = measure(lambda: answers.read_sessions(stored))
    # Not ru_maxrss, which counts the memory of the process that began this one.
    memory = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) >> 10
    print(f"  at {at:.2f} s, blame {blame:.2f} s, diff {diff:.2f} s, sessions {sessions:.2f} s; {memory} MB at most")


async def report_typing(segments: Sequence[bytes], edits: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Server(Path(folder)) as server:
            document = await store(server, segments)
            found = Found()
            # The first edits pay for what a process loads when it is first needed.
            await type_on(server, 3)
            found.add("nothing", await type_on(server, seconds))
            asking = multiprocessing.get_context("spawn").Process(target=ask, args=(server.api, document, edits))
            asking.start()
            await asyncio.sleep(1)
            found.add("blame, diff and sessions", await type_on(server, seconds))
            asking.kill()
            print("\n".join(single_rows("meanwhile", found)))


async def store(server: Server, segments: Sequence[bytes]) -> str:
    """Make a document with this history. The server shows a short text in it. Return its id."""
    author = await Peer(server, "yws", NAME).sync()
    author.type_mark()
    await author.saved(60)
    await author.close()
    document: str = (await server.document(NAME))["id"]
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for index, payload in enumerate(segments):
            await conn.execute(
                "INSERT INTO history_segments"
                " (document_id, first_seq, last_seq, generation, first_at, last_at, row_count, payload)"
                " SELECT id, $2, $3, generation, $4, $4, $5, $6 FROM documents WHERE id = $1",
                document,
                index * MAX_JOINED_ROWS + 1,
                (index + 1) * MAX_JOINED_ROWS,
                at + timedelta(seconds=index),
                MAX_JOINED_ROWS,
                payload,
            )
    finally:
        await conn.close()
    return document


async def type_on(server: Server, seconds: float) -> dict[str, float]:
    person = await Peer(server, "yws", "typed").sync()
    delays = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        person.type_mark()
        await person.saved(60)
        delays.append(time.monotonic() - started)
        await asyncio.sleep(0.05)
    await person.close()
    return {
        "p50 ms": percentile(delays, 0.5),
        "p99 ms": percentile(delays, 0.99),
        "worst ms": max(delays) * 1e3,
        "edits": len(delays),
    }


def ask(api: str, document: str, edits: int) -> None:
    paths = ("blame", f"versions/diff?from=seq:{edits // 2}&to=seq:{edits}", "history")
    with httpx.Client(timeout=120) as http:
        while True:
            for path in paths:
                started = time.monotonic()
                answer = http.get(f"{api}/documents/{document}/{path}")
                answer.raise_for_status()
                print(f"  {path}: {time.monotonic() - started:.1f} s, {len(answer.content) >> 10} KB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=100_000, help="edits of the random document")
    parser.add_argument("--typing", action="store_true", help="measure typing while the history is read")
    parser.add_argument("--seconds", type=float, default=30.0, help="of typing")
    given = parser.parse_args()
    if not given.typing:
        for name in ("friendsforever", "automerge-paper"):
            report_session(name)
        for edits_of_a_day in (20, 100, 1_000):
            report_days("friendsforever", edits_of_a_day)
    segments = pack_random_edits(given.edits)
    if given.typing:
        asyncio.run(report_typing(segments, given.edits, given.seconds))
    else:
        report_reading(segments, given.edits)


if __name__ == "__main__":
    main()
