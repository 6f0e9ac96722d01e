"""Routes of API tokens, the credentials of programs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Response

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.adapters.postgres import acting
from collab_server.errors import Forbidden, LimitReached, NotFound, Unauthenticated, Unavailable
from collab_server.features.auth import token_queries as tokens
from collab_server.features.auth.token_models import NewToken, TokenIn, TokenList, TokenOut, TokenParent
from collab_server.features.users import feature_flags
from collab_server.security import tokens as crypto
from collab_server.web.depends import CurrentDatabase, CurrentUser
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

MAX_TOKENS = 200
_USUAL = documented(Unauthenticated, Forbidden, Unavailable)


@router.get("/auth/tokens", tags=["tokens"], responses=_USUAL)
async def list_tokens(identity: CurrentUser, db: CurrentDatabase) -> TokenList:
    """Your API tokens, the newest first."""
    async with db.as_user(identity.subject) as conn:
        found = await tokens.list_tokens(conn, MAX_TOKENS)
    return TokenList(items=[TokenOut(**_to_fields(token)) for token in found])


@router.post("/auth/tokens", status_code=201, tags=["tokens"], responses={**_USUAL, **documented(LimitReached)})
async def create_token(body: TokenIn, identity: CurrentUser, db: CurrentDatabase, response: Response) -> NewToken:
    """Create an API token. Its secret is shown only once. Needs a session, or a token with the scope admin; revoking
    that token revokes the new one.
    """
    _check_not_beyond(identity, body)
    assert identity.user_id is not None
    secret = crypto.new_api_token()
    made_by = identity.credential
    kind, parent = (made_by.kind, made_by.id) if made_by else (None, None)
    async with db.as_service() as conn, acting(conn, identity.user_id):
        if (kind == "session" or kind == "token") and parent and not await tokens.lock_parent(conn, kind, parent):
            raise Unauthenticated("the session or token has ended")
        if await tokens.count_tokens(conn, identity.user_id) >= MAX_TOKENS:
            raise LimitReached(f"at most {MAX_TOKENS} tokens are allowed: revoke some")
        await feature_flags.require(conn, identity.user_id, feature_flags.Feature.API_TOKENS)
        made = await tokens.insert_token(
            conn,
            identity.user_id,
            body.name,
            crypto.token_hash(secret),
            [body.scope],
            body.expires_in_days,
            parent_token=parent if kind == "token" else None,
            parent_session=parent if kind == "session" else None,
        )
    response.headers["cache-control"] = "no-store"
    return NewToken(**_to_fields(made), token=secret)


@router.delete(
    "/auth/tokens/{token_id}", status_code=204, tags=["tokens"], responses={**_USUAL, **documented(NotFound)}
)
async def revoke_token(token_id: UUID, identity: CurrentUser, db: CurrentDatabase) -> None:
    """Revoke a token and its descendants. A token may always revoke itself; other tokens need the scope admin."""
    itself = identity.credential is not None and identity.credential.id == token_id
    if identity.role_cap < Role.ADMIN and not itself:
        raise Forbidden("this token may revoke only itself: other tokens need the scope admin")
    async with db.as_user(identity.subject) as conn:
        if not await tokens.revoke_own_token(conn, token_id):
            raise NotFound("there is no such token")


def _check_not_beyond(identity: Identity, wanted: TokenIn) -> None:
    """Raises Forbidden: a token creates others only with the scope admin, and none with a longer lifetime."""
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not create tokens: it needs the scope admin")
    if identity.credential is None or identity.credential.kind == "session" or identity.expires_at is None:
        return
    if wanted.expires_in_days is None or (
        datetime.now(UTC) + timedelta(days=wanted.expires_in_days) > identity.expires_at
    ):
        raise Forbidden(
            f"this token ends at {identity.expires_at:%Y-%m-%d %H:%M}Z, and may not create one that ends later"
        )


def _to_fields(token: tokens.Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "expires_at": token.expires_at,
        "parent": TokenParent(kind=token.parent_kind, id=token.parent_id, name=token.parent_name)
        if token.parent_kind and token.parent_id
        else None,
    }
