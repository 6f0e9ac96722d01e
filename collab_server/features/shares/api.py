"""Routes of the shares of a document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from collab_server.access.check import ABSENT
from collab_server.adapters.postgres_errors import (
    CheckViolation,
    ForeignKeyViolation,
    InsufficientPrivilege,
    UniqueViolation,
)
from collab_server.errors import (
    Conflict,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.auth.services import auth_services
from collab_server.features.documents import list_queries
from collab_server.features.documents.api import CurrentContext, to_page
from collab_server.features.documents.models import DocumentPage
from collab_server.features.shares import models, queries
from collab_server.features.shares.context import NO_SHARE, ShareContext, require_admin, to_fields
from collab_server.features.users.passwords import Passwords
from collab_server.security import tokens
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentMailer
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

MAX_SHARES = 500
"""Shares of one document that are not revoked."""
_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_WRITING = {**_USUAL, **documented(Conflict, UnprocessableContent)}
_LINKS_ONLY = ("name", "password", "max_uses")


async def make_context(
    request: Request, identity: CurrentIdentity, db: CurrentDatabase, mailer: CurrentMailer
) -> ShareContext:
    return ShareContext(identity, db, mailer, web_services(request).settings.base_url)


async def _passwords(request: Request) -> Passwords:
    return auth_services(request).passwords


CurrentShares = Annotated[ShareContext, Depends(make_context)]
CurrentPasswords = Annotated[Passwords, Depends(_passwords)]


@asynccontextmanager
async def translating_errors() -> AsyncIterator[None]:
    """Convert errors of PostgreSQL about shares to API errors."""
    try:
        yield
    except UniqueViolation:
        raise Conflict("the document is already shared with this person: change that share") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such person, tag or category") from None
    except InsufficientPrivilege:
        raise Forbidden("you may not share this document so") from None
    except CheckViolation:
        raise UnprocessableContent("a link cannot make administrators") from None


@router.get("/documents/{document_id}/shares", tags=["shares"], responses={**_USUAL, **documented(Malformed)})
async def list_shares(
    document_id: UUID,
    context: CurrentShares,
    response: Response,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> models.SharePage:
    """List the shares of a document, the oldest first. Needs the right to share it: it belongs to editors of the
    workspace, and to people to whom the document is shared as `admin`.
    """
    after = cursors.read_position(cursor, datetime, UUID, of="shares")
    async with context.db.as_user(context.identity.subject) as conn:
        await context.require_sharing(conn, document_id, writing=False)
        found = await queries.list_shares(conn, document_id, limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda share: (share.created_at, share.id), of="shares")
    response.headers["cache-control"] = "private, no-store"
    return models.SharePage(items=[models.ShareOut(**to_fields(share)) for share in page], next_cursor=more)


@router.post(
    "/documents/{document_id}/shares",
    status_code=201,
    tags=["shares"],
    responses={**_WRITING, **documented(LimitReached)},
)
async def create_share(
    document_id: UUID, body: models.ShareIn, context: CurrentShares, passwords: CurrentPasswords, response: Response
) -> models.NewShareOut:
    """Share a document with a person, or make a link. The link's token is shown only once. Nobody gives more than
    `write` without being an administrator of the document.
    """
    _check_kind(body)
    check_expiry(body.expires_at)
    async with context.db.as_user(context.identity.subject) as conn:
        require_admin(await context.require_sharing(conn, document_id), body.permission)
    token = tokens.new_link_token() if body.kind == "link" else None
    stored = await passwords.hash(body.password) if body.password is not None else None
    async with translating_errors(), context.db.as_user(context.identity.subject) as conn:
        await context.require_sharing(conn, document_id)
        if await queries.count_shares(conn, document_id) >= MAX_SHARES:
            raise LimitReached(f"at most {MAX_SHARES} shares of a document are allowed: revoke some")
        hashed = tokens.token_hash(token) if token else None
        made = await queries.insert_share(conn, document_id, body.model_dump(), hashed, stored)
        if made is None:
            raise NotFound(ABSENT)
        share = await context.get_share(conn, made)
        title = await queries.find_title(conn, document_id)
    mailed = await context.mail_share(share, title)
    response.headers["cache-control"] = "no-store"
    return to_new_share(context, share, token, mailed=mailed)


@router.get("/documents/{document_id}/shares/own", tags=["shares"], responses=_USUAL)
async def get_own_share(document_id: UUID, context: CurrentShares, response: Response) -> models.ShareOut:
    """Return the share of a document with you, which you may give back with `DELETE shares/{share_id}`."""
    context.require_person()
    async with context.db.as_user(context.identity.subject) as conn:
        share = await queries.find_own_share(conn, document_id)
    if share is None:
        raise NotFound(NO_SHARE)
    response.headers["cache-control"] = "private, no-store"
    return models.ShareOut(**to_fields(share))


def to_new_share(
    context: ShareContext, share: queries.Share, token: str | None, *, mailed: bool = False
) -> models.NewShareOut:
    """The answer to whoever made a share: the only one with the token of a link."""
    url = f"{context.base_url}/s/{token}" if token else None
    return models.NewShareOut(**to_fields(share), token=token, url=url, mailed=mailed)


@router.get("/shares/{share_id}", tags=["shares"], responses=_USUAL)
async def get_share(share_id: UUID, context: CurrentShares, response: Response) -> models.ShareOut:
    """Return a share of a document that you share, or one with yourself."""
    async with context.db.as_user(context.identity.subject) as conn:
        share = await context.get_share(conn, share_id)
    response.headers["cache-control"] = "private, no-store"
    return models.ShareOut(**to_fields(share))


@router.patch("/shares/{share_id}", tags=["shares"], responses=_WRITING)
async def patch_share(
    share_id: UUID, body: models.SharePatch, context: CurrentShares, passwords: CurrentPasswords
) -> models.ShareOut:
    """Change a share. It takes effect on open connections within a second. Another password ends what was opened
    before.
    """
    given: dict[str, Any] = body.model_dump(include=body.model_fields_set)
    if "permission" in given and given["permission"] is None:
        raise UnprocessableContent("permission: must not be null")
    check_expiry(given.get("expires_at"))
    if "password" in given:
        password = given.pop("password")
        given["password_hash"] = await passwords.hash(password) if password is not None else None
    async with translating_errors(), context.db.as_user(context.identity.subject) as conn:
        share = await context.get_share(conn, share_id)
        role = await context.require_changing(conn, share)
        for permission in (share.permission, given.get("permission", "read")):
            require_admin(role, permission)
        if share.document_id is None and given.get("permission", "read") != "read":
            raise UnprocessableContent("a link to many documents only reads")
        if not share.is_link and given.keys() & {"name", "password_hash", "max_uses"}:
            raise UnprocessableContent(f"{', '.join(_LINKS_ONLY)} are for links only")
        if not await queries.update_share(conn, share_id, given):
            raise NotFound(NO_SHARE)
        share = await context.get_share(conn, share_id)
    return models.ShareOut(**to_fields(share))


@router.delete("/shares/{share_id}", status_code=204, tags=["shares"], responses=_USUAL)
async def revoke_share(share_id: UUID, context: CurrentShares) -> None:
    """Revoke a share. Open connections end within a second. People may give back what is shared with them."""
    async with context.db.as_user(context.identity.subject) as conn:
        share = await context.get_share(conn, share_id)
        if share.grantee_id == context.require_person(writing=True):
            revoked = await queries.give_back_share(conn, share_id)
        else:
            require_admin(await context.require_changing(conn, share), share.permission)
            revoked = await queries.revoke_share(conn, share_id)
    if not revoked:
        raise NotFound(NO_SHARE)


@router.get(
    "/documents/shared",
    tags=["shares"],
    responses=documented(Unauthenticated, Forbidden, Malformed, Unavailable),
    response_model=DocumentPage,
)
async def list_shared(context: CurrentContext, limit: cursors.PageLimit = 50, cursor: str | None = None) -> Response:
    """List documents that are shared with you, the latest first; for a guest with a link, those that it opens."""
    if context.identity.link is None:
        context.require_person()
    after = cursors.read_position(cursor, datetime, UUID, of="shared")
    async with context.db.as_user(context.identity.subject) as conn:
        return to_page(context, await list_queries.list_shared(conn, limit + 1, after), limit, "shared")


def _check_kind(body: models.ShareIn) -> None:
    """Raises UnprocessableContent for fields of the other kind."""
    if body.kind == "user":
        if (body.user_id is None) == (body.email is None):
            raise UnprocessableContent("a share with a person needs either user_id or email")
        if any(getattr(body, field) is not None for field in _LINKS_ONLY):
            raise UnprocessableContent(f"{', '.join(_LINKS_ONLY)} are for links only")
    elif body.user_id is not None or body.email is not None:
        raise UnprocessableContent("a link is for whoever has it: user_id and email are for shares with a person")
    elif body.permission == "admin":
        raise UnprocessableContent("a link cannot make administrators")


def check_expiry(expires_at: datetime | None) -> None:
    """Raises UnprocessableContent for a time that has passed."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise UnprocessableContent("expires_at: must be in the future")
