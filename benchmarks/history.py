"""Cost of the history: bytes for an edit, processor seconds of a fold, and of reading a long history.

    python -m benchmarks.history
    python -m benchmarks.history --edits 1000000

Everything runs in this process, on recorded sessions and on a random document of `--edits` edits by three people.
Times are seconds of the processor, so that other work on the machine changes them little.
"""

import argparse
import gc
import random
import resource
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks import traces
from collab_server.core.documents.compaction import compact
from collab_server.core.history import answers
from collab_server.core.history.folding import MAX_JOINED_ROWS, Past, RowHeader, pack_history
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import StoredHistory
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Id
from collab_server.core.yjs.updates import EMPTY_UPDATE

T = TypeVar("T")

ROWS = 1_000
"""Rows of one fold; see COLLAB_FOLD_ROWS."""
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


def report_days(name: str, edits_of_a_day: int) -> None:
    """A segment spans at most a day, so few edits a day take more bytes each."""
    updates = [step.update for step in traces.session(name).steps if step.update != EMPTY_UPDATE]
    days = range(0, len(updates), edits_of_a_day)
    segments = [pack(updates[first : first + edits_of_a_day])[0] for first in days]
    size = sum(map(len, segments)) / len(updates)
    print(f"{name}, {edits_of_a_day} edits a day for {len(days)} days: {size:.2f} bytes for an edit")


def report_reading(updates: Sequence[bytes]) -> None:
    seconds, segments = measure(lambda: pack(updates))
    size = sum(map(len, segments)) / len(updates)
    print(f"{len(updates)} random edits: {size:.2f} bytes for an edit, packed in {seconds:.1f} s")
    stored = StoredHistory(segments, (), ())
    gc.disable()  # as in worker processes
    middle = len(updates) // 2
    at, moment = measure(lambda: answers.read_moment(stored, seq=middle))
    blame, found = measure(lambda: answers.read_blame(stored))
    old, new = moment.projection.content, found.projection.content
    diff, _ = measure(lambda: answers.read_diff(stored, old, new, len(updates)))
    sessions, _ = measure(lambda: answers.read_sessions(stored))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  at {at:.2f} s, blame {blame:.2f} s, diff {diff:.2f} s, sessions {sessions:.2f} s; {memory} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=100_000, help="edits of the random document")
    edits = parser.parse_args().edits
    for name in ("friendsforever", "automerge-paper"):
        report_session(name)
    for edits_of_a_day in (20, 100, 1_000):
        report_days("friendsforever", edits_of_a_day)
    report_reading(random_edits(edits))


if __name__ == "__main__":
    main()
