"""What workers compute from a stored history. Each function gets and returns values that can be pickled."""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from collab_server.core.documents.compression import compress, decompress
from collab_server.core.documents.projection import MAX_CONTENT_BYTES, Projection, project, project_text
from collab_server.core.history.blame import Credit, Run, credit_text
from collab_server.core.history.blame_content import blame
from collab_server.core.history.parts import Rows, only_first
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.sessions import Session, group_sessions
from collab_server.core.history.stored_history import (
    Extent,
    History,
    Position,
    StoredHistory,
    find_author,
    find_position,
    list_inserted,
    open_history,
    open_rows,
)
from collab_server.core.text.diff import diff_texts
from collab_server.core.text.removals import is_large_removal
from collab_server.core.text.unified import Operation, diff_words
from collab_server.core.yjs.updates import EMPTY_UPDATE, state_vector

MAX_SNAPSHOT_BYTES: Final = 256 * 1024 * 1024
"""The largest decompressed snapshot of a version."""

CreditedPiece = tuple[Operation, str, Credit | None]
"""What became of a text, the text, and the credit of inserted text."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A document after a row of its log. snapshot: compressed."""

    position: Position
    snapshot: bytes
    projection: Projection


@dataclass(frozen=True, slots=True)
class Blame:
    """The content of a document after a row, and its runs by author."""

    position: Position
    projection: Projection
    runs: Sequence[Run]


@dataclass(frozen=True, slots=True)
class VersionState:
    """A document to be stored as a version. snapshot: compressed. state_hash: SHA-256 of what it contains."""

    position: Position
    projection: Projection
    snapshot: bytes
    state_hash: bytes
    authors: Sequence[HistoryAuthor]


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that removed much of a text. content: before it."""

    position: Position
    author: HistoryAuthor
    content: str


def read_moment(stored: StoredHistory, *, seq: int | None = None, at: int | None = None) -> Moment:
    """Read a document as it was after a row, or at a time. Raises Malformed."""
    history = open_history(stored)
    position = find_position(history, seq=seq, at=at)
    update, projected = _read_document(history, position)
    return Moment(position, compress(update), projected)


def read_content(stored: StoredHistory, *, seq: int | None = None, at: int | None = None) -> tuple[Position, str]:
    """Read what a document contained after a row, or at a time. Raises Malformed."""
    history = open_history(stored)
    position = find_position(history, seq=seq, at=at)
    extent = Extent(history, position.seq)
    plain = extent.read_plain_text()
    return position, (project_text(plain.text, plain.root) if plain else project(extent.cut())).content


def read_blame(stored: StoredHistory, seq: int | None = None) -> Blame:
    """Read who wrote the document as it was after a row, or as it is. Raises Malformed."""
    history = open_history(stored)
    position = find_position(history, seq=seq)
    extent = Extent(history, position.seq)
    plain = extent.read_plain_text()
    if plain is not None:
        projected = project_text(plain.text, plain.root)
        runs = credit_text(plain, Rows(history.columns), only_first(extent.inserted))
        if runs is not None and projected.content == plain.text:
            return Blame(position, projected, runs)
    return Blame(position, *blame(extent.cut(), list_inserted(history, position.seq), MAX_CONTENT_BYTES))


def read_sessions(stored: StoredHistory) -> list[Session]:
    """Read the sessions of editing, the newest first. Raises Malformed."""
    return group_sessions(open_rows(stored))


def read_version_state(stored: StoredHistory, since: int, seq: int | None = None) -> VersionState:
    """Read the whole document as a version: as it is, or as it was after a row. since: the row of the version before,
    for the authors. Raises Malformed.
    """
    history = open_history(stored)
    position = find_position(history, seq=seq)
    update, projected = _read_document(history, position)
    sessions = group_sessions(history, since, upto=position.seq)
    authors = list(dict.fromkeys(session.author for session in sessions))
    return VersionState(position, projected, compress(update), hashlib.sha256(update).digest(), authors)


def read_large_removals(stored: StoredHistory, seqs: Sequence[int]) -> list[Removal]:
    """Read which of these rows removed more than half of the text. Rows that are not kept any more are left out. Raises
    Malformed.
    """
    history = open_history(stored)
    found: list[Removal] = []
    for seq in seqs:
        before, after = find_position(history, seq=seq - 1), find_position(history, seq=seq)
        if (before.seq, after.seq) != (seq - 1, seq):
            continue
        old, new = (_read_document(history, position)[1].content for position in (before, after))
        if is_large_removal(sum(change.end - change.start for change in diff_texts(old, new)), len(old)):
            found.append(Removal(after, find_author(history, seq), old))
    return found


def read_diff(stored: StoredHistory, old: str, new: str, seq: int) -> list[CreditedPiece]:
    """Compare two contents by words. seq: the row of the new one.

    Inserted text of several authors is split. Raises Malformed.
    """
    runs = read_blame(stored, seq).runs
    if "".join(run.text for run in runs) != new:
        # A version of another generation, or one whose rows are not kept any more.
        runs = [Run(new, None)]
    ends = list(accumulate(len(run.text) for run in runs))
    found: list[CreditedPiece] = []
    position = index = 0
    for piece in diff_words(old, new):
        if piece.operation != "insert":
            found.append((piece.operation, piece.text, None))
            position += len(piece.text) if piece.operation == "equal" else 0
            continue
        end = position + len(piece.text)
        index = bisect_right(ends, position, index)
        while position < end:
            stop = min(end, ends[index])
            found.append((piece.operation, new[position:stop], runs[index].credit))
            position = stop
            index += 1
        index -= 1
    return found


def open_snapshot(snapshot: bytes) -> bytes:
    """Decompress the snapshot of a version into an update. Raises ValueError for other bytes."""
    return decompress(snapshot, MAX_SNAPSHOT_BYTES)


def read_state_vector(snapshot: bytes) -> bytes:
    """Return the encoded state vector of the snapshot of a version. Raises Malformed."""
    update = open_snapshot(snapshot)
    return state_vector(update) if update != EMPTY_UPDATE else b"\0"


def _read_document(history: History, position: Position) -> tuple[bytes, Projection]:
    """Read the update and the content of a document as it was after a row."""
    extent = Extent(history, position.seq)
    plain = extent.read_plain_text()
    update = extent.cut(plain)
    return update, project_text(plain.text, plain.root) if plain is not None else project(update)
