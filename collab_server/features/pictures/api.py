"""Routes of pictures of people and icons of workspaces."""

import hashlib
import json
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request, Response

from collab_server.access.check import require_in_workspace
from collab_server.access.identity import Identity
from collab_server.access.policy import Role, WorkspaceAction
from collab_server.adapters.postgres import Conn, serving
from collab_server.errors import (
    Forbidden,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.account import queries as account_queries
from collab_server.features.account.api import get_account
from collab_server.features.attachments.checks.malware import Place
from collab_server.features.attachments.services import attachment_services
from collab_server.features.attachments.sources import once
from collab_server.features.pictures import queries
from collab_server.features.pictures.queries import SIZES, Owner, Picture
from collab_server.features.users.models import Account
from collab_server.features.workspaces import models, presentation
from collab_server.features.workspaces import queries as workspace_queries
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentUser
from collab_server.web.etags import not_modified, row_etag
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

MAX_UPLOAD_BYTES: Final = 8_000_000
"""Size of an upload, which becomes small squares."""
_USUAL: Final = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_SENT: Final = {**_USUAL, **documented(TooLarge, TooMany, UnprocessableContent)}
_IMAGE: Final = {
    "content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}},
    "description": "The picture",
}
_SHOWN: Final[dict[int | str, dict[str, Any]]] = {
    **_USUAL,
    200: _IMAGE,
    304: {"description": "It is as If-None-Match says"},
}
_UPLOAD: Final = {
    "requestBody": {
        "required": True,
        "description": "A JPEG, PNG, GIF, WebP or AVIF. Its middle is shown, as a square.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
NO_PICTURE: Final = "there is no such picture"

Size = Annotated[int, Query(ge=1, le=4096, description="Pixels of a side; the next larger size that exists")]


@router.put("/users/me/avatar", tags=["users"], responses=_SENT, openapi_extra=_UPLOAD)
async def put_avatar(identity: CurrentUser, db: CurrentDatabase, request: Request) -> Account:
    """Set your picture. It is made anew as squares, without what the file says of camera and place. `avatar_url` of the
    answer is its address, which everybody may read who knows it.
    """
    if identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change the account: it needs the scope write")
    assert identity.user_id is not None
    checksum, squares = await _receive(request, identity, Place("user", identity.user_id))
    async with db.as_user(identity.subject) as conn:
        address = await _insert(conn, "user_id", identity.user_id, checksum, squares)
        await account_queries.update_own_account(conn, json.dumps({"avatar_url": address}))
    return await get_account(identity, db)


@router.get("/users/me/avatar", tags=["users"], response_class=Response, responses=_SHOWN)
async def get_avatar(identity: CurrentUser, db: CurrentDatabase, request: Request, size: Size = 128) -> Response:
    """Return your picture, as WebP."""
    assert identity.user_id is not None
    return _show(request, await _find(db, "user_id", identity.user_id, size), "private, no-cache")


@router.delete("/users/me/avatar", status_code=204, tags=["users"], responses=_USUAL)
async def delete_avatar(identity: CurrentUser, db: CurrentDatabase) -> None:
    """Remove your picture. Your initials are shown instead."""
    if identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change the account: it needs the scope write")
    async with db.as_user(identity.subject) as conn:
        await account_queries.update_own_account(conn, json.dumps({"avatar_url": None}))


@router.put("/workspaces/{workspace_id}/icon", tags=["workspaces"], responses=_SENT, openapi_extra=_UPLOAD)
async def put_icon(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, request: Request, response: Response
) -> models.WorkspaceOut:
    """Set the icon of a workspace to a picture, as `users/me/avatar` does. `icon` of the answer is its address."""
    user_id = presentation.require_user_id(identity)
    async with db.as_user(user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.MANAGE)
    checksum, squares = await _receive(request, identity, Place("workspace", workspace_id, workspace_id))
    async with db.as_user(user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.MANAGE)
        address = await _insert(conn, "workspace_id", workspace_id, checksum, squares)
        await workspace_queries.update_workspace(conn, workspace_id, {"icon": address}, None)
        workspace = await presentation.get_workspace(conn, workspace_id)
    response.headers["etag"] = row_etag(workspace.row_version)
    return presentation.to_response(workspace, identity)


@router.get("/workspaces/{workspace_id}/icon", tags=["workspaces"], response_class=Response, responses=_SHOWN)
async def get_icon(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, request: Request, size: Size = 128
) -> Response:
    """Return the icon of a workspace, as WebP. 404 for an icon that is no picture."""
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.VIEW)
    return _show(request, await _find(db, "workspace_id", workspace_id, size), "private, no-cache")


@router.delete("/workspaces/{workspace_id}/icon", status_code=204, tags=["workspaces"], responses=_USUAL)
async def delete_icon(workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> None:
    """Remove the icon of a workspace, also one that is no picture."""
    user_id = presentation.require_user_id(identity)
    async with db.as_user(user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.MANAGE)
        await workspace_queries.update_workspace(conn, workspace_id, {"icon": None}, None)


@router.get("/pictures/{picture_id}/{checksum}", tags=["users"], response_class=Response, responses=_SHOWN)
async def get_picture(
    picture_id: UUID, checksum: str, db: CurrentDatabase, request: Request, size: Size = 128
) -> Response:
    """Return a picture by its address, without a credential: pages show it with `<img>`. What is at an address never
    changes, so browsers keep it for a year. A picture that was replaced is gone.
    """
    async with db.as_service() as conn:
        found = await queries.find_picture(conn, picture_id, _choose(size))
    if found is None or not found.address.endswith(f"/{checksum}"):
        raise NotFound(NO_PICTURE)
    return _show(request, found, "public, max-age=31536000, immutable")


async def _receive(request: Request, identity: Identity, place: Place) -> tuple[bytes, dict[int, bytes]]:
    """Return (SHA-256 of what was sent, the squares by size). Raises TooLarge, UnprocessableContent, TooMany, and as
    MalwareCheck.check.
    """
    from collab_server.features.attachments.files.images import make_squares

    body = await request.body()
    if len(body) > MAX_UPLOAD_BYTES:
        raise TooLarge(f"a picture may have at most {MAX_UPLOAD_BYTES} bytes")
    await attachment_services(request).attachments.malware.check(identity, place, "", once(body))
    squares = await attachment_services(request).converters.run(make_squares, body, SIZES)
    return hashlib.sha256(body).digest(), dict(zip(SIZES, squares, strict=True))


async def _insert(conn: Conn, owner: Owner, owner_id: UUID, checksum: bytes, squares: dict[int, bytes]) -> str:
    async with serving(conn):
        return await queries.insert_picture(conn, owner, owner_id, checksum, squares)


async def _find(db: CurrentDatabase, owner: Owner, owner_id: UUID, size: int) -> Picture:
    async with db.as_service() as conn:
        found = await queries.find_picture_of(conn, owner, owner_id, _choose(size))
    if found is None:
        raise NotFound(NO_PICTURE)
    return found


def _choose(size: int) -> int:
    return next((one for one in SIZES if one >= size), SIZES[-1])


def _show(request: Request, picture: Picture, cache_control: str) -> Response:
    etag = f'"{hashlib.sha256(picture.octets).hexdigest()[:32]}"'
    if (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    headers = {
        "etag": etag,
        "cache-control": cache_control,
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(picture.octets, media_type="image/webp", headers=headers)
