"""Routes of signing in with an OpenID Connect provider. Browsers come here: every answer sends them on.

What goes wrong ends at `/signin?error=<code>&next=<path>`, whose codes are listed at `callback`.
"""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from collab_server import crypto
from collab_server.accounts import oidc_queries, session_queries
from collab_server.accounts.oidc import ATTEMPT_SECONDS, Oidc, SignInRefused, Vouched, local_path
from collab_server.accounts.oidc_people import find_or_make_user, read_person
from collab_server.accounts.sessions import NewSession, open_session
from collab_server.backends.db import Database, UniqueViolation, acting
from collab_server.errors import CollabError, CsrfRejected, LostRace, NotFound, Unavailable
from collab_server.web.cookies import clear_session_cookie, is_secure, session_token, set_session_cookie
from collab_server.web.depends import CurrentDatabase
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

CALLBACK = "/api/v1/auth/oidc/callback"
MAX_ATTEMPTS = 5
"""Sign-ins on their way in one browser; with more the older ones are forgotten."""


async def _provider(request: Request) -> Oidc:
    oidc: Oidc | None = request.state.oidc
    if oidc is None or not oidc.client_id:
        raise NotFound("this server has no sign-in provider")
    return oidc


CurrentProvider = Annotated[Oidc, Depends(_provider)]
_SENT_ON: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the provider, back to the page, or to the sign-in page with an error"}
}


@router.get("/auth/oidc/login", status_code=303, tags=["auth"], responses={**_SENT_ON, **documented(NotFound)})
async def login(
    oidc: CurrentProvider,
    request: Request,
    next_path: Annotated[str, Query(alias="next", description="The page to end at, such as `/d/plan`.")] = "/",
) -> Response:
    """Go and sign in at the provider."""
    next_path = local_path(next_path)
    try:
        url, attempt = await oidc.begin(next_path, _base_url(request) + CALLBACK)
    except CollabError as error:
        return _to_sign_in(error.code, next_path)
    answer = _redirect(url)
    waiting = [name for name in request.cookies if name.startswith(_cookie_prefix(request))]
    for name in waiting if len(waiting) >= MAX_ATTEMPTS else ():
        _forget(answer, request, name)
    answer.set_cookie(
        _cookie_name(request, attempt.state),
        oidc.seal(attempt),
        max_age=int(ATTEMPT_SECONDS),
        path="/",
        secure=is_secure(request.state.settings),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/auth/oidc/callback", status_code=303, tags=["auth"], responses={**_SENT_ON, **documented(NotFound)})
async def callback(oidc: CurrentProvider, db: CurrentDatabase, request: Request) -> Response:
    """Where the provider sends the browser back to: signs in and goes to the page that `login` was given.

    Errors: `state_mismatch` (not this browser's sign-in, or too late: begin again), `access_denied`,
    `provider_refused`, `code_refused`, `invalid_id_token` (with `reason`), `email_missing`, `email_unverified`,
    `email_taken` (an account has this address and is not provably the same person's: sign in to it as before),
    `not_provisioned`, `deactivated`, `provider_unavailable`, `unavailable`.
    """
    query = dict(request.query_params)
    state = query.get("state", "")
    cookie, next_path = _cookie_name(request, state), "/"
    try:
        attempt = oidc.recall(request.cookies.get(cookie), state)
        next_path = attempt.next
        vouched = await oidc.finish(attempt, query)
        session = await _enter(oidc, db, vouched, request)
    except SignInRefused as refused:
        request.state.sign_ins.failed("provider")
        answer = _to_sign_in(refused.code, next_path, refused.reason)
    except CollabError as error:
        answer = _to_sign_in(error.code, next_path)
    else:
        answer = _redirect(next_path)
        set_session_cookie(answer, request, session)
        request.state.sign_ins.succeeded(session)
    if cookie in request.cookies:
        _forget(answer, request, cookie)
    return answer


@router.get(
    "/auth/oidc/logout", status_code=303, tags=["auth"], responses={**_SENT_ON, **documented(NotFound, CsrfRejected)}
)
async def logout(oidc: CurrentProvider, db: CurrentDatabase, request: Request) -> Response:
    """End this session here and, where the provider has a page for it, there."""
    # A link on a foreign page must not sign anybody out; SameSite=Lax would let it.
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise CsrfRejected("only pages of this server sign out")
    back_to = f"{_base_url(request)}/signin"
    id_token = None
    if cookie := session_token(request, request.state.settings):
        session = await request.state.authenticator.of_session(cookie)
        if session is not None:
            async with db.as_service() as conn, acting(conn, session.user_id):
                sealed = await oidc_queries.find_provider_tokens(conn, session.credential.id)
                await session_queries.delete_session_by_token(conn, crypto.token_hash(cookie))
            kept = oidc.open_tokens(sealed, session.credential.id) if sealed else None
            id_token = kept.id_token if kept else None
            request.state.sign_ins.ended(session.user_id, session.credential.id)
    answer = _redirect(await oidc.end_session_url(back_to, id_token) or back_to)
    clear_session_cookie(answer, request)
    return answer


async def _enter(oidc: Oidc, db: Database, vouched: Vouched, request: Request) -> NewSession:
    """A session for the person. The code is used up, so a lost race is run again here and not by the route."""
    person = read_person(oidc.issuer, vouched.claims)
    for _ in range(3):
        try:
            async with db.as_service() as conn, acting(conn, None, "sign-in provider"):
                user_id = await find_or_make_user(conn, person, request.state.settings)
                session_id = uuid4()
                return await open_session(
                    conn,
                    user_id,
                    settings=request.state.settings,
                    by="oidc",
                    provider_tokens=oidc.seal_tokens(vouched.tokens, session_id),
                    session_id=session_id,
                    instead_of=session_token(request, request.state.settings),
                )
        except (LostRace, UniqueViolation):
            continue
    raise Unavailable("others sign in at the same moment")


# ---- answers


def _base_url(request: Request) -> str:
    """PUBLIC_URL; without one, the name by which this browser reaches us: its cookies belong to that."""
    settings = request.state.settings
    return settings.base_url if settings.public_url else str(request.base_url).removesuffix("/api/v1/").rstrip("/")


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303, {"cache-control": "no-store"})


def _to_sign_in(code: str, next_path: str, reason: str = "") -> RedirectResponse:
    query = {"error": code}
    if reason:
        query["reason"] = reason
    if next_path != "/":
        query["next"] = next_path
    return _redirect(f"/signin?{urlencode(query)}")


def _cookie_prefix(request: Request) -> str:
    """With https, nobody but this very host can have set a `__Host-` cookie."""
    return "__Host-collab_oidc_" if is_secure(request.state.settings) else "collab_oidc_"


def _cookie_name(request: Request, state: str) -> str:
    """One for each attempt, so that several tabs can sign in at once."""
    return _cookie_prefix(request) + state[:12]


def _forget(answer: Response, request: Request, name: str) -> None:
    answer.delete_cookie(name, path="/", secure=is_secure(request.state.settings), httponly=True, samesite="lax")
