"""The route that replaces a document by a fresh copy of the same content."""

from uuid import UUID

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.errors import (
    Conflict,
    DocumentDamaged,
    Forbidden,
    LostRace,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.history import compacting
from collab_server.features.history.models import CompactedOut
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()


@router.post(
    "/documents/{document_id}/compact-history",
    tags=["history"],
    responses={
        **documented(Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, UnprocessableContent),
        **documented(TooMany, LostRace, Unavailable, DocumentDamaged),
    },
)
async def compact_history(
    document_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, rooms: CurrentRooms, workers: CurrentWorkers
) -> CompactedOut:
    """Replace a document whose deletions weigh more than its content by a fresh copy of the content. Its generation
    rises: editors that have it open load it again, with what they had not sent. Texts keep their authors. Refused (409)
    where the copy would have more than half of the size.
    """
    await require(db, identity, document_id, Action.DELETE)
    done = await compacting.compact_history(db, rooms, workers, identity.user_id, document_id)
    return CompactedOut(
        generation=done.generation, seq=done.seq, bytes_before=done.bytes_before, bytes_after=done.bytes_after
    )
