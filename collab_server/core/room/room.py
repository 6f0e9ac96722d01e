"""The content of one open document, as bytes.

A room never builds a Doc. It holds the snapshot (all folded updates), the tail (all later updates) and the clocks that
both reach, and merges or diffs the bytes on request. Edits are `unlogged` until a commit begins, and `in flight` until
its outcome is known. No edit is dropped before PostgreSQL has it.

Over 300 lines: the moves between these parts are one state machine, and its random test reads it as a whole.
"""

from collections.abc import Sequence

from collab_server.core.room.answers import Answers
from collab_server.core.room.entries import Author, Entry, Stored
from collab_server.core.room.log_coverage import Coverage
from collab_server.core.room.tail import gathered, lacking, together
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import Range, UpdateSummary
from collab_server.core.yjs.updates import EMPTY_UPDATE, decode_state_vector, diff, encode_state_vector
from collab_server.errors import QuotaExceeded, TooLarge

TAIL_RUN = 64
"""Length at which the updates of a tail are merged: the cheapest per update."""
SPLIT_BYTES = 262_144
"""Size from which on a document's large updates are sent apart: merging a keystroke into them costs milliseconds."""
PART_BYTES = 32_768
"""Size of such a large update. Of two neighbours that tail.GATHERED_BYTES kept apart, one is as large."""


