"""Restores of versions: edits that merge with what people type."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.history import reverting
from collab_server.features.document_log import version_content_queries
from collab_server.features.history.versions import MadeVersion, VersionWish, make_version
from collab_server.web.rooms import RestAuthor, Rooms


@dataclass(frozen=True, slots=True)
class Restored:
    """seq: the document's last row after the commit. version: the number of the version with the content before."""

    seq: int
    changed: bool
    version: int


async def restore_version(
    db: Database, rooms: Rooms, workers: Workers, writer: RestAuthor, document_id: UUID, number: int
) -> Restored:
    """Restore the content of a version. Before it, make a version of the present content. The caller checks rights.

    Raises NotFound, StaleGeneration, TooLarge, TooMany, TooMuchWork, UnprocessableContent, DocumentDamaged,
    Unavailable.
    """
    async with db.as_service() as conn:
        version = await version_content_queries.get_content(conn, document_id, number)
    description = f"Before version {number} was restored"
    before = await keep_version(db, rooms, workers, writer, document_id, description)
    async with db.as_service() as conn:
        present = await version_content_queries.get_content(conn, document_id, before.number)
    is_same = version.generation == before.history.generation
    restore = reverting.restore_version if is_same else reverting.restore_other_generation
    made = await rooms.edits.edit(document_id, writer, restore, present.snapshot, version.snapshot)
    changed = bool(made.result.removed or made.result.restored or made.result.others)
    return Restored(made.committed.seq, changed, before.number)


async def keep_version(
    db: Database, rooms: Rooms, workers: Workers, writer: RestAuthor, document_id: UUID, description: str
) -> MadeVersion:
    """Make a version of the content that an edit is about to change. Raises as make_version does."""
    await rooms.settle(document_id)
    wish = VersionWish("restore", change_description=description, created_by=writer.identity.user_id)
    return await make_version(db, workers, document_id, wish)
