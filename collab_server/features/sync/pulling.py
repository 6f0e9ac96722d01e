"""Missing updates of many documents. Memory is limited to BATCH_BYTES, or one document."""

from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.protocol.offline_sync import End, PulledDocument, PullRequest, Refusal
from collab_server.core.yjs.updates import EMPTY_UPDATE, decode_state_vector, diff
from collab_server.errors import CollabError, DocumentDamaged, Malformed, NotFound, StaleGeneration
from collab_server.features.document_log.checksums import find_damage
from collab_server.features.document_log.store import INLINE_BYTES, merge_parts, note_damage
from collab_server.features.sync import queries

CHECKED_AT_ONCE = 100
"""Rights are looked at again for every so many documents: an answer takes as long as its reader."""
BATCH_BYTES = 1_000_000
BATCH = 50


async def iterate_answers(
    db: Database, workers: Workers, identity: Identity, wanted: Sequence[PullRequest]
) -> AsyncIterator[PulledDocument | Refusal | End]:
    """Yield an answer for each document in order, then an End. An error of one document is its own answer. If
    PostgreSQL becomes unavailable, the End has the error, and the client requests the rest again.
    """
    try:
        for first in range(0, len(wanted), CHECKED_AT_ONCE):
            chunk = wanted[first : first + CHECKED_AT_ONCE]
            async with db.as_service() as conn:
                heads = await queries.list_heads(conn, identity.rights, db.guest_role, _list_askable(identity, chunk))
            for batch in split_batches(chunk, heads):
                async for answer in _answer_batch(db, workers, batch, heads):
                    yield answer
    except CollabError as error:
        yield End(error.code, error.detail)
        return
    yield End()


def _list_askable(identity: Identity, wanted: Sequence[PullRequest]) -> list[UUID]:
    """Return the requested ids, for a connect token only its own document."""
    return [w.document_id for w in wanted if identity.document_id in (None, w.document_id)]


def split_batches(wanted: Sequence[PullRequest], heads: dict[UUID, queries.Head]) -> Iterator[list[PullRequest]]:
    """Split the requests in order, with at most BATCH_BYTES of content in a batch, or one document."""
    batch: list[PullRequest] = []
    size = 0
    for one in wanted:
        head = heads.get(one.document_id)
        more = head.size if head and _has_later_rows(one, head) else 0
        if batch and (len(batch) >= BATCH or size + more > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += more
    if batch:
        yield batch


def _has_later_rows(wanted: PullRequest, head: queries.Head) -> bool:
    """Return whether the log may have rows unknown to this client."""
    return wanted.generation in (None, head.generation) and not (
        wanted.generation is not None and wanted.seq == head.seq
    )


def _needs_answer(wanted: PullRequest, head: queries.Head) -> bool:
    return wanted.row_version is not None and wanted.row_version != head.row_version


async def _answer_batch(
    db: Database, workers: Workers, batch: list[PullRequest], heads: dict[UUID, queries.Head]
) -> AsyncIterator[PulledDocument | Refusal]:
    to_read = [w.document_id for w in batch if (h := heads.get(w.document_id)) and _has_later_rows(w, h)]
    to_tell = [w.document_id for w in batch if (h := heads.get(w.document_id)) and _needs_answer(w, h)]
    async with db.as_service() as conn:
        contents = await queries.list_contents(conn, to_read) if to_read else {}
        metadata = await queries.list_metadata(conn, to_tell) if to_tell else {}
    for one in batch:
        head = heads.get(one.document_id)
        content = contents.get(one.document_id)
        try:
            fields = metadata.get(one.document_id, "") if head and _needs_answer(one, head) else ""
            yield await _answer(db, workers, one, head, content, fields)
        except StaleGeneration as error:
            current = content.generation if content else head.generation if head else None
            yield Refusal(one.document_id, error.code, error.detail, current)
        except (NotFound, Malformed, DocumentDamaged) as error:
            yield Refusal(one.document_id, error.code, error.detail)


async def _answer(
    db: Database,
    workers: Workers,
    wanted: PullRequest,
    head: queries.Head | None,
    content: queries.Content | None,
    metadata: str,
) -> PulledDocument:
    """Raises NotFound, Malformed (the state vector), StaleGeneration, DocumentDamaged, Unavailable."""
    if head is None:
        raise NotFound(ABSENT)
    decode_state_vector(wanted.state_vector)
    if wanted.generation not in (None, content.generation if content else head.generation):
        raise StaleGeneration()
    if not _has_later_rows(wanted, head):
        return PulledDocument(
            wanted.document_id, head.generation, head.seq, wanted.state_vector, EMPTY_UPDATE, metadata
        )
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
        raise await note_damage(db, wanted.document_id, found)
    try:
        if sum(map(len, content.parts)) <= INLINE_BYTES:
            update, clocks = missing(content.parts, wanted.state_vector)
        else:
            update, clocks = await workers.run(missing, content.parts, wanted.state_vector)
    except Malformed as error:
        # The client's state vector was decoded before, so the stored bytes are unreadable.
        raise await note_damage(db, wanted.document_id, error.detail) from error
    return PulledDocument(wanted.document_id, content.generation, content.seq, clocks, update, metadata)


def missing(parts: list[bytes], state_vector: bytes) -> tuple[bytes, bytes]:
    """Return (the updates missing in this state, the state vector of all parts)."""
    whole, clocks = merge_parts(parts)
    return (whole if state_vector == b"\0" else diff(whole, state_vector)), clocks
