"""Line ends of stored texts put right, all at once; a server does it when a document is opened for writing."""

import secrets
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.documents import line_end_repair
from collab_server.core.yjs.edit_functions import run_edit_function
from collab_server.errors import CollabError
from collab_server.features.document_log import log_queries, store
from collab_server.features.document_log.log_queries import LogRow
from collab_server.observability.logging import log

AT_ONCE = 500
APPEND_SECONDS = 30.0


async def repair_line_ends(db: Database, workers: Workers) -> tuple[int, int]:
    """Remove carriage returns from all texts. Return the numbers of repaired and failed documents; the log has the
    reasons. Servers may be running. Raises Unavailable.
    """
    repaired = failed = 0
    after: UUID | None = UUID(int=0)
    while after is not None:
        async with db.as_service() as conn:
            found, after = await log_queries.list_with_returns(conn, after, AT_ONCE)
        for document_id in found:
            try:
                repaired += await _repair(db, workers, document_id)
            except CollabError as error:
                failed += 1
                log.warning("repairing line ends failed", extra={"document": document_id, "error": error.detail})
    return repaired, failed


async def _repair(db: Database, workers: Workers, document_id: UUID) -> bool:
    loaded = await store.load(db, workers, document_id)
    client = secrets.randbelow(2**32 - 1) + 1
    made = await workers.run(run_edit_function, line_end_repair.repair, [loaded.stored.snapshot], client, (), {})
    if made.edit.result:
        clients = tuple(author for author, _, _ in made.summary.structs)
        author = line_end_repair.AUTHOR
        row = LogRow(
            document_id,
            made.edit.update,
            author.user_id,
            clients,
            author.device,
            generation=loaded.generation,
        )
        async with db.as_service() as conn:
            await log_queries.append_rows(conn, [row], APPEND_SECONDS)
    await store.fold(db, workers, document_id)
    return bool(made.edit.result)
