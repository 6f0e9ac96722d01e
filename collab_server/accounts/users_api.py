"""Routes of one's own account and settings."""

import json
from typing import Annotated, get_args

from fastapi import Body, Request, Response

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.accounts import changes, queries, session_queries, throttle, user_queries
from collab_server.accounts.models import Account
from collab_server.accounts.proof import prove_password
from collab_server.accounts.signed_in import shown
from collab_server.accounts.user_models import NAMED, AccountPatch, EditorMode, Leaving, UserSettings, UserSettingsPatch
from collab_server.backends.db import UniqueViolation, acting
from collab_server.errors import (
    Conflict,
    Forbidden,
    InvalidCredentials,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.web.cookies import clear_session_cookie
from collab_server.web.depends import CurrentDatabase, CurrentUser
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, Unavailable)


@router.get("/users/me", tags=["users"], responses=_USUAL)
async def get_account(identity: CurrentUser, db: CurrentDatabase) -> Account:
    """Your account."""
    assert identity.user_id is not None
    async with db.as_service() as conn:
        user = await queries.find_user_by_id(conn, identity.user_id)
    if user is None:
        raise Unauthenticated("the account is gone")
    return shown(user)


@router.patch("/users/me", tags=["users"], responses={**_USUAL, **documented(Conflict)})
async def patch_account(body: AccountPatch, identity: CurrentUser, db: CurrentDatabase) -> Account:
    """Change how others see you."""
    _require_write(identity)
    patch = body.model_dump(exclude_unset=True)
    try:
        async with db.as_user(identity.user_id) as conn:
            await user_queries.update_own_account(conn, json.dumps(patch))
    except UniqueViolation:
        raise Conflict(f"the username {body.username} is taken") from None
    return await get_account(identity, db)


@router.delete(
    "/users/me",
    status_code=204,
    tags=["users"],
    responses=documented(InvalidCredentials, Forbidden, Conflict, TooMany, Unavailable),
)
async def delete_account(
    identity: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
    body: Annotated[Leaving | None, Body()] = None,
) -> None:
    """Delete your account. What you wrote in shared workspaces stays, without your name; your teams pass to their
    next member.
    """
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not delete the account: it needs the scope admin")
    assert identity.user_id is not None
    proof = body or Leaving()
    async with db.as_service() as conn:
        found = await session_queries.find_credentials_of(conn, identity.user_id)
    if found is None:
        raise InvalidCredentials("the account is not active")
    attempt = None
    if found.password_hash is not None:
        attempt = await prove_password(request, found, proof.password)
    elif (proof.confirm or "").casefold() != found.email.casefold():
        raise InvalidCredentials("confirm with your own e-mail address")
    async with db.as_service() as conn, acting(conn, identity.user_id):
        if attempt is not None:
            await throttle.forgive(conn, attempt, identity.user_id)
        await changes.delete_user(conn, identity.user_id)
    clear_session_cookie(response, request)


@router.get("/users/me/settings", tags=["users"], responses=_USUAL)
async def get_settings(identity: CurrentUser, db: CurrentDatabase) -> UserSettings:
    """How you like to work."""
    async with db.as_user(identity.user_id) as conn:
        found = await user_queries.find_settings(conn)
    return _settings(found or user_queries.SettingsRow("system", "en", "{}", "{}", "{}", "{}"))


@router.patch("/users/me/settings", tags=["users"], responses=_USUAL)
async def patch_settings(body: UserSettingsPatch, identity: CurrentUser, db: CurrentDatabase) -> UserSettings:
    """Change how you like to work."""
    _require_write(identity)
    async with db.as_user(identity.user_id) as conn:
        fields = body.model_dump(exclude_none=True)
        kept = {name: fields.pop(name) for name in NAMED if name in fields}
        return _settings(await user_queries.upsert_settings(conn, json.dumps(fields), kept))


def _settings(row: user_queries.SettingsRow) -> UserSettings:
    extra = json.loads(row.extra)
    # What a client kept there under such a name before it had a place may be anything.
    good = {"editor_mode": get_args(EditorMode), "ai_enabled": (True, False), "notifications_enabled": (True, False)}
    named = {name: extra.pop(name) for name, values in good.items() if _is_among(extra.get(name), values)}
    return UserSettings.model_validate(
        {
            **named,
            "theme": row.theme,
            "language": row.language,
            "editor": json.loads(row.editor),
            "render": json.loads(row.render),
            "notifications": json.loads(row.notifications),
            "extra": extra,
        }
    )


def _is_among(value: object, values: tuple[object, ...]) -> bool:
    """1 is not True here."""
    return any(type(value) is type(one) and value == one for one in values)


def _require_write(identity: Identity) -> None:
    if identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change the account: it needs the scope write")
