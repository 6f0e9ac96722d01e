"""Routes of signing in and out, and of sessions."""

from uuid import UUID

from fastapi import Depends, Request, Response

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.adapters.postgres import acting, attribute
from collab_server.errors import (
    CsrfRejected,
    Forbidden,
    InvalidCredentials,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.features.auth import links, models, session_queries, throttle, token_queries
from collab_server.features.auth.services import auth_services
from collab_server.features.auth.sessions import BY_LINK, open_session
from collab_server.features.auth.signed_in import to_signed_in
from collab_server.features.users import feature_flags, queries
from collab_server.security import tokens
from collab_server.web.cookies import clear_session_cookie, session_token
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentUser, current_identity, own_page
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services
from collab_server.web.user_agents import device_of

router = _router()

_SIGNING_IN = documented(InvalidCredentials, CsrfRejected, TooMany, Unavailable)
_USUAL = documented(Unauthenticated, Forbidden, Unavailable)


@router.get("/auth/providers", tags=["auth"], responses=documented(Malformed))
async def providers(request: Request) -> models.Providers:
    """The ways to sign in to this server."""
    settings = web_services(request).settings
    oidc = None
    if settings.oidc_issuer and settings.oidc_client_id:
        oidc = models.Provider(name=settings.oidc_name, login_url="/api/v1/auth/oidc/login")
    return models.Providers(
        local=True,
        oidc=oidc,
        guests=settings.effective_guest_role != "none",
        registration=settings.registration,
        mail=web_services(request).mailer.configured,
    )


@router.post("/auth/login", tags=["auth"], responses=_SIGNING_IN, dependencies=[Depends(own_page)])
async def login(body: models.LoginIn, db: CurrentDatabase, request: Request, response: Response) -> models.SignedIn:
    """Sign in with e-mail and password. The error is the same for an unknown account and a wrong password."""
    services = auth_services(request)
    settings, passwords, sign_ins = services.settings, services.passwords, services.sign_ins
    async with db.as_service() as conn:
        found = await session_queries.find_credentials(conn, body.email)
    user_id = found.user_id if found else None
    try:
        attempt = await throttle.begin(db, body.email)
    except TooMany:
        sign_ins.record_failure("throttled", account=body.email, user_id=user_id)
        raise
    stored = found.password_hash if found else None
    if not await passwords.verify(stored, body.password):
        sign_ins.record_failure("wrong_password", account=body.email, user_id=user_id)
        raise InvalidCredentials("the e-mail or the password is wrong")
    assert found is not None
    assert stored is not None
    renewed = await passwords.hash(body.password) if passwords.is_outdated(stored) else None
    async with db.as_service() as conn, acting(conn, found.user_id):
        await throttle.reset_attempts(conn, attempt, found.user_id)
        if renewed is not None:
            await session_queries.update_password_if(conn, found.user_id, stored, renewed)
        session = await open_session(
            conn,
            found.user_id,
            settings=settings,
            by="password",
            instead_of=session_token(request, settings),
        )
        user = await queries.find_user_by_id(conn, found.user_id)
    if user is None:
        raise InvalidCredentials("the e-mail or the password is wrong")
    return to_signed_in(user, session, request, response)


@router.post("/auth/link", tags=["auth"], responses=_SIGNING_IN, dependencies=[Depends(own_page)])
async def enter_by_link(
    body: models.LinkIn, db: CurrentDatabase, request: Request, response: Response
) -> models.SignedIn:
    """Sign in with a one-time link's token."""
    settings = web_services(request).settings
    try:
        async with db.as_service() as conn, acting(conn, None):
            link = await links.take(conn, body.token, "sign_in")
            assert link.user_id is not None
            await attribute(conn, link.user_id)
            session = await open_session(
                conn,
                link.user_id,
                settings=settings,
                by=BY_LINK[link.made_for] if link.made_for else None,
                instead_of=session_token(request, settings),
                link_made_by=link.made_by,
            )
            user = await queries.find_user_by_id(conn, link.user_id)
    except InvalidCredentials:
        auth_services(request).sign_ins.record_failure("link")
        raise
    assert user is not None
    return to_signed_in(user, session, request, response)


@router.post("/auth/logout", status_code=204, tags=["auth"], responses=documented(CsrfRejected, Unavailable))
async def logout(db: CurrentDatabase, request: Request, response: Response) -> None:
    """End this session. The cookie goes in any case."""
    try:
        identity: Identity | None = await current_identity(request)
    except Unauthenticated:
        identity = None
    if identity and identity.credential and identity.credential.kind == "session" and identity.credential.id:
        async with db.as_user(identity.subject) as conn:
            await session_queries.delete_session(conn, identity.credential.id)
        auth_services(request).sign_ins.record_end(identity.user_id, identity.credential.id)
    clear_session_cookie(response, request)


@router.get("/auth/sessions", tags=["auth"], responses=_USUAL)
async def list_sessions(identity: CurrentUser, db: CurrentDatabase) -> models.SessionList:
    """List your sessions, the last used first."""
    async with db.as_user(identity.subject) as conn:
        found = await session_queries.list_sessions(conn)
    current = _to_session(identity)
    return models.SessionList(
        items=[
            models.SessionOut(
                id=session.id,
                current=session.id == current,
                created_at=session.created_at,
                last_activity_at=session.last_activity_at,
                expires_at=session.expires_at,
                user_agent=session.user_agent,
                ip_address=str(getattr(session.ip_address, "ip", session.ip_address)) if session.ip_address else None,
                device=session.device,
                device_name=device_of(session.user_agent or "")[1],
                signed_in_by=session.signed_in_by,
            )
            for session in found
        ]
    )


@router.delete(
    "/auth/sessions/{session_id}", status_code=204, tags=["auth"], responses={**_USUAL, **documented(NotFound)}
)
async def end_session(session_id: UUID, identity: CurrentUser, db: CurrentDatabase, request: Request) -> None:
    """End a session. API tokens created in that session are revoked; `auth/logout` keeps them."""
    _require_full(identity)
    async with db.as_user(identity.subject) as conn:
        if not await session_queries.delete_session(conn, session_id):
            raise NotFound("there is no such session")
        await token_queries.revoke_tokens_made_in(conn, [session_id])
    auth_services(request).sign_ins.record_end(identity.user_id, session_id)


@router.delete("/auth/sessions", status_code=204, tags=["auth"], responses=_USUAL)
async def end_other_sessions(identity: CurrentUser, db: CurrentDatabase) -> None:
    """End all your other sessions. API tokens created in them are revoked."""
    _require_full(identity)
    assert identity.user_id is not None
    async with db.as_service() as conn, acting(conn, identity.user_id):
        ended = await session_queries.delete_sessions_of(conn, identity.user_id, keep=_to_session(identity))
        await token_queries.revoke_tokens_made_in(conn, ended)


@router.get("/auth/me", tags=["auth"], responses=_USUAL)
async def me(identity: CurrentIdentity, db: CurrentDatabase, request: Request, response: Response) -> models.Me:
    """Describe the caller: user, guest, or bearer of a connect token."""
    settings = web_services(request).settings
    async with db.as_user(identity.subject) as conn:
        workspace = await queries.find_default_workspace(conn, settings.default_workspace)
    user = None
    if identity.kind == "user" and identity.user_id is not None:
        async with db.as_service() as conn:
            user = await queries.find_user_by_id(conn, identity.user_id)
    brief = models.WorkspaceBrief(id=workspace.id, slug=workspace.slug, name=workspace.name) if workspace else None
    connect = identity.kind == "connect"
    cookie = session_token(request, settings) if _to_session(identity) else None
    response.headers["cache-control"] = "no-store"
    return models.Me(
        kind=identity.kind,
        id=identity.user_id,
        name=identity.name,
        email=user.email if user else None,
        avatar_url=user.avatar_url if user else None,
        role=user.role if user else None,
        is_admin=identity.is_admin,
        csrf_token=tokens.csrf_token(cookie) if cookie else None,
        features=feature_flags.resolve_flags(user.features if user else "{}"),
        has_password=user.has_password if user else False,
        default_workspace=None if connect else brief,
        can_create=bool(workspace and workspace.can_create and not connect and identity.role_cap >= Role.EDITOR),
    )


def _to_session(identity: Identity) -> UUID | None:
    credential = identity.credential
    return credential.id if credential and credential.kind == "session" else None


def _require_full(identity: Identity) -> None:
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not change the account: it needs the scope admin")
