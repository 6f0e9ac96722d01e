"""Routes of documents: lists, making, reading and changing them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from collab_server.access.check import ABSENT, require, require_in_workspace, standing_in
from collab_server.access.live_queries import find_epoch
from collab_server.access.policy import Action, WorkspaceAction, allowed, role_named
from collab_server.accounts.throttle import caller_address
from collab_server.backends.db import (
    ForeignKeyViolation,
    InsufficientPrivilege,
    UniqueViolation,
)
from collab_server.documents import copying, document_queries, list_queries, models, patching, store
from collab_server.documents.addresses import MAX_ADDRESS, id_in
from collab_server.documents.kinds import ENCRYPTED
from collab_server.documents.list_models import ListQuery
from collab_server.documents.list_queries import Listed, Order, Position
from collab_server.documents.showing import Desk
from collab_server.errors import (
    AmbiguousAddress,
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.web import cursors
from collab_server.web.answers import answer
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.etags import expected_version, not_modified, row_etag
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)


async def desk(
    request: Request, identity: CurrentIdentity, db: CurrentDatabase, rooms: CurrentRooms, workers: CurrentWorkers
) -> Desk:
    creations = request.state.quotas.by(caller_address())
    return Desk(identity, db, rooms, workers, request.state.settings, request.state.views, creations)


CurrentDesk = Annotated[Desk, Depends(desk)]


def shown(response: Response, document: models.DocumentOut) -> models.DocumentOut:
    """The answer that is this document, with its ETag. What is no part of the row (people, views, favourites) changes
    under the same tag, so browsers are to keep no copy that they would renew by it.
    """
    response.headers["etag"] = row_etag(document.row_version)
    response.headers["cache-control"] = "private, no-store"
    return document


@router.get(
    "/workspaces/{workspace_id}/documents",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed)},
    response_model=models.DocumentPage,
)
async def list_documents(workspace_id: UUID, desk: CurrentDesk, asked: Annotated[ListQuery, Query()]) -> Response:
    """Documents of a workspace. The latest first, titles from A on, unless `order` says otherwise. A cursor goes on in
    the order it was made in.
    """
    order: Order = asked.order or ("asc" if asked.sort == "title" else "desc")
    sorting = f"{asked.sort} {order}"
    key = str if asked.sort == "title" else datetime
    after = _position(asked.cursor, sorting, key) if asked.cursor else None
    async with desk.db.as_user(desk.identity.user_id, "force_generic_plan") as conn:
        found = await list_queries.list_documents(
            conn, workspace_id, asked.filters(), asked.sort, order, asked.limit + 1, after
        )
        if not found or desk.identity.kind == "connect":  # else the workspace is there, and the caller's to read
            await standing_in(conn, desk.identity, workspace_id)
    return page(desk, found, asked.limit, sorting)


def page(desk: Desk, found: list[Listed], limit: int, order: str) -> Response:
    """A models.DocumentPage. `found`: up to one more than the `limit`."""
    last = found[limit - 1] if len(found) > limit else None
    return answer(
        {
            "items": [desk.entry(listed.shown) for listed in found[:limit]],
            "next_cursor": cursors.encode(order, last.key, last.id) if last else None,
        }
    )


def _position(cursor: str, order: str, kind: type) -> Position:
    """Raises Malformed for a cursor of a list in another order."""
    of, key, document_id = cursors.decode(cursor, str, kind, UUID)
    if of != order:
        raise Malformed(f"the cursor is of a list in another order: {of}")
    return key, document_id


def position_in_time(cursor: str | None, order: str) -> Position | None:
    return _position(cursor, order, datetime) if cursor else None


@router.post(
    "/workspaces/{workspace_id}/documents",
    status_code=201,
    tags=["documents"],
    responses={**USUAL, **documented(Conflict, TooLarge, TooMany, UnprocessableContent)},
)
async def create_document(
    workspace_id: UUID, body: models.DocumentIn, desk: CurrentDesk, response: Response
) -> models.DocumentOut:
    """Make a document, with content to start with where it is given. A `name` gives it a readable address; one that is
    taken is a conflict. All of it is made, or nothing.
    """
    user_id = desk.identity.user_id
    async with desk.db.as_user(user_id) as conn:
        await require_in_workspace(conn, desk.identity, workspace_id, WorkspaceAction.CREATE_DOCUMENTS)
    state = None
    tags = list(body.tags)
    if body.template_id is None:
        fields = patching.decoded(body.model_dump(exclude={"tags", "content", "template_id"}))
    else:
        template, secret = await copying.find_template(desk, workspace_id, body.template_id)
        fields = copying.from_template(body, template, secret)
        if "tags" not in body.model_fields_set:
            tags = [tag.name for tag in template.tags]
        if body.content is None:
            state = await copying.settled_state(desk, template.id)
    if body.content is not None:
        if fields["type"] == ENCRYPTED:
            raise UnprocessableContent("a password has no content in the clear")
        state = await store.state_from_text(desk.workers, body.content)
    return shown(response, await desk.make(workspace_id, fields, tags, state))


@router.get(
    "/documents/lookup",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, AmbiguousAddress)},
    response_model=models.DocumentOut,
)
async def look_up_document(
    address: Annotated[str, Query(min_length=1, max_length=MAX_ADDRESS)], desk: CurrentDesk
) -> Response:
    """The document at an address: a UUID, `@<workspace>/<name>`, or `<name>` in the default workspace. It is not
    created. The older form `<workspace>/<name>` is for members of the workspace (409 `ambiguous_address` for others).
    """
    document_id = id_in(address)
    if document_id is None:
        document_id = (await desk.addresses.resolve(desk.identity, address, create=False)).document_id
    return _read(await desk.read(document_id))


def _read(entry: dict[str, Any]) -> Response:
    """As `shown`."""
    return answer(entry, {"etag": row_etag(entry["row_version"]), "cache-control": "private, no-store"})


@router.get(
    "/documents/{document_id}",
    tags=["documents"],
    responses={**USUAL, 304: {"description": "The row is still at the version in If-None-Match"}},
    response_model=models.DocumentOut,
)
async def get_document(document_id: UUID, desk: CurrentDesk, request: Request) -> Response:
    """A document's metadata. Counts as a view, once a minute for each person."""
    found = await desk.read(document_id)
    desk.note_view(document_id)
    return not_modified(request, row_etag(found["row_version"])) or _read(found)


