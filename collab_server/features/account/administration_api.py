"""Routes for the server's administrators: user accounts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from collab_server.adapters.postgres import acting
from collab_server.adapters.postgres_errors import CheckViolation, UniqueViolation
from collab_server.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.account import changes
from collab_server.features.account import queries as account_queries
from collab_server.features.account.changes import NOBODY
from collab_server.features.account.models import NewUser, OneTimeLink, UserIn, UserPage, UserPatch
from collab_server.features.auth.links import make_sign_in_link
from collab_server.features.auth.signed_in import to_account
from collab_server.features.users import queries
from collab_server.features.users.models import Account
from collab_server.web import cursors
from collab_server.web.depends import CurrentAdministrator, CurrentDatabase
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, Unavailable)
_ONE = {**_USUAL, **documented(NotFound, Conflict)}


@router.get("/users", tags=["administration"], responses={**_USUAL, **documented(Malformed)})
async def list_users(
    _: CurrentAdministrator,
    db: CurrentDatabase,
    q: Annotated[str, Query(max_length=320)] = "",
    cursor: str | None = None,
    limit: cursors.PageLimit = 50,
) -> UserPage:
    """List all accounts, the newest first. `q`: part of an e-mail address or a name."""
    after = cursors.read_position(cursor, datetime, UUID, of="users")
    async with db.as_service() as conn:
        found = await account_queries.list_page(conn, q.strip(), limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda user: (user.created_at, user.id), of="users")
    return UserPage(items=[to_account(user) for user in page], next_cursor=more)


@router.post(
    "/users",
    status_code=201,
    tags=["administration"],
    responses={**_USUAL, **documented(Conflict, UnprocessableContent)},
)
async def create_user(body: UserIn, who: CurrentAdministrator, db: CurrentDatabase, request: Request) -> NewUser:
    """Create an account, with a one-time sign-in link for its owner."""
    try:
        async with db.as_service() as conn, acting(conn, who.user_id):
            user_id = await queries.insert_user(conn, body.email, body.display_name, body.role)
            await queries.insert_personal_workspace(
                conn, user_id, body.display_name or body.email, body.email.partition("@")[0]
            )
            link = await make_sign_in_link(conn, user_id, web_services(request).settings, "administrator", who.user_id)
            user = await queries.find_user_by_id(conn, user_id)
    except UniqueViolation:
        raise Conflict(f"there is a user {body.email} already") from None
    except CheckViolation:
        raise UnprocessableContent("this is not an e-mail address") from None
    assert user is not None
    return NewUser(user=to_account(user), link=link)


@router.get("/users/{user_id}", tags=["administration"], responses={**_USUAL, **documented(NotFound)})
async def get_user(user_id: UUID, _: CurrentAdministrator, db: CurrentDatabase) -> Account:
    """One account."""
    async with db.as_service() as conn:
        user = await queries.find_user_by_id(conn, user_id)
    if user is None:
        raise NotFound(NOBODY)
    return to_account(user)


@router.patch("/users/{user_id}", tags=["administration"], responses=_ONE)
async def patch_user(user_id: UUID, body: UserPatch, who: CurrentAdministrator, db: CurrentDatabase) -> Account:
    """Deactivate or reactivate, change the role, the name, or single features."""
    async with db.as_service() as conn, acting(conn, who.user_id):
        if body.role is not None:
            await changes.set_role(conn, user_id, body.role)
        if body.is_active is not None:
            await changes.set_active(conn, user_id, is_active=body.is_active)
        if body.features is not None:
            await changes.set_features(conn, user_id, {flag.value: on for flag, on in body.features.items()})
        if "display_name" in body.model_fields_set:
            await account_queries.update_display_name(conn, user_id, body.display_name)
        user = await queries.find_user_by_id(conn, user_id)
        if user is None:
            raise NotFound(NOBODY)
    return to_account(user)


@router.delete("/users/{user_id}", status_code=204, tags=["administration"], responses=_ONE)
async def delete_user(user_id: UUID, who: CurrentAdministrator, db: CurrentDatabase) -> None:
    """Delete an account, as its owner could."""
    async with db.as_service() as conn, acting(conn, who.user_id):
        await changes.delete_user(conn, user_id)


@router.post("/users/{user_id}/link", tags=["administration"], responses=_ONE)
async def create_link(user_id: UUID, who: CurrentAdministrator, db: CurrentDatabase, request: Request) -> OneTimeLink:
    """Create a link for a user with a lost password. The link signs the user in."""
    async with db.as_service() as conn, acting(conn, who.user_id):
        user = await queries.find_user_by_id(conn, user_id)
        if user is None:
            raise NotFound(NOBODY)
        if not user.is_active:
            raise Conflict("the user is deactivated")
        link = await make_sign_in_link(conn, user_id, web_services(request).settings, "administrator", who.user_id)
        return OneTimeLink(link=link)
