"""Routes of one's own account and settings."""

import json
from typing import Annotated, get_args

from fastapi import Body, Request, Response

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.adapters.postgres import acting
from collab_server.adapters.postgres_errors import UniqueViolation
from collab_server.errors import (
    Conflict,
    Forbidden,
    InvalidCredentials,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.features.account import changes
from collab_server.features.account import queries as account_queries
from collab_server.features.account.models import AccountPatch, DeletionConfirmation
from collab_server.features.account.settings_models import (
    NAMED_SETTINGS,
    EditorMode,
    UserSettings,
    UserSettingsPatch,
)
from collab_server.features.auth import session_queries, throttle
from collab_server.features.auth.reauthentication import reauthenticate
from collab_server.features.auth.signed_in import to_account
from collab_server.features.users import queries
from collab_server.features.users.models import Account
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
        raise Unauthenticated("the account no longer exists")
    return to_account(user)


@router.patch("/users/me", tags=["users"], responses={**_USUAL, **documented(Conflict)})
async def patch_account(body: AccountPatch, identity: CurrentUser, db: CurrentDatabase) -> Account:
    """Change how others see you."""
    _require_write(identity)
    patch = body.model_dump(exclude_unset=True)
    try:
        async with db.as_user(identity.subject) as conn:
            await account_queries.update_own_account(conn, json.dumps(patch))
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
    body: Annotated[DeletionConfirmation | None, Body()] = None,
) -> None:
    """Delete your account. Your texts in shared workspaces stay without your name. Your teams pass to their next
    member.
    """
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not delete the account: it needs the scope admin")
    assert identity.user_id is not None
    confirmation = body or DeletionConfirmation()
    async with db.as_service() as conn:
        found = await session_queries.find_credentials_of(conn, identity.user_id)
    if found is None:
        raise InvalidCredentials("the account is not active")
    attempt = None
    if found.password_hash is not None:
        attempt = await reauthenticate(request, found, confirmation.password)
    elif (confirmation.confirm or "").casefold() != found.email.casefold():
        raise InvalidCredentials("confirm with your own e-mail address")
    async with db.as_service() as conn, acting(conn, identity.user_id):
        if attempt is not None:
            await throttle.reset_attempts(conn, attempt, identity.user_id)
        await changes.delete_user(conn, identity.user_id)
    clear_session_cookie(response, request)


@router.get("/users/me/settings", tags=["users"], responses=_USUAL)
async def get_settings(identity: CurrentUser, db: CurrentDatabase) -> UserSettings:
    """How you like to work."""
    async with db.as_user(identity.subject) as conn:
        found = await account_queries.find_settings(conn)
    return _to_settings(found or account_queries.SettingsRow("system", "en", "{}", "{}", "{}", "{}"))


@router.patch("/users/me/settings", tags=["users"], responses=_USUAL)
async def patch_settings(body: UserSettingsPatch, identity: CurrentUser, db: CurrentDatabase) -> UserSettings:
    """Change how you like to work."""
    _require_write(identity)
    async with db.as_user(identity.subject) as conn:
        fields = body.to_columns()
        kept = {name: fields.pop(name) for name in NAMED_SETTINGS if name in fields}
        return _to_settings(await account_queries.upsert_settings(conn, json.dumps(fields), kept))


def _to_settings(row: account_queries.SettingsRow) -> UserSettings:
    extra = json.loads(row.extra)
    # Older clients may have stored any value under these names.
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
    """Return whether the value is among these, with the same type, so 1 is not True."""
    return any(type(value) is type(one) and value == one for one in values)


def _require_write(identity: Identity) -> None:
    if identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change the account: it needs the scope write")
