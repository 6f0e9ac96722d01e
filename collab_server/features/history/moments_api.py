"""Routes of the history at any moment: content, authors, sessions and differences."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.core.history import answers
from collab_server.core.text.side_by_side import write_side_by_side
from collab_server.core.text.unified import count_lines, write_unified
from collab_server.errors import (
    DocumentDamaged,
    Forbidden,
    Malformed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.content.earlier_api import MEDIA_TYPES, ContentFormat, answer_content
from collab_server.features.content.rendering import CONTENT_POLICY
from collab_server.features.history.answer_bodies import draft_diff, write_blame, write_diff
from collab_server.features.history.authors import find_authors
from collab_server.features.history.models import BlameOut, DiffOut, SessionPage
from collab_server.features.history.points import MAX_SEQ, Point, Points, parse_point, to_utc
from collab_server.features.history.presentation import show_session
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

PointText = Annotated[str, Query(max_length=64, description="Number of a version, `seq:N`, `time:...` or `now`")]
Seq = Annotated[int | None, Query(ge=0, le=MAX_SEQ, description="Number of a row of the log")]
_REFUSED = {
    **documented(Unauthenticated, Forbidden, NotFound, Malformed, Unavailable),
    **documented(TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
}


@router.get(
    "/documents/{document_id}/at",
    tags=["history"],
    response_class=Response,
    responses={
        **_REFUSED,
        200: {
            "content": {kind: {} for kind in MEDIA_TYPES},
            "description": "The content; `x-document-seq`: its last row",
        },
    },
)
async def get_moment(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    request: Request,
    time: Annotated[datetime | None, Query(description="Without a zone: UTC")] = None,
    seq: Seq = None,
    format: ContentFormat = None,
) -> Response:
    """Return a document as it was at a time, or after a row of its log. Give one of the two."""
    await require(db, identity, document_id, Action.VIEW)
    if (time is None) == (seq is None):
        raise Malformed("give either time or seq")
    try:
        point = Point(seq=seq, at=to_utc(time) if time is not None else None)
    except OverflowError:
        raise Malformed("the time is beyond the calendar") from None
    await rooms.settle(document_id)
    moment = await Points(db, workers, document_id).read_moment(point)
    return await answer_content(
        db,
        workers,
        document_id,
        request,
        format,
        moment.projection.content,
        moment.position.seq,
        moment.snapshot,
        truncated=moment.projection.truncated,
    )


@router.get("/documents/{document_id}/blame", tags=["history"], response_model=BlameOut, responses=_REFUSED)
async def get_blame(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    seq: Seq = None,
) -> Response:
    """Return who wrote which part of the content, now or after a row of the log. Marks of Markdown and JSON belong to
    the text beside them.
    """
    await require(db, identity, document_id, Action.VIEW)
    await rooms.settle(document_id)
    draft = await Points(db, workers, document_id).draft_blame(seq)
    known = await find_authors(db, identity, draft.authors)
    return Response(await workers.run(write_blame, draft.encoded, known), media_type="application/json")


@router.get("/documents/{document_id}/history", tags=["history"], responses=_REFUSED)
async def list_sessions(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    cursor: str | None = None,
    limit: cursors.PageLimit = 50,
) -> SessionPage:
    """List who edited when: sessions of edits by one author, the newest first."""
    await require(db, identity, document_id, Action.VIEW)
    before = cursors.read_position(cursor, int, int, of="history")
    await rooms.settle(document_id)
    sessions = await Points(db, workers, document_id).run(answers.read_sessions)
    if before is not None:
        sessions = [one for one in sessions if (-one.to_seq, one.from_seq) > (-before[0], before[1])]
    page, more = cursors.cut_page(sessions[: limit + 1], limit, lambda one: (one.to_seq, one.from_seq), of="history")
    known = await find_authors(db, identity, [one.author for one in page])
    return SessionPage(items=[show_session(one, known) for one in page], next_cursor=more)


@router.get(
    "/documents/{document_id}/versions/diff",
    tags=["history"],
    response_model=DiffOut,
    responses={**_REFUSED, 200: {"content": {"text/x-diff": {}, "text/html": {}}, "description": "The differences"}},
)
async def get_diff(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    from_point: Annotated[PointText, Query(alias="from")],
    to_point: Annotated[PointText, Query(alias="to")] = "now",
    format: Literal["json", "unified", "html"] = "json",
) -> Response:
    """Compare the content at two points: by words, with the authors of new text; as a unified diff for `patch`; or side
    by side as HTML.
    """
    await require(db, identity, document_id, Action.VIEW)
    parsed = parse_point(from_point), parse_point(to_point)
    await rooms.settle(document_id)
    points = Points(db, workers, document_id)
    old, new = await points.read(parsed[0]), await points.read(parsed[1])
    if format == "unified":
        text = await workers.run(write_unified, old.content, new.content, old.name, new.name)
        return Response(text, media_type="text/x-diff; charset=utf-8")
    if format == "html":
        text = await workers.run(write_side_by_side, old.content, new.content, old.name, new.name)
        headers = {"content-security-policy": CONTENT_POLICY}
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)
    counts = await workers.run(count_lines, old.content, new.content)
    draft = await points.run(draft_diff, old.content, new.content, new.seq)
    known = await find_authors(db, identity, draft.authors)
    body = await workers.run(write_diff, draft.encoded, known, (old.seq, new.seq), counts)
    return Response(body, media_type="application/json")
