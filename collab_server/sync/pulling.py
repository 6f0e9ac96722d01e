"""What a client lacks of many documents, a few at a time: no more is in memory than BATCH_BYTES or one document."""

from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.access.identity import Identity
from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt.bundles import Answered, End, Refused, Wanted
from collab_server.crdt.updates import EMPTY_UPDATE, decode_state_vector, diff
from collab_server.documents.checksums import find_damage
from collab_server.documents.store import INLINE_BYTES, damaged, merged
from collab_server.errors import CollabError, DocumentDamaged, Malformed, NotFound, StaleGeneration
from collab_server.sync import queries

CHECKED_AT_ONCE = 100
"""Rights are looked at again for every so many documents: an answer takes as long as its reader."""
BATCH_BYTES = 1_000_000
BATCH = 50


async def answers(
    db: Database, workers: Workers, identity: Identity, wanted: Sequence[Wanted]
) -> AsyncIterator[Answered | Refused | End]:
    """One for each document, in their order, and an End. A fault of one is its own answer; when PostgreSQL goes away
    in between, the End says so, and the client asks for the rest again.
    """
    try:
        for first in range(0, len(wanted), CHECKED_AT_ONCE):
            chunk = wanted[first : first + CHECKED_AT_ONCE]
            async with db.as_service() as conn:
                heads = await queries.list_heads(conn, identity.rights_of, db.guest_role, _askable(identity, chunk))
            for batch in batches(chunk, heads):
                async for answer in _answer_batch(db, workers, batch, heads):
                    yield answer
    except CollabError as error:
        yield End(error.code, error.detail)
        return
    yield End()


def _askable(identity: Identity, wanted: Sequence[Wanted]) -> list[UUID]:
    """A connect token opens one document, whatever its maker may see."""
    return [w.document_id for w in wanted if identity.document_id in (None, w.document_id)]


def batches(wanted: Sequence[Wanted], heads: dict[UUID, queries.Head]) -> Iterator[list[Wanted]]:
    """In their order; documents to be read of BATCH_BYTES together at most, unless it is one."""
    batch: list[Wanted] = []
    size = 0
    for one in wanted:
        head = heads.get(one.document_id)
        more = head.size if head and _lacks(one, head) else 0
        if batch and (len(batch) >= BATCH or size + more > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += more
    if batch:
        yield batch


def _lacks(wanted: Wanted, head: queries.Head) -> bool:
    """Whether the log holds anything that this client may not have."""
    return wanted.generation in (None, head.generation) and not (
        wanted.generation is not None and wanted.seq == head.seq
    )


def _asks(wanted: Wanted, head: queries.Head) -> bool:
    return wanted.row_version is not None and wanted.row_version != head.row_version


async def _answer_batch(
    db: Database, workers: Workers, batch: list[Wanted], heads: dict[UUID, queries.Head]
) -> AsyncIterator[Answered | Refused]:
    to_read = [w.document_id for w in batch if (h := heads.get(w.document_id)) and _lacks(w, h)]
    to_tell = [w.document_id for w in batch if (h := heads.get(w.document_id)) and _asks(w, h)]
    async with db.as_service() as conn:
        contents = await queries.list_contents(conn, to_read) if to_read else {}
        metadata = await queries.list_metadata(conn, to_tell) if to_tell else {}
    for one in batch:
        head = heads.get(one.document_id)
        content = contents.get(one.document_id)
        try:
            told = metadata.get(one.document_id, "") if head and _asks(one, head) else ""
            yield await _answer(db, workers, one, head, content, told)
        except StaleGeneration as error:
            current = content.generation if content else head.generation if head else None
            yield Refused(one.document_id, error.code, error.detail, current)
        except (NotFound, Malformed, DocumentDamaged) as error:
            yield Refused(one.document_id, error.code, error.detail)


async def _answer(
    db: Database,
    workers: Workers,
    wanted: Wanted,
    head: queries.Head | None,
    content: queries.Content | None,
    metadata: str,
) -> Answered:
    """Raises NotFound, Malformed (the state vector), StaleGeneration, DocumentDamaged, Unavailable."""
    if head is None:
        raise NotFound(ABSENT)
    decode_state_vector(wanted.state_vector)
    if wanted.generation not in (None, content.generation if content else head.generation):
        raise StaleGeneration()
    if not _lacks(wanted, head):
        return Answered(wanted.document_id, head.generation, head.seq, wanted.state_vector, EMPTY_UPDATE, metadata)
    if content is None:
        raise NotFound(ABSENT)
    found = await find_damage(
        content.snapshot,
        content.state_vector,
        content.checksum,
        first=content.first,
        head=content.seq,
        payloads=content.pending,
        checksums=content.checksums,
    )
    if found is not None:
        raise await damaged(db, wanted.document_id, found)
    try:
        if sum(map(len, content.parts)) <= INLINE_BYTES:
            update, clocks = missing(content.parts, wanted.state_vector)
        else:
            update, clocks = await workers.run(missing, content.parts, wanted.state_vector)
    except Malformed as error:
        # The client's state vector has been decoded: what cannot be read is stored here.
        raise await damaged(db, wanted.document_id, error.detail) from error
    return Answered(wanted.document_id, content.generation, content.seq, clocks, update, metadata)


def missing(parts: list[bytes], state_vector: bytes) -> tuple[bytes, bytes]:
    """(what who has this state lacks of all parts, the state vector of all parts)"""
    whole, clocks = merged(parts)
    return (whole if state_vector == b"\0" else diff(whole, state_vector)), clocks
