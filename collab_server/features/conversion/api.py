"""The route that converts a document between Markdown and rich text."""

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
from collab_server.features.conversion import converting
from collab_server.features.conversion.models import ConversionIn, ConvertedOut
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()


@router.post(
    "/documents/{document_id}/convert",
    tags=["documents"],
    responses={
        **documented(Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, UnprocessableContent),
        **documented(TooMany, LostRace, Unavailable, DocumentDamaged),
    },
)
async def convert_document(
    document_id: UUID,
    body: ConversionIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
) -> ConvertedOut:
    """Convert the text of a document between Markdown and rich text. Its generation rises: editors that have it open
    load it again, with what they had not sent. Texts keep their authors, comments and suggestions their places, and a
    version of the document before is made. Refused (409) where it has this kind of text already.
    """
    await require(db, identity, document_id, Action.EDIT)
    done = await converting.convert_document(db, rooms, workers, identity.user_id, document_id, body.to)
    return ConvertedOut(generation=done.generation, seq=done.seq, kind=body.to, version=done.version)
