"""The route that opens a link: it takes the token and the password, and returns a token that needs no password."""

from datetime import UTC, datetime, timedelta

from fastapi import Request, Response

from collab_server.access import queries as access_queries
from collab_server.access.links import is_link_token
from collab_server.errors import (
    InvalidCredentials,
    NotFound,
    ShareEnded,
    SharePasswordRequired,
    ShareUsedUp,
    TooMany,
    Unavailable,
)
from collab_server.features.auth import throttle
from collab_server.features.shares import models, queries
from collab_server.features.shares.api import CurrentPasswords
from collab_server.security import tokens
from collab_server.web.depends import CurrentDatabase
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

OPENED_DAYS = 30
"""Lifetime of the token of an opened link, unless the link ends earlier."""


@router.post(
    "/shares/open", tags=["shares"], responses=documented(ShareEnded, ShareUsedUp, NotFound, TooMany, Unavailable)
)
async def open_share(
    body: models.OpenIn, db: CurrentDatabase, passwords: CurrentPasswords, request: Request, response: Response
) -> models.OpenOut:
    """Open a link. This counts as a use. The answered token is valid without the password: as `?share=`, as a bearer
    token, in the header `X-Share-Token`, or the Hocuspocus token `share:<token>`. A link with a password answers 401
    `share_password_required`; wrong passwords and unknown tokens are limited to ten a minute.
    """
    async with db.as_service() as conn:
        hashed = tokens.token_hash(body.token)
        link = await access_queries.find_link(conn, hashed) if is_link_token(body.token) else None
    if link is None:
        await throttle.count_unknown_link(db, throttle.get_caller_address())
        raise NotFound("there is no such link")
    if not link.is_active:
        raise ShareEnded("the link was revoked, or its time is over")
    if link.has_password:
        if body.password is None:
            raise SharePasswordRequired("the link has a password")
        attempt = await throttle.begin_link(db, link.id)
        async with db.as_service() as conn:
            stored = await queries.find_password(conn, link.id)
        if stored is not None and not await passwords.verify(stored, body.password):
            raise InvalidCredentials("the password is wrong")
        await throttle.reset_link(db, attempt)
    async with db.as_service() as conn:
        found = await queries.find_scope_name(conn, link.id)
        if found is None:
            raise NotFound("what the link opened is deleted")
        if not await access_queries.count_use(conn, link.id):
            raise ShareUsedUp("the link was opened as often as it may be")
    scope, title = found
    ends = datetime.now(UTC) + timedelta(days=OPENED_DAYS)
    if link.expires_at is not None:
        ends = min(ends, link.expires_at)
    claims: dict[str, object] = {
        "document": str(link.document_id or ""),
        "role": "admin",
        "name": body.name or "",
        "sub": "",
        "by": "",
        "made_by": str(link.opening_id),
        "share": str(link.id),
    }
    token = web_services(request).signer.sign(claims, (ends - datetime.now(UTC)).total_seconds())
    response.headers["cache-control"] = "no-store"
    return models.OpenOut(
        token=token,
        document_id=link.document_id,
        scope=scope,  # type: ignore[arg-type]
        title=title,
        permission=link.permission,  # type: ignore[arg-type]
        expires_at=ends,
    )
