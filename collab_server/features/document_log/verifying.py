"""The command `collab-server verify`: reads the stored content of every document."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.yjs.updates import validate
from collab_server.errors import DocumentDamaged, Malformed, NotFound
from collab_server.features.document_log import damage_queries, store

PAGE = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason`: the damage of the document; empty: none."""

    document_id: UUID
    reason: str


async def verify(db: Database, workers: Workers, only: UUID | None = None) -> AsyncIterator[Verdict]:
    """Yield a verdict on each document, or on `only`. Notes of damage are stored and deleted accordingly.

    Documents in the trash are skipped, because servers do not read them. Raises NotFound, Unavailable.
    """
    if only is not None:
        yield await _verify_document(db, workers, only)
        return
    after = UUID(int=0)
    while True:
        async with db.as_service() as conn:
            page = await damage_queries.list_documents(conn, after, PAGE)
        for document_id in page:
            try:
                yield await _verify_document(db, workers, document_id)
            except NotFound:
                continue  # deleted meanwhile
        if len(page) < PAGE:
            return
        after = page[-1]


async def _verify_document(db: Database, workers: Workers, document_id: UUID) -> Verdict:
    try:
        loaded = await store.load(db, workers, document_id)
        await workers.run(validate, loaded.stored.snapshot)
    except DocumentDamaged as error:
        return Verdict(document_id, error.detail)
    except Malformed as error:
        return Verdict(document_id, (await store.note_damage(db, document_id, error.detail)).detail)
    async with db.as_service() as conn:
        await damage_queries.delete_damage(conn, document_id)
    return Verdict(document_id, "")
