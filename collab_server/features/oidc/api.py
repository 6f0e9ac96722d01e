"""Routes of sign-in with an OpenID Connect provider. Every answer redirects the browser.

Errors end at `/signin?error=<code>&next=<path>`; the codes are listed at `callback`.
"""

from typing import Annotated, Any, Protocol
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from collab_server.adapters.postgres import Database, acting
from collab_server.adapters.postgres_errors import UniqueViolation
from collab_server.errors import CollabError, CsrfRejected, LostRace, NotFound, Unavailable
from collab_server.features.auth import session_queries
from collab_server.features.auth.services import auth_services
from collab_server.features.auth.sessions import NewSession, open_session
from collab_server.features.oidc import queries as oidc_queries
from collab_server.features.oidc.oidc import ATTEMPT_SECONDS, Oidc, SignInRefused, Vouched, check_local_path
from collab_server.features.oidc.people import find_or_create_user, read_person
from collab_server.security import tokens
from collab_server.web.cookies import clear_session_cookie, is_secure, session_token, set_session_cookie
from collab_server.web.depends import CurrentDatabase
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

CALLBACK = "/api/v1/auth/oidc/callback"
MAX_ATTEMPTS = 5
"""Maximum number of pending sign-ins in one browser; older ones are dropped."""


class OidcServices(Protocol):
    """`oidc` is None without a provider."""

    oidc: Oidc | None


async def _get_provider(request: Request) -> Oidc:
    services: OidcServices = request.state.services
    oidc = services.oidc
    if oidc is None or not oidc.client_id:
        raise NotFound("this server has no sign-in provider")
    return oidc


CurrentProvider = Annotated[Oidc, Depends(_get_provider)]
_SENT_ON: dict[int | str, dict[str, Any]] = {
    303: {"description": "Redirect to the provider, to the page, or to the sign-in page with an error"}
}


