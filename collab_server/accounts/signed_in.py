"""The answer to whoever has just signed in: the account, the CSRF token, and the cookie beside it."""

from starlette.requests import Request
from starlette.responses import Response

from collab_server import crypto
from collab_server.accounts import features, models, queries
from collab_server.accounts.sessions import NewSession
from collab_server.web.cookies import set_session_cookie


def shown(user: queries.User) -> models.Account:
    return models.Account(
        id=user.id,
        email=user.email,
        email_verified=user.email_verified,
        username=user.username,
        display_name=user.display_name,
        avatar_url=user.avatar_url,
        bio=user.bio,
        role=user.role,
        is_active=user.is_active,
        features=features.effective(user.features),
        has_password=user.has_password,
        created_at=user.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login_at,
    )


def welcome(user: queries.User, session: NewSession, request: Request, response: Response) -> models.SignedIn:
    """Sets the cookie on `response`."""
    set_session_cookie(response, request, session)
    request.state.sign_ins.succeeded(session)
    response.headers["cache-control"] = "no-store"
    return models.SignedIn(user=shown(user), csrf_token=crypto.csrf_token(session.token), expires_at=session.expires_at)
