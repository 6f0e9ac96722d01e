"""Turns requests into hunks of the present document."""

from typing import Any
from uuid import UUID

from starlette.requests import Request

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.documents.apply_edit import EditRequest, MergeBase
from collab_server.core.suggestions.proposing import propose
from collab_server.errors import BaseUnknown, UnprocessableContent
from collab_server.features.content.if_match import find_text, parse_if_match, read_if_match
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.suggestions import queries
from collab_server.web.rooms import NOT_IN_THE_CLEAR, Rooms


async def make_hunks(
    request: Request,
    db: Database,
    rooms: Rooms,
    workers: Workers,
    document_id: UUID,
    wanted: EditRequest,
    *,
    has_positions: bool,
    only: bool,
) -> tuple[list[dict[str, Any]], int]:
    """Return (the hunks of an edit, the generation of the document). `only`: refuse other texts than If-Match names.

    Raises Malformed, NotFound, Conflict, PreconditionFailed, BaseUnknown, UnprocessableContent, TooMany, Unavailable.
    """
    if has_positions and parse_if_match(request, only=False) is None:
        raise UnprocessableContent("positions need the version of the text in If-Match")
    base: MergeBase | None = await read_if_match(request, db, workers, document_id, only=only)
    async with db.as_service() as conn:
        if await queries.find_type(conn, document_id) == ENCRYPTED:
            raise UnprocessableContent(NOT_IN_THE_CLEAR)
    update, committed = await rooms.edits.missing(document_id, b"\0")
    while True:
        try:
            return await workers.run(propose, update, wanted, base), committed.generation
        except BaseUnknown:
            base = await find_text(db, document_id, base)
            if base is None:
                raise