@router.patch(
    "/documents/{document_id}",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, Conflict, PreconditionFailed, TooLarge, UnprocessableContent)},
)
async def patch_document(
    document_id: UUID, body: models.DocumentPatch, desk: CurrentDesk, request: Request, response: Response
) -> models.DocumentOut:
    """Change a document's metadata. Making it public or not, and its expiry, need the right to delete it."""
    version = expected_version(request)
    fields = body.model_dump(include=body.model_fields_set)
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            locked = await desk.lock_for(conn, document_id, Action.EDIT, version)
            if fields.keys() & patching.OF_REMOVAL:
                desk.require_removal_right(locked)
            await desk.addresses.check_new(conn, locked.workspace_id, fields.get("name"))
            columns = patching.fit(fields, locked)
            await desk.check_encrypted(conn, document_id, locked, columns)
            if not await document_queries.update_document(conn, document_id, columns, expected_version=version):
                raise NotFound(ABSENT)
            document = await desk.show(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not change this of the document") from None
    except UniqueViolation:
        raise Conflict(f"there is a document named {fields.get('name')!r} already") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in this workspace") from None
    return shown(response, document)


@router.post("/documents/{document_id}/connect-tokens", status_code=201, tags=["documents"], responses=USUAL)
async def create_connect_token(
    document_id: UUID, body: models.ConnectTokenIn, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.ConnectTokenOut:
    """A short-lived token that opens this one document over a WebSocket, for an editor that you embed elsewhere. It
    ends with the session or token that you make it with.

    `name` makes it another person's, whose name the server vouches for: that is for people who may share the document
    (editors), and for tokens with the scope write. Without it the bearer counts as you.
    """
    if identity.kind == "connect":
        raise Forbidden("a connect token cannot make another")
    role = await require(db, identity, document_id, Action.VIEW)
    if body.name is not None and (identity.user_id is None or not allowed(role, Action.SHARE)):
        raise Forbidden("a name is given by people who are signed in and may share the document")
    granted = min(role, role_named(body.role))
    ends = datetime.now(UTC) + timedelta(minutes=body.minutes)
    if identity.expires_at is not None:
        ends = min(ends, identity.expires_at)
    made_by = identity.credential.id if identity.credential else None
    if made_by is None:
        async with db.as_service() as conn:
            made_by = await find_epoch(conn)
    claims: dict[str, object] = {
        "document": str(document_id),
        "role": granted.label,
        "name": body.name or identity.name,
        "sub": str(identity.user_id) if identity.user_id and body.name is None else "",
        "by": str(identity.user_id or ""),
        "made_by": str(made_by),
    }
    token = request.state.signer.sign(claims, (ends - datetime.now(UTC)).total_seconds())
    return models.ConnectTokenOut(token=token, expires_at=ends, role=granted.label)