class Room:
    """The content of one document. Not loaded at first: see `begin_load` and `finish_load`."""

    __slots__ = (
        "_answers",
        "_bytes_before",
        "_committed",
        "_deletes",
        "_deletes_since",
        "_encoded",
        "_folded",
        "_in_flight",
        "_known_before",
        "_merge_at",
        "_pending",
        "_placed",
        "_read",
        "_settling",
        "_snapshot",
        "_snapshot_bytes",
        "_unlogged",
        "clocks",
        "coverage",
        "entries_done",
        "entries_given",
        "log_bytes",
        "max_bytes",
        "most_bytes",
        "refused_bytes",
        "size",
    )

    def __init__(self, max_bytes: int) -> None:
        self.most_bytes = max_bytes
        self.max_bytes = max_bytes
        """Size at which growth is refused: `most_bytes`, or less where the workspace's storage is full."""
        self.refused_bytes = 0
        """Size of the last update that did not fit in the workspace's storage; 0: none since it had space."""
        self.clocks: dict[int, int] = {}
        """The contiguous state: Yjs client id -> next clock."""
        self.coverage = Coverage()
        """The rows of the log whose content is here, or was when the bytes were evicted."""
        self.size = 0
        """Bytes of snapshot (also when evicted) and tail: the measure for MAX_DOCUMENT_BYTES."""
        self._snapshot_bytes = 0
        self.log_bytes = 0
        self.entries_given = 0
        """Content messages received, and of these the ones whose commit succeeded or is given up."""
        self.entries_done = 0
        self._placed = False
        self._folded = 0
        """The last row of the log that is in the snapshot, as far as is known here."""
        self._read = 0
        """The last row of the log that was read from PostgreSQL here."""
        self._known_before = 0
        self._bytes_before = 0
        self._snapshot: bytes | None = None
        self._settling: list[bytes] = []
        self._committed: list[bytes] = []
        self._merge_at = TAIL_RUN
        self._in_flight: list[Entry] = []
        self._unlogged: list[Entry] = []
        self._pending: dict[int, list[tuple[int, int]]] = {}
        self._deletes: DeleteSet | None = None
        self._deletes_since: list[Range] | None = None
        self._encoded: bytes | None = None
        self._answers = Answers()
        """Answers by state vector and identity of a large part: (the part, its missing bytes)."""

    # ---- loading, folding, evicting

    @property
    def loaded(self) -> bool:
        return self._snapshot is not None

    @property
    def log_rows(self) -> int:
        """Rows of the log that are not folded, as far as is known here."""
        return max(self.coverage.last, self._read) - self._folded

    @property
    def saved(self) -> bool:
        """Whether PostgreSQL has everything."""
        return not self._unlogged and not self._in_flight

    @property
    def unsaved_bytes(self) -> int:
        return sum(len(e.update or b"") for e in (*self._in_flight, *self._unlogged))

    def begin_load(self) -> None:
        """Prepare for a load or fold, which covers everything committed by now."""
        self._settling += self._committed
        self._committed = []
        self._merge_at = TAIL_RUN
        self._known_before, self._bytes_before = self.coverage.last, self.log_bytes

    def finish_load(self, stored: Stored) -> None:
        """Take in what was read since `begin_load`."""
        if not self._placed:
            # Only once: later, rows of other nodes are still news for connections.
            self._placed = True
            self.clocks = _highest(decode_state_vector(stored.state_vector), self.clocks)
            if stored.seq:
                self.coverage.add(1, stored.seq)
        self._snapshot = stored.snapshot
        self._settled(stored)

    def finish_fold(self, stored: Stored) -> None:
        """Take in what was folded since `begin_load`; a room that is not loaded stays so."""
        if self._snapshot is not None:
            self._snapshot = stored.snapshot
        self._settled(stored)

    def _settled(self, stored: Stored) -> None:
        self._settling = []
        self._read = max(self._read, stored.seq)
        # PostgreSQL may have begun the log anew.
        self._folded = max(self._folded, max(stored.seq, self._known_before) - stored.rows)
        self.log_bytes += stored.bytes - self._bytes_before
        self._recount()
        self._answers.replaced()
        self._changed()

    def abandon_load(self) -> None:
        """Undo `begin_load` after a failure."""
        self._committed = self._settling + self._committed
        self._settling = []

    def evict(self) -> None:
        """Drop the bytes that PostgreSQL has. Only while `saved`, and not during a load or fold."""
        self._snapshot_bytes = len(self._snapshot or b"")
        self._snapshot = None
        self._committed = []
        self._deletes = self._deletes_since = None
        self._answers.replaced()
        self._changed()
        self._recount()

    def _recount(self) -> None:
        if self._snapshot is not None:
            self._snapshot_bytes = len(self._snapshot)
        self.size = self._snapshot_bytes + sum(map(len, self._tail()))

    @property
    def held_bytes(self) -> int:
        """Bytes of content in memory."""
        return self.size if self.loaded else self.size - self._snapshot_bytes

    def _tail(self) -> list[bytes]:
        return [
            *self._settling,
            *self._committed,
            *(e.update for e in self._in_flight if e.update is not None),
            *(e.update for e in self._unlogged if e.update is not None),
        ]

    def limit_growth(self, left: int) -> None:
        """Limit growth to `left` bytes beyond the snapshot, which the workspace counts already."""
        self.max_bytes = min(self.most_bytes, self._snapshot_bytes + max(0, left))

    def _changed(self) -> None:
        self._encoded = None
        self._answers.changed()

    # ---- edits

    def is_known(self, summary: UpdateSummary, *, compare_deletes: bool) -> bool:
        """Whether the update adds nothing. Deletions count as new unless `compare_deletes`, which may cost a diff."""
        clocks = self.clocks
        for client, _, end in summary.structs:
            if clocks.get(client, 0) < end:
                return False
        if not summary.deletes:
            return True
        if not compare_deletes or not self.loaded:
            return False
        if self._deletes is None:
            self._deletes = DeleteSet.from_update(self.encoded())
        return self._deletes.covers(summary.deletes)

    def unread_deletes(self, summary: UpdateSummary) -> list[bytes] | None:
        """The updates whose deletions `is_known` must read, where that takes long; else None.

        Pass the result to `deletes_read`. Later deletions are recorded until then.
        """
        if self._deletes is not None or not summary.deletes or not self.loaded or self.size < SPLIT_BYTES:
            return None
        if any(self.clocks.get(client, 0) < end for client, _, end in summary.structs):
            return None
        if self._deletes_since is None:
            self._deletes_since = []
        return self.parts()

    def deletes_read(self, deletes: DeleteSet) -> None:
        """Take in the deletions of what `unread_deletes` returned; ignored if the bytes were evicted meanwhile."""
        if self._deletes_since is not None:
            deletes.add(self._deletes_since)
            self._deletes, self._deletes_since = deletes, None

    def _note_deletes(self, summary: UpdateSummary) -> None:
        if not summary.deletes:
            return
        if self._deletes is not None:
            self._deletes.add(summary.deletes)
        elif self._deletes_since is not None:
            self._deletes_since += summary.deletes

    def check_space(self, size: int) -> None:
        """Raises TooLarge where the document has no room for `size` bytes more, QuotaExceeded where its workspace has
        none.
        """
        if self.size + size <= self.max_bytes:
            return
        if self.size + size <= self.most_bytes:
            self.refused_bytes = size
            raise QuotaExceeded
        raise TooLarge(f"the document has reached its limit of {self.most_bytes} bytes")

    def receive(
        self, update: bytes, summary: UpdateSummary, sender: int, author: Author, *, compare_deletes: bool
    ) -> bytes | None:
        """Take in a validated update. Returns the new part of it, to be sent to others, or None.

        Either way it is acknowledged after the commit of everything before it.

        Raises TooLarge where the document is full, QuotaExceeded where its workspace is; deletions still pass.
        """
        structs = summary.structs
        if len(structs) == 1 and not summary.deletes and summary.marked is None and not self._pending:
            ((client, start, end),) = structs
            if start == self.clocks.get(client, 0):
                # What typing is: the general way below comes to the same.
                if self.size + len(update) > self.max_bytes:
                    self.check_space(len(update))
                self.entries_given += 1
                self.clocks[client] = end
                self._unlogged.append(Entry(update, sender, author, (client,)))
                self.size += len(update)
                self._changed()
                return update
        if self.is_known(summary, compare_deletes=compare_deletes):
            self.entries_given += 1
            self._unlogged.append(Entry(None, sender, author))
            return None
        update = summary.marked or update
        overlaps = False
        for client, start, _ in summary.structs:
            overlaps = overlaps or start < self.clocks.get(client, 0)
        if overlaps:
            # Known structs stay out of the log: pycrdt cuts a surrogate pair wrongly where updates overlap.
            # Upstream: https://github.com/y-crdt/y-crdt/pull/399 (closed without a fix).
            update = diff(update, self.state_vector())
        if summary.structs:
            self.check_space(len(update))
        self.entries_given += 1
        for client, start, end in summary.structs:
            self._advance(client, start, end)
        self._note_deletes(summary)
        self._unlogged.append(Entry(update, sender, author, _clients(summary)))
        self.size += len(update)
        self._changed()
        return update

    def acknowledge_also(self, sender: int, author: Author, count: int) -> None:
        """Acknowledge `count` more messages of the sender after the commit of everything before."""
        self.entries_given += count
        self._unlogged += [Entry(None, sender, author) for _ in range(count)]

    def apply_remote(self, update: bytes, summary: UpdateSummary, first: int, last: int) -> bytes | None:
        """Take in a validated update committed by another node as log rows `first` to `last`.

        Returns the new part of it, or None.
        """
        size = len(update)
        update = summary.marked or update
        known = self.is_known(summary, compare_deletes=False)
        if not known and any(start < self.clocks.get(client, 0) for client, start, _ in summary.structs):
            update = diff(update, self.state_vector())
        # Only now: if the update cannot be applied, its rows are still missing.
        self.coverage.add(first, last)
        self.log_bytes += size
        if known:
            return None
        for client, start, end in summary.structs:
            self._advance(client, start, end)
        self._note_deletes(summary)
        self._committed.append(update)
        self.size += len(update)
        self._changed()
        return update

    def _advance(self, client: int, start: int, end: int) -> None:
        clock = self.clocks.get(client, 0)
        if start > clock:
            self._pending.setdefault(client, []).append((start, end))
            return
        if end <= clock:
            return
        if not self._pending:
            self.clocks[client] = end
            return
        still_waiting = []
        for later_start, later_end in sorted(self._pending.pop(client, ())):
            if later_start <= end:
                end = max(end, later_end)
            else:
                still_waiting.append((later_start, later_end))
        if still_waiting:
            self._pending[client] = still_waiting
        self.clocks[client] = end

    # ---- commits

    def begin_commit(self) -> list[Entry]:
        """The entries for the next commit, in order. They are in flight until `commit_succeeded` or `commit_failed`."""
        self._in_flight += self._unlogged
        self._unlogged = []
        return self._in_flight

    def commit_succeeded(self, payloads: Sequence[bytes], seq: int) -> list[Entry]:
        """Record that the entries in flight are committed as these log rows up to number `seq`, and return them."""
        entries, self._in_flight = self._in_flight, []
        self.entries_done += len(entries)
        self._committed += payloads
        if payloads:
            self.coverage.add(seq - len(payloads) + 1, seq)
            self.log_bytes += sum(map(len, payloads))
        if len(self._committed) >= self._merge_at:
            self._committed = gathered(self._committed)
            self._merge_at = len(self._committed) + TAIL_RUN
            self._recount()
        return entries

    def commit_failed(self) -> None:
        """Put the entries in flight back, first in the next commit."""
        self._unlogged = self._in_flight + self._unlogged
        self._in_flight = []

    def forget_unsaved(self) -> list[Entry]:
        """Drop and return all uncommitted entries: the document was deleted or replaced."""
        entries = self._in_flight + self._unlogged
        self._in_flight, self._unlogged = [], []
        self.entries_done += len(entries)
        return entries

    # ---- answers

    def state_vector(self) -> bytes:
        return encode_state_vector(self.clocks)

    def encoded(self) -> bytes:
        """All content, as one update."""
        assert self._snapshot is not None, "the room is not loaded"
        if self._encoded is None:
            tail = self._tail()
            self._encoded = together([self._snapshot, *tail]) if tail else self._snapshot
        return self._encoded

    def parts(self) -> list[bytes]:
        """All content, as updates that a worker has yet to merge."""
        assert self._snapshot is not None, "the room is not loaded"
        return [self._snapshot, *self._tail()]

    def answer(self, state_vector: bytes) -> tuple[bytes, ...]:
        """The updates that a client with this state lacks, in order; the last is the SyncStep2.

        Large updates are kept apart, and those between them merged. The result is shared between clients with the same
        state while the room does not change. Raises Malformed for a bad state vector.
        """
        assert self._snapshot is not None, "the room is not loaded"
        if (known := self._answers.find(state_vector)) is not None:
            return known
        empty = state_vector == b"\0"
        if not empty:
            decode_state_vector(state_vector)
        parts: list[bytes] = []
        small: list[bytes] = []
        for part in self.parts() if self.size >= SPLIT_BYTES else ():
            if len(part) < PART_BYTES:
                small.append(part)
                continue
            if small:
                parts.append(lacking(together(small), state_vector))
                small = []
            parts.append(part if empty else self._large_answer(part, state_vector))
        if not parts:
            parts = [lacking(self.encoded(), state_vector)]
        elif small:
            parts.append(lacking(together(small), state_vector))
        answer = (*(part for part in parts[:-1] if part != EMPTY_UPDATE), parts[-1])
        self._answers.keep(state_vector, answer, SPLIT_BYTES)
        return answer

    def undiffed(self, state_vector: bytes) -> bytes | None:
        """A large part that `answer` must still compare with this state vector, which takes long; None if none.

        Pass the result to `diffed`.
        """
        if self._snapshot is None or self.size < SPLIT_BYTES or state_vector == b"\0":
            return None
        if self._answers.find(state_vector) is not None:
            return None
        return next(
            (
                part
                for part in self.parts()
                if len(part) >= PART_BYTES and self._answers.find_compared(part, state_vector) is None
            ),
            None,
        )

    def diffed(self, part: bytes, state_vector: bytes, lacking: bytes) -> None:
        """Keep what a client with this state lacks of a part, if the room still has that part."""
        if self._snapshot is not None and any(part is held for held in self.parts()):
            self._answers.keep_compared(part, state_vector, lacking, self.size)

    def _large_answer(self, part: bytes, state_vector: bytes) -> bytes:
        lacking = self._answers.find_compared(part, state_vector)
        if lacking is None:
            lacking = diff(part, state_vector)
            self._answers.keep_compared(part, state_vector, lacking, self.size)
        return lacking


def _clients(summary: UpdateSummary) -> tuple[int, ...]:
    """The client ids of its structs, each once."""
    structs = summary.structs
    return (structs[0][0],) if len(structs) == 1 else tuple({client for client, _, _ in structs})


def _highest(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {client: max(one.get(client, 0), other.get(client, 0)) for client in one.keys() | other.keys()}
