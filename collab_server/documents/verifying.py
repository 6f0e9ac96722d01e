"""What `collab-server verify` does: reads everything that is stored of every document."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt.updates import validate
from collab_server.documents import damage_queries, store
from collab_server.errors import DocumentDamaged, Malformed, NotFound

PAGE = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason`: what is wrong with the document; empty: nothing."""

    document_id: UUID
    reason: str


async def verify(db: Database, workers: Workers, only: UUID | None = None) -> AsyncIterator[Verdict]:
    """A verdict on each document, or on `only` that one; notes of damage are made and deleted accordingly.

    Deleted documents in the trash are left out, as servers do not read them. Raises NotFound, Unavailable.
    """
    if only is not None:
        yield await _verdict(db, workers, only)
        return
    after = UUID(int=0)
    while True:
        async with db.as_service() as conn:
            page = await damage_queries.list_documents(conn, after, PAGE)
        for document_id in page:
            try:
                yield await _verdict(db, workers, document_id)
            except NotFound:
                continue  # deleted meanwhile
        if len(page) < PAGE:
            return
        after = page[-1]


async def _verdict(db: Database, workers: Workers, document_id: UUID) -> Verdict:
    try:
        loaded = await store.load(db, workers, document_id)
        await workers.run(validate, loaded.stored.snapshot)
    except DocumentDamaged as error:
        return Verdict(document_id, error.detail)
    except Malformed as error:
        return Verdict(document_id, (await store.damaged(db, document_id, error.detail)).detail)
    async with db.as_service() as conn:
        await damage_queries.delete_damage(conn, document_id)
    return Verdict(document_id, "")
