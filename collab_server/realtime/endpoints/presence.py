"""Routes for the presence of people in documents and workspaces."""

from dataclasses import asdict, replace
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from collab_server.access.check import require, standing_in
from collab_server.access.policy import Action
from collab_server.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from collab_server.features.documents.models import PresentOut
from collab_server.realtime.presence import queries
from collab_server.realtime.presence.models import BusyOut, ConnectedOut, DocumentPresence, SeenOut, WorkspacePresence
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()
Limit = Annotated[int, Query(ge=1, le=500, description="The most items.")]

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_RECENT = 50


@router.get("/documents/{document_id}/presence", tags=["presence"], responses=_USUAL)
async def get_document_presence(
    document_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, response: Response, limit: Limit = 100
) -> DocumentPresence:
    """List the people in a document, on all servers, and people you know who were there lately."""
    response.headers["cache-control"] = "private, no-store"
    await require(db, identity, document_id, Action.VIEW)
    if identity.kind == "connect":
        # Its bearer is nobody in the database, and may know nobody's name.
        async with db.as_service() as conn:
            connected, people = await queries.list_connected(conn, document_id, limit)
        connected = [one if one.user_id is None else replace(one, name=None, avatar_url=None) for one in connected]
        seen: list[queries.Seen] = []
    else:
        async with db.as_user(identity.subject) as conn:
            connected, people = await queries.list_connected(conn, document_id, limit)
            seen = await queries.list_seen_in_document(conn, document_id, _RECENT)
    items = [ConnectedOut(guest=one.user_id is None, **asdict(one)) for one in connected]
    return DocumentPresence(people=people, items=items, recent=[SeenOut(**asdict(one)) for one in seen])


@router.get("/workspaces/{workspace_id}/presence", tags=["presence"], responses=_USUAL)
async def get_workspace_presence(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, response: Response, limit: Limit = 200
) -> WorkspacePresence:
    """Which documents of a workspace people have open, and which of its people were there lately."""
    response.headers["cache-control"] = "private, no-store"
    async with db.as_user(identity.subject) as conn:
        await standing_in(conn, identity, workspace_id)
        busy = await queries.list_busy_documents(conn, workspace_id, limit)
        seen = await queries.list_seen_in_workspace(conn, workspace_id, _RECENT)
    items = [
        BusyOut(
            document_id=one.document_id,
            title=one.title,
            people=one.people,
            present=[PresentOut(user_id=who.id, name=who.name, avatar_url=who.avatar_url) for who in one.present],
        )
        for one in busy
    ]
    return WorkspacePresence(items=items, recent=[SeenOut(**asdict(one)) for one in seen])
