"""Bringing a document back from the archive, after it was deleted for good by the purge of the trash."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn, Database, caller
from collab_server.adapters.postgres_errors import UniqueViolation
from collab_server.adapters.workers import Workers
from collab_server.core.room.entries import Author
from collab_server.errors import Conflict, LostRace, NotFound
from collab_server.features.document_log import store
from collab_server.features.documents import creation, tag_queries
from collab_server.features.trash import archive_queries

OTHER_NAMES = 100
"""Number of alternatives for a used name."""
MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class Recovered:
    """A recovered document. `name`: None without one; `renamed`: its own name was used."""

    id: UUID
    title: str
    name: str | None
    renamed: bool
    workspace: str


async def recover(db: Database, workers: Workers, document_id: UUID, workspace_id: UUID | None) -> Recovered:
    """Create the document again under its id, with content, tags and name, and delete it from the archive.

    `workspace_id`: the target (None: the original workspace). Category, favourites, views and expiry are not recovered.
    Raises NotFound (not archived, or the workspace no longer exists), Conflict (the document exists), LostRace,
    Unavailable.
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
            raise NotFound("the document's workspace no longer exists: name another one")
        if place[1]:
            raise NotFound(f"the workspace {place[0]} is deleted: restore it, or name another one")
    state = None
    if found.snapshot is not None or found.pending:
        text = (found.content, None, False)
        state = await store.build_state(workers, document_id, found.snapshot, found.pending, text)
    async with db.as_service() as conn, conn.transaction():
        name = await _find_free_name(conn, target, found.name)
        try:
            await archive_queries.insert_archived(conn, document_id, target, name)
        except UniqueViolation:
            raise LostRace("its name was given to another document at the same time: try again") from None
        if found.tags:
            await tag_queries.replace_tags(conn, document_id, target, found.tags)
        if state is not None:
            await creation.begin_log(conn, document_id, Author(None, caller.get().device_id or None), state)
        if not await archive_queries.delete_archived(conn, document_id):
            raise LostRace("the document was removed from the archive at the same time")
    return Recovered(document_id, found.title, name, name != found.name, place[0])


async def _find_free_name(conn: Conn, workspace_id: UUID, name: str | None) -> str | None:
    """Return the name, with a number if it is used; None if all numbers are used."""
    if name is None:
        return None
    candidates = [name, *(_add_number(name, number) for number in range(2, OTHER_NAMES))]
    taken = await archive_queries.list_taken_names(conn, workspace_id, candidates)
    return next((candidate for candidate in candidates if candidate not in taken), None)


def _add_number(name: str, number: int) -> str:
    ending = f"-{number}"
    return name[: MAX_NAME - len(ending)] + ending
