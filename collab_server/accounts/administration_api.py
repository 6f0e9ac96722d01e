"""Routes of the server's administrators: who has an account here."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from collab_server.accounts import changes, queries, user_queries
from collab_server.accounts.changes import NOBODY
from collab_server.accounts.links import make_sign_in_link
from collab_server.accounts.models import Account
from collab_server.accounts.signed_in import shown
from collab_server.accounts.user_models import NewUser, OneTimeLink, UserIn, UserPage, UserPatch
from collab_server.backends.db import CheckViolation, UniqueViolation, acting
from collab_server.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.web import cursors
from collab_server.web.depends import CurrentAdministrator, CurrentDatabase
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, Unavailable)
_ONE = {**_USUAL, **documented(NotFound, Conflict)}


@router.get("/users", tags=["administration"], responses={**_USUAL, **documented(Malformed)})
async def list_users(
    _: CurrentAdministrator,
    db: CurrentDatabase,
    q: Annotated[str, Query(max_length=320)] = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> UserPage:
    """Everybody who has an account, the newest first. `q`: part of an e-mail address or a name."""
    after: tuple[datetime, UUID] | None = None
    if cursor is not None:
        kind, *position = cursors.decode(cursor, str, datetime, UUID)
        if kind != "users":
            raise Malformed("the cursor is not one of this list")
        after = (position[0], position[1])
    async with db.as_service() as conn:
        found = await user_queries.list_page(conn, q.strip(), limit + 1, after)
    page = found[:limit]
    more = cursors.encode("users", page[-1].created_at, page[-1].id) if len(found) > limit else None
    return UserPage(items=[shown(user) for user in page], next_cursor=more)


@router.post(
    "/users",
    status_code=201,
    tags=["administration"],
    responses={**_USUAL, **documented(Conflict, UnprocessableContent)},
)
async def create_user(body: UserIn, who: CurrentAdministrator, db: CurrentDatabase, request: Request) -> NewUser:
    """Make an account, with a link for its owner to come in by."""
    try:
        async with db.as_service() as conn, acting(conn, who.user_id):
            user_id = await queries.insert_user(conn, body.email, body.display_name, body.role)
            await queries.insert_personal_workspace(
                conn, user_id, body.display_name or body.email, body.email.partition("@")[0]
            )
            link = await make_sign_in_link(conn, user_id, request.state.settings, "administrator", who.user_id)
            user = await queries.find_user_by_id(conn, user_id)
    except UniqueViolation:
        raise Conflict(f"there is a user {body.email} already") from None
    except CheckViolation:
        raise UnprocessableContent("this is not an e-mail address") from None
    assert user is not None
    return NewUser(user=shown(user), link=link)


@router.get("/users/{user_id}", tags=["administration"], responses={**_USUAL, **documented(NotFound)})
async def get_user(user_id: UUID, _: CurrentAdministrator, db: CurrentDatabase) -> Account:
    """One account."""
    async with db.as_service() as conn:
        user = await queries.find_user_by_id(conn, user_id)
    if user is None:
        raise NotFound(NOBODY)
    return shown(user)


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
            await user_queries.update_display_name(conn, user_id, body.display_name)
        user = await queries.find_user_by_id(conn, user_id)
        if user is None:
            raise NotFound(NOBODY)
    return shown(user)


@router.delete("/users/{user_id}", status_code=204, tags=["administration"], responses=_ONE)
async def delete_user(user_id: UUID, who: CurrentAdministrator, db: CurrentDatabase) -> None:
    """Delete an account, as its owner could."""
    async with db.as_service() as conn, acting(conn, who.user_id):
        await changes.delete_user(conn, user_id)


@router.post("/users/{user_id}/link", tags=["administration"], responses=_ONE)
async def create_link(user_id: UUID, who: CurrentAdministrator, db: CurrentDatabase, request: Request) -> OneTimeLink:
    """A link that signs this user in, for whom a password is lost."""
    async with db.as_service() as conn, acting(conn, who.user_id):
        user = await queries.find_user_by_id(conn, user_id)
        if user is None:
            raise NotFound(NOBODY)
        if not user.is_active:
            raise Conflict("the user is deactivated")
        link = await make_sign_in_link(conn, user_id, request.state.settings, "administrator", who.user_id)
        return OneTimeLink(link=link)
