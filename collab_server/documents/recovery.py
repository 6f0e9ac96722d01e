"""Bringing a document back from the archive, after it was deleted for good by the purge of the trash."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.db import Conn, Database, UniqueViolation
from collab_server.backends.workers import Workers
from collab_server.documents import archive_queries, making, organizing_queries, store
from collab_server.errors import Conflict, LostRace, NotFound

OTHER_NAMES = 100
"""Names that are tried where the document's own is another's by now."""
MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class Recovered:
    """A document that was brought back. `name`: None where it has none; `renamed`: its own name was taken."""

    id: UUID
    title: str
    name: str | None
    renamed: bool
    workspace: str


async def recover(db: Database, workers: Workers, document_id: UUID, workspace_id: UUID | None) -> Recovered:
    """Make the document again under its id, with content, tags and name, and take it out of the archive.

    `workspace_id`: where to (None: where it was). Category, favourites, views and expiry do not come back. Raises
    NotFound (it is not in the archive, or its workspace is gone), Conflict (it is there), LostRace, Unavailable.
    """
    async with db.as_service() as conn:
        found = await archive_queries.find_archived(conn, document_id)
        deleted = await archive_queries.find_deleted(conn, document_id)
        if deleted is not None:
            where = "in the trash: its author, or who may delete documents, can restore it" if deleted else "there"
            raise Conflict(f"the document {document_id} is {where}")
        if found is None:
            raise NotFound(f"the archive has no document {document_id}")
        target = workspace_id or found.workspace_id
        place = await archive_queries.find_place(conn, target)
        if place is None:
            raise NotFound("the document's workspace is gone for good: name another one")
        if place[1]:
            raise NotFound(f"the workspace {place[0]} is deleted: restore it, or name another one")
    state = None
    if found.snapshot is not None or found.pending:
        text = (found.content, None, False)
        state = await store.state_from_parts(workers, document_id, found.snapshot, found.pending, text)
    async with db.as_service() as conn, conn.transaction():
        name = await _free_name(conn, target, found.name)
        try:
            await archive_queries.insert_archived(conn, document_id, target, name)
        except UniqueViolation:
            raise LostRace("its name was given to another document at this moment: try again") from None
        if found.tags:
            await organizing_queries.replace_tags(conn, document_id, target, found.tags)
        if state is not None:
            await making.begin_log(conn, document_id, None, state)
        if not await archive_queries.delete_archived(conn, document_id):
            raise LostRace("the document left the archive at this moment")
    return Recovered(document_id, found.title, name, name != found.name, place[0])


async def _free_name(conn: Conn, workspace_id: UUID, name: str | None) -> str | None:
    """The name, or it with a number where it is taken; None where all of these are."""
    if name is None:
        return None
    candidates = [name, *(_numbered(name, number) for number in range(2, OTHER_NAMES))]
    taken = await archive_queries.list_taken_names(conn, workspace_id, candidates)
    return next((candidate for candidate in candidates if candidate not in taken), None)


def _numbered(name: str, number: int) -> str:
    ending = f"-{number}"
    return name[: MAX_NAME - len(ending)] + ending
