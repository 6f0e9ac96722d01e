"""Routes that bring earlier content back, as edits that merge with what people type."""

from uuid import UUID

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.adapters.postgres import caller
from collab_server.core.history import reverting
from collab_server.errors import (
    DocumentDamaged,
    Forbidden,
    Malformed,
    NotFound,
    StaleGeneration,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.document_log.history_queries import to_milliseconds
from collab_server.features.history import restoring
from collab_server.features.history.models import RestoredOut, RollbackIn, RolledBackOut
from collab_server.features.history.points import to_utc
from collab_server.features.history.versions_api import Number
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.rooms import RestAuthor
from collab_server.web.routes import router as _router

router = _router()

_REFUSED = documented(
    Unauthenticated,
    Forbidden,
    NotFound,
    StaleGeneration,
    TooLarge,
    UnprocessableContent,
    TooMany,
    Unavailable,
    DocumentDamaged,
)


@router.post("/documents/{document_id}/versions/{number}/restore", tags=["history"], responses=_REFUSED)
async def restore_version(
    document_id: UUID,
    number: Number,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
) -> RestoredOut:
    """Bring the content of a version back. This is an edit: it merges with what others type meanwhile, and it can be
    undone by another restore. Before it, a version of the present content is made. The title stays.
    """
    await require(db, identity, document_id, Action.EDIT)
    writer = RestAuthor(identity, caller.get().device_id or None)
    done = await restoring.restore_version(db, rooms, workers, writer, document_id, number)
    return RestoredOut(seq=done.seq, changed=done.changed, version=done.version)


@router.post("/documents/{document_id}/rollback", tags=["history"], responses={**_REFUSED, **documented(Malformed)})
async def roll_back(
    document_id: UUID,
    body: RollbackIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
) -> RolledBackOut:
    """Undo the edits of one author, and keep everybody else's. What the author wrote is removed, and what the author
    deleted comes back. This is an edit as a restore is, with a version before it.
    """
    await require(db, identity, document_id, Action.EDIT)
    try:
        times = [
            to_milliseconds(to_utc(given)) if given is not None else None for given in (body.from_time, body.to_time)
        ]
    except OverflowError:
        raise Malformed("a time is beyond the calendar") from None
    rollback = reverting.Rollback(str(body.user), *times)
    writer = RestAuthor(identity, caller.get().device_id or None)
    before = await restoring.keep_version(db, rooms, workers, writer, document_id, "Before a rollback")
    made = await rooms.edits.edit(document_id, writer, reverting.undo_author, before.history.stored, rollback)
    return RolledBackOut(
        seq=made.committed.seq, removed=made.result.removed, restored=made.result.restored, version=before.number
    )
