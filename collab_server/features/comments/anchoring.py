"""Puts anchors of comments on the text of a document, and finds them again."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.anchors.locating import Located, locate
from collab_server.core.anchors.placing import Placed, place
from collab_server.core.anchors.renewing import renew
from collab_server.core.anchors.wishes import KnownText, OffsetWish, Wish
from collab_server.errors import BaseUnknown, CollabError, NotFound, UnprocessableContent
from collab_server.features.comments import anchor_queries
from collab_server.features.comments.anchor_queries import CommentAnchor
from collab_server.features.content import merge_base_queries
from collab_server.web.rooms import NOT_IN_THE_CLEAR, Rooms

MAX_REMEMBERED: Final = 50_000
"""Anchors whose places are remembered."""


@dataclass(frozen=True, slots=True)
class PlacedAnchor:
    """anchor: to be stored. text: that it is on. start, end: UTF-16 units of the content after row `seq`."""

    anchor: bytes
    text: str
    start: int
    end: int
    generation: int
    seq: int


class StoredAnchor(NamedTuple):
    """The anchor of a comment as it is stored. position: (start, end), None for an orphan; after row `seq`."""

    comment_id: UUID
    anchor: bytes
    text: str
    position: tuple[int, int] | None
    generation: int
    seq: int


class Where(NamedTuple):
    """Where an anchor is now: UTF-16 units of the content, None for an orphan. relative_start, relative_end: as Yjs
    encodes them; None also where the document cannot be read.
    """

    start: int | None
    end: int | None
    orphaned: bool
    relative_start: bytes | None
    relative_end: bytes | None


class _Remembered(NamedTuple):
    """Where anchors are after row `seq`, by a hash of the anchor."""

    generation: int
    seq: int
    found: dict[bytes, Where]


_remembered: OrderedDict[UUID, _Remembered] = OrderedDict()


async def place_anchor(db: Database, rooms: Rooms, workers: Workers, document_id: UUID, wanted: Wish) -> PlacedAnchor:
    """Put an anchor on the text that is wanted. The caller checks rights, and stores it.

    Raises UnprocessableContent (absent, ambiguous, no text, JSON, encrypted), PreconditionFailed (the words are others
    now), BaseUnknown, NotFound, StaleGeneration, DocumentDamaged, TooMuchWork, TooMany, Unavailable.
    """
    async with db.as_service() as conn:
        state = await anchor_queries.find_state(conn, document_id)
    if state is None:
        raise NotFound("there is no such document")
    if not state.has_text:
        raise UnprocessableContent(NOT_IN_THE_CLEAR)
    update, committed = await rooms.edits.missing(document_id, b"\0")
    try:
        placed = await workers.run(place, update, wanted)
    except BaseUnknown:
        # Read on demand only: mostly the text has not changed.
        placed = await _place_by_former_text(db, workers, document_id, update, wanted)
    return PlacedAnchor(placed.anchor, placed.text, placed.start, placed.end, committed.generation, committed.seq)


async def _place_by_former_text(
    db: Database, workers: Workers, document_id: UUID, update: bytes, wanted: Wish
) -> Placed:
    assert isinstance(wanted, OffsetWish), "only offsets name a text by its hash"
    async with db.as_service() as conn:
        read = await merge_base_queries.find_base(conn, document_id, wanted.content_hash)
    base = KnownText(read.text, read.state_vector) if read is not None else None
    return await workers.run(place, update, wanted, base)


async def locate_anchors(
    db: Database, rooms: Rooms, workers: Workers, document_id: UUID, stored: Sequence[StoredAnchor]
) -> dict[UUID, Where]:
    """Find where anchors of a document's comments are now, and save it. The caller checks rights.

    Where the document cannot be read (it is encrypted, damaged, or takes too long) they are where they were. Raises
    NotFound, Unavailable.
    """
    if not stored:
        return {}
    async with db.as_service() as conn:
        state = await anchor_queries.find_state(conn, document_id)
    if state is None:
        raise NotFound("there is no such document")
    remembered = _remembered.get(document_id)
    if remembered is not None and (remembered.generation, remembered.seq) == (state.generation, state.seq):
        _remembered.move_to_end(document_id)
        if all(_digest(each.anchor) in remembered.found for each in stored):
            return {each.comment_id: remembered.found[_digest(each.anchor)] for each in stored}
    if not state.has_text:
        return _as_stored(stored)
    try:
        update, committed = await rooms.edits.missing(document_id, b"\0")
        present = [each for each in stored if each.generation >= committed.generation]
        looked_for = [CommentAnchor(each.comment_id, each.anchor) for each in present]
        looked_for += await _bring_up(
            db, workers, document_id, [each for each in stored if each not in present], committed.generation
        )
        anchors = [each.anchor for each in looked_for]
        located = await workers.run_within(WHOLE_DOCUMENT_SECONDS, locate, update, anchors)
    except NotFound:
        raise
    except CollabError:
        return _as_stored(stored)
    by_comment = {each.comment_id: each.anchor for each in stored}
    former = [CommentAnchor(each.comment_id, by_comment[each.comment_id]) for each in looked_for]
    async with db.as_service() as conn:
        await anchor_queries.save_anchors(conn, document_id, former, located, committed.generation, committed.seq)
    found = [_where(each) for each in located]
    by_digest = {_digest(each.anchor): where for each, where in zip(located, found, strict=True)}
    _remember(document_id, committed.generation, committed.seq, by_digest)
    return {each.comment_id: where for each, where in zip(looked_for, found, strict=True)}


async def _bring_up(
    db: Database, workers: Workers, document_id: UUID, stored: Sequence[StoredAnchor], generation: int
) -> list[CommentAnchor]:
    """Carry anchors of former generations over: they were put on the document while it was replaced."""
    brought: list[CommentAnchor] = []
    for each in stored:
        anchor = each.anchor
        for former in range(each.generation, generation):
            async with db.as_service() as conn:
                states = await anchor_queries.find_replaced(conn, document_id, former)
            if states is None:
                break
            [renewed] = await workers.run_within(WHOLE_DOCUMENT_SECONDS, renew, *states, [anchor])
            anchor = renewed.anchor
        brought.append(CommentAnchor(each.comment_id, anchor))
    return brought


async def carry_over_anchors(
    conn: Conn, workers: Workers, document_id: UUID, former: bytes, copy: bytes, generation: int, seq: int
) -> None:
    """Put the anchors of a document's comments on a copy that takes its place, in the transaction that does it.

    generation, seq: of the copy. Raises Malformed, TooMany, Unavailable.
    """
    anchors = await anchor_queries.lock_anchors(conn, document_id)
    if not anchors:
        return
    try:
        renewed = await workers.run_within(
            WHOLE_DOCUMENT_SECONDS, renew, former, copy, [each.anchor for each in anchors]
        )
    except UnprocessableContent:
        # What has become JSON has no positions; its anchors have no characters any more.
        renewed = [Located(each.anchor) for each in anchors]
    await anchor_queries.save_anchors(conn, document_id, anchors, renewed, generation, seq)


def _as_stored(stored: Sequence[StoredAnchor]) -> dict[UUID, Where]:
    found: dict[UUID, Where] = {}
    for each in stored:
        start, end = each.position or (None, None)
        found[each.comment_id] = Where(start, end, each.position is None, None, None)
    return found


def _where(located: Located) -> Where:
    return Where(located.start, located.end, located.orphaned, located.relative_start, located.relative_end)


def _remember(document_id: UUID, generation: int, seq: int, found: dict[bytes, Where]) -> None:
    remembered = _remembered.get(document_id)
    if remembered is not None:
        if (remembered.generation, remembered.seq) > (generation, seq):
            return
        if (remembered.generation, remembered.seq) == (generation, seq):
            found = {**remembered.found, **found}
    _remembered[document_id] = _Remembered(generation, seq, found)
    _remembered.move_to_end(document_id)
    while len(_remembered) > 1 and sum(len(each.found) for each in _remembered.values()) > MAX_REMEMBERED:
        _remembered.popitem(last=False)


def _digest(anchor: bytes) -> bytes:
    return hashlib.blake2b(anchor, digest_size=16).digest()