@router.get("/auth/oidc/login", status_code=303, tags=["auth"], responses={**_SENT_ON, **documented(NotFound)})
async def login(
    oidc: CurrentProvider,
    request: Request,
    next_path: Annotated[str, Query(alias="next", description="The page to end at, such as `/d/plan`.")] = "/",
) -> Response:
    """Go and sign in at the provider."""
    next_path = check_local_path(next_path)
    try:
        url, attempt = await oidc.begin(next_path, _get_base_url(request) + CALLBACK)
    except CollabError as error:
        return _to_sign_in(error.code, next_path)
    answer = _make_redirect(url)
    waiting = [name for name in request.cookies if name.startswith(_get_cookie_prefix(request))]
    for name in waiting if len(waiting) >= MAX_ATTEMPTS else ():
        _delete_cookie(answer, request, name)
    answer.set_cookie(
        _make_cookie_name(request, attempt.state),
        oidc.seal(attempt),
        max_age=int(ATTEMPT_SECONDS),
        path="/",
        secure=is_secure(web_services(request).settings),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/auth/oidc/callback", status_code=303, tags=["auth"], responses={**_SENT_ON, **documented(NotFound)})
async def callback(oidc: CurrentProvider, db: CurrentDatabase, request: Request) -> Response:
    """Sign in after the return from the provider, and redirect to the page given to `login`. Errors: `state_mismatch`
    (a sign-in of another browser, or expired: begin again), `access_denied`, `provider_refused`, `code_refused`,
    `invalid_id_token` (with `reason`), `email_missing`, `email_unverified`, `email_taken` (an account has this address
    but may belong to another person: sign in to it as before), `not_provisioned`, `deactivated`,
    `provider_unavailable`, `unavailable`.
    """
    query = dict(request.query_params)
    state = query.get("state", "")
    cookie, next_path = _make_cookie_name(request, state), "/"
    try:
        attempt = oidc.recall(request.cookies.get(cookie), state)
        next_path = attempt.next
        vouched = await oidc.finish(attempt, query)
        session = await _open_session(oidc, db, vouched, request)
    except SignInRefused as refused:
        auth_services(request).sign_ins.record_failure("provider")
        answer = _to_sign_in(refused.code, next_path, refused.reason)
    except CollabError as error:
        answer = _to_sign_in(error.code, next_path)
    else:
        answer = _make_redirect(next_path)
        set_session_cookie(answer, request, session)
        auth_services(request).sign_ins.record_success(session)
    if cookie in request.cookies:
        _delete_cookie(answer, request, cookie)
    return answer


@router.get(
    "/auth/oidc/logout", status_code=303, tags=["auth"], responses={**_SENT_ON, **documented(NotFound, CsrfRejected)}
)
async def logout(oidc: CurrentProvider, db: CurrentDatabase, request: Request) -> Response:
    """End this session here and at the provider, if it has a page for that."""
    # A link on a foreign page must not sign anybody out; SameSite=Lax would let it.
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise CsrfRejected("signing out is allowed from pages of this server only")
    back_to = f"{_get_base_url(request)}/signin"
    id_token = None
    if cookie := session_token(request, web_services(request).settings):
        session = await web_services(request).authenticator.of_session(cookie)
        if session is not None and (session_id := session.credential_id) is not None:
            async with db.as_service() as conn, acting(conn, session.user_id):
                sealed = await oidc_queries.find_provider_tokens(conn, session_id)
                await session_queries.delete_session_by_token(conn, tokens.token_hash(cookie))
            kept = oidc.open_tokens(sealed, session_id) if sealed else None
            id_token = kept.id_token if kept else None
            auth_services(request).sign_ins.record_end(session.user_id, session_id)
    answer = _make_redirect(await oidc.end_session_url(back_to, id_token) or back_to)
    clear_session_cookie(answer, request)
    return answer


async def _open_session(oidc: Oidc, db: Database, vouched: Vouched, request: Request) -> NewSession:
    """Open a session. The code can be used once only, so a lost race is retried here, not by the route."""
    person = read_person(oidc.issuer, vouched.claims)
    for _ in range(3):
        try:
            async with db.as_service() as conn, acting(conn, None, "sign-in provider"):
                user_id = await find_or_create_user(conn, person, web_services(request).settings)
                session_id = uuid4()
                return await open_session(
                    conn,
                    user_id,
                    settings=web_services(request).settings,
                    by="oidc",
                    provider_tokens=oidc.seal_tokens(vouched.tokens, session_id),
                    session_id=session_id,
                    instead_of=session_token(request, web_services(request).settings),
                )
        except (LostRace, UniqueViolation):
            continue
    raise Unavailable("too many concurrent sign-ins")


# ---- answers


def _get_base_url(request: Request) -> str:
    """Return PUBLIC_URL, or without one the origin used by this browser, because its cookies belong to that."""
    settings = web_services(request).settings
    return settings.base_url if settings.public_url else str(request.base_url).removesuffix("/api/v1/").rstrip("/")


def _make_redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303, {"cache-control": "no-store"})


def _to_sign_in(code: str, next_path: str, reason: str = "") -> RedirectResponse:
    query = {"error": code}
    if reason:
        query["reason"] = reason
    if next_path != "/":
        query["next"] = next_path
    return _make_redirect(f"/signin?{urlencode(query)}")


def _get_cookie_prefix(request: Request) -> str:
    """Return the prefix. With https, `__Host-` cookies can only come from this host."""
    return "__Host-collab_oidc_" if is_secure(web_services(request).settings) else "collab_oidc_"


def _make_cookie_name(request: Request, state: str) -> str:
    """Make a name for each attempt, so that several tabs can sign in at once."""
    return _get_cookie_prefix(request) + state[:12]


def _delete_cookie(answer: Response, request: Request, name: str) -> None:
    answer.delete_cookie(
        name, path="/", secure=is_secure(web_services(request).settings), httponly=True, samesite="lax"
    )
